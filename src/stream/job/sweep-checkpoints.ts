/**
 * Removes what crashes of earlier leaders left of checkpoints: directories that no handle points to. While the job runs,
 * directories of this epoch and later ones are somebody's work under way and stay.
 */
import { type CompletedCheckpointStore, staleNames } from '../../ha/index.ts';
import type { Storage } from '../../storage/index.ts';
import { discardCheckpoint } from '../checkpoint/discard-checkpoint.ts';
import { checkpointPrefix, jobDirectory, savepointPrefix } from '../checkpoint/locations.ts';

/** An interrupted write older than this belongs to nobody that still breathes. */
const TEMPORARY_AGE_MS = 60 * 60 * 1_000;

/** Whose directories go. */
export interface SweptJob {
  readonly jobId: string;
  /** Of this leader. */
  readonly epoch: number;
}

/**
 * Called before an attempt tells its sinks what may be restored. A checkpoint whose handle was never written is of use only
 * where all handles are lost; as long as one is there it is not, and what it promises to commit need not be kept. Where an
 * entry is broken, nobody knows which directory it means: all stay.
 */
export async function discardUnpublished(
  storage: Storage,
  job: SweptJob,
  completed: Pick<CompletedCheckpointStore, 'getAllCheckpoints' | 'getBrokenCheckpoints'>,
): Promise<void> {
  if (completed.getAllCheckpoints().length === 0 || completed.getBrokenCheckpoints().length > 0) return;
  await discardUnreferenced(storage, job, completed);
}

/**
 * Called once the leader has completed a checkpoint of its own: nothing that an earlier one left unpublished is a restore
 * point any more. Answers how many directories went. Savepoints are never touched: they belong to whoever asked for them.
 */
export async function sweepCheckpoints(
  storage: Storage,
  job: SweptJob,
  completed: Pick<CompletedCheckpointStore, 'getAllCheckpoints'>,
): Promise<number> {
  const discarded = await discardUnreferenced(storage, job, completed);
  await storage.sweepTemporary(`${jobDirectory(job.jobId)}/`, TEMPORARY_AGE_MS);
  await storage.sweepTemporary(savepointPrefix(job.jobId), TEMPORARY_AGE_MS);
  return discarded;
}

/**
 * Called when the job has ended for good and its workers are gone: what they still wrote into a checkpoint that was given
 * up goes too, though it is of this epoch. Before the handles go: they say what is retained.
 */
export async function sweepEndedJob(
  storage: Storage,
  { jobId, epoch }: SweptJob,
  completed: Pick<CompletedCheckpointStore, 'getAllCheckpoints' | 'getBrokenCheckpoints'>,
): Promise<void> {
  if (completed.getBrokenCheckpoints().length > 0) return;
  await sweepCheckpoints(storage, { jobId, epoch: epoch + 1 }, completed);
}

async function discardUnreferenced(
  storage: Storage,
  { jobId, epoch }: SweptJob,
  completed: Pick<CompletedCheckpointStore, 'getAllCheckpoints'>,
): Promise<number> {
  const kept = new Set(completed.getAllCheckpoints().map(({ location }) => location));
  const directories = new Set<string>();
  for (const path of await storage.listBeginning(checkpointPrefix(jobId))) {
    const [, directory] = path.split('/');
    directories.add(`${jobId}/${directory}`);
  }
  const stale = staleNames([...directories], epoch, kept);
  for (const directory of stale) await discardCheckpoint(storage, directory);
  return stale.length;
}
