import { expect, test } from 'vitest';
import {
  InvalidRestartStrategyException,
  type RestartStrategy,
  resolveRestartStrategy,
} from '../../src/restart/index.ts';

const fixedDelay: RestartStrategy = { type: 'fixedDelay', attempts: 3, delayMs: 10 };
const failureRate: RestartStrategy = { type: 'failureRate', maxFailures: 3, intervalMs: 10, delayMs: 1 };
const none: RestartStrategy = { type: 'none' };

test('the manifest wins over code and default', () => {
  const sources = { manifest: fixedDelay, code: failureRate, operatorDefault: none, checkpointing: true };
  expect(resolveRestartStrategy(sources)).toEqual({ strategy: fixedDelay, source: 'manifest' });
});

test('the code wins over the default of the operator', () => {
  const sources = { code: failureRate, operatorDefault: none, checkpointing: true };
  expect(resolveRestartStrategy(sources)).toEqual({ strategy: failureRate, source: 'code' });
});

test('the default of the operator is used when nobody else names a strategy', () => {
  const sources = { operatorDefault: fixedDelay, checkpointing: false };
  expect(resolveRestartStrategy(sources)).toEqual({ strategy: fixedDelay, source: 'operatorDefault' });
});

test('none in the manifest is a setting, not an absence', () => {
  const sources = { manifest: none, code: fixedDelay, checkpointing: true };
  expect(resolveRestartStrategy(sources)).toEqual({ strategy: none, source: 'manifest' });
});

test('with checkpoints and nothing set: exponential delay without end', () => {
  expect(resolveRestartStrategy({ checkpointing: true })).toEqual({
    strategy: {
      type: 'exponentialDelay',
      initialMs: 1_000,
      maxMs: 60_000,
      multiplier: 1.5,
      resetAfterMs: 3_600_000,
      jitter: 0.1,
      attempts: Number.POSITIVE_INFINITY,
    },
    source: 'builtIn',
  });
});

test('without checkpoints and nothing set: none', () => {
  expect(resolveRestartStrategy({ checkpointing: false })).toEqual({ strategy: none, source: 'builtIn' });
});

test('a strategy outside its limits is refused wherever it comes from', () => {
  const sources = { code: { ...fixedDelay, attempts: -1 } as RestartStrategy, checkpointing: true };
  expect(() => resolveRestartStrategy(sources)).toThrow(InvalidRestartStrategyException);
});
