/**
 * Tells long work on the task's thread when to let records through: after about a millisecond, or a number of entries
 * where the clock stands still.
 */
import type { Clock } from '../../lib/clock.ts';

const SLICE_MS = 1;
const MOST_ENTRIES = 16_384;

export class WorkSlices {
  readonly #clock: Clock;
  #startedAt: number;
  #entries = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
  }

  /** Lets records through; the next slice begins when work goes on. */
  *pause(): Generator<void, void, void> {
    yield;
    this.#startedAt = this.#clock.monotonic();
    this.#entries = 0;
  }

  /** Counts work done; true when it is time to pause. */
  isOver(entries: number): boolean {
    this.#entries += entries;
    return this.#entries >= MOST_ENTRIES || this.#clock.monotonic() - this.#startedAt >= SLICE_MS;
  }
}
