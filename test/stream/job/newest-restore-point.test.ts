import { expect, test } from 'vitest';
import type { CompletedCheckpoint } from '../../../src/ha/index.ts';
import { writeManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import { newestRestorePoint } from '../../../src/stream/job/newest-restore-point.ts';
import { aManifest, anOperatorState, aStorage } from '../checkpoint/builders.ts';

const storage = aStorage();
const at = async (location: string, uid: string): Promise<CompletedCheckpoint> => {
  const manifest = aManifest([anOperatorState(uid)], { kind: 'checkpoint' });
  const metadataSha256 = (await writeManifest(storage, location, manifest)).sha256;
  return { location, metadataSha256, checkpointId: Number(location.slice(-1)) } as CompletedCheckpoint;
};
const pointOf = (...newest: (CompletedCheckpoint | undefined)[]) =>
  newestRestorePoint({
    storage,
    storageUri: 's3://bucket/jobs/',
    checkpointStore: { getLatestCheckpoint: () => (newest.length > 1 ? newest.shift() : newest[0]) },
  });

test('the newest checkpoint is told in outline, with its place', async () => {
  const point = await pointOf(await at('chk-1', 'sums'));
  expect(point).toMatchObject({ kind: 'checkpoint', location: 's3://bucket/jobs/chk-1' });
  expect(point?.operators.map(({ uid }) => uid)).toEqual(['sums']);
  expect(JSON.stringify(point)).not.toContain('sha256');
});

test('without one there is nothing to tell', async () => {
  expect(await pointOf(undefined)).toBeUndefined();
});

test('one that goes while it is read gives way to the next', async () => {
  const gone = { ...(await at('chk-2', 'sums')), location: 'chk-gone' };
  const next = await at('chk-3', 'counts');
  expect((await pointOf(gone, next))?.operators.map(({ uid }) => uid)).toEqual(['counts']);
});

test('one that stays and cannot be read is an error', async () => {
  await expect(pointOf({ ...(await at('chk-4', 'sums')), location: 'chk-gone' })).rejects.toThrow('chk-gone');
});
