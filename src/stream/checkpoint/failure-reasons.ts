/** Why checkpoints fail. Names are Flink's, so that its documentation and dashboards apply. */
import { FlinkJobError } from '../../lib/errors.ts';

/** Every reason with what it says to a person. */
const TEXT = {
  PERIODIC_SCHEDULER_SHUTDOWN: 'Periodic checkpoint scheduler is shut down.',
  TOO_MANY_CHECKPOINT_REQUESTS: 'The maximum number of queued checkpoint requests exceeded.',
  MINIMUM_TIME_BETWEEN_CHECKPOINTS: 'The minimum time between checkpoints is still pending.',
  NOT_ALL_REQUIRED_TASKS_RUNNING: 'Not all required tasks are currently running.',
  IO_EXCEPTION: 'An Exception occurred while triggering the checkpoint. IO-problem detected.',
  BLOCKING_OUTPUT_EXIST: 'Blocking output edge exists in running tasks.',
  CHECKPOINT_ASYNC_EXCEPTION: 'Asynchronous task checkpoint failed.',
  CHECKPOINT_EXPIRED: 'Checkpoint expired before completing.',
  CHECKPOINT_SUBSUMED: 'Checkpoint has been subsumed.',
  CHECKPOINT_DECLINED: 'Checkpoint was declined.',
  CHECKPOINT_DECLINED_TASK_NOT_READY: 'Checkpoint was declined (tasks not ready).',
  CHECKPOINT_DECLINED_TASK_CLOSING: 'Checkpoint was declined (task is closing).',
  CHECKPOINT_DECLINED_SUBSUMED: 'Checkpoint was canceled because a barrier from newer checkpoint was received.',
  CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER: 'Task received cancellation from one of its inputs.',
  CHECKPOINT_DECLINED_INPUT_END_OF_STREAM: 'Checkpoint was declined because one input stream is finished.',
  CHECKPOINT_COORDINATOR_SHUTDOWN: 'CheckpointCoordinator shutdown.',
  JOB_FAILURE: 'The job has failed.',
  TASK_FAILURE: 'Task has failed.',
  FINALIZE_CHECKPOINT_FAILURE: 'Failure to finalize checkpoint.',
} as const;

export type CheckpointFailureReason = keyof typeof TEXT;

/** Reasons that say something about the job's ability to take checkpoints; the others are neutral. */
const COUNTED: ReadonlySet<CheckpointFailureReason> = new Set<CheckpointFailureReason>([
  'IO_EXCEPTION',
  'CHECKPOINT_ASYNC_EXCEPTION',
  'CHECKPOINT_DECLINED',
  'CHECKPOINT_EXPIRED',
  'FINALIZE_CHECKPOINT_FAILURE',
]);

export const CHECKPOINT_FAILURE_REASONS = Object.keys(TEXT) as readonly CheckpointFailureReason[];

/** Whether a failure counts against the tolerated number. */
export function isCounted(reason: CheckpointFailureReason): boolean {
  return COUNTED.has(reason);
}

/** The reason a task named; a word nobody knows is a plain decline. */
export function reasonOf(text: string): CheckpointFailureReason {
  return Object.hasOwn(TEXT, text) ? (text as CheckpointFailureReason) : 'CHECKPOINT_DECLINED';
}

/** Given to whoever asked for a checkpoint that failed. The job goes on; asking again may help. Flink's CheckpointException. */
export class CheckpointException extends FlinkJobError {
  readonly reason: CheckpointFailureReason;
  /** Absent when it failed before it had an id. */
  readonly checkpointId: number | undefined;
  /** The message without the checkpoint it is about, for whoever names that. */
  readonly problem: string;

  constructor(reason: CheckpointFailureReason, checkpointId: number | undefined, detail?: string, cause?: unknown) {
    const subject = checkpointId === undefined ? 'checkpoint request' : `checkpoint ${checkpointId}`;
    const more = detail === undefined || detail === '' || detail === reason ? '' : ` ${detail}`;
    const problem = `${TEXT[reason]}${more} (${reason})`;
    super('CHECKPOINT_FAILED', `${subject} failed: ${problem}`, { cause, retryable: true });
    this.problem = problem;
    this.reason = reason;
    this.checkpointId = checkpointId;
  }
}
