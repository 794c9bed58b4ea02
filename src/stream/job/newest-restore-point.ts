/** What the next attempt would begin from, read back: nothing of a completed checkpoint stays in memory but where it lies. */
import type { CompletedCheckpointStore } from '../../ha/index.ts';
import { readManifest } from '../checkpoint/manifest-codec.ts';
import { outlineOf } from '../checkpoint/state-outline.ts';
import type { RestorePointView } from '../rest/index.ts';
import type { JobMasterOptions } from './settings.ts';

/** What of a job this takes. */
export type RestorePointFacts = Pick<JobMasterOptions, 'storage' | 'storageUri'> & {
  readonly checkpointStore: Pick<CompletedCheckpointStore, 'getLatestCheckpoint'>;
};

/**
 * The newest completed checkpoint in outline; undefined: there is none yet. One that is removed while it is read, because a
 * newer one is complete, is no error: that one is read.
 * @throws CheckpointError when it is damaged, StorageError when the storage cannot answer
 */
export async function newestRestorePoint(facts: RestorePointFacts): Promise<RestorePointView | undefined> {
  const { checkpointStore, storage, storageUri } = facts;
  for (;;) {
    const latest = checkpointStore.getLatestCheckpoint();
    if (latest === undefined) return undefined;
    const { location, metadataSha256: sha256, checkpointId } = latest;
    try {
      const outline = outlineOf(await readManifest(storage, location, { sha256 }));
      return { location: `${storageUri.replace(/\/+$/, '')}/${location}`, ...outline };
    } catch (error) {
      if (checkpointStore.getLatestCheckpoint()?.checkpointId === checkpointId) throw error;
    }
  }
}
