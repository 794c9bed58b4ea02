import type { Epoch } from './handle-backend.ts';
import type { JobStatus } from './job-status.ts';

/** What becomes of the data of a checkpoint, and whether it is a savepoint. Follows Flink's CheckpointProperties. */
export interface CheckpointProperties {
  /** The job waits for it and stops: stop-with-savepoint. */
  readonly synchronous: boolean;
  readonly discardOnSubsumed: boolean;
  readonly discardOnFinished: boolean;
  readonly discardOnCancelled: boolean;
  readonly discardOnFailed: boolean;
  readonly discardOnSuspended: boolean;
}

const discard = (subsumed: boolean, finished: boolean, cancelled: boolean, failed: boolean, suspended: boolean) => ({
  synchronous: false,
  discardOnSubsumed: subsumed,
  discardOnFinished: finished,
  discardOnCancelled: cancelled,
  discardOnFailed: failed,
  discardOnSuspended: suspended,
});

/** Flink's NO_EXTERNALIZED_CHECKPOINTS: the data goes with the job. */
export const CHECKPOINT_NEVER_RETAINED: CheckpointProperties = discard(true, true, true, true, true);
/** Flink's DELETE_ON_CANCELLATION: the data of a failed job stays. */
export const CHECKPOINT_RETAINED_ON_FAILURE: CheckpointProperties = discard(true, true, true, false, true);
/** Flink's RETAIN_ON_CANCELLATION: the data stays unless the job finished. */
export const CHECKPOINT_RETAINED_ON_CANCELLATION: CheckpointProperties = discard(true, true, false, false, false);
/** The data of a savepoint belongs to whoever asked for it. */
export const SAVEPOINT: CheckpointProperties = discard(false, false, false, false, false);
/** A savepoint with which the job stops. */
export const SYNCHRONOUS_SAVEPOINT: CheckpointProperties = { ...SAVEPOINT, synchronous: true };

/** A checkpoint all of whose bytes are stored: what is kept in a file and pointed to by its handle. */
export interface CompletedCheckpoint {
  readonly checkpointId: number;
  /** Of the leader that took it. */
  readonly epoch: Epoch;
  /** When it was triggered: wall clock, milliseconds. */
  readonly timestamp: number;
  /** Its directory in the storage of the job. */
  readonly location: string;
  /** Of the `_metadata` file in it. */
  readonly metadataSha256: string;
  readonly bytes: number;
  readonly isSavepoint: boolean;
  readonly properties: CheckpointProperties;
}

/** Whether the data goes when a newer checkpoint takes its place. */
export function isDiscardedOnSubsume({ properties }: CompletedCheckpoint): boolean {
  return properties.discardOnSubsumed;
}

/** Whether the data goes when the job ends like this. */
export function isDiscardedOnShutdown(
  { properties }: Pick<CompletedCheckpoint, 'properties'>,
  status: JobStatus,
): boolean {
  switch (status) {
    case 'FINISHED':
      return properties.discardOnFinished;
    case 'CANCELED':
      return properties.discardOnCancelled;
    case 'FAILED':
      return properties.discardOnFailed;
    case 'SUSPENDED':
      return properties.discardOnSuspended;
  }
}

/**
 * The checkpoints that make room, oldest first, when at most `maxRetained` may stay. The newest never goes, and unless
 * the job is stopping with a savepoint, neither does the newest one that is not a savepoint: it is what a failure restores.
 * A protected one is passed over, it does not end the search.
 */
export function subsumed(checkpoints: readonly CompletedCheckpoint[], maxRetained: number): CompletedCheckpoint[] {
  const newest = checkpoints.at(-1);
  const isStopping = newest?.isSavepoint === true && newest.properties.synchronous;
  const restorePoint = isStopping ? undefined : checkpoints.findLast(({ isSavepoint }) => !isSavepoint);
  return checkpoints
    .filter((checkpoint) => checkpoint !== newest && checkpoint !== restorePoint)
    .slice(0, Math.max(0, checkpoints.length - maxRetained));
}
