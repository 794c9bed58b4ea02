/** How a job ended, or that it only stopped here. The first three are for good. Flink's JobStatus, as far as stores ask. */
export type JobStatus = 'FINISHED' | 'CANCELED' | 'FAILED' | 'SUSPENDED';

/** Whether nothing of the job will run again: its pointers may go. */
export function isGloballyTerminal(status: JobStatus): boolean {
  return status !== 'SUSPENDED';
}
