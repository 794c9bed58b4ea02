/**
 * The captures of a worker take turns in being encoded: one slice each time the event loop comes round, first come, first
 * served. Records so wait for one slice between two of their turns, however many subtasks are being written.
 */
export class SliceQueue {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may do its next slice. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#schedule();
    });
  }

  #schedule(): void {
    setImmediate(() => {
      const [first] = this.#waiting;
      // The next one waits for the next time round, also when it asks now.
      if (this.#waiting.length > 1) this.#schedule();
      this.#waiting.shift();
      first?.();
    });
  }
}
