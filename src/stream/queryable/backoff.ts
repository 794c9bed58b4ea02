/** How often and how patiently a failed query is tried again. */
import type { Clock } from '../../lib/clock.ts';

/** A bound on tries and a delay that doubles from `initialDelayMs` to `maxDelayMs`. */
export interface RetryLimits {
  /** The first try included. @default 10 */
  readonly maxTries: number;
  /** @default 50 */
  readonly initialDelayMs: number;
  /** @default 2000 */
  readonly maxDelayMs: number;
}

/** 10 tries, 50 ms up to 2 s. */
export const DEFAULT_RETRY_LIMITS: RetryLimits = { maxTries: 10, initialDelayMs: 50, maxDelayMs: 2_000 };

/** The pause after the `failures`-th failure in a row, counted from 1. */
export function retryDelayMs(limits: RetryLimits, failures: number): number {
  return Math.min(limits.initialDelayMs * 2 ** (failures - 1), limits.maxDelayMs);
}

/** Resolves after the pause, or at once when `signal` fires. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      cancelTimer();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancelTimer = clock.setTimer(delayMs, done);
    signal?.addEventListener('abort', done);
  });
}
