/**
 * Where reads and writes go: the current key of a backend, and per namespace the entry of that key. States of the void
 * namespace share one cursor, which moves with the key; a state inside windows has its own, with its own window.
 */
import { NullPointerException } from '../../lib/java-errors.ts';
import { ABSENT, type KeyTable } from './key-table.ts';

/** The key, or the window, changed since the last search. */
const STALE = -2;

/** The key that the backend works on. Set by the backend alone. */
export class CurrentKey {
  /** Undefined before the first key. */
  key: unknown = undefined;
  /** Murmur hash of the key. */
  mixed = 0;
}

/** The entry of the current key in one table. */
export class EntryCursor {
  /** The entry, or below 0 when it is absent or has to be searched: then ask `find`. */
  entry = STALE;
  start = 0;
  end = 0;
  readonly table: KeyTable;
  readonly #current: CurrentKey;
  #hasWindow = false;

  constructor(table: KeyTable, current: CurrentKey) {
    this.table = table;
    this.#current = current;
  }

  /** The key changed. */
  invalidate(): void {
    this.entry = STALE;
  }

  /** Selects the window of the following accesses. @throws NullPointerException without a window */
  setWindow(start: number, end: number): void {
    if (typeof start !== 'number' || typeof end !== 'number') {
      throw new NullPointerException('Provided namespace is null.');
    }
    this.start = start;
    this.end = end;
    this.#hasWindow = true;
    this.entry = STALE;
  }

  /** The entry of the current key, or ABSENT. @throws NullPointerException without a key or window */
  find(): number {
    // Inside windows another state may have made the entry meanwhile; the void namespace has this one cursor.
    if (this.entry >= 0 || (this.entry === ABSENT && !this.table.windowed)) return this.entry;
    this.#checkKey();
    if (this.table.windowed && !this.#hasWindow) throw new NullPointerException('Provided namespace is null.');
    this.entry = this.table.find(this.#current.key, this.#current.mixed, this.start, this.end);
    return this.entry;
  }

  /** The entry of the current key, made if absent. */
  make(): number {
    const entry = this.find();
    if (entry >= 0) return entry;
    this.entry = this.table.insert(this.#current.key, this.#current.mixed, this.start, this.end);
    return this.entry;
  }

  /** The entry of the current key in another window, or ABSENT. */
  findIn(start: number, end: number): number {
    this.#checkKey();
    return this.table.find(this.#current.key, this.#current.mixed, start, end);
  }

  /** The entry of the current key in another window, made if absent. */
  makeIn(start: number, end: number): number {
    const entry = this.findIn(start, end);
    return entry >= 0 ? entry : this.table.insert(this.#current.key, this.#current.mixed, start, end);
  }

  #checkKey(): void {
    if (this.#current.key !== undefined) return;
    throw new NullPointerException('No key set. This method should not be called outside of a keyed context.');
  }
}

/** All cursors of one table; told when the key changes and when an entry disappears. */
export class EntryCursors {
  readonly table: KeyTable;
  readonly #current: CurrentKey;
  readonly #cursors: EntryCursor[] = [];

  constructor(table: KeyTable, current: CurrentKey) {
    this.table = table;
    this.#current = current;
  }

  /** The shared cursor of the void namespace, a new one inside windows. */
  cursorForState(): EntryCursor {
    const shared = this.table.windowed ? undefined : this.#cursors[0];
    if (shared !== undefined) return shared;
    const cursor = new EntryCursor(this.table, this.#current);
    this.#cursors.push(cursor);
    return cursor;
  }

  invalidate(): void {
    for (const cursor of this.#cursors) cursor.invalidate();
  }

  /** A column dropped its value: frees the entry if it was the last one. */
  released(entry: number): void {
    if (!this.table.freeIfEmpty(entry)) return;
    for (const cursor of this.#cursors) if (cursor.entry === entry) cursor.entry = ABSENT;
  }
}
