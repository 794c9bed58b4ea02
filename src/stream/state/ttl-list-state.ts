/** A list per key whose elements expire one by one. Follows Flink's TtlListState. */
import type { Merging, TimeWindowLike } from './backend.ts';
import type { Column } from './columns.ts';
import type { EntryCursor, EntryCursors } from './entry-cursor.ts';
import { checkedElements, nullElement } from './list-state.ts';
import { ListState } from './state.ts';
import type { Ttl } from './ttl.ts';
import { TtlCleanup } from './ttl-cleanup.ts';
import { type StatePlace, sourceEntries } from './value-cell.ts';

/** An element with the time of its last write. Replaced, never changed. */
export interface StampedElement<T = unknown> {
  readonly value: T;
  readonly stamp: number;
}

export class TtlListState<T> extends ListState<T> implements Merging {
  readonly #cursor: EntryCursor;
  readonly #cursors: EntryCursors;
  readonly #column: Column;
  readonly #ttl: Ttl;
  readonly #cleanup: TtlCleanup;
  readonly #expire = (entry: number, now: number): void => {
    this.#keepLive(entry, this.#column.peek(entry) as StampedElement<T>[], now);
  };

  constructor(place: StatePlace, ttl: Ttl) {
    super();
    this.#cursor = place.cursor;
    this.#cursors = place.cursors;
    this.#column = place.column;
    this.#ttl = ttl;
    this.#cleanup = new TtlCleanup(place.cursor.table, place.column, ttl.cleanupSize);
  }

  get(): Iterable<T> {
    const now = this.#ttl.now();
    const entry = this.#access(now);
    const elements = entry < 0 ? undefined : (this.#column.get(entry) as StampedElement<T>[] | undefined);
    if (elements === undefined) return [];
    const live = this.#keepLive(entry, elements, now);
    if (this.#ttl.refreshOnRead && live.length > 0) {
      this.#column.set(
        entry,
        live.map(({ value }) => ({ value, stamp: now })),
      );
    }
    return (this.#ttl.returnExpired ? elements : live).map(({ value }) => value);
  }

  add(value: T): void {
    if (value === null || value === undefined) throw nullElement();
    this.#append([value]);
  }

  addAll(values: Iterable<T>): void {
    const added = checkedElements(values);
    if (added.length > 0) this.#append(added);
  }

  update(values: Iterable<T>): void {
    const elements = checkedElements(values);
    const now = this.#ttl.now();
    const entry = this.#access(now);
    if (elements.length > 0) this.#column.set(this.#cursor.make(), stamped(elements, now));
    else if (entry >= 0) this.#drop(entry);
  }

  clear(): void {
    const entry = this.#access(this.#ttl.now());
    if (entry >= 0) this.#drop(entry);
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cursor.setWindow(startMs, endMs);
  }

  /** Elements keep their times. */
  mergeWindows(target: TimeWindowLike, sources: readonly TimeWindowLike[]): void {
    const merged: StampedElement<T>[] = [];
    for (const entry of sourceEntries(this.#cursor, target, sources)) {
      const elements = this.#column.get(entry);
      if (elements === undefined) continue;
      for (const element of elements as StampedElement<T>[]) merged.push(element);
      this.#drop(entry);
    }
    if (merged.length > 0) this.#push(this.#cursor.makeIn(target.start, target.end), merged);
  }

  #append(values: T[]): void {
    const now = this.#ttl.now();
    this.#access(now);
    this.#push(this.#cursor.make(), stamped(values, now));
  }

  #push(entry: number, added: StampedElement<T>[]): void {
    const elements = this.#column.get(entry) as StampedElement<T>[] | undefined;
    if (elements === undefined) this.#column.set(entry, added);
    else for (const element of added) elements.push(element);
  }

  #access(now: number): number {
    const entry = this.#cursor.find();
    this.#cleanup.step(entry, now, this.#expire);
    return entry;
  }

  /** Removes what expired from an entry. Returns what is left. */
  #keepLive(entry: number, elements: readonly StampedElement<T>[], now: number): readonly StampedElement<T>[] {
    const live = elements.filter(({ stamp }) => !this.#ttl.isExpired(stamp, now));
    if (live.length === 0) this.#drop(entry);
    // Taken as if to be changed: elements of a capture must not get into an array that looks like the state's own.
    else if (live.length < elements.length) this.#column.set(entry, this.#own(entry, now));
    return live;
  }

  #own(entry: number, now: number): StampedElement<T>[] {
    const elements = this.#column.get(entry) as StampedElement<T>[];
    return elements.filter(({ stamp }) => !this.#ttl.isExpired(stamp, now));
  }

  #drop(entry: number): void {
    if (this.#column.drop(entry)) this.#cursors.released(entry);
  }
}

function stamped<T>(values: readonly T[], stamp: number): StampedElement<T>[] {
  return values.map((value) => ({ value, stamp }));
}
