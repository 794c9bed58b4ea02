/**
 * The seam between operators and keyed state: one backend per keyed operator and subtask. It answers from memory, knows
 * the current key, and can be captured while records go on.
 */
import type { DataOutput } from '../types/data-output.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type {
  AggregateFn,
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReduceFn,
  ReducingStateDescriptor,
  StateDescriptor,
  StateKind,
  StateTtlConfig,
  ValueStateDescriptor,
} from './descriptors.ts';
import type { AggregatingState, ListState, MapState, ReducingState, State, ValueState } from './state.ts';

/** `void`: one entry per key. `window`: one per key and time window. */
export type NamespaceKind = 'void' | 'window';

/** What a capture says of one state; stored in the manifest and compared on restore. */
export interface KeyedStateMeta {
  readonly name: string;
  readonly kind: StateKind | 'timers';
  readonly namespace: NamespaceKind;
  /** Value, element, accumulator; for a map its value type. Absent for timers. */
  readonly type?: TypeSchema;
  /** User keys of a map. */
  readonly mapKeyType?: TypeSchema;
  readonly ttl: boolean;
}

/** Receives the blocks of a capture. One block = all entries of one state in one key group. */
export interface StateBlockWriter {
  /** Starts a block; the bytes go into the result until `endBlock`. Empty blocks are not written. */
  beginBlock(stateIndex: number, keyGroup: number): DataOutput;
  endBlock(): void;
}

/** The synchronous part's result: everything needed to write the bytes later, unaffected by later writes. */
export interface KeyedStateSnapshot {
  readonly keyType: TypeSchema;
  readonly states: readonly KeyedStateMeta[];
  /**
   * Writes all blocks: states in the order of `states`, key groups ascending. Yields about every millisecond of work so
   * that records flow in between. Called at most once.
   */
  write(blocks: StateBlockWriter): Generator<void, void, void>;
  /** Ends the capture, written or not; must be called exactly once. */
  release(): void;
}

/** One captured backend (of one old subtask) from which key groups of this subtask are restored. */
export interface RestoredKeyedState {
  readonly keyType: TypeSchema;
  readonly states: readonly KeyedStateMeta[];
  /** Blocks of the key groups that this subtask owns now. */
  readonly blocks: Iterable<{ readonly stateIndex: number; readonly keyGroup: number; readonly bytes: Uint8Array }>;
}

/** A state inside windows: the namespace is set before each access. `end` is exclusive. */
export interface Namespaced {
  setWindow(startMs: number, endMs: number): void;
}

/** A namespaced state that can move the entries of several windows of the current key into one (session windows). */
export interface Merging extends Namespaced {
  /** Sources are removed and merged into the target; missing ones are skipped, a present target takes part. */
  mergeWindows(target: TimeWindowLike, sources: readonly TimeWindowLike[]): void;
}

export interface TimeWindowLike {
  readonly start: number;
  readonly end: number;
}

/** Timers live with the keyed state: same key groups, same captures. Implemented by the timer service. */
export interface TimerSnapshotSource {
  /** Name of the timer service, unique within the operator. */
  readonly name: string;
  /** Synchronous part; the result's blocks hold this service's timers. */
  snapshot(): TimerSnapshot;
  /** Adds the timers of one block. */
  restore(keyGroup: number, bytes: Uint8Array): void;
}

export interface TimerSnapshot {
  /** Writes the timers of one key group; writes nothing when there are none. */
  write(keyGroup: number, out: DataOutput): void;
  readonly keyGroups: Iterable<number>;
}

/** Keyed state of one operator in one subtask. */
export interface KeyedStateBackend<K = unknown> {
  readonly keyType: TypeInformation<K>;
  readonly maxParallelism: number;
  /** Inclusive. */
  readonly firstKeyGroup: number;
  /** Inclusive. */
  readonly lastKeyGroup: number;

  /** Makes `key` current. Called for every record. @throws NullPointerException, IllegalArgumentException (foreign key group) */
  setCurrentKey(key: K): void;
  /** @throws NullPointerException "No key set. …" */
  getCurrentKey(): K;
  getCurrentKeyGroup(): number;

  /** The state of a descriptor, made on first use. The same object for an equal descriptor; a clash throws. */
  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV>;
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT>;

  /** The same inside windows. Value and map states cannot merge and say so. */
  getWindowState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> & Namespaced;
  getWindowListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> & Merging;
  getWindowMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV> & Namespaced;
  getWindowReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> & Merging;
  getWindowAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT> & Merging;

  /** Timers to capture and restore with this backend; registered before restore. */
  registerTimers(source: TimerSnapshotSource): void;

  /** Called once, before the first record. @throws StateMigrationException when stored and declared types do not fit */
  restore(handles: readonly RestoredKeyedState[]): void;
  /** Synchronous part of a capture; undefined when no state was ever registered or restored. */
  snapshot(checkpointId: number): KeyedStateSnapshot | undefined;

  /** Entries over all states (or of one), for tests and metrics. */
  numStateEntries(name?: string): number;
  /** Keys that have an entry in the void namespace of a state. */
  keys(name: string): Iterable<K>;

  /**
   * Reads a state for any key without touching the current one; undefined when there is no entry. A state inside windows
   * is read for one window, any other without.
   */
  query(stateName: string, key: K, window?: TimeWindowLike): unknown;
  /** Told when a queryable state is first made; what it throws, the state's maker sees. */
  onQueryable: ((queryableName: string, descriptor: StateDescriptor, namespace: NamespaceKind) => void) | undefined;
  dispose(): void;
}

export type { AggregateFn, ReduceFn, State, StateTtlConfig };
