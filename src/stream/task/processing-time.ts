/**
 * Processing-time timers of one subtask: callbacks run when the task asks (`fireDue`), between records, never from the
 * event loop, so that they are atomic with records and captures. Timers of one instant fire in the order of registration.
 */
import type { Clock } from '../../lib/clock.ts';
import type { ProcessingTimeService } from '../operators/operator.ts';

interface Registration {
  readonly at: number;
  readonly order: number;
  readonly callback: (timestamp: number) => void;
  cancelled: boolean;
}

export class TaskProcessingTime implements ProcessingTimeService {
  readonly #clock: Clock;
  /** Ascending by (at, order); few timers, so insertion is cheap. */
  readonly #registrations: Registration[] = [];
  #order = 0;
  /** When the next timer is due; Infinity without timers. Read once per step. */
  nextAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  registerTimer(timestamp: number, callback: (timestamp: number) => void): () => void {
    const registration: Registration = { at: timestamp, order: this.#order++, callback, cancelled: false };
    let index = this.#registrations.length;
    while (index > 0 && (this.#registrations[index - 1] as Registration).at > timestamp) index--;
    this.#registrations.splice(index, 0, registration);
    this.#refresh();
    return () => {
      registration.cancelled = true;
    };
  }

  /** Fires everything due, timers registered meanwhile included; says whether anything fired. */
  fireDue(): boolean {
    let fired = false;
    while (this.nextAt <= this.#clock.now()) {
      const due = this.#registrations.shift();
      this.#refresh();
      if (due === undefined || due.cancelled) continue;
      fired = true;
      due.callback(due.at);
    }
    return fired;
  }

  #refresh(): void {
    while (this.#registrations[0]?.cancelled) this.#registrations.shift();
    this.nextAt = this.#registrations[0]?.at ?? Number.POSITIVE_INFINITY;
  }
}
