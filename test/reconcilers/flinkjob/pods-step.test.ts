import { expect, test } from 'vitest';
import { openAttemptOf } from '../../../src/ha/index.ts';
import type { PodSeen } from '../../../src/reconcilers/flinkjob/facts.ts';
import { deletionOf, podsStep } from '../../../src/reconcilers/flinkjob/pods-step.ts';
import { aJob, anEnd, aPod, EVICTED, FAILED, type JobStory, T0 } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory, lost: readonly PodSeen[] = []) => {
  const open = openAttemptOf(story.ledger);
  if (open === undefined) throw new TypeError('no attempt is open');
  return podsStep(story.facts(), open, lost);
};

const opened = aJob().opened();
const freed = opened.sees({ leaseFreedOf: '1/' });
const leading = aPod({ index: 0 });

test('the first pod is made once the Lease is free', () => {
  expect(step(opened)).toEqual({ do: 'freeLease', attempt: 1, mark: '1/' });
  expect(step(freed)).toEqual({ do: 'makePods', attempt: 1, indexes: [0] });
});

test('children come before pods', () => {
  expect(step(freed.sees({ unmet: ['Role flights'] }))).toEqual({ do: 'makeChildren', names: ['Role flights'] });
});

test('pods of another attempt go before anything is made', () => {
  const stray = aPod({ attempt: 3 });
  const leaving = aPod({ attempt: 2, isDeleting: true });
  expect(step(freed.pods(stray, leaving))).toEqual({ do: 'deletePods', attempts: [3], pods: [stray] });
});

test('as many as stand by are made, under indexes that were never used', () => {
  const story = freed.spec({ highAvailability: { standbys: 2 } });
  expect(step(story)).toEqual({ do: 'makePods', attempt: 1, indexes: [0, 1, 2] });
  expect(step(story.pods(leading).sees({ highestIndex: 7 }))).toEqual({ do: 'makePods', attempt: 1, indexes: [8, 9] });
  expect(step(story.pods(leading, aPod({ index: 1 }), aPod({ index: 2 })))).toBeUndefined();
});

test('a pod that is on its way out is not counted', () => {
  expect(step(freed.pods(aPod({ isDeleting: true })))).toEqual({ do: 'makePods', attempt: 1, indexes: [1] });
});

test('the youngest of too many go, never who leads', () => {
  const [one, two] = [aPod({ index: 1 }), aPod({ index: 2 })];
  const story = opened.pods(leading, one, two);
  expect(step(story.led('flights-1-0'))).toEqual({ do: 'deletePods', attempts: [], pods: [two, one] });
  expect(step(story.led('flights-1-2'))).toEqual({ do: 'deletePods', attempts: [], pods: [one, leading] });
  expect(step(story.withCorruptHandles())).toMatchObject({ pods: [two, one] });
});

test('an invalid spec neither makes pods nor takes them away, but the one that there must be', () => {
  const story = freed.invalid();
  expect(step(story.pods(leading, aPod({ index: 1 })))).toBeUndefined();
  expect(step(story)).toEqual({ do: 'makePods', attempt: 1, indexes: [0] });
});

test('no pod is made of a revision that is not on record any more', () => {
  const story = freed.invalid().withoutRevision(freed.revision);
  expect(step(story)).toEqual({ do: 'rest', because: { reason: 'InvalidSpec' } });
});

const lost = (...ago: readonly number[]) => ago.map((ms, index) => aPod({ index, end: { ...EVICTED, at: T0 - ms } }));
const afterLosses = (pods: readonly PodSeen[]) =>
  step(opened.pods(...pods).sees({ leaseFreedOf: `1/${pods.map(({ uid }) => uid).join(',')}` }), pods);

test('each loss is looked at once for who holds the Lease', () => {
  const pods = lost(0);
  expect(step(freed.pods(...pods), pods)).toEqual({ do: 'freeLease', attempt: 1, mark: '1/uid-of-flights-1-0' });
});

test.each([
  ['one', [400], 600],
  ['two', [5_000, 400], 1_600],
  ['three', [9_000, 5_000, 0], 4_000],
  ['many', [90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 0], 60_000],
  ['one of late, others long ago', [700_000, 650_000, 0], 1_000],
] as const)('a pod that was lost is made again later and later: %s', (_how, ago, waitMs) => {
  expect(afterLosses(lost(...ago))).toEqual({ do: 'rest', untilMs: T0 + waitMs });
});

test('what was lost long ago is made again at once', () => {
  expect(afterLosses(lost(600_000))).toMatchObject({ do: 'makePods' });
  expect(afterLosses(lost(1_000))).toMatchObject({ do: 'makePods' });
});

test('pods go in one request where they are all of their attempts: what others said when they ended stays', () => {
  const [live, failed] = [aPod({ index: 1 }), aPod({ end: FAILED })];
  expect(deletionOf([live], [live])).toEqual({ do: 'deletePods', attempts: [1], pods: [live] });
  expect(deletionOf([live], [live, failed])).toEqual({ do: 'deletePods', attempts: [], pods: [live] });
  const other = aPod({ attempt: 2, end: anEnd({ exitCode: 1 }) });
  expect(deletionOf([live], [live, other])).toEqual({ do: 'deletePods', attempts: [1], pods: [live] });
});
