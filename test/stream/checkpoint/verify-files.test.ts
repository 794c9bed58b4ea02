import { expect, test } from 'vitest';
import { damagedFiles } from '../../../src/stream/checkpoint/verify-files.ts';
import { aJob, aList, anOperatorCapture, aStorage, aVertex, takeCheckpoint } from './builders.ts';

async function aCheckpoint() {
  const storage = aStorage();
  const manifest = await takeCheckpoint(storage, 'd', aJob(aVertex(['source'])), () => [
    anOperatorCapture('source', { operatorState: [aList('offsets', 'SPLIT_DISTRIBUTE', 'abc')] }),
  ]);
  const [first, second] = manifest.files;
  return { storage, manifest, first: `d/${first?.path}`, second: `d/${second?.path}` };
}

const OTHER = new Uint8Array(3);

test('a whole checkpoint has no damaged files, however closely it is looked at', async () => {
  const { storage, manifest } = await aCheckpoint();
  expect(await damagedFiles(storage, 'd', manifest, 'size')).toEqual([]);
  expect(await damagedFiles(storage, 'd', manifest, 'sha256')).toEqual([]);
});

test('missing and shortened files are found by size alone, each once', async () => {
  const { storage, manifest, first, second } = await aCheckpoint();
  await storage.delete(first);
  await storage.delete(second);
  await storage.write(second, OTHER, { exclusive: true });
  for (const depth of ['size', 'sha256'] as const) {
    expect(await damagedFiles(storage, 'd', manifest, depth)).toEqual([
      { path: first.slice(2), problem: expect.stringMatching(/^expected \d+ bytes, found no such file$/) },
      { path: second.slice(2), problem: expect.stringMatching(/^expected \d+ bytes, found 3$/) },
    ]);
  }
});

test('a flipped bit is found by its hash, not by its size', async () => {
  const { storage, manifest, first } = await aCheckpoint();
  const bytes = Uint8Array.from((await storage.read(first)) ?? []);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  await storage.delete(first);
  await storage.write(first, bytes, { exclusive: true });
  expect(await damagedFiles(storage, 'd', manifest, 'size')).toEqual([]);
  expect(await damagedFiles(storage, 'd', manifest, 'sha256')).toEqual([
    { path: first.slice(2), problem: expect.stringMatching(/^expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}$/) },
  ]);
});
