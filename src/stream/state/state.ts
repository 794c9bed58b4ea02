/**
 * The state objects that functions work with. All reads and writes are synchronous and go to the entry of the current
 * key (and, inside windows, the current window). Names and semantics are Flink's; see docs/state.md for the tables.
 * They are abstract classes, not interfaces, so that their names exist at run time too.
 */

/** Every state can drop the entry of the current key. */
export abstract class State {
  abstract clear(): void;
}

/** One value per key. */
export abstract class ValueState<T> extends State {
  /** The value, the descriptor's default (a copy), or null. */
  abstract value(): T | null;
  /** Replaces the value; null removes the entry. */
  abstract update(value: T | null): void;
}

/** A list per key, in insertion order. */
export abstract class ListState<T> extends State {
  abstract add(value: T): void;
  abstract addAll(values: Iterable<T>): void;
  /** The elements; empty, never null, when there are none. */
  abstract get(): Iterable<T>;
  /** Replaces the list; an empty one removes the entry. */
  abstract update(values: Iterable<T>): void;
}

/** A map per key. */
export abstract class MapState<UK, UV> extends State {
  abstract get(key: UK): UV | null;
  abstract put(key: UK, value: UV): void;
  abstract putAll(entries: Iterable<readonly [UK, UV]>): void;
  abstract contains(key: UK): boolean;
  abstract remove(key: UK): void;
  abstract entries(): Iterable<[UK, UV]>;
  abstract keys(): Iterable<UK>;
  abstract values(): Iterable<UV>;
  abstract isEmpty(): boolean;
}

/** One value per key into which every added value is reduced. */
export abstract class ReducingState<T> extends State {
  abstract add(value: T | null): void;
  abstract get(): T | null;
}

/** One accumulator per key into which every added value is aggregated. */
export abstract class AggregatingState<IN, OUT> extends State {
  abstract add(value: IN | null): void;
  abstract get(): OUT | null;
}

/** A map that is the same on every subtask; only the broadcast side may write. */
export abstract class ReadOnlyBroadcastState<K, V> {
  abstract get(key: K): V | null;
  abstract contains(key: K): boolean;
  abstract immutableEntries(): Iterable<readonly [K, V]>;
}

/** A broadcast map with its writing side. */
export abstract class BroadcastState<K, V> extends ReadOnlyBroadcastState<K, V> {
  abstract put(key: K, value: V): void;
  abstract putAll(entries: Iterable<readonly [K, V]>): void;
  abstract remove(key: K): void;
  abstract clear(): void;
  abstract entries(): Iterable<[K, V]>;
}
