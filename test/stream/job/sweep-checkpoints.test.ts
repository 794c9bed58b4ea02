import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { memoryStorage } from '../../../src/storage/index.ts';
import { unpublishedCandidates } from '../../../src/stream/job/restore-point.ts';
import { discardUnpublished, sweepCheckpoints } from '../../../src/stream/job/sweep-checkpoints.ts';

const jobId = 'a'.repeat(32);
const bytes = new Uint8Array([1]);

async function storageWith(...directories: string[]) {
  const storage = memoryStorage({ clock: systemClock });
  for (const directory of directories) {
    await storage.write(`${directory}/vertex-0.state`, bytes, { exclusive: true });
    await storage.write(`${directory}/_metadata`, bytes, { exclusive: true });
  }
  return storage;
}

const storeOf = (...locations: string[]) => ({
  getAllCheckpoints: () => locations.map((location) => ({ location })) as never,
});

test('directories of earlier epochs that nothing points to go, all others stay', async () => {
  const [stale, kept, own, later] = ['chk-1-2-aaaaaa', 'chk-2-2-bbbbbb', 'chk-3-4-cccccc', 'chk-4-5-dddddd'].map(
    (name) => `${jobId}/${name}`,
  ) as [string, string, string, string];
  const savepoint = 'savepoint-aaaaaa-eeeeee';
  const storage = await storageWith(stale, kept, own, later, savepoint);
  expect(await sweepCheckpoints(storage, { jobId, epoch: 4 }, storeOf(kept))).toBe(1);
  const left = new Set((await storage.list('')).map((path) => path.slice(0, path.lastIndexOf('/'))));
  expect([...left].sort()).toEqual([kept, own, later, savepoint].sort());
});

const directoriesIn = async (storage: Awaited<ReturnType<typeof storageWith>>) =>
  [...new Set((await storage.list('')).map((path) => path.slice(0, path.lastIndexOf('/'))))].sort();

test('what was never published goes before an attempt begins, while another checkpoint is', async () => {
  const [published, unpublished] = [`${jobId}/chk-1-2-aaaaaa`, `${jobId}/chk-2-2-bbbbbb`];
  const storage = await storageWith(published, unpublished);
  const store = { ...storeOf(published), getBrokenCheckpoints: () => [] };
  await discardUnpublished(storage, { jobId, epoch: 4 }, store);
  expect(await directoriesIn(storage)).toEqual([published]);
});

test('what was never published stays while nothing is, and while nobody knows what an entry means', async () => {
  const [published, unpublished] = [`${jobId}/chk-1-2-aaaaaa`, `${jobId}/chk-2-2-bbbbbb`];
  const storage = await storageWith(published, unpublished);
  const broken = [{ checkpointId: 2 }] as never;
  await discardUnpublished(storage, { jobId, epoch: 4 }, { ...storeOf(), getBrokenCheckpoints: () => [] });
  await discardUnpublished(storage, { jobId, epoch: 4 }, { ...storeOf(published), getBrokenCheckpoints: () => broken });
  expect(await directoriesIn(storage)).toEqual([published, unpublished]);
});

test('whole checkpoints without handles are found newest first, by epoch and then by id', async () => {
  const storage = await storageWith(`${jobId}/chk-9-2-aaaaaa`, `${jobId}/chk-3-4-bbbbbb`, `${jobId}/chk-5-4-cccccc`);
  await storage.write(`${jobId}/chk-6-4-dddddd/vertex-0.state`, bytes, { exclusive: true });
  const found = await unpublishedCandidates(storage, jobId);
  expect(found.map(({ directory }) => directory)).toEqual([
    `${jobId}/chk-5-4-cccccc`,
    `${jobId}/chk-3-4-bbbbbb`,
    `${jobId}/chk-9-2-aaaaaa`,
  ]);
});
