/**
 * How a file that was hidden gets its final name back. A hidden file says since which epoch it is gone; the empty one that
 * is made here says until which, for checkpoints taken in between do not know it. It is durable before the name appears,
 * so that no crash leaves a visible file without its past.
 */
import { join } from 'node:path';
import { systemCodeOf } from './errors.ts';
import { type Absence, returnedName } from './file-sink-names.ts';
import type { SinkFileSystem } from './sink-file-system.ts';

/** Gives hidden files their final names again, in an attempt of this epoch. Other subtasks may do the same meanwhile. */
export async function giveBack(
  files: SinkFileSystem,
  directory: string,
  hidden: readonly Absence[],
  epoch: number,
): Promise<void> {
  if (hidden.length === 0) return;
  for (const { final, from } of hidden) createEmpty(files, join(directory, returnedName(final, from, epoch)));
  await files.syncDirectory(directory);
  for (const { name, final } of hidden) await rename(files, join(directory, name), join(directory, final));
  await files.syncDirectory(directory);
}

/** Removes a name; nothing where it is gone already. */
export async function unlinkIfThere(files: SinkFileSystem, path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

/** Moves a file unless another subtask, or an old leader, has moved it meanwhile. */
export async function renameIfThere(files: SinkFileSystem, from: string, to: string): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

async function rename(files: SinkFileSystem, hidden: string, final: string): Promise<void> {
  const there = await files.stat(final);
  if (there === undefined) return renameIfThere(files, hidden, final);
  // Withdrawing stopped between the pending and the final name, or somebody has copied it back.
  if (there.sizeBytes === (await files.stat(hidden))?.sizeBytes) await unlinkIfThere(files, hidden);
}

/** Other subtasks do the same. */
function createEmpty(files: SinkFileSystem, path: string): void {
  try {
    files.close(files.createExclusive(path));
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}
