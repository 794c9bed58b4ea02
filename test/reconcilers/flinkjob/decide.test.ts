import { expect, test } from 'vitest';
import { closeAttempt, EMPTY_LEDGER, giveUp, type Ledger, openAttempt, recordFailure } from '../../../src/ha/index.ts';
import { decide, type JobFacts } from '../../../src/reconcilers/index.ts';
import type { RestartStrategy } from '../../../src/restart/index.ts';

const t0 = 1_000_000;
const threeTries: RestartStrategy = { type: 'fixedDelay', attempts: 3, delayMs: 10_000 };

const facts = (changes: Partial<JobFacts>): JobFacts => ({
  ledger: EMPTY_LEDGER,
  wanted: 'Running',
  strategy: threeTries,
  execution: { is: 'absent' },
  now: t0,
  random: () => 0.5,
  ...changes,
});
const opened = openAttempt(EMPTY_LEDGER, { at: t0, epoch: 1 });
const ended = (how: { exitCode?: number; signal?: string }) => ({
  is: 'ended' as const,
  end: {
    attempt: 1,
    takenFromOutside: false,
    reported: undefined,
    termination: undefined,
    exitCode: how.exitCode,
    signal: how.signal,
  },
});

/** A ledger whose newest attempt failed, with a restart due 10 s later. */
function failed(): Ledger {
  const decision = decide(facts({ ledger: opened, execution: ended({ exitCode: 10 }) }));
  if (decision.do !== 'closeFailed') throw new Error(decision.do);
  const closed = closeAttempt(opened, { how: 'failed', at: t0, cause: decision.cause });
  const { isNew, delayMs, atMs, counters } = decision.restart;
  return recordFailure(closed, {
    time: t0,
    cause: decision.cause,
    isNew,
    delayMs,
    nextAt: atMs,
    counters: counters as never,
  });
}

test('a job that was never started opens attempt 1', () => {
  expect(decide(facts({}))).toEqual({ do: 'openAttempt', number: 1 });
});

test('an open attempt without an execution gets one, one that has it is watched', () => {
  expect(decide(facts({ ledger: opened }))).toEqual({ do: 'startExecution', attempt: 1 });
  expect(decide(facts({ ledger: opened, execution: { is: 'present' } }))).toEqual({ do: 'watch', attempt: 1 });
});

test('a failure waits for the delay of the strategy, then opens the next attempt', () => {
  const ledger = failed();
  expect(decide(facts({ ledger, now: t0 + 9_999 }))).toMatchObject({ do: 'wait', untilMs: t0 + 10_000 });
  expect(decide(facts({ ledger, now: t0 + 10_000 }))).toEqual({ do: 'openAttempt', number: 2 });
});

test('a clock that was set back does not stretch the wait', () => {
  expect(decide(facts({ ledger: failed(), now: t0 - 3_600_000 }))).toMatchObject({
    do: 'wait',
    untilMs: t0 - 3_590_000,
  });
});

test('whoever was away decides the same as one that was not', () => {
  const ledger = JSON.parse(JSON.stringify(failed())) as Ledger;
  expect(decide(facts({ ledger, now: t0 + 60_000 }))).toEqual({ do: 'openAttempt', number: 2 });
});

test('a lost process is made again within its attempt and counts for nothing', () => {
  expect(decide(facts({ ledger: opened, execution: ended({ exitCode: 12 }) }))).toMatchObject({
    do: 'replaceExecution',
    attempt: 1,
  });
});

test('a crash counts as one failure', () => {
  expect(decide(facts({ ledger: opened, execution: ended({ signal: 'SIGKILL' }) }))).toMatchObject({
    do: 'closeFailed',
    how: 'crashed',
  });
});

test('a failure that no restart can mend is given up at once', () => {
  expect(decide(facts({ ledger: opened, execution: ended({ exitCode: 11 }) }))).toMatchObject({
    do: 'giveUp',
    unrecoverable: true,
    reason: 'The failure is not recoverable',
  });
});

test('a strategy that is used up gives up, and says which', () => {
  const none: RestartStrategy = { type: 'none' };
  expect(decide(facts({ ledger: opened, strategy: none, execution: ended({ exitCode: 10 }) }))).toMatchObject({
    do: 'giveUp',
    unrecoverable: false,
    reason: expect.stringContaining('NoRestartBackoffTimeStrategy') as string,
  });
});

test('a job that was given up or has finished stays so; a suspended one opens nothing', () => {
  const gaveUp = giveUp(closeAttempt(opened, { how: 'failed', at: t0, cause: 'a' }), { at: t0, reason: 'used up' });
  expect(decide(facts({ ledger: gaveUp }))).toEqual({ do: 'stayFailed', reason: 'used up' });
  expect(decide(facts({ ledger: closeAttempt(opened, { how: 'finished', at: t0, cause: 'a' }) }))).toEqual({
    do: 'stayFinished',
  });
  expect(decide(facts({ wanted: 'Suspended' }))).toEqual({ do: 'staySuspended' });
});
