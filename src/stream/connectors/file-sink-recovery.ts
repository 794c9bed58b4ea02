/**
 * What an attempt does with the files of attempts before it, so that a reader sees every record once, whatever the
 * attempt goes on from. Files of its own job, operator and older epochs are, by what the restored checkpoint knows:
 *
 *              known: its transaction is in that state, or      unknown: its records come again
 *              was committed before
 *   pending    left: some subtask commits it                    removed; hidden as withdrawn after a fall-back, and
 *                                                               as kept while a savepoint promises it
 *   final      left                                             withdrawn: hidden under another name
 *   withdrawn  put back                                         left
 *   kept       put back                                         removed once no savepoint promises it
 *
 * A checkpoint n of epoch E knows a file named k of epoch e exactly if e ≤ E, k ≤ n, and the file was not withdrawn when E
 * began. In E itself: a transaction named k is begun at capture k − 1, or when that was restored, and closed by the first
 * capture of its subtask from k on. If k ≤ n that is n at the latest, for n is complete, so every subtask has taken part.
 * If k > n it was begun when n had been captured: all its records come after n. Of epochs before E: E left what the
 * checkpoint that it went on from knew, removed or withdrew the rest, and ids only grow. Later epochs: n knows nothing
 * of them. When a file was withdrawn, by epochs, its hidden names say.
 *
 * Final files are unknown only after a fall-back: they are committed when their checkpoint is complete, and the newest
 * complete one is restored. A damaged checkpoint may be mended and be the newest again; then files that were withdrawn
 * are known and others are not. Therefore nothing that was committed is ever deleted.
 *
 * A savepoint commits nothing, so what it promises is pending until the next checkpoint is complete. When that never is,
 * the job goes on from before the savepoint, which can be restored all the same, at any time and by any job. Hidden under
 * a name that says since when, such a file doubles nothing, and no later checkpoint is taken to know it.
 *
 * A crash in between leaves some files moved and others not; every attempt looks at all of them again.
 */
import { join } from 'node:path';
import type { AttemptOrigin, RestoredOrigin } from '../functions/attempt-origin.ts';
import { OutputExistsError } from './errors.ts';
import {
  type Absence,
  finalOfPending,
  jobOfFinalName,
  keptName,
  type NamedTransaction,
  type NamePattern,
  parseAbsence,
  parseFinalName,
  withdrawnName,
} from './file-sink-names.ts';
import { giveBack, renameIfThere, unlinkIfThere } from './file-sink-return.ts';
import type { TransactionContext } from './sink.ts';
import type { SinkFileSystem } from './sink-file-system.ts';

/** The files of one operator, as one attempt finds them. */
export interface SinkFiles {
  readonly files: SinkFileSystem;
  /** Absolute. */
  readonly directory: string;
  readonly pattern: NamePattern;
  readonly context: TransactionContext;
}

/**
 * Refuses to begin from nothing where this operator has committed before: all of that would be written once more. A job
 * that has committed anything restores from a checkpoint, unless its state was dropped, lost, or is that of another job.
 * Its own output it knows under any prefix and suffix, that of others under those it has itself.
 * What another job has committed since an earlier attempt was let in here is its own affair.
 * @throws OutputExistsError
 */
export async function refuseOldOutput({ files, directory, pattern, context }: SinkFiles): Promise<void> {
  const { jobId, uid, origin } = context;
  if (origin.from === 'checkpoint') return;
  for (const name of await files.list(directory)) {
    const isOwn = parseFinalName({ jobId, uid }, name) !== undefined;
    const isAnothers = origin.from === 'nothing' && jobOfFinalName(pattern, uid, name) !== undefined;
    if (isOwn || isAnothers) throw new OutputExistsError(directory, name, isOwn);
  }
}

/**
 * Gives withdrawn files that the restored checkpoint knows their final names again. Every subtask puts back all of them:
 * it may have to commit any.
 */
export async function putBack(sink: SinkFiles): Promise<void> {
  const { files, directory, context } = sink;
  const { origin, jobId, epoch } = context;
  if (origin.from !== 'checkpoint' || origin.jobId !== jobId) return;
  const names = await files.list(directory);
  const absences = absencesIn(names);
  const returning = [...absences.values()].flat().filter(({ final, until }) => {
    const transaction = until === Number.POSITIVE_INFINITY ? parseFinalName(context, final) : undefined;
    return transaction !== undefined && isKnown({ final, ...transaction }, origin, absences);
  });
  await giveBack(files, directory, returning, epoch);
}

/**
 * Removes what older epochs left open and nobody will commit, and withdraws what they have committed and this attempt
 * writes again. Each subtask looks after its own files and, when the job has fewer subtasks now, after those of subtasks
 * that are gone. Files of other jobs are never touched, nor are final ones when the state is that of another job: it says
 * nothing about them.
 * @returns the final names that were withdrawn
 */
export async function sweep(sink: SinkFiles): Promise<string[]> {
  const { files, directory, context } = sink;
  const { origin, jobId } = context;
  // Pending files first: what an old leader commits meanwhile is seen as final, or finds its pending file gone.
  const pending = await unknownFiles(sink, finalOfPending);
  const isFallback = origin.from === 'checkpoint' && origin.isFallback;
  for (const { path, final, transaction } of pending) {
    if (isFallback) await withdraw(sink, path, final);
    else if (isPromised(transaction, origin))
      await renameIfThere(files, path, join(directory, keptName(final, context.epoch)));
    else await unlinkIfThere(files, path);
  }
  // After a fall-back nobody can tell what the damaged state has promised.
  const kept = isFallback ? [] : await unknownFiles(sink, finalOfKept);
  for (const { path, transaction } of kept) if (!isPromised(transaction, origin)) await unlinkIfThere(files, path);
  const isOwnState = origin.from === 'checkpoint' && origin.jobId === jobId;
  const committed = isOwnState ? await unknownFiles(sink, (name) => name) : [];
  for (const { path, final } of committed) await withdraw(sink, path, final);
  // Else a loss of power could bring them back after a checkpoint that takes them for gone.
  if (pending.length + kept.length + committed.length > 0) await files.syncDirectory(directory);
  return committed.map(({ final }) => final);
}

/** A savepoint's state has what its epoch had pre-committed by then: in older epochs nothing was left to be committed. */
function isPromised({ epoch, checkpointId }: NamedTransaction, { savepoints = [] }: AttemptOrigin): boolean {
  return savepoints.some(
    (savepoint) => savepoint === 'unreadable' || (savepoint.epoch === epoch && checkpointId <= savepoint.checkpointId),
  );
}

function finalOfKept(name: string): string | undefined {
  const hidden = parseAbsence(name);
  return hidden?.kind === 'kept' ? hidden.final : undefined;
}

interface UnknownFile {
  readonly path: string;
  readonly transaction: NamedTransaction;
  readonly final: string;
}

/** Files of this subtask's share that the restored checkpoint does not know. */
async function unknownFiles(
  { files, directory, context }: SinkFiles,
  finalOf: (name: string) => string | undefined,
): Promise<UnknownFile[]> {
  const { subtaskIndex, parallelism, epoch } = context;
  const names = await files.list(directory);
  const absences = absencesIn(names);
  return names.flatMap((name) => {
    const final = finalOf(name);
    const transaction = final === undefined ? undefined : parseFinalName(context, final);
    if (final === undefined || transaction === undefined) return [];
    const isMine = transaction.subtaskIndex % parallelism === subtaskIndex;
    // A later epoch is that of a successor, and this attempt is on its way out.
    if (!isMine || transaction.epoch >= epoch) return [];
    return mayBeKnown({ final, ...transaction }, context, absences)
      ? []
      : [{ path: join(directory, name), final, transaction }];
  });
}

type KnownFile = NamedTransaction & { readonly final: string };

function mayBeKnown(file: KnownFile, { origin, jobId }: TransactionContext, absences: Absences): boolean {
  if (origin.from !== 'checkpoint') return false;
  // Epochs of different jobs cannot be compared.
  return origin.jobId === jobId ? isKnown(file, origin, absences) : file.checkpointId <= origin.checkpointId;
}

function isKnown(file: KnownFile, origin: RestoredOrigin, absences: Absences): boolean {
  return (
    file.epoch <= origin.epoch &&
    file.checkpointId <= origin.checkpointId &&
    !absences.get(file.final)?.some(({ from, until }) => from <= origin.epoch && origin.epoch < until)
  );
}

/** When files were gone, by final name: a directory may hold tens of thousands of each. */
type Absences = ReadonlyMap<string, readonly Absence[]>;

function absencesIn(names: readonly string[]): Absences {
  return Map.groupBy(
    names.flatMap((name) => parseAbsence(name) ?? []),
    ({ final }) => final,
  );
}

async function withdraw({ files, directory, context }: SinkFiles, path: string, final: string): Promise<void> {
  await renameIfThere(files, path, join(directory, withdrawnName(final, context.epoch)));
  // Where pending and final are one file, the second of two renames to one name does nothing: both names stay.
  await unlinkIfThere(files, path);
}
