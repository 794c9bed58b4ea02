/**
 * How a pending file becomes a final one. A commit may be stopped between any two operations and be repeated, by the same
 * subtask, by its successor, even by both at once:
 *
 *   pending and no final     link, unlink            the ordinary case
 *   both, the same file      unlink                  it stopped between the two
 *   no pending, final there  nothing                 it was finished
 *   neither, but hidden      marker, rename          an earlier attempt withdrew it, or kept it for a savepoint
 *   none of them             refused                 somebody removed what a checkpoint had promised
 *   both, different          refused                 nothing is ever overwritten (equal content: unlink)
 */
import { join } from 'node:path';
import { systemCodeOf, TransactionLostError } from './errors.ts';
import { type Absence, isOwnName, parseAbsence, pendingName } from './file-sink-names.ts';
import { giveBack, renameIfThere, unlinkIfThere } from './file-sink-return.ts';
import type { TransactionContext } from './sink.ts';
import type { SinkFileSystem } from './sink-file-system.ts';

/** What a commit of one file found. */
type CommitState = 'pending' | 'linked' | 'done' | 'gone';

/** Which attempt commits. */
export type CommittingAttempt = Pick<TransactionContext, 'jobId' | 'epoch'>;

/** File systems without a second name for a file answer a link with one of these. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** One closed file of a transaction, as stored. */
export interface FilePart {
  readonly name: string;
  readonly sizeBytes: number;
}

/** Gives a pending file its final name. Idempotent. @throws TransactionLostError for the two refused cases above */
export async function commitPart(
  files: SinkFileSystem,
  directory: string,
  part: FilePart,
  attempt: CommittingAttempt | undefined,
): Promise<void> {
  const final = join(directory, part.name);
  const pending = join(directory, pendingName(part.name));
  const state = await observe(files, pending, final, part.sizeBytes);
  if (state === 'done') return;
  if (state === 'gone') return commitHidden(files, directory, part, attempt);
  if (state === 'pending' && (await giveFinalName(files, pending, final)) === 'renamed') return;
  await unlinkIfThere(files, pending);
}

async function observe(files: SinkFileSystem, pending: string, final: string, sizeBytes: number): Promise<CommitState> {
  const waiting = await files.stat(pending);
  const there = await files.stat(final);
  if (waiting === undefined) {
    return there === undefined ? 'gone' : 'done';
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

/** Commits a file that an earlier attempt has hidden. */
async function commitHidden(
  files: SinkFileSystem,
  directory: string,
  { name, sizeBytes }: FilePart,
  attempt: CommittingAttempt | undefined,
): Promise<void> {
  const final = join(directory, name);
  const newest = attempt && hiddenFile(await files.list(directory), name, attempt);
  if (attempt === undefined || newest === undefined)
    throw new TransactionLostError(
      final,
      'neither the pending nor the final file exists, nor a hidden one of that name that ends in .withdrawn or .kept. ' +
        'Somebody moved or removed it after a checkpoint had promised it. ' +
        'Put it back and run the job again; where its records have been taken care of, an empty file of that name ' +
        'will do. Leave final files in place until the next checkpoint is complete.',
    );
  const there = await files.stat(join(directory, newest.name));
  if (there !== undefined && there.sizeBytes !== sizeBytes)
    throw new TransactionLostError(
      final,
      `${join(directory, newest.name)} has ${there.sizeBytes} bytes instead of ${sizeBytes}. Put the whole file back and run the job again.`,
    );
  // Epochs of another job say nothing to this one's: what its attempts know of the file stays as it is.
  if (isOwnName(attempt.jobId, name)) await giveBack(files, directory, [newest], attempt.epoch);
  else await renameIfThere(files, join(directory, newest.name), final);
}

/** The newest hidden file of this name. What a successor has hidden is not for an old leader to show again. */
function hiddenFile(names: readonly string[], final: string, { jobId, epoch }: CommittingAttempt): Absence | undefined {
  const isOwn = isOwnName(jobId, final);
  const hidden = names
    .flatMap((name) => parseAbsence(name) ?? [])
    .filter((each) => each.kind !== 'returned' && each.final === final && (!isOwn || each.from < epoch));
  return hidden.toSorted((left, right) => right.from - left.from)[0];
}

/** @returns `renamed` where the pending name is gone already */
async function giveFinalName(files: SinkFileSystem, pending: string, final: string): Promise<'linked' | 'renamed'> {
  try {
    await files.link(pending, final);
    return 'linked';
  } catch (error) {
    const code = systemCodeOf(error);
    // An old leader may be committing the same file: what it has done needs not be done again.
    if ((code === 'EEXIST' || code === 'ENOENT') && (await files.stat(final)) !== undefined) return 'linked';
    if (code === undefined || !NO_LINKS.has(code)) throw error;
    // No one else writes this name, so the look before the rename is enough.
    await files.rename(pending, final);
    return 'renamed';
  }
}
