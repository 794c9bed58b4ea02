/**
 * What is written down when a job has ended for good, and cleaned up after it. Order, and why: the result first, for
 * without it the job would run again; then the same as a file, for once the checkpoints are gone nothing else would say so
 * where the job's object was lost; then what no handle points to, while the handles still say what is retained; then the
 * checkpoints go; last the result is marked clean. Whoever leads after a crash in between does what is left.
 */
import { randomBytes } from 'node:crypto';
import {
  type CompletedCheckpoint,
  type CompletedCheckpointStore,
  type HighAvailabilityServices,
  type JobResult,
  type JobSummary,
  keepResult,
  keptResult,
} from '../../ha/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { FaultPoint } from '../../lib/fault-point.ts';
import type { Storage } from '../../storage/index.ts';
import { type JobMaster, sweepEndedJob } from '../../stream/index.ts';

/** What the end of a job is written with. */
export interface JobEndParts {
  readonly services: HighAvailabilityServices;
  readonly storage: Storage;
  readonly jobId: string;
  /** Of this leader. */
  readonly epoch: number;
  readonly faults: FaultPoint;
  warn(message: string): void;
}

type CheckpointsLeft = Pick<
  CompletedCheckpointStore,
  'shutdown' | 'whenDiscarded' | 'getLatestCheckpoint' | 'getAllCheckpoints' | 'getBrokenCheckpoints'
>;

export class JobEnd {
  readonly #parts: JobEndParts;

  constructor(parts: JobEndParts) {
    this.#parts = parts;
  }

  /** Whether the job ended under an earlier leader; what that one left undone is done. */
  async hasCome(): Promise<boolean> {
    const { services, jobId } = this.#parts;
    const results = services.getJobResultStore();
    await this.#restoreLost();
    if (!(await results.hasJobResultEntry(jobId))) return false;
    if (await results.hasDirtyJobResultEntry(jobId)) {
      const left = await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(jobId, 1);
      const result = await results.getJobResult(jobId);
      // Of a cancelled job some handles may be gone already: which of its directories are retained, nobody can tell.
      if (result?.['application-status'] !== 'CANCELED') await this.#sweep(left);
      await this.#cleanUp(left);
    }
    return true;
  }

  /** Records the result of a run that has ended, and cleans up. */
  async record(
    { outcome }: { readonly outcome: string },
    master: JobMaster,
    checkpointStore: CheckpointsLeft,
  ): Promise<void> {
    const { services, jobId, faults } = this.#parts;
    await services.getJobResultStore().createDirtyResult({
      id: jobId,
      'application-status': outcome === 'cancelled' ? 'CANCELED' : 'SUCCEEDED',
      'net-runtime': systemClock.now() - master.startedAt,
      summary: summaryOf(master, checkpointStore.getLatestCheckpoint()),
    });
    await faults('job-result-recorded');
    await this.#sweep(checkpointStore);
    await faults('job-swept');
    await this.#cleanUp(checkpointStore);
  }

  async #sweep(checkpointStore: CheckpointsLeft): Promise<void> {
    const { storage, jobId, epoch, warn } = this.#parts;
    try {
      await sweepEndedJob(storage, { jobId, epoch }, checkpointStore);
    } catch (error) {
      // It costs space, never correctness: the job has ended all the same.
      warn(`what was left of checkpoints that were given up could not be removed: ${messageOf(error)}`);
    }
  }

  async #cleanUp(checkpointStore: CheckpointsLeft): Promise<void> {
    const { services, jobId, faults } = this.#parts;
    const results = services.getJobResultStore();
    const result = await results.getJobResult(jobId);
    if (result !== undefined) await this.#keep(result);
    await checkpointStore.shutdown(result?.['application-status'] === 'CANCELED' ? 'CANCELED' : 'FINISHED');
    await checkpointStore.whenDiscarded();
    await faults('job-checkpoints-removed');
    await results.markResultAsClean(jobId);
    await faults('job-result-clean');
  }

  async #keep(result: JobResult): Promise<void> {
    const { storage, epoch, warn } = this.#parts;
    try {
      await keepResult(storage, result, { epoch, newId: () => randomBytes(16).toString('hex') });
    } catch (error) {
      // The job has ended all the same; only the second record of it is missing.
      warn(`the result is kept only once: ${messageOf(error)}`);
    }
  }

  /** A job whose object was removed after it had ended has still ended: it must not write its output again. */
  async #restoreLost(): Promise<void> {
    const { services, storage, jobId, warn } = this.#parts;
    const results = services.getJobResultStore();
    if (await results.hasJobResultEntry(jobId)) return;
    const kept = await keptResult(storage, jobId);
    if (kept === undefined) return;
    warn('the job has finished before; what was kept of it beside its output was removed, and is written anew');
    await results.createDirtyResult(kept);
  }
}

function summaryOf({ execution }: JobMaster, latest: CompletedCheckpoint | undefined): JobSummary {
  const maxParallelism = [...new Set(execution?.graph.vertices.map((vertex) => vertex.maxParallelism) ?? [])];
  if (latest === undefined) return { maxParallelism };
  const { checkpointId: id, timestamp: time, bytes } = latest;
  return { maxParallelism, checkpoint: { id, time, bytes } };
}
