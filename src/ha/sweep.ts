/**
 * What crashes have left in the storage: files of the stores and directories of checkpoints that nothing points to. Only
 * those of epochs below the current one may go: their leaders can write no pointer any more. (One of this epoch may be
 * on its way to being pointed to.)
 */
import type { Storage } from '../storage/index.ts';
import type { Epoch, HaSnapshot } from './handle-backend.ts';
import { decodeHandle } from './handle-codec.ts';
import { epochInName, haDirectory, KEPT_RESULT, LAYOUT_KEY } from './keys.ts';

/** Of these names, those written in an epoch below this one and not to be kept. Names without an epoch stay. */
export function staleNames(names: readonly string[], epoch: Epoch, keep: ReadonlySet<string>): string[] {
  return names.filter((name) => {
    const written = epochInName(name.slice(name.lastIndexOf('/') + 1));
    return written !== undefined && written < epoch && !keep.has(name);
  });
}

/** Removes stale files of the stores; answers how many. Nothing is removed while some pointer cannot be read. */
export async function sweepStateFiles(storage: Storage, jobId: string, snapshot: HaSnapshot): Promise<number> {
  const referenced = new Set<string>();
  const files = await storage.list(haDirectory(jobId));
  for (const [key, text] of snapshot.entries) {
    const stored = decodeHandle(text);
    if (stored.kind === 'live' || stored.kind === 'marked') referenced.add(stored.pointer.path);
    if (stored.kind === 'corrupt' && key !== LAYOUT_KEY && mayBeHandle(key)) return 0;
  }
  // Nothing points to the result that is kept for when the object is lost.
  for (const path of files) if (path.startsWith(`${haDirectory(jobId)}/${KEPT_RESULT}-`)) referenced.add(path);
  const stale = staleNames(files, snapshot.epoch, referenced);
  for (const path of stale) await storage.delete(path);
  return stale.length;
}

const mayBeHandle = (key: string): boolean => key.startsWith('checkpointID-') || key.startsWith('executionPlan-');
