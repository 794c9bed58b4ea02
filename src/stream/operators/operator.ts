/**
 * The seam between the task and what it runs: an operator takes records one by one, emits into its output, and takes
 * part in the life of the task. Follows Flink's StreamOperator, OneInputStreamOperator and TwoInputStreamOperator.
 *
 * Life: setup → initializeState → open → (records, watermarks, timers, captures)* → finish → close. In a chain,
 * initializeState and open run tail to head, records flow only when all are open, finish runs head to tail.
 */
import type { Clock } from '../../lib/clock.ts';
import type { CheckpointKind } from '../exchange/channel.ts';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { KeyedStateBackend, KeyedStateSnapshot, RestoredKeyedState } from '../state/backend.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';

/** Where an operator's results go. One object per operator; calls are synchronous and never block. */
export interface Output {
  collect(value: unknown, timestamp: number): void;
  collectSide(tag: OutputTag<unknown>, value: unknown, timestamp: number): void;
  emitWatermark(timestamp: number): void;
  emitIdle(idle: boolean): void;
}

/** Which subtask of which job this is. */
export interface SubtaskInfo {
  readonly jobId: string;
  readonly jobName: string;
  readonly attempt: number;
  readonly epoch: number;
  /** What the attempt goes on from. */
  readonly origin: AttemptOrigin;
  readonly args: readonly string[];
  /** The vertex (chain) the operator belongs to. */
  readonly vertexId: string;
  readonly taskName: string;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
}

/** Processing-time timers of a task: callbacks run between records, under the checkpoint lock. */
export interface ProcessingTimeService {
  /** Wall clock in milliseconds. */
  now(): number;
  /** Calls back once when `now() >= timestamp`; the result cancels it. */
  registerTimer(timestamp: number, callback: (timestamp: number) => void): () => void;
}

/** Counts that the task reports and shows; plain numbers so that counting costs an addition. */
export interface OperatorMetrics {
  recordsIn: number;
  recordsOut: number;
  lateRecordsDropped: number;
  /** Counters and gauges of user functions by name. */
  readonly user: Map<string, number>;
}

/** What an operator is given at setup. */
export interface OperatorContext {
  readonly subtask: SubtaskInfo;
  readonly uid: string;
  readonly operatorId: string;
  readonly name: string;
  readonly output: Output;
  readonly clock: Clock;
  readonly processingTime: ProcessingTimeService;
  readonly metrics: OperatorMetrics;
  /** Present on keyed operators; made by the task from the key type before initializeState. */
  readonly keyedBackend: KeyedStateBackend | undefined;
  /** Asks the task to fail the job; for errors that come from outside a call (a write that failed later). */
  failTask(error: unknown): void;
  /** Runs `action` on the task, between records, under the checkpoint lock. */
  runOnTask(action: () => void): void;
}

/** How list state spreads over subtasks on restore. Follows Flink's OperatorStateHandle.Mode. */
export type RedistributionMode = 'SPLIT_DISTRIBUTE' | 'UNION' | 'BROADCAST';

/** One operator state of a capture: encoded partitions (list elements; one for a broadcast map). */
export interface OperatorStatePart {
  readonly name: string;
  readonly mode: RedistributionMode;
  readonly type: TypeSchema;
  /** Key type of a broadcast map. */
  readonly mapKeyType?: TypeSchema;
  readonly partitions: readonly Uint8Array[];
}

/** What the synchronous part of a capture of one operator leaves. */
export interface OperatorSnapshot {
  readonly uid: string;
  readonly operatorId: string;
  readonly name: string;
  readonly keyed?: KeyedStateSnapshot;
  readonly operatorState: readonly OperatorStatePart[];
  readonly rawKeyed?: ReadonlyMap<number, Uint8Array>;
  readonly rawOperator?: readonly Uint8Array[];
  /** Work that must have succeeded before the capture is acknowledged (a sink's fsync). Failure declines. */
  readonly durable?: Promise<void>;
}

/** State of one operator for one subtask, read back and already redistributed. */
export interface OperatorRestore {
  readonly checkpointId: number;
  readonly keyed: readonly RestoredKeyedState[];
  readonly operatorState: readonly OperatorStatePart[];
  readonly rawKeyed: ReadonlyMap<number, Uint8Array>;
  readonly rawOperator: readonly Uint8Array[];
}

/** What initializeState is given. `restored` is undefined on a fresh start. */
export interface StateInitializationContext {
  readonly restored: OperatorRestore | undefined;
}

/** What snapshotState is given. */
export interface SnapshotRequest {
  readonly checkpointId: number;
  readonly timestamp: number;
  readonly kind: CheckpointKind;
}

/** Every operator. */
export interface StreamOperator {
  /** What the user wrote, where the operator is made around that: a plain function or an object. */
  readonly userFunction?: unknown;
  setup(context: OperatorContext): void;
  initializeState(context: StateInitializationContext): void | Promise<void>;
  open(): void | Promise<void>;
  /** All input has ended: emit what is left. Not called when a job is stopped or fails. */
  finish(): void | Promise<void>;
  /** Always called last, also after failures. */
  close(): void | Promise<void>;
  /** May emit records that belong before the barrier. */
  prepareSnapshotPreBarrier(checkpointId: number): void;
  snapshotState(request: SnapshotRequest): OperatorSnapshot | Promise<OperatorSnapshot>;
  notifyCheckpointComplete(checkpointId: number): void | Promise<void>;
  notifyCheckpointAborted(checkpointId: number): void | Promise<void>;
}

/** One input. */
export interface OneInputOperator extends StreamOperator {
  processElement(value: unknown, timestamp: number): void;
  processWatermark(timestamp: number): void;
  processIdle(idle: boolean): void;
}

/** Two inputs, numbered 1 and 2; watermarks are combined by the operator. */
export interface TwoInputOperator extends StreamOperator {
  processElement1(value: unknown, timestamp: number): void;
  processElement2(value: unknown, timestamp: number): void;
  processWatermark1(timestamp: number): void;
  processWatermark2(timestamp: number): void;
  processIdle1(idle: boolean): void;
  processIdle2(idle: boolean): void;
}

/** How a keyed operator finds the key of a record. */
export interface KeySelection<T = unknown, K = unknown> {
  readonly select: (value: T) => K;
  readonly type: TypeInformation<K>;
}
