/** What can go wrong where records enter or leave a job. Every message names the file or directory and the next step. */
import { FlinkJobError, messageOf } from '../../lib/errors.ts';

/** Thrown when a file or directory that a source reads cannot be opened, listed or decoded. */
export class FileUnreadableError extends FlinkJobError {
  readonly path: string;

  constructor(path: string, why: string, options: { cause?: unknown } = {}) {
    super('FILE_UNREADABLE', `cannot read ${path}: ${why}`, options);
    this.path = path;
  }
}

/** Thrown when a file has another size than it had when the job began to read it: positions in it mean nothing any more. */
export class FileChangedError extends FlinkJobError {
  readonly path: string;

  constructor(path: string, expectedBytes: number, foundBytes: number) {
    super(
      'FILE_CHANGED',
      `${path} has ${foundBytes} bytes; it had ${expectedBytes} when this job began to read it. Put the old file back, ` +
        'or start the job without its state. Write files under a name that ends in .tmp and rename them when complete.',
    );
    this.path = path;
  }
}

/** Thrown when a record of a file is not what its format says. */
export class InvalidRecordError extends FlinkJobError {
  readonly path: string;
  /** Where in the file, in words: a line or a record. */
  readonly position: string;

  constructor(path: string, position: string, why: string, remedy: string) {
    super('INVALID_RECORD', `${path}, ${position}: ${why}. ${remedy}`);
    this.path = path;
    this.position = position;
  }
}

/** Thrown when a sink cannot write into its directory: it is full, read-only, missing or not a directory. */
export class SinkDirectoryError extends FlinkJobError {
  readonly directory: string;

  constructor(directory: string, action: string, cause: unknown) {
    super('SINK_DIRECTORY', `cannot ${action} in the output directory ${directory}: ${reasonOf(cause)}`, { cause });
    this.directory = directory;
  }
}

/** Thrown when output stands where a job would write its own, and the records in it would come once more. */
export class OutputExistsError extends FlinkJobError {
  readonly directory: string;

  constructor(directory: string, name: string, isOwn: boolean) {
    super(
      'OUTPUT_EXISTS',
      `the output directory ${directory} holds output of ${isOwn ? 'an earlier run of this job' : 'another job or an earlier run'} (${name}), and ${isOwn ? 'no checkpoint of this job is left to go on from' : 'this one begins from nothing'}: ` +
        'what it writes would be there twice. Empty the directory, or give the sink another path or prefix. To go on ' +
        'where the other stopped, start from its savepoint.',
    );
    this.directory = directory;
  }
}

/** Thrown when a sink finds output of its job from a later epoch than that of the attempt. */
export class OutputAheadError extends FlinkJobError {
  readonly directory: string;

  constructor(directory: string, name: string, epoch: number) {
    super(
      'OUTPUT_AHEAD',
      `the output directory ${directory} holds output of this job from a later epoch (${name}) than that of this attempt, which is ${epoch}: ` +
        "the job's state was put back from a copy that is older than its output, or another process runs the job. Each " +
        'start raises the epoch. Once it is above that of the output, the job withdraws what came after the copy was made, ' +
        'and writes it again; moved out of the directory, it is in the way no more.',
    );
    this.directory = directory;
  }
}

/** Thrown when nothing can be printed any more: whoever read standard output is gone, say. */
export class StandardOutputError extends FlinkJobError {
  constructor(cause: unknown) {
    const why = systemCodeOf(cause) === 'EPIPE' ? 'whoever read it is gone (EPIPE)' : reasonOf(cause);
    super(
      'STANDARD_OUTPUT',
      `cannot print to standard output: ${why}. Run the job again with its output read to the end, or written to a file.`,
      { cause },
    );
  }
}

/** Thrown when a sink is given a record that it cannot write. */
export class UnwritableRecordError extends FlinkJobError {
  constructor(why: string, options: { cause?: unknown } = {}) {
    super('UNWRITABLE_RECORD', `a record cannot be written: ${why}`, options);
  }
}

/** Thrown when what a checkpoint promised to commit is neither pending nor committed, or something else has its name. */
export class TransactionLostError extends FlinkJobError {
  readonly path: string;

  constructor(path: string, why: string) {
    super('TRANSACTION_LOST', `cannot commit ${path}: ${why}`);
    this.path = path;
  }
}

/** The system's error code (`ENOENT`, …) of anything that was thrown, or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist. Create it, or correct the path.',
  ENOTDIR: 'a part of the path is not a directory. Correct the path.',
  EEXIST: 'a file of that name stands there. Correct the path.',
  EISDIR: 'it is a directory, not a file. Correct the path.',
  EACCES: 'permission denied. Give the account of the job access to it.',
  EPERM: 'operation not permitted. Give the account of the job access to it.',
  EROFS: 'the file system is read-only. Mount it writable, or choose another path.',
  ENOSPC: 'no space is left on the device. Free space, then start the job again: it goes on from its last checkpoint.',
  EDQUOT: 'the disk quota is used up. Free space, then start the job again: it goes on from its last checkpoint.',
  EMFILE: 'too many files are open. Raise the limit of open files.',
};

/** Why an operation of the file system failed, in words, with the next step where one is known. */
export function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  const reason = code === undefined ? undefined : REASONS[code];
  return reason === undefined ? messageOf(error) : `${reason} (${code})`;
}
