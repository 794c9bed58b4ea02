import { expect, test } from 'vitest';
import { gaveUpText } from '../../../src/cli/run/gave-up-text.ts';
import { DEFAULT_EXPONENTIAL_DELAY, type RestartStrategy } from '../../../src/restart/index.ts';

const fixedDelay = (attempts: number): RestartStrategy => ({ type: 'fixedDelay', attempts, delayMs: 100 });

test.each([
  [fixedDelay(5), 'manifest', 'gave up after 5 restarts (spec.restart.fixedDelay)'],
  [fixedDelay(1), 'code', 'gave up after 1 restart (fixedDelay, from env.setRestartStrategy in the code of the job)'],
  [{ type: 'none' }, 'manifest', 'gave up: it is not to be restarted (spec.restart.none)'],
  [
    { type: 'failureRate', maxFailures: 3, intervalMs: 60_000, delayMs: 1 },
    'manifest',
    'gave up: it failed too often for its limit of 3 in 1m (spec.restart.failureRate)',
  ],
  [
    { ...DEFAULT_EXPONENTIAL_DELAY, attempts: 7 },
    'builtIn',
    'gave up after 7 restarts (exponentialDelay, the default; spec.restart sets another)',
  ],
] as const)('%j from %s: %s', (strategy, source, text) => {
  expect(gaveUpText({ strategy, source, unrecoverable: false })).toBe(text);
});

test('a failure that rules out a restart is not put down to the strategy', () => {
  expect(gaveUpText({ strategy: fixedDelay(5), source: 'manifest', unrecoverable: true })).toBe(
    'gave up at once: no restart mends this failure',
  );
});
