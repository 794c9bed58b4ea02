import { expect, test } from 'vitest';
import { strategyText } from '../../../src/cli/output/strategy-text.ts';
import { DEFAULT_EXPONENTIAL_DELAY, type RestartStrategy } from '../../../src/restart/index.ts';

test.each<[RestartStrategy, string]>([
  [{ type: 'none' }, 'no restarts'],
  [{ type: 'fixedDelay', attempts: 1, delayMs: 10_000 }, '1 restart, each after 10s'],
  [{ type: 'fixedDelay', attempts: 2_147_483_647, delayMs: 100 }, 'any number of restarts, each after 100ms'],
  [
    { type: 'failureRate', maxFailures: 3, intervalMs: 300_000, delayMs: 1_000 },
    'restarts after 1s, up to 3 failures in 5m',
  ],
  [
    DEFAULT_EXPONENTIAL_DELAY,
    'any number of restarts, after 1s, each time 1.5 times later up to 1m, anew after 1h without a failure',
  ],
])('%j: %s', (strategy, text) => {
  expect(strategyText(strategy)).toBe(text);
});
