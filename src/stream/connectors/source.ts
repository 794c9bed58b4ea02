/**
 * How records come into a job. `Source` is what the runtime's own connectors implement and what users may: a reader that
 * is asked for records and never blocks. `SourceFunction` is the older form, a loop of its own under the checkpoint lock.
 * Follow Flink's Source/SourceReader and SourceFunction.
 */
import type { FunctionInitializationContext, FunctionSnapshotContext } from '../functions/checkpointed.ts';
import { RichFunction } from '../functions/functions.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** Takes the records of a reader. */
export interface SourceOutput<T> {
  collect(value: T, timestamp?: number): void;
  /** Goes to the side output of the source with this tag id. */
  collectSide(tagId: string, value: unknown): void;
  emitWatermark(timestamp: number): void;
}

/**
 * `more`: call again at once. `idle`: nothing now; call after `whenAvailable`. `end`: nothing ever again (restoring from
 * a capture taken after the end must give `end` again).
 */
export type PollResult = 'more' | 'idle' | 'end';

/** One subtask's part of a source. All calls come one at a time, under the checkpoint lock. */
export interface SourceReader<T> {
  /** Called before open, fresh or restored: register operator state here, and keep positions in it. */
  initializeState(context: FunctionInitializationContext): void | Promise<void>;
  open(context: RuntimeContext): void | Promise<void>;
  /** Emits up to about `maxRecords` records, synchronously. */
  poll(out: SourceOutput<T>, maxRecords: number): PollResult;
  /** Resolves when `poll` may have more after `idle`. Must not reject because the reader was closed. */
  whenAvailable(): Promise<void>;
  /** Put the positions, reflecting every record emitted so far, into the operator state. */
  snapshotState(context: FunctionSnapshotContext): void | Promise<void>;
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>;
  close(): void | Promise<void>;
}

/** Makes readers. Instances are built anew in every worker from the job's code, so they hold configuration only. */
export abstract class Source<T> {
  abstract readonly boundedness: 'bounded' | 'unbounded';
  /** How its records cross threads; self-describing when undefined. */
  readonly type: TypeInformation<T> | undefined = undefined;
  /** @param context who this subtask is: index, parallelism, clock */
  abstract createReader(context: SourceReaderContext): SourceReader<T>;
}

export interface SourceReaderContext {
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly clock: import('../../lib/clock.ts').Clock;
  /** Directory against which relative paths are resolved. */
  readonly workingDirectory: string;
}

/** What a SourceFunction's loop is given. */
export interface SourceContext<T> {
  /** Emits a record. Call it under the checkpoint lock together with the update of the position. */
  collect(value: T): void;
  collectWithTimestamp(value: T, timestamp: number): void;
  emitWatermark(timestamp: number): void;
  markAsTemporarilyIdle(): void;
  /**
   * Runs `action` while no capture, timer or other input can run; waits while the job cannot take more. Output and
   * position change together, so a restore continues without gap or repeat. Follows Flink's getCheckpointLock.
   */
  withCheckpointLock<R>(action: () => R | Promise<R>): Promise<R>;
  /** Aborted when the source is cancelled. */
  readonly signal: AbortSignal;
}

/** A source that runs its own loop. It runs at parallelism 1 unless it is a ParallelSourceFunction. */
export abstract class SourceFunction<T> extends RichFunction {
  /** Loops until cancelled or done; must `await` now and then (withCheckpointLock does). */
  abstract run(context: SourceContext<T>): Promise<void>;
  abstract cancel(): void;
}
/** The name under which Flink users know a SourceFunction with `open`. */
export abstract class RichSourceFunction<T> extends SourceFunction<T> {}
/** A SourceFunction that may run with parallelism. */
export abstract class ParallelSourceFunction<T> extends SourceFunction<T> {
  readonly parallel = true;
}
/** The name under which Flink users know a ParallelSourceFunction with `open`. */
export abstract class RichParallelSourceFunction<T> extends ParallelSourceFunction<T> {}
