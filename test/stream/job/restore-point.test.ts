import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { highestEpochIn } from '../../../src/ha/stored-past.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { memoryStorage } from '../../../src/storage/index.ts';
import { writeManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import { noteSavepoint } from '../../../src/stream/job/noted-savepoints.ts';
import {
  restorablePoints,
  restoreCandidates,
  startPointUnreadable,
  unpublishedCandidates,
} from '../../../src/stream/job/restore-point.ts';
import { aManifest } from '../checkpoint/builders.ts';

const jobId = 'a'.repeat(32);
const ANOTHER = `${jobId.slice(1)}b`;

test('what may be restored later: savepoints, stored checkpoints without a handle, and handles to damaged or broken ones', async () => {
  const storage = memoryStorage({ clock: systemClock });
  const stored = (directory: string, checkpointId: number, epoch: number, takenBy = jobId) =>
    writeManifest(storage, directory, aManifest([], { jobId: takenBy, checkpointId, epoch }));
  await stored('savepoint-aaaaaa-first1', 7, 3);
  await stored('savepoint-aaaaaa-another', 8, 3, ANOTHER);
  await storage.write('savepoint-aaaaaa-damaged/_metadata', new Uint8Array([1]), { exclusive: true });
  await stored(`${jobId}/chk-9-3-aaaaaa`, 9, 3);
  await stored(`${ANOTHER}/chk-10-3-aaaaaa`, 10, 3, ANOTHER);
  await storage.write(`${jobId}/chk-11-4-aaaaaa/vertex-0.state`, new Uint8Array([1]), { exclusive: true });
  const found = await restorablePoints(
    { storage, jobId },
    {
      getAllCheckpoints: () => [{ checkpointId: 12, epoch: 4 } as never],
      getBrokenCheckpoints: () => [{ key: '', checkpointId: 13, cause: new Error('broken') }],
    },
  );
  const expected = [
    { checkpointId: 7, epoch: 3 },
    { checkpointId: 9, epoch: 3 },
    { checkpointId: 12, epoch: 4 },
    { checkpointId: 13 },
    { checkpointId: Number.POSITIVE_INFINITY },
  ];
  expect(found).toHaveLength(expected.length);
  expect(found).toEqual(expect.arrayContaining(expected));
});

test('a savepoint in a directory that somebody chose is found as well, while it is there', async () => {
  const storage = memoryStorage({ clock: systemClock });
  const [nightly, atTheRoot, failed] = [
    'nightly/x/savepoint-aaaaaa-first1',
    'savepoint-aaaaaa-second',
    'nightly/savepoint-aaaaaa-third1',
  ];
  for (const directory of [nightly, atTheRoot, failed]) await noteSavepoint(storage, jobId, directory!);
  await writeManifest(storage, nightly!, aManifest([], { jobId, checkpointId: 7, epoch: 3 }));
  await writeManifest(storage, atTheRoot!, aManifest([], { jobId, checkpointId: 8, epoch: 3 }));
  expect(await restorablePoints({ storage, jobId })).toEqual([
    { checkpointId: 8, epoch: 3 },
    { checkpointId: 7, epoch: 3 },
  ]);
  expect(await restorablePoints({ storage, jobId: ANOTHER })).toEqual([]);
  const candidates = await unpublishedCandidates(storage, jobId);
  expect(candidates.map(({ directory }) => directory)).toEqual([atTheRoot, nightly]);
  expect(await highestEpochIn(storage, jobId)).toBe(0);
});

test.each([
  ['/tmp/100%/a#b?c/savepoint-1/_metadata', pathToFileURL('/tmp/100%/a#b?c/savepoint-1').href],
  [`${pathToFileURL(join('/tmp', 'ü b')).href}/`, 'file:///tmp/%C3%BC%20b'],
])('a job starts from %s, whatever signs are in it', (restoreFrom, storageUri) => {
  expect(restoreCandidates([], 'file:///unused', restoreFrom)).toMatchObject([{ storageUri }]);
});

test('a start point that cannot be read is named, and not taken for a checkpoint of the job', () => {
  const [candidate] = restoreCandidates([], 'file:///unused', '/tmp/savepoint-1');
  const refused = startPointUnreadable(candidate!, new Error('the file does not exist.'));
  expect(refused).toMatchObject({ code: 'SUPPRESS_RESTARTS', cause: { code: 'RESTORE_IMPOSSIBLE' } });
  expect((refused.cause as Error).message).toContain(
    'the job is to start from file:///tmp/savepoint-1, which cannot be read',
  );
});
