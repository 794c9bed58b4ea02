/** What REST may ask of the job -> the JobMaster's methods. What the job's state does not allow, the JobMaster refuses. */
import type { JobControl } from '../rest/index.ts';
import type { JobMaster } from './job-master.ts';
import type { QueryableStates } from './queryable-states.ts';

/** The commands of one attempt. Savepoints have one format, which is both canonical and native. */
export function jobControlOf(
  master: Pick<JobMaster, 'savepoint' | 'stopWithSavepoint' | 'checkpoint' | 'cancel'>,
  states: Pick<QueryableStates, 'query'>,
  restorePoint: JobControl['restorePoint'],
): JobControl {
  return {
    async triggerSavepoint({ targetDirectory }) {
      return { location: await master.savepoint(targetDirectory) };
    },
    async cancelWithSavepoint({ targetDirectory }) {
      const location = await master.savepoint(targetDirectory);
      master.cancel();
      return { location };
    },
    async stopWithSavepoint({ targetDirectory, drain }) {
      const target = targetDirectory === undefined ? {} : { targetDirectory };
      return { location: await master.stopWithSavepoint({ drain, ...target }) };
    },
    async triggerCheckpoint() {
      return { checkpointId: await master.checkpoint() };
    },
    async cancel() {
      master.cancel();
    },
    restorePoint,
    query: (command, signal) => states.query(command, signal),
  };
}
