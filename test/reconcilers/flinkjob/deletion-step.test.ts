import { expect, test } from 'vitest';
import { deletionStep, isToBeLeft } from '../../../src/reconcilers/flinkjob/deletion-step.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { aJob, aPod, FAILED, type JobStory, STOPPED_WITH_SAVEPOINT, T0 } from '../../builders/flinkjob-facts.ts';

const ID = 'f'.repeat(32);
const TIMEOUT_MS = 120_000;
const step = (story: JobStory) => deletionStep(story.facts());
const spec = (mode: string) => ({ deletion: { mode } });
const closed = (story: JobStory) => story.did(deletionStep(story.facts()));

const running = aJob().running();
const deleted = running.deleted();
const cancelled = aJob(spec('Cancel')).running().deleted();
const orphaned = aJob(spec('Orphan')).running().deleted();
const leaving = aPod({ isDeleting: true, goneBy: T0 + 40_000 });
const removed = { do: 'deleteHandles', uid: 'uid-of-the-handles' };

test('deletion is what counts, whatever else is wanted', () => {
  expect(nextStep(deleted.facts())).toEqual(step(deleted));
});

test('without our finalizer there is nothing to do', () => {
  expect(step(deleted.object({ hasFinalizer: false }))).toEqual({ do: 'rest' });
});

test('a job that runs is stopped with a savepoint first', () => {
  expect(step(deleted)).toMatchObject({ do: 'writeLedger', why: 'stop with savepoint: delete' });
  expect(step(deleted.stopping('delete'))).toEqual({ do: 'stopWithSavepoint', triggerId: ID });
});

test('before a savepoint is begun it is found out once whether the namespace goes too: then it is not begun', () => {
  const unknown = deleted.sees({ isNamespaceTerminating: undefined });
  expect(step(unknown)).toEqual({ do: 'probeNamespace' });
  expect(step(deleted.stopping('delete').sees({ isNamespaceTerminating: undefined }))).toMatchObject({
    do: 'stopWithSavepoint',
  });
  expect(step(cancelled.sees({ isNamespaceTerminating: undefined }))).toMatchObject({ do: 'deletePods' });
});

test.each([
  ['its namespace goes too', deleted.sees({ isNamespaceTerminating: true })],
  ['mode Cancel', cancelled],
  ['it does not run', deleted.answers({ tasksRunning: 0 })],
  ['no attempt is open', closed(orphaned).sees({})],
  [
    'its pods have ended of the savepoint',
    deleted.stopping('delete').pods(aPod({ end: STOPPED_WITH_SAVEPOINT }), aPod({ index: 1 })),
  ],
  ['the savepoint failed', deleted.stopping('delete').operation(ID, { is: 'failed', cause: 'no' })],
  ['the spec is invalid', deleted.invalid()],
  ['its pointers cannot be read', deleted.withCorruptHandles()],
  ['its time is up', deleted.after(TIMEOUT_MS)],
  ['it is forced', running.deleted({ forced: true })],
] as const)('pods go at once where no savepoint is to be had: %s', (_why, story) => {
  expect(step(story)).toMatchObject({ do: 'deletePods' });
});

test('a job without pods has no savepoint either', () => {
  expect(step(deleted.pods())).toEqual(removed);
  expect(step(aJob().recorded().deleted())).toMatchObject({ do: 'removeFinalizer' });
});

test('a job that does not answer just now is waited for, never beyond the deadline', () => {
  expect(step(deleted.silent())).toEqual({ do: 'rest', untilMs: T0 + 30_000 });
  const short = aJob({ deletion: { timeout: '10s' } })
    .running()
    .deleted();
  expect(step(short.silent())).toEqual({ do: 'rest', untilMs: T0 + 10_000 });
  const saving = short.after(4_000).stopping('delete').operation(ID, { is: 'inProgress' });
  expect(step(saving)).toEqual({ do: 'rest', untilMs: T0 + 10_000 });
});

test('pods are asked to go, and waited for until the deadline', () => {
  expect(step(cancelled)).toEqual({ do: 'deletePods', attempts: [1], pods: [aPod()] });
  expect(step(cancelled.pods(leaving))).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS });
  expect(step(cancelled.pods(leaving).after(60_000))).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS });
});

test('past the deadline pods are forced, also where they would have gone later by themselves', () => {
  const story = cancelled.after(TIMEOUT_MS);
  const pods = [leaving, aPod({ index: 1, isDeleting: true, goneBy: T0 + 3_600_000 })];
  expect(step(story.pods(...pods))).toEqual({ do: 'forcePods', pods });
});

test('pods that somebody else holds do not hold the job', () => {
  const story = cancelled.after(TIMEOUT_MS).pods({ ...leaving, isForced: true });
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS + 30_000 });
  expect(step(story.after(30_000))).toEqual(removed);
});

test('the pointers go when the pods are gone, then the finalizer', () => {
  const story = cancelled.pods();
  expect(step(story)).toEqual(removed);
  expect(step(story.withoutHandles())).toEqual({
    do: 'removeFinalizer',
    say: [{ type: 'Normal', reason: 'Cleanup', note: 'The job is removed.' }],
  });
});

test('pointers that cannot be read go as well', () => {
  expect(step(cancelled.withCorruptHandles().pods())).toEqual({ do: 'deleteHandles', uid: '' });
});

test('an orphan is left closed, so that none of its processes can write, and keeps its pointers', () => {
  expect(step(orphaned)).toMatchObject({ do: 'writeLedger', why: 'close the attempt: the FlinkJob was deleted' });
  const story = closed(orphaned);
  expect(step(story)).toMatchObject({ do: 'deletePods' });
  expect(step(story.pods())).toMatchObject({
    do: 'removeFinalizer',
    say: [{ note: 'The job is removed. Its pointers stay for a job of the same name.' }],
  });
});

test('an orphan keeps its pointers also when its spec is not valid', () => {
  const story = orphaned.invalid();
  expect(step(story)).toMatchObject({ do: 'writeLedger', why: 'close the attempt: the FlinkJob was deleted' });
  expect(step(closed(story).pods())).toMatchObject({ do: 'removeFinalizer' });
});

test('an orphan whose time is up keeps its pointers all the same', () => {
  const story = closed(orphaned.after(TIMEOUT_MS)).pods();
  expect(step(story)).toMatchObject({ do: 'removeFinalizer', say: [{ reason: 'CleanupFailed' }] });
});

test('what the server refuses for long once the time is up is left, and the job goes', () => {
  const failing = { failingSince: T0 };
  const late = cancelled.after(TIMEOUT_MS).sees(failing);
  const asked = step(late);
  expect(asked).toMatchObject({ do: 'deletePods' });
  expect(isToBeLeft(asked, late.facts())).toBe(true);
  const left = (...refused: readonly string[]) => step(late.sees({ ...failing, refused: new Set(refused) }));
  expect(left('deletePods')).toEqual(removed);
  const note =
    'Removed by force: its time was up. Its pods could not be removed. ConfigMap flights-ha could not be removed: delete it by hand.';
  const say = [expect.objectContaining({ reason: 'CleanupFailed', note: expect.stringContaining(note) })];
  expect(left('deletePods', 'deleteHandles')).toEqual({ do: 'removeFinalizer', say });
});

test('an orphan that cannot be closed goes all the same when its time is up', () => {
  const late = orphaned.deleted({ forced: true }).after(30_000).sees({ failingSince: T0 });
  expect(isToBeLeft(step(late), late.facts())).toBe(true);
  const left = late.pods().sees({ failingSince: T0, refused: new Set(['writeLedger']) });
  const note = expect.stringContaining('could not be changed') as string;
  expect(step(left)).toMatchObject({ do: 'removeFinalizer', say: [{ note }] });
});

test.each([
  ['the time is not up', cancelled.after(60_000).sees({ failingSince: T0 })],
  ['nothing has failed before', cancelled.after(TIMEOUT_MS)],
  ['it fails only since a moment ago', cancelled.after(TIMEOUT_MS).sees({ failingSince: T0 + TIMEOUT_MS - 1_000 })],
  ['what failed before was not the deletion', running.deleted({ forced: true }).sees({ failingSince: T0 - 60_000 })],
  ['it is not deleted', running.after(TIMEOUT_MS).sees({ failingSince: T0 })],
] as const)('a step that failed is tried again where %s', (_, story) => {
  expect(isToBeLeft(step(story), story.facts())).toBe(false);
});

test('nobody but the server takes the finalizer off', () => {
  const late = cancelled.pods().withoutHandles().after(TIMEOUT_MS).sees({ failingSince: T0 });
  expect(step(late).do).toBe('removeFinalizer');
  expect(isToBeLeft(step(late), late.facts())).toBe(false);
});

test('the last Event says where the newest state lies', () => {
  const story = cancelled.pods().withoutHandles();
  const note = expect.stringContaining('lies at s3://bucket/a.') as string;
  expect(step(story.sees({ newestPoint: 's3://bucket/a' }))).toMatchObject({ say: [{ note }] });
  const latest = { id: 1, uri: 's3://bucket/a' };
  expect(step(story.status({ checkpoint: { latest } }))).toMatchObject({ say: [{ note }] });
  const late = story.after(TIMEOUT_MS).sees({ newestPoint: 's3://bucket/a' });
  expect(step(late)).toMatchObject({ say: [{ type: 'Warning', reason: 'CleanupFailed', note }] });
});

test('a job whose spec cannot be read has two minutes', () => {
  const story = deleted.invalid().pods(leaving);
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + 120_000 });
  expect(step(story.after(120_000))).toMatchObject({ do: 'forcePods' });
  expect(step(deleted.invalid().pods())).toEqual(removed);
  expect(step(deleted.invalid().pods().withoutHandles())).toMatchObject({ do: 'removeFinalizer' });
});

test('pods that ended go as well', () => {
  const failed = aPod({ end: FAILED });
  expect(step(cancelled.pods(failed))).toEqual({ do: 'deletePods', attempts: [1], pods: [failed] });
});
