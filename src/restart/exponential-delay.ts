/**
 * Delays that grow with each restart and start over once the job ran well for a while. Follows Flink's
 * ExponentialDelayRestartBackoffTimeStrategy of 1.19 and later.
 *
 *     failure            next restart                    next + resetAfter
 *        |---- backoff -------|------- runs -------------------|------->
 *        |  failures merge    |  a failure counts: the delay   |  a failure starts over:
 *        |  into the restart  |  is multiplied                 |  initial delay, all attempts
 *
 * The jitter is drawn when a failure is told and stays in the counters: whoever reads them later waits for the same
 * instant.
 */
import { NoFailureYetException } from './errors.ts';
import type { RestartRule } from './rule.ts';

/** Restart after a delay that starts at `initialMs`, grows by `multiplier` and never exceeds `maxMs`. */
export interface ExponentialDelayStrategy {
  type: 'exponentialDelay';
  /** The first delay and the lower limit of every later one, at least 1. */
  initialMs: number;
  /** The upper limit of a delay, jitter included. */
  maxMs: number;
  /** Greater than 1. */
  multiplier: number;
  /** Without a failure for this long after a restart, delay and attempts start over. */
  resetAfterMs: number;
  /** Share of the delay, 0 to 1, by which it is moved at random in either direction. */
  jitter: number;
  /** Restarts before the job is given up, at least 1; `Infinity` never gives up. */
  attempts: number;
}

/** The restart that was scheduled last, in wall-clock time. */
export interface ExponentialDelayCounters {
  type: 'exponentialDelay';
  /** Restarts since the last time it started over. */
  attempt: number;
  /** When the last failure was told, merged ones included; null before the first. */
  lastFailureAt: number | null;
  /** When the restart is due that the last new failure asked for; null before the first. */
  nextAt: number | null;
}

/** Flink's defaults since 1.19, and ours: 1 s growing by half up to 1 min, reset after 1 h, 10 % jitter, without end. */
export const DEFAULT_EXPONENTIAL_DELAY: Readonly<ExponentialDelayStrategy> = Object.freeze({
  type: 'exponentialDelay',
  initialMs: 1_000,
  maxMs: 60_000,
  multiplier: 1.5,
  resetAfterMs: 3_600_000,
  jitter: 0.1,
  attempts: Number.POSITIVE_INFINITY,
});

/** The rule of `exponentialDelay`. */
export const exponentialDelay: RestartRule<ExponentialDelayStrategy, ExponentialDelayCounters> = {
  initial: () => ({ type: 'exponentialDelay', attempt: 0, lastFailureAt: null, nextAt: null }),
  notify(strategy, counters, now, random) {
    const { attempt, nextAt } = countersSeenFrom(counters, now);
    if (nextAt !== null && now <= nextAt) {
      return { counters: { type: 'exponentialDelay', attempt, lastFailureAt: now, nextAt }, isNew: false };
    }
    // Counted from the scheduled restart, not from the failure: a long delay must not eat the quiet time.
    const before = nextAt !== null && now - nextAt >= strategy.resetAfterMs ? 0 : attempt;
    const delayMs = drawDelayMs(strategy, before, random);
    return {
      counters: { type: 'exponentialDelay', attempt: before + 1, lastFailureAt: now, nextAt: now + delayMs },
      isNew: true,
    };
  },
  canRestart: ({ attempts }, { attempt }) => attempt <= attempts,
  backoffMs(_strategy, counters, now) {
    const { nextAt } = countersSeenFrom(counters, now);
    if (nextAt === null) throw new NoFailureYetException();
    return Math.max(0, nextAt - now);
  },
  describe: (strategy, { attempt, nextAt }) =>
    `ExponentialDelayRestartBackoffTimeStrategy(initialBackoffMS=${strategy.initialMs}` +
    `, maxBackoffMS=${strategy.maxMs}, backoffMultiplier=${asJavaDouble(strategy.multiplier)}` +
    `, resetBackoffThresholdMS=${strategy.resetAfterMs}, jitterFactor=${asJavaDouble(strategy.jitter)}` +
    `, attemptsBeforeResetBackoff=${Math.min(strategy.attempts, JAVA_INT_MAX)}` +
    `, currentRestartAttempt=${attempt}, nextRestartTimestamp=${nextAt ?? 'none'})`,
  violations({ initialMs, maxMs, multiplier, resetAfterMs, jitter, attempts }) {
    const found: string[] = [];
    if (!(initialMs >= 1)) found.push('Initial backoff must be at least 1.');
    if (!(maxMs >= 1)) found.push('Maximum backoff must be at least 1.');
    if (initialMs > maxMs) found.push('Initial backoff cannot be higher than maximum backoff.');
    if (!(multiplier > 1)) found.push('Backoff multiplier must be greater than 1.');
    if (!(resetAfterMs >= 1)) found.push('Threshold duration for exponential backoff reset must be at least 1.');
    if (!(jitter >= 0 && jitter <= 1)) found.push('Jitter factor must be >= 0 and <= 1.');
    if (!(attempts >= 1)) found.push('The attemptsBeforeResetBackoff must be at least 1.');
    return found;
  },
};

const JAVA_INT_MAX = 2_147_483_647;

/**
 * Limit of the delay before jitter. Flink's own value wraps around from about the 91st restart on, so that every second
 * delay falls back to the initial one; below this limit sum and jitter stay exact integers.
 */
const LARGEST_DELAY_MS = 2 ** 52;

function drawDelayMs(
  { initialMs, maxMs, multiplier, jitter }: ExponentialDelayStrategy,
  attempt: number,
  random: () => number,
): number {
  const current = Math.min(Math.trunc(initialMs * multiplier ** attempt), LARGEST_DELAY_MS);
  const reach = Math.trunc(current * jitter);
  const moved = reach === 0 ? 0 : Math.floor(random() * (2 * reach + 1)) - reach;
  return Math.max(initialMs, Math.min(current + moved, maxMs));
}

/**
 * The counters as a clock that shows `now` would have recorded them. When the wall clock was set back, no time has
 * passed since the last failure: without this a job would wait for its restart until the old hour comes round again.
 */
function countersSeenFrom(counters: ExponentialDelayCounters, now: number): ExponentialDelayCounters {
  const { lastFailureAt, nextAt } = counters;
  if (lastFailureAt === null || nextAt === null || now >= lastFailureAt) return counters;
  return { ...counters, lastFailureAt: now, nextAt: nextAt - (lastFailureAt - now) };
}

/** Java prints a double that is whole with one decimal. */
function asJavaDouble(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
