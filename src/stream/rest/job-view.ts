/**
 * What the REST server is told about the one job of its process, and what it may ask of it. The JobMaster implements
 * this; nothing here knows Flink's JSON. All times are milliseconds since the epoch, all durations milliseconds, all
 * sizes bytes; what has not happened is absent.
 */
import type {
  CheckpointStatus,
  CheckpointType,
  ExecutionState,
  JobStatus,
  SavepointFormat,
  StateAnswer,
} from '../../flink/index.ts';
import type { StateOutline } from '../checkpoint/state-outline.ts';

/** The process as the server sees it: it either has a job to show or says why not. */
export type Serving =
  | { readonly status: 'serving'; readonly job: JobView }
  /** Not loaded yet, a standby, or a leader past its renew deadline: everything about jobs is answered 503. */
  | { readonly status: 'unavailable'; readonly reason: 'starting' | 'notLeader' };

/** The facts of a job at one instant. A plain record; the server reads it once per request and keeps nothing. */
export interface JobView {
  /** 32 lower-case hex digits. */
  readonly jobId: string;
  readonly name: string;
  readonly state: JobStatus;
  /** When the job entered states, this attempt and earlier ones; the newest time for each. */
  readonly stateTimestamps: Readonly<Partial<Record<JobStatus, number>>>;
  readonly startTime: number;
  /** Present once the job has ended for good. */
  readonly endTime?: number;
  /** The attempt that runs, from 1. */
  readonly attempt: number;
  /** Attempts begun because an earlier one failed. */
  readonly restarts: number;
  readonly parallelism: number;
  /** The job's own setting, absent when operators have defaults. */
  readonly maxParallelism?: number;
  /** Worker threads. */
  readonly workers: number;
  /** In topological order. */
  readonly vertices: readonly VertexView[];
  readonly checkpoints: CheckpointsView;
  readonly checkpointConfig: CheckpointConfigView;
  /** Newest first. */
  readonly exceptions: readonly ExceptionView[];
  /** Whether older exceptions were dropped. */
  readonly exceptionsTruncated: boolean;
  /** The effective strategy in words. */
  readonly restartStrategy: string;
  /** Effective settings as text, shown as the job's configuration; no secrets. */
  readonly userConfig: Readonly<Record<string, string>>;
  /** Further numbers to show under `/jobs/:id/metrics`. */
  readonly metrics?: Readonly<Record<string, number | string>>;
}

/** One vertex: a chain of operators that run together. */
export interface VertexView {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** The chained operators, first to last. */
  readonly operators: readonly OperatorView[];
  readonly inputs: readonly VertexInputView[];
  /** Subtask i at index i. */
  readonly subtasks: readonly SubtaskView[];
}

/** One operator. */
export interface OperatorView {
  readonly uid: string;
  readonly name: string;
}

/** An edge of the graph, seen from its end. */
export interface VertexInputView {
  readonly vertexId: string;
  /** Flink's words: FORWARD, HASH, REBALANCE, BROADCAST. */
  readonly shipStrategy: string;
}

/** One subtask in its current execution. Counters start with the execution. */
export interface SubtaskView {
  readonly state: ExecutionState;
  /** Executions before this one. */
  readonly attempt: number;
  readonly startTime?: number;
  readonly endTime?: number;
  /** The thread it runs on, such as `worker-0`. */
  readonly worker: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Time spent held up by those behind it, waiting for input, and working, since the start. */
  readonly backPressuredMs: number;
  readonly idleMs: number;
  readonly busyMs: number;
  /** The same three as parts of the last seconds, 0 to 1. */
  readonly backPressuredRatio: number;
  readonly idleRatio: number;
  readonly busyRatio: number;
  /** Milliseconds since the epoch of the lowest input watermark. */
  readonly watermark?: number;
}

/** Checkpoints of the job, this attempt and, where it is known, earlier ones. */
export interface CheckpointsView {
  readonly counts: {
    readonly restored: number;
    readonly inProgress: number;
    readonly completed: number;
    readonly failed: number;
  };
  /** Newest first, at most as many as are worth showing; savepoints included. */
  readonly history: readonly CheckpointView[];
  /** The newest of each kind, wherever the history ends. */
  readonly latest: {
    readonly completed?: CheckpointView;
    readonly savepoint?: CheckpointView;
    readonly failed?: CheckpointView;
    readonly restored?: RestoredView;
  };
}

/** One checkpoint or savepoint. */
export interface CheckpointView {
  readonly id: number;
  readonly status: CheckpointStatus;
  readonly type: CheckpointType;
  readonly savepointFormat?: SavepointFormat;
  readonly triggerTime: number;
  /** Acknowledgements by vertex id; a missing vertex or `null` has not acknowledged. Index = subtask. */
  readonly acks: Readonly<Record<string, readonly (SubtaskAckView | null)[]>>;
  /** Where it lies, once complete. */
  readonly location?: string;
  /** Its files are gone. */
  readonly discarded?: boolean;
  readonly failure?: { readonly time: number; readonly message: string };
}

/** One subtask's part in a checkpoint. */
export interface SubtaskAckView {
  readonly ackTime: number;
  /** Bytes written for this checkpoint. */
  readonly checkpointedSize: number;
  /** Bytes referred to. */
  readonly stateSize: number;
  readonly syncMs: number;
  readonly asyncMs: number;
  readonly alignmentMs: number;
  readonly startDelayMs: number;
}

/** What the current execution was restored from. */
export interface RestoredView {
  readonly id: number;
  readonly time: number;
  readonly isSavepoint: boolean;
  readonly location: string;
}

/** How the job takes checkpoints. */
export interface CheckpointConfigView {
  /** Absent without periodic checkpoints. */
  readonly intervalMs?: number;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
  readonly onCancel: 'Retain' | 'Delete';
  /** URI of the storage, without credentials. */
  readonly storage: string;
}

/** One failure of the job. */
export interface ExceptionView {
  /** Class of the error. */
  readonly name: string;
  /** What is shown as the stack: message and causes in words. */
  readonly trace: string;
  readonly time: number;
  /** `name (2/4)`, when one subtask failed. */
  readonly taskName?: string;
  readonly worker?: string;
}

/** The newest completed checkpoint, as far as it decides which program can take it up. */
export interface RestorePointView extends StateOutline {
  readonly location: string;
}

/** A savepoint is asked for. */
export interface SavepointCommand {
  /** @default the job's own place for savepoints */
  readonly targetDirectory?: string;
  readonly formatType: SavepointFormat;
}

/** A key is asked for. Texts come from outside; the JobMaster reads them by the state's declared types. */
export interface StateQueryCommand {
  readonly stateName: string;
  readonly key: string;
  /** What the caller takes the key for (`string`, `int32`, …): another kind than the state's is a bad request. */
  readonly keyKind?: string;
  readonly namespace?: string;
  /** Only a state of the operator with this uid. */
  readonly operatorUid?: string;
}

/**
 * What the server may ask of the job. A command resolves when it is done, which may be long after the caller's POST was
 * answered, and rejects when it failed; its message is shown. Implementations refuse by themselves what the job's state
 * does not allow.
 */
export interface JobControl {
  triggerSavepoint(command: SavepointCommand): Promise<{ readonly location: string }>;
  /** As `triggerSavepoint`, and cancels the job once the savepoint is complete. */
  cancelWithSavepoint(command: SavepointCommand): Promise<{ readonly location: string }>;
  /** Ends the job with a savepoint; `drain` first emits everything by sending the highest watermark. */
  stopWithSavepoint(command: SavepointCommand & { readonly drain: boolean }): Promise<{ readonly location: string }>;
  triggerCheckpoint(): Promise<{ readonly checkpointId: number }>;
  /** Begins to cancel; resolves when that has begun. */
  cancel(): Promise<void>;
  /** What the next attempt would begin from, in outline; undefined: no checkpoint is complete yet. */
  restorePoint(): Promise<RestorePointView | undefined>;
  /** Never rejects for a reason a caller can mend. `signal` fires when the caller has gone. */
  query(command: StateQueryCommand, signal: AbortSignal): Promise<StateAnswer>;
}
