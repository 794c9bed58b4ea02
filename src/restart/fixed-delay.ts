/**
 * A number of restarts, each after the same delay. The count is never given back, however long the job ran well in
 * between. Follows Flink's FixedDelayRestartBackoffTimeStrategy.
 */
import type { RestartRule } from './rule.ts';

/** Restart up to `attempts` times, `delayMs` after each failure. */
export interface FixedDelayStrategy {
  type: 'fixedDelay';
  /** Restarts in the life of the job, at least 0; 0 allows none. */
  attempts: number;
  delayMs: number;
}

/** How many failures were told. */
export interface FixedDelayCounters {
  type: 'fixedDelay';
  failures: number;
}

/** The rule of `fixedDelay`: restart while failures <= attempts. */
export const fixedDelay: RestartRule<FixedDelayStrategy, FixedDelayCounters> = {
  initial: () => ({ type: 'fixedDelay', failures: 0 }),
  notify: (_strategy, { failures }) => ({ counters: { type: 'fixedDelay', failures: failures + 1 }, isNew: true }),
  canRestart: ({ attempts }, { failures }) => failures <= attempts,
  backoffMs: ({ delayMs }) => delayMs,
  describe: ({ attempts, delayMs }) =>
    `FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts=${attempts}, backoffTimeMS=${delayMs})`,
  violations({ attempts, delayMs }) {
    const found: string[] = [];
    // Written as "not at least" so that NaN is refused as well.
    if (!(attempts >= 0)) found.push('Maximum number of restart attempts must be at least 0.');
    if (!(delayMs >= 0)) found.push('Backoff time must be at least 0 ms.');
    return found;
  },
};
