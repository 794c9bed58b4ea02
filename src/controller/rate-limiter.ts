/**
 * How long a key that failed waits: the longer of what its own failures ask for and what all failures together are allowed.
 *
 * Per key 5 ms, doubled with each failure, at most five minutes, spread by chance over the whole of that, so that what failed
 * together does not come again together. For all together ten a second, after a hundred at once. Follows client-go's default
 * limiter.
 */
import type { ObjectKey } from './object-key.ts';

/** Limits for keys that fail. */
export interface RateLimits {
  /** @default 5 */
  readonly firstDelayMs: number;
  /** @default 300000 */
  readonly longestDelayMs: number;
  /** @default 10 */
  readonly perSecond: number;
  /** @default 100 */
  readonly burst: number;
}

export const DEFAULT_RATE_LIMITS: RateLimits = {
  firstDelayMs: 5,
  longestDelayMs: 300_000,
  perSecond: 10,
  burst: 100,
};

/** Beyond this many the delay is the longest anyway, and doubling it would leave the range of numbers. */
const MOST_DOUBLINGS = 40;

export class RateLimiter {
  private readonly limits: RateLimits;
  private readonly failures = new Map<ObjectKey, number>();
  private tokens: number;
  private filledAt: number | undefined;

  constructor(limits: RateLimits = DEFAULT_RATE_LIMITS) {
    this.limits = limits;
    this.tokens = limits.burst;
  }

  /** Counts a failure; milliseconds to wait. `random` is from 0 to 1. */
  delayAfterFailure(key: ObjectKey, { now, random }: { readonly now: number; readonly random: number }): number {
    const before = this.failures.get(key) ?? 0;
    this.failures.set(key, before + 1);
    const { firstDelayMs, longestDelayMs } = this.limits;
    const ownMs = random * Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(before, MOST_DOUBLINGS));
    return Math.max(ownMs, this.reserve(now));
  }

  /** Failures since the key was last forgotten. */
  failuresOf(key: ObjectKey): number {
    return this.failures.get(key) ?? 0;
  }

  /** The key is well again. */
  forget(key: ObjectKey): void {
    this.failures.delete(key);
  }

  /** Takes a token, if need be one that comes later; milliseconds until it is there. */
  private reserve(now: number): number {
    const { perSecond, burst } = this.limits;
    const grown = ((now - (this.filledAt ?? now)) * perSecond) / 1000;
    this.tokens = Math.min(burst, this.tokens + grown) - 1;
    this.filledAt = now;
    return this.tokens >= 0 ? 0 : (-this.tokens * 1000) / perSecond;
  }
}
