/**
 * Removes what expired a few entries at a time, with every access, until the whole state was seen, and then again from
 * the start. Follows Flink's incremental clean-up of heap state, but never removes the entry that is being accessed:
 * what that access sees would depend on where the walk stands.
 */
import type { Column } from './columns.ts';
import type { KeyTable } from './key-table.ts';

/** Numbers looked at per access at most, unused ones included. */
const STEPS_PER_ACCESS = 64;

export class TtlCleanup {
  #position = 0;
  readonly #table: KeyTable;
  readonly #column: Column;
  readonly #entriesPerAccess: number;

  constructor(table: KeyTable, column: Column, entriesPerAccess: number) {
    this.#table = table;
    this.#column = column;
    this.#entriesPerAccess = entriesPerAccess;
  }

  /** Looks at the next entries. `expire` removes what is gone from one of them. */
  step(accessed: number, now: number, expire: (entry: number, now: number) => void): void {
    let left = this.#entriesPerAccess;
    const steps = Math.min(STEPS_PER_ACCESS, this.#table.size);
    for (let count = 0; count < steps && left > 0; count++) {
      if (this.#position >= this.#table.size) this.#position = 0;
      const entry = this.#position++;
      if (!this.#column.has(entry)) continue;
      left--;
      if (entry !== accessed) expire(entry, now);
    }
  }
}
