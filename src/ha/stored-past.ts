/**
 * What the names in a job's storage tell of its past. The object of the job may know less: it was made anew after it was
 * lost, it was put back from a copy, or the server that keeps it went back in time. Names cannot be taken back, so a leader
 * asks them before it raises the epoch:
 *
 *     an epoch in storage above that of the object   somebody has led after the object was as it is now
 *     a checkpoint in storage with an id that the object has not given out yet   the same, within one epoch
 *
 * Then the pointers in the object are to something old, and go with the patch that raises the epoch: what there is to
 * restore is looked for in the storage, by this leader and, should it crash, by the next one.
 */
import type { Storage } from '../storage/index.ts';
import { countIn } from './checkpoint-id-counter.ts';
import type { Entries, EntryChanges, Epoch, HaSnapshot } from './handle-backend.ts';
import { COUNTER_KEY, checkpointIdInName, checkpointIdOf, epochInName, isCheckpointKey } from './keys.ts';

/** What has been, at least. */
export interface StoredPast {
  /** The highest epoch that left its mark; 0 when none did. */
  readonly epoch: Epoch;
  /** The highest id of a checkpoint, be it completed or not; 0 when there is none. */
  readonly checkpointId: number;
}

/** Of a job that has stored nothing. */
export const NO_PAST: StoredPast = { epoch: 0, checkpointId: 0 };

/** By the names of all files below the directory of the job. Throws a StorageError when the storage cannot be asked. */
export async function storedPast(storage: Storage, jobId: string): Promise<StoredPast> {
  let [epoch, checkpointId] = [0, 0];
  for (const path of await storage.list(jobId)) {
    for (const name of path.split('/').slice(1)) {
      epoch = Math.max(epoch, epochInName(name) ?? 0);
      checkpointId = Math.max(checkpointId, checkpointIdInName(name) ?? 0);
    }
  }
  return { epoch, checkpointId };
}

/** The highest epoch that left its mark in the storage of a job: a new object must begin above it. 0 when none did. */
export async function highestEpochIn(storage: Storage, jobId: string): Promise<Epoch> {
  return (await storedPast(storage, jobId)).epoch;
}

/** Whether more has been than the object knows. An id is given out only once the object counts beyond it. */
export function isBehind({ epoch, entries }: Pick<HaSnapshot, 'epoch' | 'entries'>, past: StoredPast): boolean {
  const known = Math.max(countIn(entries) - 1, ...[...entries.keys()].map(checkpointIdOf));
  return past.epoch > epoch || past.checkpointId > known;
}

/** What an object that is behind goes on with: no pointers, and a count above every id there has been. */
export function caughtUp(entries: Entries, { checkpointId }: StoredPast): EntryChanges {
  const pointers = [...entries.keys()].filter(isCheckpointKey);
  return new Map<string, string | undefined>([
    ...pointers.map((key) => [key, undefined] as const),
    [COUNTER_KEY, String(Math.max(countIn(entries), checkpointId + 1))],
  ]);
}
