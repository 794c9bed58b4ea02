/** A restart strategy in plain words; Flink's own stay in the ledger and in what Flink's tools read. Pure. */
import { assertNever } from '../../lib/assert-never.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import type { RestartStrategy } from '../../restart/index.ts';

/** `3 restarts, each after 10s`. */
export function strategyText(strategy: RestartStrategy): string {
  switch (strategy.type) {
    case 'none':
      return 'no restarts';
    case 'fixedDelay':
      return `${restarts(strategy.attempts)}, each after ${formatDurationMs(strategy.delayMs)}`;
    case 'failureRate': {
      const { maxFailures, intervalMs, delayMs } = strategy;
      const failures = `${maxFailures} failure${maxFailures === 1 ? '' : 's'}`;
      return `restarts after ${formatDurationMs(delayMs)}, up to ${failures} in ${formatDurationMs(intervalMs)}`;
    }
    case 'exponentialDelay': {
      const { attempts, initialMs, maxMs, multiplier, resetAfterMs } = strategy;
      const growth = `after ${formatDurationMs(initialMs)}, each time ${multiplier} times later up to ${formatDurationMs(maxMs)}`;
      return `${restarts(attempts)}, ${growth}, anew after ${formatDurationMs(resetAfterMs)} without a failure`;
    }
    default:
      return assertNever(strategy);
  }
}

/** Flink's way to say "any number". */
const UNLIMITED = 2_147_483_647;

function restarts(attempts: number): string {
  if (attempts >= UNLIMITED) return 'any number of restarts';
  return `${attempts} restart${attempts === 1 ? '' : 's'}`;
}
