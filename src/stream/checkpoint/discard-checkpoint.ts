import type { Storage } from '../../storage/index.ts';
import { manifestPath } from './locations.ts';

/**
 * Removes a checkpoint. The manifest goes first: a crash in between leaves files without a manifest, which nobody takes
 * for a checkpoint, never a manifest without its files.
 */
export async function discardCheckpoint(
  storage: Pick<Storage, 'delete' | 'deleteTree'>,
  directory: string,
): Promise<void> {
  await storage.delete(manifestPath(directory));
  await storage.deleteTree(directory);
}
