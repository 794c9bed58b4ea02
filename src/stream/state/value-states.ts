/** The states that keep one value per key: value, reducing and aggregating. */
import { NullPointerException, UnsupportedOperationException } from '../../lib/java-errors.ts';
import type { Merging, TimeWindowLike } from './backend.ts';
import type { Column } from './columns.ts';
import type {
  AggregateFn,
  AggregatingStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from './descriptors.ts';
import type { EntryCursor } from './entry-cursor.ts';
import { AggregatingState, ReducingState, ValueState } from './state.ts';
import { type StatePlace, ValueCell } from './value-cell.ts';

/** Reads and writes go straight to the column: they are what most jobs do per record. */
export class KeyedValueState<T> extends ValueState<T> implements Merging {
  readonly #cursor: EntryCursor;
  readonly #column: Column;
  readonly #cell: ValueCell;
  readonly #name: string;
  readonly #default: () => T | null;

  constructor(descriptor: ValueStateDescriptor<T>, place: StatePlace) {
    super();
    this.#cursor = place.cursor;
    this.#column = place.column;
    this.#cell = new ValueCell(place);
    this.#name = descriptor.name;
    this.#default = defaultOf(descriptor);
  }

  value(): T | null {
    const entry = this.#cursor.entry;
    const value = entry >= 0 ? this.#column.get(entry) : this.#cell.read();
    return value === undefined ? this.#default() : (value as T);
  }

  update(value: T | null): void {
    const entry = this.#cursor.entry;
    if (value === null || value === undefined) this.#cell.clear();
    else if (entry >= 0) this.#column.replace(entry, value);
    else this.#cell.write(value);
  }

  clear(): void {
    this.#cell.clear();
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cell.setWindow(startMs, endMs);
  }

  mergeWindows(): never {
    throw cannotMerge(this.#name, 'value');
  }
}

/** A value that expires. */
export class TtlValueState<T> extends ValueState<T> implements Merging {
  readonly #cell: ValueCell;
  readonly #name: string;
  readonly #default: () => T | null;

  constructor(descriptor: ValueStateDescriptor<T>, cell: ValueCell) {
    super();
    this.#cell = cell;
    this.#name = descriptor.name;
    this.#default = defaultOf(descriptor);
  }

  value(): T | null {
    const value = this.#cell.read();
    return value === undefined ? this.#default() : (value as T);
  }

  update(value: T | null): void {
    if (value === null || value === undefined) this.#cell.clear();
    else this.#cell.write(value);
  }

  clear(): void {
    this.#cell.clear();
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cell.setWindow(startMs, endMs);
  }

  mergeWindows(): never {
    throw cannotMerge(this.#name, 'value');
  }
}

export class KeyedReducingState<T> extends ReducingState<T> implements Merging {
  readonly #cell: ValueCell;
  readonly #name: string;
  readonly #reduce: (left: T, right: T) => T;

  constructor(descriptor: ReducingStateDescriptor<T>, cell: ValueCell) {
    super();
    this.#cell = cell;
    this.#name = descriptor.name;
    this.#reduce = descriptor.reduce;
  }

  add(value: T | null): void {
    if (value === null || value === undefined) {
      this.#cell.clear();
      return;
    }
    const current = this.#cell.current();
    // The first value is stored as it is: there is nothing to reduce it with.
    this.#cell.write(current === undefined ? value : this.#checked(this.#reduce(current as T, value)));
  }

  get(): T | null {
    const value = this.#cell.read();
    return value === undefined ? null : (value as T);
  }

  clear(): void {
    this.#cell.clear();
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cell.setWindow(startMs, endMs);
  }

  mergeWindows(target: TimeWindowLike, sources: readonly TimeWindowLike[]): void {
    this.#cell.merge(target, sources, (left, right) => this.#checked(this.#reduce(left as T, right as T)));
  }

  #checked(value: T): T {
    if (value !== null && value !== undefined) return value;
    throw new NullPointerException(
      `The ReduceFunction of state "${this.#name}" returned ${value}. It has to return the combined value.`,
    );
  }
}

export class KeyedAggregatingState<IN, ACC, OUT> extends AggregatingState<IN, OUT> implements Merging {
  readonly #cell: ValueCell;
  readonly #name: string;
  readonly #aggregate: AggregateFn<IN, ACC, OUT>;

  constructor(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>, cell: ValueCell) {
    super();
    this.#cell = cell;
    this.#name = descriptor.name;
    this.#aggregate = descriptor.aggregate;
  }

  add(value: IN | null): void {
    if (value === null || value === undefined) {
      this.#cell.clear();
      return;
    }
    const current = this.#cell.current();
    const accumulator = current === undefined ? this.#aggregate.createAccumulator() : (current as ACC);
    this.#cell.write(this.#checked('add', this.#aggregate.add(value, accumulator)));
  }

  get(): OUT | null {
    const accumulator = this.#cell.read();
    return accumulator === undefined ? null : this.#aggregate.getResult(accumulator as ACC);
  }

  clear(): void {
    this.#cell.clear();
  }

  setWindow(startMs: number, endMs: number): void {
    this.#cell.setWindow(startMs, endMs);
  }

  mergeWindows(target: TimeWindowLike, sources: readonly TimeWindowLike[]): void {
    this.#cell.merge(target, sources, (left, right) =>
      this.#checked('merge', this.#aggregate.merge(left as ACC, right as ACC)),
    );
  }

  #checked(method: string, accumulator: ACC): ACC {
    if (accumulator !== null && accumulator !== undefined) return accumulator;
    throw new NullPointerException(
      `AggregateFunction.${method} of state "${this.#name}" returned ${accumulator}. It has to return the accumulator.`,
    );
  }
}

/** Flink: only appending states merge. */
export function cannotMerge(name: string, kind: string): UnsupportedOperationException {
  return new UnsupportedOperationException(
    `The ${kind} state "${name}" cannot be merged when windows merge. Use a list, reducing or aggregating state.`,
  );
}

/** What an absent value reads as: a new copy of the default each time, or null. */
function defaultOf<T>({ type, defaultValue }: ValueStateDescriptor<T>): () => T | null {
  if (defaultValue === undefined || defaultValue === null) return () => null;
  return () => type.copy(defaultValue);
}
