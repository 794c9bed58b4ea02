/**
 * One value per entry, as value, reducing and aggregating states use it: where the current key's value is read and
 * written. The cell of a state that expires is in ttl-value-cell.ts.
 */
import type { TimeWindowLike } from './backend.ts';
import type { Column } from './columns.ts';
import type { EntryCursor, EntryCursors } from './entry-cursor.ts';

/** Joins the values of two windows. */
export type Combine = (left: unknown, right: unknown) => unknown;

/** What a state is made of. */
export interface StatePlace {
  readonly cursor: EntryCursor;
  readonly cursors: EntryCursors;
  readonly column: Column;
}

export class ValueCell {
  protected readonly cursor: EntryCursor;
  protected readonly column: Column;
  readonly #cursors: EntryCursors;

  constructor(place: StatePlace) {
    this.cursor = place.cursor;
    this.column = place.column;
    this.#cursors = place.cursors;
  }

  /** The value for the user, or undefined. */
  read(): unknown {
    // Reads and writes are called per record: what is rare is kept out of them, so that they are inlined.
    const entry = this.cursor.entry;
    return entry >= 0 ? this.column.get(entry) : this.#readSearched();
  }

  /** The value that the next one is combined with, or undefined. */
  current(): unknown {
    return this.read();
  }

  write(value: unknown): void {
    const entry = this.cursor.entry;
    if (entry >= 0) this.column.replace(entry, value);
    else this.#writeMade(value);
  }

  clear(): void {
    const entry = this.cursor.find();
    if (entry >= 0) this.dropAt(entry);
  }

  setWindow(start: number, end: number): void {
    this.cursor.setWindow(start, end);
  }

  /** Moves the values of the sources into the target. */
  merge(target: TimeWindowLike, sources: readonly TimeWindowLike[], combine: Combine): void {
    let merged: unknown;
    for (const entry of sourceEntries(this.cursor, target, sources)) {
      const value = this.column.get(entry);
      if (value === undefined) continue;
      this.dropAt(entry);
      merged = merged === undefined ? value : combine(merged, value);
    }
    if (merged === undefined) return;
    const entry = this.cursor.makeIn(target.start, target.end);
    const present = this.column.get(entry);
    this.column.set(entry, present === undefined ? merged : combine(present, merged));
  }

  #readSearched(): unknown {
    const entry = this.cursor.find();
    return entry >= 0 ? this.column.get(entry) : undefined;
  }

  #writeMade(value: unknown): void {
    // A value that is refused must not leave an entry behind.
    this.column.check(value);
    this.column.set(this.cursor.make(), value);
  }

  protected dropAt(entry: number): void {
    if (this.column.drop(entry)) this.#cursors.released(entry);
  }
}

/** The entries of the current key in the source windows, one by one, without the target and without missing ones. */
export function* sourceEntries(
  cursor: EntryCursor,
  target: TimeWindowLike,
  sources: readonly TimeWindowLike[],
): Generator<number> {
  for (const source of sources) {
    if (source.start === target.start && source.end === target.end) continue;
    const entry = cursor.findIn(source.start, source.end);
    if (entry >= 0) yield entry;
  }
}
