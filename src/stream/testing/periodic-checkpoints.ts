/** When a test job takes its next checkpoint by itself. */
export class PeriodicCheckpoints {
  readonly #every: number | undefined;
  #steps = 0;
  #seen = '';

  /** @param every steps between checkpoints; none without */
  constructor(every: number | undefined) {
    this.#every = every;
  }

  /**
   * Counts a step; true when a checkpoint is due. Only after something new, a record or a moment: one checkpoint right
   * after another would keep virtual time from moving.
   */
  isDue(facts: { readonly recordsIn: number; readonly now: number }): boolean {
    if (this.#every === undefined || ++this.#steps < this.#every) return false;
    const seen = `${facts.recordsIn} ${facts.now}`;
    if (seen === this.#seen) return false;
    this.#steps = 0;
    this.#seen = seen;
    return true;
  }
}
