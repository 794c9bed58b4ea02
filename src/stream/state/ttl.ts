/**
 * The rules of time-to-live, in processing time. Follows Flink's TtlUtils and StateTtlConfig.
 */
import type { Clock } from '../../lib/clock.ts';
import type { StateTtlConfig } from './descriptors.ts';

const ENTRIES_PER_ACCESS = 5;

/** The time-to-live of one state, with all defaults applied. */
export class Ttl {
  readonly ttlMs: number;
  /** Reading counts as writing. */
  readonly refreshOnRead: boolean;
  /** Expired values are given once more, by the read that removes them. */
  readonly returnExpired: boolean;
  readonly cleanupInFullSnapshot: boolean;
  /** Entries that each access looks at to remove what expired. */
  readonly cleanupSize: number;
  readonly #clock: Clock;

  constructor(config: StateTtlConfig, clock: Clock) {
    this.ttlMs = config.ttlMs;
    this.refreshOnRead = config.updateType === 'OnReadAndWrite';
    this.returnExpired = config.visibility === 'ReturnExpiredIfNotCleanedUp';
    this.cleanupInFullSnapshot = config.cleanupInFullSnapshot ?? false;
    this.cleanupSize = config.incrementalCleanupSize ?? ENTRIES_PER_ACCESS;
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  isExpired(stamp: number, now: number): boolean {
    return isExpired(stamp, this.ttlMs, now);
  }
}

/** Whether a value written at `stamp` is gone at `now`; equality is gone. No sum runs over the largest time. */
export function isExpired(stamp: number, ttlMs: number, now: number): boolean {
  return stamp + Math.min(Number.MAX_VALUE - Math.max(stamp, 0), ttlMs) <= now;
}

/** The configuration where it has an effect: update type Disabled is none. */
export function enabledTtl(config: StateTtlConfig | undefined): StateTtlConfig | undefined {
  return config === undefined || config.updateType === 'Disabled' ? undefined : config;
}
