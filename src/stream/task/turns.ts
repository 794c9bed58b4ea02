/**
 * Turns among the subtasks of one thread. A turn gives them steps in a circle until all in a row had nothing to do or its
 * time is up; the next turn goes on where it stopped, so that among many subtasks nobody is passed over. A step never
 * waits: a subtask whose outputs are full returns at once, and those that empty them have their steps on the same thread.
 *
 * A step is of as many records as take about a turn: slow functions get fewer, so that barriers do not wait for them.
 */
import type { StepResult } from './subtask.ts';

/** Records per step: small enough that a barrier or a timer does not wait long, large enough to cost nothing. */
export const RECORDS_PER_STEP = 512;
/** A step that took longer is halved the next time; one that took less than a quarter of it is doubled. */
const LONG_STEP_MS = 4;

/** What is given steps: a subtask. */
export interface Steppable {
  step(maxRecords: number): StepResult;
  flush(): void;
}

export class Turns {
  readonly #subtasks: readonly Steppable[];
  readonly #receive: () => boolean;
  readonly #now: () => number;
  /** Records per step, by subtask. */
  readonly #budgets: Int32Array;
  #next = 0;

  /**
   * @param subtasks in the order of their steps, upstream first
   * @param receive takes in what other threads sent; called before each round; says whether there was anything
   * @param now milliseconds that never go back
   */
  constructor(subtasks: readonly Steppable[], receive: () => boolean, now: () => number) {
    this.#subtasks = subtasks;
    this.#receive = receive;
    this.#now = now;
    this.#budgets = new Int32Array(subtasks.length).fill(RECORDS_PER_STEP);
  }

  /** One turn of about `maxMs`. False when every subtask, asked last, had nothing to do: the thread may sleep. */
  run(maxMs: number): boolean {
    const count = this.#subtasks.length;
    let now = this.#now();
    const end = now + maxMs;
    let quiet = 0;
    this.#receive();
    do {
      if (this.#next === count) {
        this.#next = 0;
        // What came is for subtasks that may have been asked already.
        if (this.#receive()) quiet = 0;
      }
      const worked = (this.#subtasks[this.#next] as Steppable).step(this.#budgets[this.#next] as number) === 'more';
      const after = this.#now();
      this.#adapt(this.#next, after - now);
      now = after;
      quiet = worked ? 0 : quiet + 1;
      this.#next++;
    } while (quiet < count && now < end);
    for (const subtask of this.#subtasks) subtask.flush();
    return quiet < count;
  }

  #adapt(place: number, tookMs: number): void {
    const records = this.#budgets[place] as number;
    if (tookMs > LONG_STEP_MS && records > 1) this.#budgets[place] = Math.ceil(records / 2);
    else if (tookMs < LONG_STEP_MS / 4 && records < RECORDS_PER_STEP)
      this.#budgets[place] = Math.min(RECORDS_PER_STEP, records * 2);
  }
}
