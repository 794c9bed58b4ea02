/**
 * Removes what crashes of earlier leaders left of checkpoints: directories that no handle points to. Called once the
 * leader has completed a checkpoint of its own, so that whatever an earlier leader left unpublished is no restore point
 * any more. Directories of this epoch and later ones are somebody's work under way and stay.
 */
import { type CompletedCheckpointStore, staleNames } from '../../ha/index.ts';
import type { Storage } from '../../storage/index.ts';
import { discardCheckpoint } from '../checkpoint/discard-checkpoint.ts';
import { checkpointPrefix, jobDirectory, savepointPrefix } from '../checkpoint/locations.ts';

/** An interrupted write older than this belongs to nobody that still breathes. */
const TEMPORARY_AGE_MS = 60 * 60 * 1_000;

/** Answers how many directories went. Savepoints are never touched: they belong to whoever asked for them. */
export async function sweepCheckpoints(
  storage: Storage,
  job: { readonly jobId: string; readonly epoch: number },
  completed: Pick<CompletedCheckpointStore, 'getAllCheckpoints'>,
): Promise<number> {
  const kept = new Set(completed.getAllCheckpoints().map(({ location }) => location));
  const directories = new Set<string>();
  for (const path of await storage.listBeginning(checkpointPrefix(job.jobId))) {
    const [jobId, directory] = path.split('/');
    directories.add(`${jobId}/${directory}`);
  }
  const stale = staleNames([...directories], job.epoch, kept);
  for (const directory of stale) await discardCheckpoint(storage, directory);
  await storage.sweepTemporary(`${jobDirectory(job.jobId)}/`, TEMPORARY_AGE_MS);
  await storage.sweepTemporary(savepointPrefix(job.jobId), TEMPORARY_AGE_MS);
  return stale.length;
}
