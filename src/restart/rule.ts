/**
 * What each strategy has to answer. A rule is a record of pure functions: it holds no state, reads no clock and draws no
 * random number of its own, so that two processes that read the same ledger answer the same.
 */
import type { Instant } from '../lib/clock.ts';

/** A source of uniform numbers in [0, 1), such as `Math.random`. */
export type Random = () => number;

/** What a strategy knows after it was told of a failure. */
export interface Notified<Counters> {
  counters: Counters;
  /** False when the failure belongs to a restart that is already on its way and therefore counts for nothing. */
  isNew: boolean;
}

/** The pure functions of one kind of strategy. None of them changes its arguments. */
export interface RestartRule<Strategy, Counters> {
  /** Counters of a job that never failed. */
  initial(): Counters;
  /** Counters after one more failure at `now`. The only place where `random` is drawn. */
  notify(strategy: Strategy, counters: Counters, now: Instant, random: Random): Notified<Counters>;
  /** Whether the job may run again after the failure told last. Asking consumes nothing. */
  canRestart(strategy: Strategy, counters: Counters, now: Instant): boolean;
  /** Milliseconds from `now` to the restart. */
  backoffMs(strategy: Strategy, counters: Counters, now: Instant): number;
  /** The text Flink prints for the strategy. */
  describe(strategy: Strategy, counters: Counters): string;
  /** Every limit that the strategy's values break; empty when it is sound. */
  violations(strategy: Strategy): string[];
}
