/**
 * The strategies as one closed union, and the questions one can ask any of them. Everything here is a pure function of
 * strategy, counters and the instant handed in. The counters are plain JSON: the ledger stores them with each failure,
 * so that older entries may be dropped and a process that was away decides as one that was not.
 */
import { assertNever } from '../lib/assert-never.ts';
import type { Instant } from '../lib/clock.ts';
import { InvalidRestartStrategyException } from './errors.ts';
import { type ExponentialDelayCounters, type ExponentialDelayStrategy, exponentialDelay } from './exponential-delay.ts';
import { type FailureRateCounters, type FailureRateStrategy, failureRate } from './failure-rate.ts';
import { type FixedDelayCounters, type FixedDelayStrategy, fixedDelay } from './fixed-delay.ts';
import { type NoRestartCounters, type NoRestartStrategy, none } from './none.ts';
import type { Notified, Random, RestartRule } from './rule.ts';

/** When a failed job runs again, or that it does not. Durations in milliseconds. */
export type RestartStrategy = NoRestartStrategy | FixedDelayStrategy | FailureRateStrategy | ExponentialDelayStrategy;

/** What a strategy remembers between failures: JSON without loss, stored with each failure. */
export type RestartCounters = NoRestartCounters | FixedDelayCounters | FailureRateCounters | ExponentialDelayCounters;

/** Counters of a job that never failed. */
export function initialCounters(strategy: RestartStrategy): RestartCounters {
  return bind(strategy, undefined).counters;
}

/**
 * Tells the strategy of one failure. Counters of another kind of strategy, left from before it was changed, are
 * dropped: the new strategy starts with all its attempts. `random` is drawn at most once, by a new failure only.
 */
export function notifyFailure(
  strategy: RestartStrategy,
  counters: RestartCounters | undefined,
  now: Instant,
  random: Random,
): Notified<RestartCounters> {
  return bind(strategy, counters).notify(now, random);
}

/** Whether the job may run again after the failure that was told last. Asking twice consumes nothing. */
export function canRestart(strategy: RestartStrategy, counters: RestartCounters | undefined, now: Instant): boolean {
  return bind(strategy, counters).canRestart(now);
}

/**
 * Milliseconds from `now` to the restart that the last failure asked for; counts down where the strategy has fixed an
 * instant. Throws NoFailureYetException where there was no failure to draw a delay for.
 */
export function backoffMs(strategy: RestartStrategy, counters: RestartCounters | undefined, now: Instant): number {
  return bind(strategy, counters).backoffMs(now);
}

/** The strategy in the words of Flink's logs, with its counters where Flink prints them. */
export function describe(strategy: RestartStrategy, counters?: RestartCounters): string {
  return bind(strategy, counters).describe();
}

/** Every limit that the strategy's values break, in Flink's words; empty when it is sound. */
export function strategyViolations(strategy: RestartStrategy): string[] {
  return bind(strategy, undefined).violations();
}

/** Throws InvalidRestartStrategyException with all violations, or returns the strategy. */
export function checkRestartStrategy<S extends RestartStrategy>(strategy: S): S {
  const violations = strategyViolations(strategy);
  if (violations.length > 0) throw new InvalidRestartStrategyException(violations);
  return strategy;
}

/** A rule together with the strategy and counters it is asked about, so that only one place has to match their types. */
interface Bound {
  counters: RestartCounters;
  notify(now: Instant, random: Random): Notified<RestartCounters>;
  canRestart(now: Instant): boolean;
  backoffMs(now: Instant): number;
  describe(): string;
  violations(): string[];
}

function bind(strategy: RestartStrategy, counters: RestartCounters | undefined): Bound {
  switch (strategy.type) {
    case 'none':
      return bound(none, strategy, counters?.type === 'none' ? counters : none.initial());
    case 'fixedDelay':
      return bound(fixedDelay, strategy, counters?.type === 'fixedDelay' ? counters : fixedDelay.initial());
    case 'failureRate':
      return bound(failureRate, strategy, counters?.type === 'failureRate' ? counters : failureRate.initial());
    case 'exponentialDelay':
      return bound(
        exponentialDelay,
        strategy,
        counters?.type === 'exponentialDelay' ? counters : exponentialDelay.initial(),
      );
    default:
      return assertNever(strategy);
  }
}

function bound<S, C extends RestartCounters>(rule: RestartRule<S, C>, strategy: S, counters: C): Bound {
  return {
    counters,
    notify: (now, random) => rule.notify(strategy, counters, now, random),
    canRestart: (now) => rule.canRestart(strategy, counters, now),
    backoffMs: (now) => rule.backoffMs(strategy, counters, now),
    describe: () => rule.describe(strategy, counters),
    violations: () => rule.violations(strategy),
  };
}

/** A strategy as JSON can hold it: no limit is written as Flink's 2147483647. */
export function encodeRestartStrategy(strategy: RestartStrategy): RestartStrategy {
  if (!('attempts' in strategy) || Number.isFinite(strategy.attempts)) return strategy;
  return { ...strategy, attempts: 2_147_483_647 };
}
