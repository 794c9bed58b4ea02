/**
 * The seam between tasks: a channel carries records, watermarks, barriers and the end, in order, from one upstream
 * subtask to one downstream subtask. A local channel hands over references inside one thread; a ring channel carries
 * bytes between threads in shared memory. Neither blocks: a full channel says so and takes the overflow.
 */

/** A record without an event timestamp. */
export const NO_TIMESTAMP: number = Number.MIN_SAFE_INTEGER;
/** The watermark after which nothing comes: Flink's Long.MAX_VALUE. */
export const MAX_WATERMARK: number = Number.MAX_SAFE_INTEGER;
/** The watermark before the first one. */
export const MIN_WATERMARK: number = Number.MIN_SAFE_INTEGER;

/** What kind of capture a barrier asks for. */
export type CheckpointKind = 'checkpoint' | 'savepoint' | 'stop-with-savepoint' | 'stop-with-savepoint-drain';

/** A checkpoint barrier: divides the records before the capture from those after it. */
export interface CheckpointBarrier {
  readonly id: number;
  /** Wall clock of the trigger at the coordinator. */
  readonly timestamp: number;
  readonly kind: CheckpointKind;
}

/** The writing end. */
export interface OutputChannel {
  /** Appends a record. Never blocks; see `isAvailable`. */
  write(value: unknown, timestamp: number): void;
  writeWatermark(timestamp: number): void;
  /** Whether the upstream subtask has gone idle: its watermark no longer holds others back. */
  writeIdle(idle: boolean): void;
  writeBarrier(barrier: CheckpointBarrier): void;
  /** The upstream declined checkpoint `id`; alignment on it ends. */
  writeCancelBarrier(id: number): void;
  /** Nothing comes after this. */
  writeEnd(): void;
  /** Makes everything written so far visible to the reader. Control events flush by themselves. */
  flush(): void;
  /** False while too much waits to be taken: the task must not take new input until it is true again. */
  readonly isAvailable: boolean;
}

/** Who takes what a channel carries. */
export interface ChannelHandler {
  onRecord(value: unknown, timestamp: number): void;
  onWatermark(timestamp: number): void;
  onIdle(idle: boolean): void;
  onBarrier(barrier: CheckpointBarrier): void;
  onCancelBarrier(id: number): void;
  onEnd(): void;
}

/** The reading end. */
export interface InputChannel {
  /**
   * Hands at most `maxRecords` records to `handler` and returns how many events (records included) it handed over.
   * Returns right after a barrier, a cancelled barrier or the end, so that the task can block the channel.
   */
  poll(handler: ChannelHandler, maxRecords: number): number;
  /** Whether `poll` would hand over something. */
  readonly hasData: boolean;
}
