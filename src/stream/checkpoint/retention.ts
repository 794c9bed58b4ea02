/**
 * What becomes of the files of a checkpoint when something newer takes its place or the job ends. Pure. The completed
 * store (ha) carries the properties with each checkpoint and acts on them; here they are chosen, and the table can be
 * asked as a whole.
 *
 *                       FINISHED  CANCELED  FAILED  SUSPENDED  subsumed
 *     NO_EXTERNALIZED   delete    delete    delete  delete     delete
 *     DELETE_ON_CANCEL  delete    delete    keep    delete     delete
 *     RETAIN_ON_CANCEL  delete    keep      keep    keep       delete
 *     savepoint         keep      keep      keep    keep       keep
 *
 * A store that outlives the process deletes nothing when a job is suspended: the next leader goes on from it.
 */
import {
  CHECKPOINT_NEVER_RETAINED,
  CHECKPOINT_RETAINED_ON_CANCELLATION,
  CHECKPOINT_RETAINED_ON_FAILURE,
  type CheckpointProperties,
  isDiscardedOnShutdown,
  isGloballyTerminal,
  type JobStatus,
  SAVEPOINT,
  SYNCHRONOUS_SAVEPOINT,
} from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { CheckpointKind } from '../exchange/channel.ts';

/** Flink's `execution.checkpointing.externalized-checkpoint-retention`. */
export type CheckpointRetention = 'NO_EXTERNALIZED_CHECKPOINTS' | 'DELETE_ON_CANCELLATION' | 'RETAIN_ON_CANCELLATION';

/** `spec.checkpoints.onCancel` in Flink's words. Files of a failed job stay either way. */
export function retentionOnCancel(onCancel: 'Retain' | 'Delete'): CheckpointRetention {
  return onCancel === 'Retain' ? 'RETAIN_ON_CANCELLATION' : 'DELETE_ON_CANCELLATION';
}

/** The properties to store with a checkpoint. */
export function checkpointProperties(kind: CheckpointKind, retention: CheckpointRetention): CheckpointProperties {
  switch (kind) {
    case 'checkpoint':
      return RETENTION_PROPERTIES[retention];
    case 'savepoint':
      return SAVEPOINT;
    case 'stop-with-savepoint':
    case 'stop-with-savepoint-drain':
      return SYNCHRONOUS_SAVEPOINT;
    default:
      return assertNever(kind);
  }
}

/** What can happen to a checkpoint after it was completed. */
export type CheckpointEnd = JobStatus | 'subsumed';

/** Whether the files go. @param durableStore the store of completed checkpoints outlives the process */
export function filesAreDeleted(properties: CheckpointProperties, end: CheckpointEnd, durableStore: boolean): boolean {
  if (end === 'subsumed') return properties.discardOnSubsumed;
  if (durableStore && !isGloballyTerminal(end)) return false;
  return isDiscardedOnShutdown({ properties }, end);
}

const RETENTION_PROPERTIES: Readonly<Record<CheckpointRetention, CheckpointProperties>> = {
  NO_EXTERNALIZED_CHECKPOINTS: CHECKPOINT_NEVER_RETAINED,
  DELETE_ON_CANCELLATION: CHECKPOINT_RETAINED_ON_FAILURE,
  RETAIN_ON_CANCELLATION: CHECKPOINT_RETAINED_ON_CANCELLATION,
};
