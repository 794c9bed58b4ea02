/**
 * What an attempt does with the files of attempts before it, so that a reader sees every record once, whatever the
 * attempt goes on from. Files of its own job, operator and older epochs are, by what the restored checkpoint knows:
 *
 *              known: its transaction is in that state, or      unknown: its records come again
 *              was committed before
 *   pending    left: some subtask commits it                    removed; kept under another name while something that
 *                                                               may still be restored promises it
 *   final      left                                             withdrawn: hidden under another name
 *   withdrawn  put back                                         left
 *   kept       put back                                         removed once nothing promises it
 *
 * A checkpoint n of epoch E knows a file named k of epoch e exactly if e ≤ E, k ≤ n, and the file was not withdrawn when E
 * began. In E itself: a transaction named k is begun at capture k − 1, or when that was restored, and closed by the first
 * capture of its subtask from k on. If k ≤ n that is n at the latest, for n is complete, so every subtask has taken part.
 * If k > n it was begun when n had been captured: all its records come after n. Of epochs before E: E left what the
 * checkpoint that it went on from knew, removed or withdrew the rest, and ids only grow. Later epochs: n knows nothing
 * of them. When a file was withdrawn, by epochs, its hidden names say.
 *
 * Final files are unknown only after a fall-back, or where state was put back from a copy: they are committed when their
 * checkpoint is complete, and the newest complete one is restored. A damaged checkpoint may be mended and be the newest
 * again; then files that were withdrawn are known and others are not. Therefore nothing that was committed is ever deleted.
 *
 * A savepoint commits nothing, so what it promises is pending until the next checkpoint is complete. When that never is,
 * the job goes on from before the savepoint, which can be restored all the same, at any time and by any job. So it is with
 * a checkpoint that is damaged and may be mended, and with one whose handle was never written, which counts again once
 * all handles are lost. Hidden under a name that says since when, such a file doubles nothing, and no later checkpoint is
 * taken to know it.
 *
 * All of this rests on epochs that only grow. Where files of later epochs stand, the state is older than the output (it
 * was put back from a copy), or a successor runs: nothing is touched, and the attempt fails. The next has a higher epoch.
 *
 * A crash in between leaves some files moved and others not; every attempt looks at all of them again, and makes durable
 * what an earlier one may have moved.
 */
import { join } from 'node:path';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import { OutputAheadError, OutputExistsError } from './errors.ts';
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
 * Refuses to write beside output whose records this attempt would write once more and cannot withdraw. A job that has
 * committed anything restores a checkpoint of its own, unless its state was dropped or lost. Its own output it knows under
 * any prefix and suffix, that of others under those it has itself; what another job has committed since an earlier attempt
 * was let in here, or before the state that is restored was taken, is that one's affair.
 * @throws OutputExistsError, and OutputAheadError where a later epoch has been at work
 */
export async function refuseOldOutput({ files, directory, pattern, context }: SinkFiles): Promise<void> {
  const { jobId, uid, origin, epoch } = context;
  for (const name of await files.list(directory)) {
    if (isOfLaterEpoch(name, context)) throw new OutputAheadError(directory, name, epoch);
    const isOwn = !hasOwnState(context) && parseFinalName({ jobId, uid }, name) !== undefined;
    const isAnothers = origin.from === 'nothing' && jobOfFinalName(pattern, uid, name) !== undefined;
    if (isOwn || isAnothers) throw new OutputExistsError(directory, name, isOwn);
  }
}

/** Whether any epoch in the name of a file of this job is later than what an attempt of this epoch can find or make. */
function isOfLaterEpoch(name: string, context: TransactionContext): boolean {
  const hidden = parseAbsence(name);
  const file = parseFinalName(context, hidden?.final ?? finalOfPending(name) ?? name);
  if (file === undefined) return false;
  const moved = hidden === undefined ? 0 : hidden.kind === 'returned' ? hidden.until : hidden.from;
  return file.epoch >= context.epoch || moved > context.epoch;
}

/** Whether what is restored was taken by this job: epochs of different ones cannot be compared. */
function hasOwnState({ origin, jobId }: TransactionContext): boolean {
  return origin.from === 'checkpoint' && origin.jobId === jobId;
}

/**
 * Gives withdrawn files that the restored checkpoint knows their final names again. Every subtask puts back all of them:
 * it may have to commit any.
 */
export async function putBack(sink: SinkFiles): Promise<void> {
  const { files, directory, context } = sink;
  const absences = absencesIn(await files.list(directory));
  const returning = [...absences.values()].flat().filter(({ final, until }) => {
    const transaction = until === Number.POSITIVE_INFINITY ? parseFinalName(context, final) : undefined;
    return transaction !== undefined && isKnown({ final, ...transaction }, context, absences);
  });
  await giveBack(files, directory, returning, context.epoch);
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
  // Pending files first: what an old leader commits meanwhile is seen as final, or finds its pending file gone.
  for (const { path, final, transaction } of await unknownFiles(sink, finalOfPending)) {
    if (isPromised(transaction, context.origin))
      await renameIfThere(files, path, join(directory, keptName(final, context.epoch)));
    else await unlinkIfThere(files, path);
  }
  for (const { path, transaction } of await unknownFiles(sink, finalOfKept))
    if (!isPromised(transaction, context.origin)) await unlinkIfThere(files, path);
  const committed = hasOwnState(context) ? await unknownFiles(sink, (name) => name) : [];
  for (const { path, final } of committed)
    await renameIfThere(files, path, join(directory, withdrawnName(final, context.epoch)));
  // Else a loss of power could bring back what is gone, and what an attempt before this one has moved and not synced,
  // after a checkpoint that takes it for gone.
  await files.syncDirectory(directory);
  return committed.map(({ final }) => final);
}

/** Stored state has what its epoch had pre-committed by then: of older epochs nothing was left to be committed. */
function isPromised({ epoch, checkpointId }: NamedTransaction, { restorable = [] }: AttemptOrigin): boolean {
  return restorable.some((point) => checkpointId <= point.checkpointId && (point.epoch ?? epoch) === epoch);
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
    const isUnknown = !isKnown({ final, ...transaction }, context, absences);
    return isUnknown ? [{ path: join(directory, name), final, transaction }] : [];
  });
}

type KnownFile = NamedTransaction & { readonly final: string };

/** Nothing is known to the state of another job: it has committed what it took over from this one. */
function isKnown(file: KnownFile, { origin, jobId }: TransactionContext, absences: Absences): boolean {
  return (
    origin.from === 'checkpoint' &&
    origin.jobId === jobId &&
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
