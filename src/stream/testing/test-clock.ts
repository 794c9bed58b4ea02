import type { Clock, Instant } from '../../lib/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved. Timers fire in the order of their time, then of registration. */
export class TestClock implements Clock {
  #now: Instant;
  readonly #startedAt: Instant;
  #timers: Timer[] = [];
  #order = 0;

  /** @param now wall clock at the start, milliseconds */
  constructor(now: Instant = 0) {
    this.#now = now;
    this.#startedAt = now;
  }

  now(): Instant {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#startedAt;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** When the next timer is due; Infinity without one. */
  get nextTimerAt(): Instant {
    return this.#timers.reduce((earliest, { at }) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
  }

  /** Moves time forward and fires what becomes due, each at its own time. A time in the past moves nothing. */
  advanceTo(instant: Instant): void {
    for (;;) {
      const [due] = this.#timers.filter(({ at }) => at <= instant).sort((a, b) => a.at - b.at || a.order - b.order);
      if (due === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = Math.max(this.#now, instant);
  }

  advanceBy(ms: number): void {
    this.advanceTo(this.#now + ms);
  }
}
