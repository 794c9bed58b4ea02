import { expect, test } from 'vitest';
import { describe, strategyViolations } from '../../src/restart/index.ts';
import { aFailingJob } from './failing-job.ts';

const HOUR = 3_600_000;

test('with three attempts the fourth failure is refused, and asking twice consumes nothing', () => {
  const job = aFailingJob({ type: 'fixedDelay', attempts: 3, delayMs: 0 });
  const answers = [1, 2, 3, 4].map(() => {
    job.fail();
    return [job.canRestart(), job.canRestart()];
  });
  expect(answers).toEqual([
    [true, true],
    [true, true],
    [true, true],
    [false, false],
  ]);
});

test('attempts are never given back', () => {
  const job = aFailingJob({ type: 'fixedDelay', attempts: 1, delayMs: 10 });
  job.fail();
  job.wait(10_000 * HOUR);
  job.fail();
  expect(job.canRestart()).toBe(false);
});

test('no attempts is a legal number of attempts', () => {
  const strategy = { type: 'fixedDelay', attempts: 0, delayMs: 100 } as const;
  const job = aFailingJob(strategy);
  job.fail();
  expect(strategyViolations(strategy)).toEqual([]);
  expect(job.canRestart()).toBe(false);
});

test('every failure is new and is followed by the same delay', () => {
  const job = aFailingJob({ type: 'fixedDelay', attempts: 5, delayMs: 1_234 });
  expect(job.fail().isNew).toBe(true);
  expect(job.backoffMs()).toBe(1_234);
  expect(job.fail().isNew).toBe(true);
  expect(job.backoffMs()).toBe(1_234);
});

test('fixed delay describes itself as Flink does', () => {
  expect(describe({ type: 'fixedDelay', attempts: 3, delayMs: 10_000 })).toBe(
    'FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts=3, backoffTimeMS=10000)',
  );
});

test('negative attempts and delays are refused together', () => {
  expect(strategyViolations({ type: 'fixedDelay', attempts: -1, delayMs: -1 })).toEqual([
    'Maximum number of restart attempts must be at least 0.',
    'Backoff time must be at least 0 ms.',
  ]);
});
