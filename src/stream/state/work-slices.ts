/**
 * Tells long work on the task's thread when to let records through: after a few milliseconds, or a number of entries
 * where the clock stands still.
 */
import type { Clock } from '../../lib/clock.ts';

/** Records wait this long at most. Longer than the turn of the records in between, so that a capture gets most of the thread. */
const SLICE_MS = 4;
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

  /** Counts work done, in entries of the kind that a codec writes; true when it is time to pause. */
  isOver(entries: number): boolean {
    this.#entries += entries;
    return this.#entries >= MOST_ENTRIES || this.#clock.monotonic() - this.#startedAt >= SLICE_MS;
  }
}
