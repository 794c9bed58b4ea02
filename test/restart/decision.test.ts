import { expect, test } from 'vitest';
import { SuppressRestartsException } from '../../src/lib/java-errors.ts';
import {
  causesOf,
  type FailureFacts,
  isUnrecoverable,
  onFailure,
  type RestartCounters,
  type RestartDecision,
  type RestartStrategy,
  remainingDelayMs,
} from '../../src/restart/index.ts';
import { exponential } from './failing-job.ts';

const fixedDelay = (attempts: number, delayMs = 1_234): RestartStrategy => ({ type: 'fixedDelay', attempts, delayMs });

const failed = (error: unknown = new Error('boom')): FailureFacts => ({ causes: causesOf(error) });

function decide(strategy: RestartStrategy, counters?: RestartCounters, now = 0, facts = failed()): RestartDecision {
  return onFailure({ strategy, counters, now, random: () => 0.5, ...facts });
}

test('a failure that may be restarted: the time of the restart, and it is new', () => {
  expect(decide(fixedDelay(3), undefined, 10_000)).toEqual({
    decision: 'restart',
    atMs: 11_234,
    delayMs: 1_234,
    isNew: true,
    counters: { type: 'fixedDelay', failures: 1 },
  });
});

test('attempts 3: the fourth failure ends the job, and the reason names the strategy', () => {
  let counters: RestartCounters | undefined;
  const decisions = [1, 2, 3, 4].map(() => {
    const decision = decide(fixedDelay(3, 10_000), counters);
    counters = decision.counters;
    return decision;
  });
  expect(decisions.map(({ decision }) => decision)).toEqual(['restart', 'restart', 'restart', 'giveUp']);
  expect(decisions.at(-1)).toEqual({
    decision: 'giveUp',
    reason:
      'Recovery is suppressed by ' +
      'FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts=3, backoffTimeMS=10000)',
    unrecoverable: false,
    counters: { type: 'fixedDelay', failures: 4 },
  });
});

test('a refused restart is not an unrecoverable failure and has no delay', () => {
  const decision = decide({ type: 'none' });
  expect(decision).toEqual({
    decision: 'giveUp',
    reason: 'Recovery is suppressed by NoRestartBackoffTimeStrategy',
    unrecoverable: false,
    counters: { type: 'none' },
  });
});

test('a SuppressRestartsException anywhere in the chain ends the job and the strategy is not told', () => {
  const nested = new Error('outer', { cause: new SuppressRestartsException(new Error('inner')) });
  const told: RestartCounters = { type: 'fixedDelay', failures: 1 };
  expect(decide(fixedDelay(3), told, 0, failed(nested))).toEqual({
    decision: 'giveUp',
    reason: 'The failure is not recoverable',
    unrecoverable: true,
    counters: { type: 'fixedDelay', failures: 1 },
  });
});

test('an unrecoverable first failure leaves the counters of a job that never failed', () => {
  expect(decide(fixedDelay(3), undefined, 0, { causes: [], exitCode: 11 }).counters).toEqual({
    type: 'fixedDelay',
    failures: 0,
  });
});

test('a subclass of SuppressRestartsException is known by its code', () => {
  class PoisonedRecord extends SuppressRestartsException {}
  expect(isUnrecoverable(failed(new PoisonedRecord(new Error('inner'))))).toBe(true);
});

test.each(['SuppressRestartsException', 'StopWithSavepointStoppingException', 'ClusterDatasetCorruptedException'])(
  '%s is unrecoverable by its name alone, as a cause read from a record',
  (name) => {
    const causes = [
      { name: 'Error', message: 'outer' },
      { name, message: '' },
    ];
    expect(isUnrecoverable({ causes })).toBe(true);
  },
);

test.each([
  [10, false],
  [11, true],
  [13, true],
  [137, false],
])('exit code %i is unrecoverable: %s', (exitCode, unrecoverable) => {
  expect(isUnrecoverable({ causes: [], exitCode })).toBe(unrecoverable);
});

test('new, merged twice, new twice, merged twice: three restarts', () => {
  const strategy = exponential(100, 1_000, 2, 10_000, 0);
  let counters: RestartCounters | undefined;
  const seen = [0, 50, 100, 101, 302, 310, 320].map((now) => {
    const decision = decide(strategy, counters, now);
    counters = decision.counters;
    return decision.decision === 'restart' && decision.isNew;
  });
  expect(seen).toEqual([true, false, false, true, true, false, false]);
  expect(seen.filter(Boolean)).toHaveLength(3);
});

test('a merged failure is restarted at the instant that was drawn before', () => {
  const strategy = exponential(100, 1_000, 2, 10_000, 0);
  const first = decide(strategy, undefined, 1_000);
  expect(decide(strategy, first.counters, 1_040)).toMatchObject({ decision: 'restart', atMs: 1_100, delayMs: 60 });
});

test('counters of another kind of strategy are dropped', () => {
  const old: RestartCounters = { type: 'fixedDelay', failures: 99 };
  expect(decide(exponential(100, 1_000, 2, 10_000, 0), old, 5)).toEqual({
    decision: 'restart',
    atMs: 105,
    delayMs: 100,
    isNew: true,
    counters: { type: 'exponentialDelay', attempt: 1, lastFailureAt: 5, nextAt: 105 },
  });
});

test('causes are listed outermost first with the codes they have', () => {
  const error = new TypeError('outer', { cause: new SuppressRestartsException('a text') });
  expect(causesOf(error)).toEqual([
    { name: 'TypeError', message: 'outer' },
    { name: 'SuppressRestartsException', message: expect.any(String), code: 'SUPPRESS_RESTARTS' },
    { name: 'string', message: 'a text' },
  ]);
});

test('the rest of a delay counts down and is never longer than the delay, even when the clock went back', () => {
  const scheduled = { atMs: 11_000, delayMs: 1_000 };
  expect([10_400, 11_000, 99_000, 3].map((now) => remainingDelayMs(scheduled, now))).toEqual([600, 0, 0, 1_000]);
});
