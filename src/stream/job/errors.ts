import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown when the job's code or configuration cannot make a job; restarting does not help (exit code 13). */
export class InvalidJobError extends FlinkJobError {}

/** Thrown when a job cannot be restored from what it was pointed at; restarting does not help until that changes. */
export class RestoreError extends FlinkJobError {}

/** Thrown when checkpoints failed more often than tolerated, a task died, or a worker thread ended. */
export class JobExecutionError extends FlinkJobError {}
