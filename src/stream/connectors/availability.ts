/**
 * Lets the synchronous `poll` of a reader go to sleep and be woken. A wake-up between `reset` and `wait` is not lost.
 */
export class Availability {
  #woken = false;
  #waiting: (() => void)[] = [];

  /** Forgets earlier wake-ups; call it at the start of a poll. */
  reset(): void {
    this.#woken = false;
  }

  wake(): void {
    this.#woken = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves at the next wake-up, at once if there was one since the last reset. */
  wait(): Promise<void> {
    if (this.#woken) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
