import {
  backoffMs,
  canRestart,
  type ExponentialDelayStrategy,
  initialCounters,
  notifyFailure,
  type Random,
  type RestartCounters,
  type RestartStrategy,
} from '../../src/restart/index.ts';

/** A job whose clock starts at 0 and that keeps its counters as a ledger does: through JSON, after each failure. */
export function aFailingJob(strategy: RestartStrategy, random: Random = () => 0.5) {
  let now = 0;
  let stored = JSON.stringify(initialCounters(strategy));
  const counters = () => JSON.parse(stored) as RestartCounters;
  return {
    wait(ms: number) {
      now += ms;
    },
    fail() {
      const { counters: next, isNew } = notifyFailure(strategy, counters(), now, random);
      stored = JSON.stringify(next);
      return { isNew };
    },
    canRestart: () => canRestart(strategy, counters(), now),
    backoffMs: () => backoffMs(strategy, counters(), now),
  };
}

/** Written as the behaviours are: initial / max / multiplier / reset / jitter / attempts. */
export function exponential(
  initialMs: number,
  maxMs: number,
  multiplier: number,
  resetAfterMs: number,
  jitter: number,
  attempts = Number.POSITIVE_INFINITY,
): ExponentialDelayStrategy {
  return { type: 'exponentialDelay', initialMs, maxMs, multiplier, resetAfterMs, jitter, attempts };
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
