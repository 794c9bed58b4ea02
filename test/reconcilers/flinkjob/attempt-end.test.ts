import { expect, test } from 'vitest';
import { openAttemptOf, recordCrash, reportFailure } from '../../../src/ha/index.ts';
import { attemptPods, endsByItselfUntil } from '../../../src/reconcilers/flinkjob/attempt-end.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import {
  aJob,
  anEnd,
  aPod,
  aRecord,
  EVICTED,
  FAILED,
  FINISHED,
  type JobStory,
  KILLED,
  STOPPED_WITH_SAVEPOINT,
  T0,
} from '../../builders/flinkjob-facts.ts';

const pods = (story: JobStory) => {
  const open = openAttemptOf(story.ledger);
  if (open === undefined) throw new TypeError('no attempt is open');
  return attemptPods(story.facts(), open);
};

/** A pod that leads, and one that stands by. */
const leader = aPod({ index: 0 });
const standby = aPod({ index: 1 });
const running = aJob().running();
const dead = aPod({ index: 0, end: KILLED });

test('an attempt whose pods live goes on', () => {
  expect(pods(running)).toEqual({ is: 'running', lost: [] });
});

test.each([
  ['it finished', FINISHED],
  ['it stopped with a savepoint', STOPPED_WITH_SAVEPOINT],
  ['it failed', FAILED],
  ['it is not to be restarted', anEnd({ exitCode: 11 })],
  ['it is invalid', anEnd({ exitCode: 13, record: aRecord('invalid') })],
] as const)('what one pod says of the job ends the attempt for all of them: %s', (_what, end) => {
  const said = aPod({ index: 1, end });
  expect(pods(running.pods(leader, said))).toMatchObject({ is: 'ended', pod: said });
});

test.each([
  ['it lost the leadership', anEnd({ exitCode: 12, record: aRecord('lostLeadership') })],
  ['it was stopped', anEnd({ exitCode: 14, record: aRecord('stopped') })],
  ['it was evicted', EVICTED],
  ['it was deleted while it failed', { ...FAILED, takenFromOutside: true }],
] as const)('a pod that was lost ends nothing: %s', (_what, end) => {
  const lost = aPod({ end });
  expect(pods(running.pods(lost))).toEqual({ is: 'running', lost: [lost] });
});

test('a record of another attempt says nothing of this one, and a crash of who never led neither', () => {
  const end = anEnd({ exitCode: 0, record: aRecord('finished', { attempt: 9 }) });
  expect(pods(running.pods(leader, aPod({ index: 1, end })))).toMatchObject({ is: 'running' });
});

test('pods of another attempt say nothing of this one', () => {
  expect(pods(running.pods(leader, aPod({ attempt: 9, end: FAILED })))).toEqual({ is: 'running', lost: [] });
});

test('what the leader wrote to the ledger before it went ends the attempt, also when its pod is gone', () => {
  const reported = running.noted((ledger) =>
    reportFailure(ledger, 1, { at: T0, epoch: 2, cause: 'the map threw', suppressRestarts: true }),
  );
  expect(pods(reported.pods())).toMatchObject({
    is: 'ended',
    pod: undefined,
    end: { reported: { cause: 'the map threw' } },
  });
  expect(pods(reported.pods(aPod({ end: KILLED })))).toMatchObject({ is: 'ended', pod: undefined });
  const said = aPod({ end: FAILED });
  expect(pods(reported.pods(said))).toMatchObject({
    is: 'ended',
    pod: said,
    end: { reported: { suppressRestarts: true } },
  });
});

test('a leader that crashed ends the attempt where nobody stands by', () => {
  expect(pods(running.pods(dead))).toMatchObject({ is: 'ended', pod: dead });
});

test('a leader that crashed is followed by who stands by, from a checkpoint of its own epoch', () => {
  expect(pods(running.pods(dead, standby))).toMatchObject({ is: 'leaderCrashed', pod: dead });
});

test('a leader that crashed before its first checkpoint ends the attempt: another one would crash as well', () => {
  expect(pods(running.checkpointed(1).pods(dead, standby))).toMatchObject({ is: 'ended', pod: dead });
});

test('a crash is counted once', () => {
  const entry = { time: T0, cause: 'killed', isNew: true, delayMs: 0, nextAt: T0, counters: null, pod: dead.uid };
  const counted = running.noted((ledger) => recordCrash(ledger, entry)).pods(dead, standby);
  expect(pods(counted)).toEqual({ is: 'running', lost: [dead] });
});

test('a crash is counted also when another one leads by now: status knows who led', () => {
  const story = running.pods(dead, standby).led('flights-1-1');
  expect(pods(story)).toEqual({ is: 'running', lost: [dead] });
  const known = story.status({ attempt: { number: 1, leader: 'flights-1-0', epoch: 2 } });
  expect(pods(known)).toMatchObject({ is: 'leaderCrashed', pod: dead });
  const unknown = story.status({ attempt: { number: 1, leader: 'flights-1-0' } });
  expect(pods(unknown)).toMatchObject({ is: 'ended', pod: dead });
});

test('without pointers a crash is known by status alone, and has no checkpoint to go on from', () => {
  const story = running.pods(dead, standby).status({ attempt: { number: 1, leader: 'flights-1-0', epoch: 2 } });
  const open = openAttemptOf(running.ledger);
  if (open === undefined) throw new TypeError('no attempt is open');
  expect(attemptPods(story.withoutHandles().facts(), open)).toMatchObject({ is: 'ended', pod: dead });
});

test('the oldest end is told first', () => {
  const [first, second] = [aPod({ index: 1, end: { ...EVICTED, at: T0 - 5 } }), aPod({ index: 0, end: EVICTED })];
  expect(pods(running.pods(second, first))).toEqual({ is: 'running', lost: [first, second] });
});

test('who has reported a failure is left to end by itself for a moment, so that its log can be read', () => {
  const reported = running.noted((ledger) => reportFailure(ledger, 1, { at: T0, epoch: 2, cause: 'the map threw' }));
  const until = (story: JobStory) => {
    const open = openAttemptOf(story.ledger);
    return open === undefined ? undefined : endsByItselfUntil(story.facts(), open);
  };
  expect(until(running)).toBeUndefined();
  expect(until(reported)).toBe(T0 + 3_000);
  expect(nextStep(reported.facts())).toEqual({ do: 'rest', untilMs: T0 + 3_000 });
  expect(nextStep(reported.after(3_000).facts())).toMatchObject({ do: 'writeLedger' });
  // It has ended, or is on its way out, or another clock is far off.
  expect(until(reported.pods(aPod({ end: FAILED })))).toBeUndefined();
  expect(until(reported.pods(aPod({ isDeleting: true })))).toBeUndefined();
  expect(until(reported.after(-60_000))).toBeUndefined();
});
