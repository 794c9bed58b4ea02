/**
 * The two interfaces by which a function takes part in captures. A function may have one of them, not both.
 * Follow Flink's CheckpointedFunction and ListCheckpointed.
 */
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import type {
  AggregatingState,
  BroadcastState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/state.ts';

/** State of a subtask, not of a key. */
export interface OperatorStateStore {
  /** Even-split: each element goes to one subtask on restore. */
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** Union: every subtask gets all elements on restore. */
  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** A map that is the same everywhere; each subtask gets one copy on restore. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

export interface KeyedStateStore {
  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV>;
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT>;
}

export interface FunctionInitializationContext {
  /** True when the task started from a checkpoint or savepoint, even if it holds nothing for this function. */
  isRestored(): boolean;
  getRestoredCheckpointId(): number | undefined;
  getOperatorStateStore(): OperatorStateStore;
  /** @throws on a stream that is not keyed */
  getKeyedStateStore(): KeyedStateStore;
}

export interface FunctionSnapshotContext {
  /** Unique and strictly increasing. */
  readonly checkpointId: number;
  /** Wall clock of the trigger at the coordinator, milliseconds. */
  readonly checkpointTimestamp: number;
}

/** Managed state of any kind. `initializeState` is always called; `snapshotState` at each capture. */
export abstract class CheckpointedFunction {
  abstract initializeState(context: FunctionInitializationContext): void | Promise<void>;
  abstract snapshotState(context: FunctionSnapshotContext): void | Promise<void>;
}

/** The short form: one even-split list. `restoreState` is called before `open`, only when restored, maybe with []. */
export abstract class ListCheckpointed<T> {
  /** One entry per unit that may go to another subtask; null or [] stores nothing. */
  abstract snapshotState(checkpointId: number, timestamp: number): T[] | null;
  abstract restoreState(state: T[]): void;
}

/** Told when a checkpoint is complete or given up; best effort, and `n` confirms all before it. */
export abstract class CheckpointListener {
  abstract notifyCheckpointComplete(checkpointId: number): void | Promise<void>;
  notifyCheckpointAborted?(checkpointId: number): void | Promise<void>;
}
