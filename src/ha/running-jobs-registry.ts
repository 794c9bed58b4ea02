/**
 * Whether a job waits, runs or has ended, in the words that Flink used before it had job results. A view: a job that has a
 * result is done, whatever is noted here. Follows Flink's RunningJobsRegistry.
 */
import { HaObjectCorruptException, HaObjectMissingException } from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import { jobResultKey, runningJobKey } from './keys.ts';
import { errorOf } from './outcome-error.ts';
import { putOperation } from './state-handle-operations.ts';

/** PENDING: nothing is known of it, so it may be started. DONE: it must not be started again. */
export type JobSchedulingStatus = 'PENDING' | 'RUNNING' | 'DONE';

/** Writes throw NotLeaderException when this process does not lead; setting what is set already writes nothing. */
export interface RunningJobsRegistry {
  setJobRunning(jobId: string): Promise<void>;
  setJobFinished(jobId: string): Promise<void>;
  /** HaObjectMissingException when there is no object to ask. */
  getJobSchedulingStatus(jobId: string): Promise<JobSchedulingStatus>;
  /** Forgets what was set; a result stays, and the job stays done. */
  clearJob(jobId: string): Promise<void>;
}

/** The registry kept in the object of a job. */
export function runningJobsRegistry(writer: FencedWriter): RunningJobsRegistry {
  const { backend } = writer;
  const set = async (jobId: string, status: JobSchedulingStatus | undefined): Promise<void> => {
    const outcome = await writer.submit(putOperation(runningJobKey(jobId), status, { grows: false }));
    if (outcome.outcome !== 'done') throw errorOf(outcome, `the status of job ${jobId}`, writer);
  };
  return {
    setJobRunning: (jobId) => set(jobId, 'RUNNING'),
    setJobFinished: (jobId) => set(jobId, 'DONE'),
    clearJob: (jobId) => set(jobId, undefined),
    async getJobSchedulingStatus(jobId) {
      const snapshot = await backend.read();
      if (snapshot === undefined) throw new HaObjectMissingException(backend.name);
      if (snapshot.entries.has(jobResultKey(jobId))) return 'DONE';
      const noted = snapshot.entries.get(runningJobKey(jobId)) ?? '';
      if (noted === '') return 'PENDING';
      if (noted === 'RUNNING' || noted === 'DONE' || noted === 'PENDING') return noted;
      throw new HaObjectCorruptException(
        backend.name,
        `${runningJobKey(jobId)} is ${JSON.stringify(noted.slice(0, 40))}`,
      );
    },
  };
}
