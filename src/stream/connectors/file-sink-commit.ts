/**
 * How a pending file becomes a final one. A commit may be stopped between any two operations and be repeated, by the same subtask, by its successor, even by both at once:
 *
 *   pending and no final     link, unlink            the ordinary case
 *   both, the same file      unlink                  it stopped between the two
 *   no pending, final there  nothing                 it was finished
 *   neither                  refused                 somebody removed what a checkpoint had promised
 *   both, different          refused                 nothing is ever overwritten (equal content: unlink)
 */
import { join } from 'node:path';
import { systemCodeOf, TransactionLostError } from './errors.ts';
import { pendingName } from './file-sink-names.ts';
import type { SinkFileSystem } from './sink-file-system.ts';

/** What a commit of one file found. */
type CommitState = 'pending' | 'linked' | 'done';

/** File systems without a second name for a file answer a link with one of these. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Gives a pending file its final name. Idempotent. @throws TransactionLostError for the two refused cases above */
export async function commitPart(
  files: SinkFileSystem,
  directory: string,
  part: { readonly name: string; readonly sizeBytes: number },
): Promise<void> {
  const final = join(directory, part.name);
  const pending = join(directory, pendingName(part.name));
  const state = await observe(files, pending, final, part.sizeBytes);
  if (state === 'done') return;
  if (state === 'pending' && (await giveFinalName(files, pending, final)) === 'renamed') return;
  await unlinkIfThere(files, pending);
}

async function observe(files: SinkFileSystem, pending: string, final: string, sizeBytes: number): Promise<CommitState> {
  const waiting = await files.stat(pending);
  const there = await files.stat(final);
  if (waiting === undefined) {
    if (there !== undefined) return 'done';
    throw new TransactionLostError(
      final,
      'neither the pending nor the final file exists. Somebody moved or removed it after a checkpoint had promised it. ' +
        'Put it back and run the job again; where its records have been taken care of, an empty file of that name ' +
        'will do. Leave final files in place until the next checkpoint is complete.',
    );
  }
  if (waiting.sizeBytes !== sizeBytes)
    throw new TransactionLostError(
      final,
      `${pending} has ${waiting.sizeBytes} bytes instead of ${sizeBytes}. Put the whole file back and run the job again.`,
    );
  if (there === undefined) return 'pending';
  if (there.identity === waiting.identity) return 'linked';
  if (there.sizeBytes === sizeBytes && Buffer.compare(await files.read(final), await files.read(pending)) === 0)
    return 'linked';
  throw new TransactionLostError(
    final,
    `another file has its name; it is not overwritten. The records are in ${pending}. Move the other file away and run the job again.`,
  );
}

/** @returns `renamed` where the pending name is gone already */
async function giveFinalName(files: SinkFileSystem, pending: string, final: string): Promise<'linked' | 'renamed'> {
  try {
    await files.link(pending, final);
    return 'linked';
  } catch (error) {
    const code = systemCodeOf(error);
    // An old leader may be committing the same file: what it has done needs not be done again.
    if (code === 'EEXIST' || (code === 'ENOENT' && (await files.stat(final)) !== undefined)) return 'linked';
    if (code === undefined || !NO_LINKS.has(code)) throw error;
    // No one else writes this name, so the look before the rename is enough.
    await files.rename(pending, final);
    return 'renamed';
  }
}

/** Removes a name; nothing where it is gone already. */
export async function unlinkIfThere(files: SinkFileSystem, path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}
