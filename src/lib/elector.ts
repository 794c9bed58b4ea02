/**
 * The port for the lease: who may try to raise the epoch. A lease alone fences nothing (its holder may be stopped and
 * wake up late); it only keeps the peace among those that contend.
 */
import { IllegalArgumentException } from './java-errors.ts';

/** Times of a lease, in milliseconds. */
export interface LeaseTimes {
  /** Others may take a lease that has not changed for this long, by their own monotonic clock. @default 15000 */
  readonly durationMs: number;
  /** The holder stops writing this long after its last renewal. @default 10000 */
  readonly renewDeadlineMs: number;
  /** Between renewals. @default 2000 */
  readonly retryMs: number;
}

export const DEFAULT_LEASE_TIMES: LeaseTimes = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

const JITTER_FACTOR = 1.2;

/** The times, when a holder surely stops before others may take over, and can miss a renewal before it has to. */
export function checkedLeaseTimes(times: LeaseTimes): LeaseTimes {
  const { durationMs, renewDeadlineMs, retryMs } = times;
  if (durationMs > renewDeadlineMs && renewDeadlineMs > JITTER_FACTOR * retryMs && retryMs > 0) return times;
  throw new IllegalArgumentException(
    `lease times must satisfy duration > renew deadline > ${JITTER_FACTOR} x retry > 0, ` +
      `and are ${durationMs}, ${renewDeadlineMs}, ${retryMs} ms`,
  );
}

/** One contender for one lease, for one term: once lost it is not used again. */
export interface Elector {
  /**
   * Ends when this contender holds the lease; undefined when the signal fired first. Called again while holding, it makes
   * sure of that. `transitions` counts how often the lease changed hands; the epoch keeps above it.
   */
  acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined>;
  /** Renews until the lease is lost, and answers why; undefined when the signal fired first. */
  hold(signal: AbortSignal): Promise<Error | undefined>;
  /** Whether, by this process's monotonic clock, the lease was renewed recently enough to write. */
  isHeld(): boolean;
  /** Gives the lease back, if it is still held; then others need not wait for it to run out. */
  release(): Promise<void>;
}
