/**
 * A list per key. The array belongs to the state: what users read is a copy of it, with the elements themselves. While a
 * capture shares the array, the column copies it before the first change.
 */
import { NullPointerException } from '../../lib/java-errors.ts';
import type { Merging, TimeWindowLike } from './backend.ts';
import type { Column } from './columns.ts';
import type { EntryCursor, EntryCursors } from './entry-cursor.ts';
import { ListState } from './state.ts';
import { type StatePlace, sourceEntries } from './value-cell.ts';

const NO_ELEMENTS: readonly never[] = [];

export class KeyedListState<T> extends ListState<T> implements Merging {
  readonly #cursor: EntryCursor;
  readonly #cursors: EntryCursors;
  readonly #column: Column;
  /** Elements can be changed by who reads them. */
  readonly #mutable: boolean;

  constructor(place: StatePlace, mutable: boolean) {
    super();
    this.#cursor = place.cursor;
    this.#cursors = place.cursors;
    this.#column = place.column;
    this.#mutable = mutable;
  }

  get(): Iterable<T> {
    const entry = this.#cursor.find();
    if (entry < 0) return NO_ELEMENTS;
    const elements = this.#mutable ? this.#column.get(entry) : this.#column.peek(entry);
    return elements === undefined ? NO_ELEMENTS : (elements as T[]).slice();
  }

  add(value: T): void {
    if (value === null || value === undefined) throw nullElement();
    const entry = this.#cursor.make();
    const elements = this.#column.get(entry);
    if (elements === undefined) this.#column.set(entry, [value]);
    else (elements as T[]).push(value);
  }

  addAll(values: Iterable<T>): void {
    // Checked as a whole before anything is added.
    const added = checkedElements(values);
    if (added.length > 0) this.#append(this.#cursor.make(), added);
  }

  update(values: Iterable<T>): void {
    const elements = checkedElements(values);
    if (elements.length === 0) this.clear();
    else this.#column.set(this.#cursor.make(), elements);
  }

  clear(): void {
    const entry = this.#cursor.find();
    if (entry >= 0) this.#drop(entry);
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cursor.setWindow(startMs, endMs);
  }

  mergeWindows(target: TimeWindowLike, sources: readonly TimeWindowLike[]): void {
    const merged: T[] = [];
    for (const entry of sourceEntries(this.#cursor, target, sources)) {
      // Looked at as if to be changed: the elements move on into a list that a capture does not know.
      const elements = this.#column.get(entry);
      if (elements === undefined) continue;
      for (const element of elements as T[]) merged.push(element);
      this.#drop(entry);
    }
    if (merged.length > 0) this.#append(this.#cursor.makeIn(target.start, target.end), merged);
  }

  #append(entry: number, added: T[]): void {
    const elements = this.#column.get(entry) as T[] | undefined;
    if (elements === undefined) this.#column.set(entry, added);
    else for (const element of added) elements.push(element);
  }

  #drop(entry: number): void {
    if (this.#column.drop(entry)) this.#cursors.released(entry);
  }
}

/** The values as an array of the state's own. @throws NullPointerException for null, or null among them */
export function checkedElements<T>(values: Iterable<T>): T[] {
  if (values === null || values === undefined) throw nullElement();
  const elements = [...values];
  for (const element of elements) if (element === null || element === undefined) throw nullElement();
  return elements;
}

/** Flink's refusal of a null list or element. */
export function nullElement(): NullPointerException {
  return new NullPointerException('You cannot add null to a ListState.');
}
