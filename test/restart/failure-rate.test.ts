import { expect, test } from 'vitest';
import {
  canRestart,
  describe,
  notifyFailure,
  type RestartStrategy,
  strategyViolations,
} from '../../src/restart/index.ts';
import { aFailingJob } from './failing-job.ts';

const rate = (maxFailures: number, intervalMs: number, delayMs = 0): RestartStrategy => ({
  type: 'failureRate',
  maxFailures,
  intervalMs,
  delayMs,
});

test('at most 1 failure per 1 ms, one every 2 ms: always restarted', () => {
  const job = aFailingJob(rate(1, 1));
  const answers = Array.from({ length: 50 }, () => {
    job.fail();
    const answer = job.canRestart();
    job.wait(2);
    return answer;
  });
  expect(new Set(answers)).toEqual(new Set([true]));
});

test('at most 3 failures per 10 s: three are tolerated, the fourth is not', () => {
  const job = aFailingJob(rate(3, 10_000));
  const answers = [1, 2, 3, 4].map(() => {
    job.fail();
    return job.canRestart();
  });
  expect(answers).toEqual([true, true, true, false]);
});

test('the delay is the one that was set', () => {
  const job = aFailingJob(rate(1, 1, 10_000));
  job.fail();
  expect(job.backoffMs()).toBe(10_000);
});

test('the counters hold one failure more than is tolerated, whatever happened before', () => {
  const strategy = rate(2, 100);
  let counters = notifyFailure(strategy, undefined, 0, Math.random).counters;
  for (let now = 1; now <= 100; now++) counters = notifyFailure(strategy, counters, now, Math.random).counters;
  expect(counters).toEqual({ type: 'failureRate', failureTimes: [98, 99, 100] });
});

test('a clock that went back counts as no time passed', () => {
  const job = aFailingJob(rate(1, 100));
  job.fail();
  job.wait(-3_600_000);
  job.fail();
  expect(job.canRestart()).toBe(false);
  job.wait(101);
  expect(job.canRestart()).toBe(true);
});

test('a clock that went back does not stretch the distance between older failures', () => {
  const strategy = rate(2, 100);
  const first = notifyFailure(strategy, undefined, 1_000, Math.random).counters;
  const second = notifyFailure(strategy, first, 1_060, Math.random).counters;
  const third = notifyFailure(strategy, second, 500, Math.random).counters;
  expect(third).toEqual({ type: 'failureRate', failureTimes: [440, 500, 500] });
  expect(canRestart(strategy, third, 540)).toBe(false);
  expect(canRestart(strategy, third, 541)).toBe(true);
});

test('lowering the tolerated number applies to failures already told', () => {
  const before = notifyFailure(rate(3, 1_000), undefined, 0, Math.random).counters;
  const after = notifyFailure(rate(3, 1_000), before, 10, Math.random).counters;
  expect(canRestart(rate(3, 1_000), after, 10)).toBe(true);
  expect(canRestart(rate(1, 1_000), after, 10)).toBe(false);
});

test('failure rate describes itself with its limits', () => {
  expect(describe(rate(3, 300_000, 10_000))).toBe(
    'FailureRateRestartBackoffTimeStrategy(failuresIntervalMS=300000,backoffTimeMS=10000,maxFailuresPerInterval=3)',
  );
});

test("every limit of failure rate that is broken is named in Flink's words", () => {
  expect(strategyViolations(rate(0, 0, -1))).toEqual([
    'Maximum number of restart attempts per time unit must be greater than 0.',
    'Failures interval must be greater than 0 ms.',
    'Backoff time must be at least 0 ms.',
  ]);
});
