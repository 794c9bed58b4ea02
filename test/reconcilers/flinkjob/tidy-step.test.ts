import { expect, test } from 'vitest';
import { closeAttempt, giveUp, jobResultKey, type LedgerView } from '../../../src/ha/index.ts';
import { POD_DISRUPTION_BUDGETS } from '../../../src/kube/index.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { tidyEndedStep, tidyStep } from '../../../src/reconcilers/flinkjob/tidy-step.ts';
import { aJob, aPod, EVICTED, FAILED, FINISHED, JOB_ID, type JobStory } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory) => tidyStep(story.facts(), story.ledger);
const failedPod = (attempt: number, index = 0) => aPod({ attempt, index, end: FAILED });
const next = (story: JobStory): JobStory =>
  story.noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'asked' })).opened();
const first = aJob().running();
const third = next(next(first));

test('pods that ended stay for their logs: those of the attempt that runs and of the one before it', () => {
  const [one, two, three] = [failedPod(1), failedPod(2), failedPod(3)];
  expect(step(third.pods(two, three))).toBeUndefined();
  expect(step(third.pods(one, two, three))).toEqual({ do: 'deletePods', attempts: [], pods: [one] });
});

test('until the next attempt is open, the last two are kept', () => {
  const waiting = next(first).noted((ledger, at) => closeAttempt(ledger, { how: 'finished', at, cause: 'done' }));
  expect(step(waiting.pods(failedPod(1), failedPod(2)))).toBeUndefined();
});

test('of an attempt that loses its pods again and again the newest are kept', () => {
  const lost = Array.from({ length: 10 }, (_, index) => aPod({ index, end: EVICTED }));
  expect(step(first.pods(...lost))).toEqual({ do: 'deletePods', attempts: [], pods: lost.slice(0, 2) });
});

test('pods that live, or go already, are not touched, and a ledger without attempts asks for nothing', () => {
  expect(step(third.pods(aPod({ attempt: 1 }), { ...failedPod(1), isDeleting: true }))).toBeUndefined();
  expect(step(aJob().withHandles())).toBeUndefined();
});

/** Each spec was on record before the next one came. */
const withRevisions = (count: number): JobStory =>
  Array.from({ length: count }, (_, at) => at).reduce(
    (story, at) => story.spec({ args: [`${at}`] }),
    aJob({ revisionHistoryLimit: 2 }).running(),
  );

test('revisions beyond the limit go, oldest first, but none that anything refers to', () => {
  const story = withRevisions(4);
  const [inUse = '', one = '', two = '', three = '', newest = ''] = story.facts().revisions.keys();
  expect(step(story)).toEqual({ do: 'deleteRevisions', names: [one, two, three] });
  expect(step(story.stable(two).rolledBack(three))).toEqual({ do: 'deleteRevisions', names: [one] });
  expect([inUse, newest]).toEqual([story.ledger.attempts[0]?.revision, story.revision]);
});

test('by an invalid spec no revision goes', () => {
  expect(step(withRevisions(4).invalid())).toBeUndefined();
  expect(step(withRevisions(1))).toBeUndefined();
});

test('a job that runs is tidied, and then rests', () => {
  const [one, leader] = [failedPod(1), aPod({ attempt: 3 })];
  const story = third.running();
  expect(nextStep(story.pods(one, leader).facts())).toMatchObject({ do: 'deletePods', pods: [one] });
});

const viewOf = (story: JobStory, result?: string): LedgerView => {
  const { handles } = story.facts();
  if (handles.is !== 'there') throw new TypeError('it has no pointers');
  if (result === undefined) return handles.view;
  const { snapshot } = handles.view;
  return {
    ...handles.view,
    snapshot: { ...snapshot, entries: new Map([...snapshot.entries, [jobResultKey(JOB_ID), result]]) },
  };
};
const cancelled = JSON.stringify({
  version: 1,
  dirty: false,
  result: { id: JOB_ID, 'application-status': 'CANCELED' },
});
const succeeded = (spec = {}) =>
  aJob(spec)
    .running()
    .noted((ledger, at) => closeAttempt(ledger, { how: 'finished', at, cause: 'done' }))
    .pods(aPod({ end: FINISHED }));
const given = (spec = {}) =>
  aJob(spec)
    .running()
    .noted((ledger, at) => giveUp(closeAttempt(ledger, { how: 'failed', at, cause: 'no' }), { at, reason: 'no' }))
    .pods(failedPod(1));
const policy = (cleanupPolicy: object) => ({ cleanupPolicy });

test.each([
  ['has finished', succeeded(), undefined],
  ['was cancelled', succeeded(policy({ afterJobSucceeds: 'KeepCluster' })), cancelled],
  ['was given up, where that is asked for', given(policy({ afterJobFails: 'DeleteCluster' })), undefined],
])('the pods of a job that %s go, in one request', (_what, story, result) => {
  const { pods } = story.facts();
  expect(tidyEndedStep(story.facts(), viewOf(story, result))).toEqual({ do: 'deletePods', attempts: [1], pods });
  expect(tidyEndedStep(story.pods().facts(), viewOf(story, result))).toBeUndefined();
});

test.each([
  ['was given up', given(), undefined],
  ['has finished, where that is asked for', succeeded(policy({ afterJobSucceeds: 'KeepCluster' })), undefined],
  ['has finished, and has no TaskManagers', succeeded(policy({ afterJobSucceeds: 'DeleteTaskManager' })), undefined],
  ['was cancelled, where that is asked for', succeeded(policy({ afterJobCancelled: 'KeepCluster' })), cancelled],
  ['has finished, by a spec that cannot be read', succeeded().invalid(), undefined],
])('the pods of a job that %s stay for their logs', (_what, story, result) => {
  expect(tidyEndedStep(story.facts(), viewOf(story, result))).toBeUndefined();
});

test('what says how the job ended and cannot be read says nothing', () => {
  const story = succeeded(policy({ afterJobSucceeds: 'KeepCluster' }));
  for (const broken of ['{', '{}']) expect(tidyEndedStep(story.facts(), viewOf(story, broken))).toBeUndefined();
});

test('objects that the job has no use for go last', () => {
  const budget = { name: 'PodDisruptionBudget flights-pods', kind: POD_DISRUPTION_BUDGETS, uid: 'b' };
  const surplus = [{ ...budget, ref: { namespace: 'default', name: 'flights-pods' } }];
  expect(step(third.sees({ surplus }))).toEqual({ do: 'deleteChildren', children: surplus });
  expect(step(third.pods(failedPod(1)).sees({ surplus }))).toMatchObject({ do: 'deletePods' });
});
