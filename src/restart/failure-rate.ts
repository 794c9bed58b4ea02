/**
 * Restarts as long as failures stay rare: `maxFailures` within any `intervalMs` are tolerated, one more ends the job.
 * Follows Flink's FailureRateRestartBackoffTimeStrategy (1.13 and later; before, one failure fewer was tolerated).
 *
 * It remembers the times of the last maxFailures + 1 failures. When that many are there, the oldest has to lie more than
 * the interval back.
 */
import type { RestartRule } from './rule.ts';

/** Restart `delayMs` after a failure unless there were more than `maxFailures` within `intervalMs`. */
export interface FailureRateStrategy {
  type: 'failureRate';
  /** Tolerated failures per interval, at least 1. */
  maxFailures: number;
  intervalMs: number;
  delayMs: number;
}

/** When the last failures happened, oldest first, at most maxFailures + 1 of them. */
export interface FailureRateCounters {
  type: 'failureRate';
  failureTimes: readonly number[];
}

/** The rule of `failureRate`. */
export const failureRate: RestartRule<FailureRateStrategy, FailureRateCounters> = {
  initial: () => ({ type: 'failureRate', failureTimes: [] }),
  notify({ maxFailures }, counters, now) {
    // More than one can be too many: the tolerated number may have been lowered since the last failure.
    const kept = timesSeenFrom(counters.failureTimes, now).slice(-maxFailures);
    return { counters: { type: 'failureRate', failureTimes: [...kept, now] }, isNew: true };
  },
  canRestart({ maxFailures, intervalMs }, { failureTimes }, now) {
    if (failureTimes.length <= maxFailures) return true;
    const [oldest = now] = timesSeenFrom(failureTimes, now).slice(-(maxFailures + 1));
    return now - oldest > intervalMs;
  },
  backoffMs: ({ delayMs }) => delayMs,
  describe: ({ maxFailures, intervalMs, delayMs }) =>
    `FailureRateRestartBackoffTimeStrategy(failuresIntervalMS=${intervalMs},backoffTimeMS=${delayMs}` +
    `,maxFailuresPerInterval=${maxFailures})`,
  violations({ maxFailures, intervalMs, delayMs }) {
    const found: string[] = [];
    if (!(maxFailures > 0)) found.push('Maximum number of restart attempts per time unit must be greater than 0.');
    if (!(intervalMs > 0)) found.push('Failures interval must be greater than 0 ms.');
    if (!(delayMs >= 0)) found.push('Backoff time must be at least 0 ms.');
    return found;
  },
};

/**
 * The times as a clock that shows `now` would have recorded them. They are wall-clock times, and that clock can be set
 * back; then no time has passed since the last failure, and the distances between the failures stay what they were.
 */
function timesSeenFrom(times: readonly number[], now: number): readonly number[] {
  const setBackBy = (times.at(-1) ?? now) - now;
  return setBackBy > 0 ? times.map((time) => time - setBackBy) : times;
}
