/**
 * An index from keys (and, inside windows, their windows) to dense entry numbers 0, 1, 2, … under which the columns of
 * the states hold their values. One table serves all states of a backend that share a kind of namespace.
 *
 *     slots (open addressing)          columns, by entry number
 *     ┌───┬─────┬───┬─────┬─────┐      keys     ┌─┬─┬─┐
 *     │ 0 │ 2 t │ 0 │ 1 t │ 3 t │ ───> windows  ├─┼─┼─┤
 *     └───┴─────┴───┴─────┴─────┘      values … └─┴─┴─┘
 *
 * A slot holds an entry number plus one, 0 is empty, and beside it a tag: the key itself where that is an int, else the
 * hash. So a search mostly reads one place. Slots are twice as many as entries: it rarely looks at a second one.
 * Where an entry lies follows from the same murmur hash as its key group, spread by a multiplication: a subtask owns few
 * key groups, and their bits alone would crowd a part of the slots. Entry numbers that were given back are used again.
 */
import { murmurHash32 } from '../key-groups.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** No such entry. */
export const ABSENT = -1;

/** What grows and empties together with the entries of a table. */
export interface EntryColumn {
  /** Whether it is the table's only column. */
  isSole: boolean;
  /** Whether the entry has something in this column. */
  has(entry: number): boolean;
  /** Makes room for entries below `capacity`. */
  resize(capacity: number): void;
}

/** The synchronous part of a capture of the keys: unaffected by what happens to the table later. */
export interface CapturedKeys {
  /** All entries are below this number; some may be unused. */
  readonly size: number;
  readonly starts: Float64Array | undefined;
  readonly ends: Float64Array | undefined;
  /** Flat keys, for fast paths. */
  readonly ints: Int32Array | undefined;
  mixedAt(entry: number): number;
  keyAt(entry: number): unknown;
}

/** The part that does not depend on how keys are stored. */
export abstract class KeyTable {
  /** All entries are below this number; some may be free. */
  size = 0;
  capacity = FIRST_CAPACITY;
  readonly windowed: boolean;
  /** Two words each: entry number + 1, tag. */
  protected slots = new Int32Array(FIRST_CAPACITY * 4);
  /** A hash shifted right by this is an even number, the place of its slot, once its lowest bit is cleared. */
  protected shift = Math.clz32(FIRST_CAPACITY * 4) + 1;
  protected starts: Float64Array | undefined;
  protected ends: Float64Array | undefined;
  readonly #free: number[] = [];
  readonly #columns: EntryColumn[] = [];

  constructor(windowed: boolean) {
    this.windowed = windowed;
    if (windowed) {
      this.starts = new Float64Array(FIRST_CAPACITY);
      this.ends = new Float64Array(FIRST_CAPACITY);
    }
  }

  /** The entry of a key, or ABSENT. `mixed` is the murmur hash; the window counts only in a windowed table. */
  abstract find(key: unknown, mixed: number, start: number, end: number): number;
  abstract keyAt(entry: number): unknown;
  /** The murmur hash of an entry's key. */
  abstract mixedAt(entry: number): number;
  abstract capture(): CapturedKeys;
  protected abstract tagAt(entry: number): number;
  protected abstract setKey(entry: number, key: unknown, mixed: number): void;
  protected abstract dropKey(entry: number): void;
  protected abstract resizeKeys(capacity: number): void;

  /** Entries in use. */
  get live(): number {
    return this.size - this.#free.length;
  }

  startAt(entry: number): number {
    return this.starts === undefined ? 0 : (this.starts[entry] as number);
  }

  endAt(entry: number): number {
    return this.ends === undefined ? 0 : (this.ends[entry] as number);
  }

  addColumn(column: EntryColumn): void {
    this.#columns.push(column);
    for (const each of this.#columns) each.isSole = this.#columns.length === 1;
    column.resize(this.capacity);
  }

  /** Adds a key that `find` did not find. */
  insert(key: unknown, mixed: number, start: number, end: number): number {
    const entry = this.#free.pop() ?? this.#nextEntry();
    this.setKey(entry, key, mixed);
    if (this.starts !== undefined && this.ends !== undefined) {
      this.starts[entry] = start;
      this.ends[entry] = end;
    }
    this.#link(entry, this.windowed ? mixWindow(mixed, start, end) : mixed);
    return entry;
  }

  /** Frees an entry that no column has anything in. Returns whether it did. */
  freeIfEmpty(entry: number): boolean {
    for (const column of this.#columns) if (column.has(entry)) return false;
    this.#unlink(entry);
    this.dropKey(entry);
    this.#free.push(entry);
    if (this.#free.length === this.size) {
      this.#free.length = 0;
      this.size = 0;
    }
    return true;
  }

  /** Makes room for `more` entries at once. */
  reserve(more: number): void {
    let capacity = this.capacity;
    while (capacity < this.size + more) capacity *= 2;
    if (capacity > this.capacity) this.#resize(capacity);
  }

  #nextEntry(): number {
    if (this.size === this.capacity) this.#resize(this.capacity * 2);
    return this.size++;
  }

  /** What decides where an entry lies. */
  #hashAt(entry: number): number {
    const mixed = this.mixedAt(entry);
    return this.windowed ? mixWindow(mixed, this.startAt(entry), this.endAt(entry)) : mixed;
  }

  #homeOf(hash: number): number {
    return (Math.imul(hash, SPREAD) >>> this.shift) & EVEN;
  }

  #link(entry: number, hash: number): void {
    const slots = this.slots;
    const mask = slots.length - 1;
    let slot = this.#homeOf(hash);
    while (slots[slot] !== 0) slot = (slot + 2) & mask;
    slots[slot] = entry + 1;
    slots[slot + 1] = this.tagAt(entry);
  }

  /** Empties the entry's slot and moves up those behind it, so that no search meets a gap before its end. */
  #unlink(entry: number): void {
    const slots = this.slots;
    const mask = slots.length - 1;
    let hole = this.#homeOf(this.#hashAt(entry));
    while (slots[hole] !== entry + 1) hole = (hole + 2) & mask;
    for (let next = (hole + 2) & mask; slots[next] !== 0; next = (next + 2) & mask) {
      const home = this.#homeOf(this.#hashAt((slots[next] as number) - 1));
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      slots[hole] = slots[next] as number;
      slots[hole + 1] = slots[next + 1] as number;
      hole = next;
    }
    slots[hole] = 0;
  }

  #resize(capacity: number): void {
    const old = this.slots;
    this.capacity = capacity;
    this.slots = new Int32Array(capacity * 4);
    this.shift = Math.clz32(capacity * 4) + 1;
    this.resizeKeys(capacity);
    if (this.starts !== undefined) this.starts = resized(this.starts, capacity);
    if (this.ends !== undefined) this.ends = resized(this.ends, capacity);
    for (const column of this.#columns) column.resize(capacity);
    for (let slot = 0; slot < old.length; slot += 2) {
      const held = old[slot] as number;
      if (held !== 0) this.#link(held - 1, this.#hashAt(held - 1));
    }
  }
}

/** A table for the keys of a type. */
export function keyTableFor(type: TypeInformation<unknown>, windowed: boolean): KeyTable {
  switch (flatColumnOf(type)) {
    case 'int32':
      return new Int32KeyTable(windowed);
    case 'float64':
      return new Float64KeyTable(windowed);
    default:
      return new ObjectKeyTable(windowed, type);
  }
}

/** How values of a type may lie in a flat column; undefined where they may not. */
export function flatColumnOf(type: TypeInformation<unknown>): 'int32' | 'float64' | undefined {
  return type.column === 'object' || !NUMBER_KINDS.has(type.schema.kind) ? undefined : type.column;
}

/** The same numbers in a larger array. */
export function resized<A extends Int32Array | Float64Array | Uint8Array>(array: A, length: number): A {
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array);
  return larger;
}

const FIRST_CAPACITY = 64;
const SPREAD = 0x9e3779b1 | 0;
const EVEN = ~1;
const NUMBER_KINDS: ReadonlySet<string> = new Set(['int8', 'int16', 'int32', 'safeInt64', 'float32', 'float64']);

function mixWindow(mixed: number, start: number, end: number): number {
  // Windows are multiples of something: their low bits are all alike until they are multiplied.
  const window = Math.imul(start | 0, 0x85ebca6b) ^ Math.imul((end - start) | 0, 0xc2b2ae35);
  return mixed ^ window ^ (window >>> 15);
}

class Int32KeyTable extends KeyTable {
  #keys = new Int32Array(FIRST_CAPACITY);

  find(wanted: number, mixed: number, start: number, end: number): number {
    const key = wanted | 0;
    const { slots, starts, ends } = this;
    const mask = slots.length - 1;
    const hash = starts === undefined ? mixed : mixWindow(mixed, start, end);
    for (let slot = (Math.imul(hash, SPREAD) >>> this.shift) & EVEN; ; slot = (slot + 2) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return ABSENT;
      if (slots[slot + 1] !== key) continue;
      if (starts === undefined || ends === undefined || (starts[entry] === start && ends[entry] === end)) return entry;
    }
  }

  keyAt(entry: number): number {
    return this.#keys[entry] as number;
  }

  mixedAt(entry: number): number {
    return murmurHash32(this.#keys[entry] as number);
  }

  capture(): CapturedKeys {
    const { size } = this;
    const ints = this.#keys.slice(0, size);
    return {
      size,
      starts: this.starts?.slice(0, size),
      ends: this.ends?.slice(0, size),
      ints,
      mixedAt: (entry) => murmurHash32(ints[entry] as number),
      keyAt: (entry) => ints[entry],
    };
  }

  protected tagAt(entry: number): number {
    return this.#keys[entry] as number;
  }

  protected setKey(entry: number, key: number): void {
    this.#keys[entry] = key;
  }

  protected dropKey(): void {}

  protected resizeKeys(capacity: number): void {
    this.#keys = resized(this.#keys, capacity);
  }
}

class Float64KeyTable extends KeyTable {
  #keys = new Float64Array(FIRST_CAPACITY);
  #mixed = new Int32Array(FIRST_CAPACITY);

  find(key: number, mixed: number, start: number, end: number): number {
    const { slots, starts, ends } = this;
    const keys = this.#keys;
    const mask = slots.length - 1;
    const hash = starts === undefined ? mixed : mixWindow(mixed, start, end);
    for (let slot = (Math.imul(hash, SPREAD) >>> this.shift) & EVEN; ; slot = (slot + 2) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return ABSENT;
      // As Double.equals: NaN is NaN. 0.0 is not −0.0, which the hashes tell apart.
      const found = keys[entry] as number;
      if (slots[slot + 1] !== mixed || (found !== key && !(Number.isNaN(found) && Number.isNaN(key)))) continue;
      if (starts === undefined || ends === undefined || (starts[entry] === start && ends[entry] === end)) return entry;
    }
  }

  keyAt(entry: number): number {
    return this.#keys[entry] as number;
  }

  mixedAt(entry: number): number {
    return this.#mixed[entry] as number;
  }

  capture(): CapturedKeys {
    const { size } = this;
    const keys = this.#keys.slice(0, size);
    const mixed = this.#mixed.slice(0, size);
    return {
      size,
      starts: this.starts?.slice(0, size),
      ends: this.ends?.slice(0, size),
      ints: undefined,
      mixedAt: (entry) => mixed[entry] as number,
      keyAt: (entry) => keys[entry],
    };
  }

  protected tagAt(entry: number): number {
    return this.#mixed[entry] as number;
  }

  protected setKey(entry: number, key: number, mixed: number): void {
    this.#keys[entry] = key;
    this.#mixed[entry] = mixed;
  }

  protected dropKey(): void {}

  protected resizeKeys(capacity: number): void {
    this.#keys = resized(this.#keys, capacity);
    this.#mixed = resized(this.#mixed, capacity);
  }
}

class ObjectKeyTable extends KeyTable {
  readonly #keys: unknown[] = [];
  #mixed = new Int32Array(FIRST_CAPACITY);
  readonly #same: ((left: unknown, right: unknown) => boolean) | undefined;

  readonly #type: TypeInformation<unknown>;

  constructor(windowed: boolean, type: TypeInformation<unknown>) {
    super(windowed);
    this.#type = type;
    this.#same = type.sameKey;
  }

  find(key: unknown, mixed: number, start: number, end: number): number {
    const { slots, starts, ends } = this;
    const keys = this.#keys;
    const same = this.#same;
    const mask = slots.length - 1;
    const hash = starts === undefined ? mixed : mixWindow(mixed, start, end);
    for (let slot = (Math.imul(hash, SPREAD) >>> this.shift) & EVEN; ; slot = (slot + 2) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return ABSENT;
      if (slots[slot + 1] !== mixed) continue;
      if (same === undefined ? keys[entry] !== key : !same(keys[entry], key)) continue;
      if (starts === undefined || ends === undefined || (starts[entry] === start && ends[entry] === end)) return entry;
    }
  }

  keyAt(entry: number): unknown {
    return this.#keys[entry];
  }

  mixedAt(entry: number): number {
    return this.#mixed[entry] as number;
  }

  capture(): CapturedKeys {
    const { size } = this;
    const keys = this.#keys.slice(0, size);
    const mixed = this.#mixed.slice(0, size);
    return {
      size,
      starts: this.starts?.slice(0, size),
      ends: this.ends?.slice(0, size),
      ints: undefined,
      mixedAt: (entry) => mixed[entry] as number,
      keyAt: (entry) => keys[entry],
    };
  }

  protected tagAt(entry: number): number {
    return this.#mixed[entry] as number;
  }

  protected setKey(entry: number, key: unknown, mixed: number): void {
    const own = this.#type.immutable ? key : this.#type.copy(key);
    // Entries are given out in order, so the array stays without holes.
    if (entry === this.#keys.length) this.#keys.push(own);
    else this.#keys[entry] = own;
    this.#mixed[entry] = mixed;
  }

  protected dropKey(entry: number): void {
    this.#keys[entry] = undefined;
  }

  protected resizeKeys(capacity: number): void {
    this.#mixed = resized(this.#mixed, capacity);
  }
}
