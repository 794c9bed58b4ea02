/**
 * Where the values of one state lie, by entry number: flat numbers where the type allows it, else references. A column
 * whose objects can be changed in place keeps a version per entry and copies an object that a capture in flight shares
 * before it hands it out.
 */
import type { TypeInformation } from '../types/type-information.ts';
import type { CaptureVersions } from './capture-versions.ts';
import { type EntryColumn, flatColumnOf, resized } from './key-table.ts';

/** The values of a column as they were when a capture began. */
export interface CapturedColumn {
  has(entry: number): boolean;
  valueAt(entry: number): unknown;
  /** When each value was last written, for states that expire. */
  readonly stamps: Float64Array | undefined;
  /** Flat values and where they are present, for fast paths. */
  readonly flat: Float64Array | Int32Array | undefined;
  readonly present: Uint8Array | undefined;
}

/** What all columns offer. `undefined` stands for "nothing there". */
export abstract class Column implements EntryColumn {
  /** Entries that have a value. */
  count = 0;
  /** No other column shares the table: an entry that exists has a value here. Set by the table. */
  isSole = false;
  /** Time of the last write per entry; only where the value as a whole expires. */
  stamps: Float64Array | undefined;

  constructor(stamped: boolean) {
    if (stamped) this.stamps = new Float64Array(0);
  }

  abstract has(entry: number): boolean;
  /** The value, free to be changed by the caller. */
  abstract get(entry: number): unknown;
  /** The value, only to be looked at. */
  abstract peek(entry: number): unknown;
  /** Refuses what the column cannot hold; `set` does so too, but needs an entry. */
  abstract check(value: unknown): void;
  /** Sets or replaces the value. */
  abstract set(entry: number, value: unknown): void;
  /** Replaces the value of an entry that was there before; of a sole column, that is. */
  abstract replace(entry: number, value: unknown): void;
  /** Removes the value. Returns whether there was one. */
  abstract drop(entry: number): boolean;
  /** The first `size` entries as they are now. */
  abstract capture(size: number): CapturedColumn;

  resize(capacity: number): void {
    if (this.stamps !== undefined) this.stamps = resized(this.stamps, capacity);
  }
}

/** A column for values of a type. */
export function columnFor(type: TypeInformation<unknown>, stamped: boolean, versions: CaptureVersions): Column {
  switch (flatColumnOf(type)) {
    case 'int32':
      return new Int32Column(type, stamped);
    case 'float64':
      return new Float64Column(type, stamped);
    default:
      return type.immutable
        ? new ObjectColumn(stamped)
        : new MutableColumn(stamped, versions, (value) => type.copy(value));
  }
}

class Float64Column extends Column {
  #values = new Float64Array(0);
  #present = new Uint8Array(0);
  readonly #type: TypeInformation<unknown>;
  /** Any number will do, so that nothing but the JavaScript type is looked at. */
  readonly #plain: boolean;

  constructor(type: TypeInformation<unknown>, stamped: boolean) {
    super(stamped);
    this.#type = type;
    this.#plain = type.schema.kind === 'float64';
  }

  has(entry: number): boolean {
    return this.#present[entry] === 1;
  }

  get(entry: number): unknown {
    return this.isSole || this.#present[entry] === 1 ? this.#values[entry] : undefined;
  }

  peek(entry: number): unknown {
    return this.get(entry);
  }

  check(value: unknown): void {
    // A type of numbers refuses in its hash what it cannot hold.
    this.#type.hash?.(value);
  }

  set(entry: number, value: unknown): void {
    if (!this.#plain || typeof value !== 'number') this.check(value);
    if (this.#present[entry] === 0) {
      this.#present[entry] = 1;
      this.count++;
    }
    this.#values[entry] = value as number;
  }

  replace(entry: number, value: unknown): void {
    if (this.isSole && this.#plain && typeof value === 'number') this.#values[entry] = value as number;
    else this.set(entry, value);
  }

  drop(entry: number): boolean {
    if (this.#present[entry] !== 1) return false;
    this.#present[entry] = 0;
    this.count--;
    return true;
  }

  override resize(capacity: number): void {
    super.resize(capacity);
    this.#values = resized(this.#values, capacity);
    this.#present = resized(this.#present, capacity);
  }

  capture(size: number): CapturedColumn {
    return capturedFlat(this.#values.slice(0, size), this.#present.slice(0, size), this.stamps?.slice(0, size));
  }
}

class Int32Column extends Column {
  #values = new Int32Array(0);
  #present = new Uint8Array(0);
  readonly #type: TypeInformation<unknown>;
  readonly #plain: boolean;

  constructor(type: TypeInformation<unknown>, stamped: boolean) {
    super(stamped);
    this.#type = type;
    this.#plain = type.schema.kind === 'int32';
  }

  has(entry: number): boolean {
    return this.#present[entry] === 1;
  }

  get(entry: number): unknown {
    return this.isSole || this.#present[entry] === 1 ? this.#values[entry] : undefined;
  }

  peek(entry: number): unknown {
    return this.get(entry);
  }

  check(value: unknown): void {
    // A type of numbers refuses in its hash what it cannot hold.
    this.#type.hash?.(value);
  }

  set(entry: number, value: unknown): void {
    if (!this.#plain || ((value as number) | 0) !== value) this.check(value);
    if (this.#present[entry] === 0) {
      this.#present[entry] = 1;
      this.count++;
    }
    this.#values[entry] = value as number;
  }

  replace(entry: number, value: unknown): void {
    if (this.isSole && this.#plain && ((value as number) | 0) === value) this.#values[entry] = value as number;
    else this.set(entry, value);
  }

  drop(entry: number): boolean {
    if (this.#present[entry] !== 1) return false;
    this.#present[entry] = 0;
    this.count--;
    return true;
  }

  override resize(capacity: number): void {
    super.resize(capacity);
    this.#values = resized(this.#values, capacity);
    this.#present = resized(this.#present, capacity);
  }

  capture(size: number): CapturedColumn {
    return capturedFlat(this.#values.slice(0, size), this.#present.slice(0, size), this.stamps?.slice(0, size));
  }
}

/** References to objects that cannot be changed in place. */
class ObjectColumn extends Column {
  protected readonly values: unknown[] = [];

  has(entry: number): boolean {
    return this.values[entry] !== undefined;
  }

  get(entry: number): unknown {
    return this.values[entry];
  }

  peek(entry: number): unknown {
    return this.values[entry];
  }

  check(_value: unknown): void {}

  set(entry: number, value: unknown): void {
    if (this.values[entry] === undefined) this.count++;
    this.values[entry] = value;
  }

  replace(entry: number, value: unknown): void {
    this.set(entry, value);
  }

  drop(entry: number): boolean {
    if (this.values[entry] === undefined) return false;
    this.values[entry] = undefined;
    this.count--;
    return true;
  }

  override resize(capacity: number): void {
    super.resize(capacity);
    // Filled rather than made longer: an array with holes answers more slowly, and forever.
    for (let length = this.values.length; length < capacity; length++) this.values.push(undefined);
  }

  capture(size: number): CapturedColumn {
    const values = this.values.slice(0, size);
    return {
      has: (entry) => values[entry] !== undefined,
      valueAt: (entry) => values[entry],
      stamps: this.stamps?.slice(0, size),
      flat: undefined,
      present: undefined,
    };
  }
}

/** References to objects that can be changed in place: copied on access while a capture shares them. */
export class MutableColumn extends ObjectColumn {
  #marks = new Int32Array(0);
  readonly #versions: CaptureVersions;
  readonly #copy: (value: unknown) => unknown;

  constructor(stamped: boolean, versions: CaptureVersions, copy: (value: unknown) => unknown) {
    super(stamped);
    this.#versions = versions;
    this.#copy = copy;
  }

  override get(entry: number): unknown {
    const value = this.values[entry];
    if (value === undefined || (this.#marks[entry] as number) >= this.#versions.required) return value;
    const own = this.#copy(value);
    this.values[entry] = own;
    this.#marks[entry] = this.#versions.current;
    return own;
  }

  override set(entry: number, value: unknown): void {
    super.set(entry, value);
    this.#marks[entry] = this.#versions.current;
  }

  override resize(capacity: number): void {
    super.resize(capacity);
    this.#marks = resized(this.#marks, capacity);
  }
}

function capturedFlat(
  flat: Float64Array | Int32Array,
  present: Uint8Array,
  stamps: Float64Array | undefined,
): CapturedColumn {
  return {
    has: (entry) => present[entry] === 1,
    valueAt: (entry) => flat[entry],
    stamps,
    flat,
    present,
  };
}
