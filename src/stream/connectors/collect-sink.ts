/**
 * Collects records in memory, for tests of jobs that run in this process. Sinks of one id share one list, in the order
 * of arrival; workers on other threads have lists of their own. At-least-once: what was collected before a restart stays.
 */
import { SinkFunction } from '../functions/functions.ts';

const collected = new Map<string, unknown[]>();

export class CollectSink<T> extends SinkFunction<T> {
  readonly id: string;
  #records: T[] = [];

  /** @param id under which `CollectSink.records` finds what was collected */
  constructor(id = 'default') {
    super();
    this.id = id;
  }

  /** What the sinks of an id have collected so far in this thread. */
  static records<T>(id = 'default'): readonly T[] {
    return [...((collected.get(id) ?? []) as T[])];
  }

  /** Forgets what the sinks of an id have collected, of all ids when none is given. */
  static clear(id?: string): void {
    // Emptied in place: sinks that run go on with the same list.
    for (const [known, records] of collected) if (id === undefined || known === id) records.length = 0;
  }

  override open(): void {
    const records = collected.get(this.id) ?? [];
    collected.set(this.id, records);
    this.#records = records as T[];
  }

  override invoke(value: T): void {
    this.#records.push(value);
  }
}
