/**
 * The names of the file sink. Every name says to which job, operator, subtask, epoch and checkpoint its records belong,
 * so no two transactions ever write to one file, whoever else still breathes.
 *
 *   pending   .part-9f0c3a5e71b2-out-0-5-812.ndjson.pending
 *   final      part-9f0c3a5e71b2-out-0-5-812.ndjson
 *   withdrawn .part-9f0c3a5e71b2-out-0-5-812.ndjson.6.withdrawn      by an attempt of epoch 6
 *   kept      .part-9f0c3a5e71b2-out-0-5-812.ndjson.6.kept           the same, but was pending, and something promises it
 *   returned  .part-9f0c3a5e71b2-out-0-5-812.ndjson.6-8.returned     put back by one of epoch 8; empty
 *   further parts of one checkpoint: part-…-812.p1.ndjson, part-…-812.p2.ndjson
 */
import { createHash } from 'node:crypto';
import type { TransactionContext } from './sink.ts';

const JOB_ID_DIGITS = 12;

/** What all names of one sink share. */
export interface NamePattern {
  readonly prefix: string;
  readonly suffix: string;
}

/** The final name of a part. */
export function finalName(pattern: NamePattern, transaction: TransactionContext, part: number): string {
  const { subtaskIndex, epoch, checkpointId } = transaction;
  const parts = part === 0 ? '' : `.p${part}`;
  return `${commonStart(pattern, transaction)}${subtaskIndex}-${epoch}-${checkpointId}${parts}${pattern.suffix}`;
}

/** The hidden name under which the file is written. */
export function pendingName(name: string): string {
  return `.${name}.pending`;
}

/** The hidden name under which a committed file is kept whose records an attempt of this epoch writes again. */
export function withdrawnName(name: string, epoch: number): string {
  return `.${name}.${epoch}.withdrawn`;
}

/** The hidden name under which a pending file waits for what promises it to be restored, from an attempt of this epoch on. */
export function keptName(name: string, epoch: number): string {
  return `.${name}.${epoch}.kept`;
}

/** Whose records a file holds, as its name says. */
export interface NamedTransaction {
  readonly subtaskIndex: number;
  readonly epoch: number;
  readonly checkpointId: number;
}

type Owner = Pick<TransactionContext, 'jobId' | 'uid'>;

/**
 * What a final name of this job and operator says, whatever its prefix and suffix, which may have been changed since; or
 * undefined for any other name.
 */
export function parseFinalName({ jobId, uid }: Owner, name: string): NamedTransaction | undefined {
  const middle = `-${jobId.slice(0, JOB_ID_DIGITS)}-${fileSafe(uid)}-`;
  const at = name.lastIndexOf(middle);
  if (at < 1 || name.startsWith('.')) return undefined;
  // A further number means that those before it are of a longer uid.
  const numbers = /^(\d+)-(\d+)-(\d+)(?!\d|-\d)/.exec(name.slice(at + middle.length));
  if (numbers === null) return undefined;
  const [, subtaskIndex, epoch, checkpointId] = numbers.map(Number);
  if (subtaskIndex === undefined || epoch === undefined || checkpointId === undefined) return undefined;
  return { subtaskIndex, epoch, checkpointId };
}

/** Whether a suffix would be read as a part of the numbers before it. */
export function goesOnWithNumber(suffix: string): boolean {
  return /^-?\d/.test(suffix);
}

/** The hidden name of an empty file that says: a file was withdrawn by one epoch and put back by another. */
export function returnedName(name: string, withdrawnBy: number, putBackBy: number): string {
  return `.${name}.${withdrawnBy}-${putBackBy}.returned`;
}

/** The final name that a pending name stands for, or undefined for any other name. */
export function finalOfPending(name: string): string | undefined {
  return /^\.(.+)\.pending$/.exec(name)?.[1];
}

/** When a file had no final name, by epochs: from the one that withdrew it until the one that put it back, Infinity for never. */
export interface Absence {
  /** The hidden name that says so. */
  readonly name: string;
  readonly kind: 'withdrawn' | 'kept' | 'returned';
  readonly final: string;
  readonly from: number;
  readonly until: number;
}

/** What the name of a withdrawn or kept file, or of one that was put back, says; undefined for any other name. */
export function parseAbsence(name: string): Absence | undefined {
  const [, final, from, until, kind = 'returned'] =
    /^\.(.+)\.(\d+)(?:-(\d+)\.returned|\.(withdrawn|kept))$/.exec(name) ?? [];
  if (final === undefined) return undefined;
  return {
    name,
    kind: kind as Absence['kind'],
    final,
    from: Number(from),
    until: until === undefined ? Number.POSITIVE_INFINITY : Number(until),
  };
}

/** The first digits of the job that a final name of this operator and pattern says; undefined for any other name. */
export function jobOfFinalName({ prefix, suffix }: NamePattern, uid: string, name: string): string | undefined {
  const start = `${prefix}-`;
  const middle = `-${fileSafe(uid)}-`;
  const job = name.slice(start.length, start.length + JOB_ID_DIGITS);
  if (!name.startsWith(start + job + middle) || !name.endsWith(suffix) || !/^[0-9a-f]+$/.test(job)) return undefined;
  const numbers = name.slice(start.length + job.length + middle.length, name.length - suffix.length);
  return /^\d+-\d+-\d+(?:\.p\d+)?$/.test(numbers) ? job : undefined;
}

/** Whether a final name is of this job, whatever its operator, prefix and suffix. */
export function isOwnName(jobId: string, name: string): boolean {
  return name.includes(`-${jobId.slice(0, JOB_ID_DIGITS)}-`);
}

function commonStart({ prefix }: NamePattern, { jobId, uid }: Owner): string {
  return `${prefix}-${jobId.slice(0, JOB_ID_DIGITS)}-${fileSafe(uid)}-`;
}

/** A longer uid would leave no room for the rest of a name, of which file systems take 255 bytes. */
const LONGEST_UID = 100;

/**
 * A uid as a part of a file name: letters, digits, dot, underscore and minus stay, the rest becomes %XX, and so does a
 * minus before what would be taken for the numbers behind a shorter uid. Of a long one the end becomes a hash.
 */
function fileSafe(uid: string): string {
  const safe = encodeURIComponent(uid)
    .replace(/[!'()*~]/g, percent)
    .replace(/-(?=\d+-\d+-\d)/g, percent);
  if (safe.length <= LONGEST_UID) return safe;
  return `${safe.slice(0, LONGEST_UID - 17)}~${createHash('sha256').update(uid).digest('hex').slice(0, 16)}`;
}

function percent(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16)}`;
}
