/**
 * Writes records into files, exactly once. Each subtask writes one file per checkpoint under a hidden name; when the
 * checkpoint is complete the file gets its final name. A reader of the directory that ignores hidden names sees whole
 * files with committed records only.
 *
 *   write .x.pending │ capture: flush │ fsync file, fsync directory │ complete: link x, unlink .x.pending, fsync directory
 *
 * Committing twice is committing once: the pending name gone and the final name there is "done". Files of another epoch
 * are never opened, so an old leader and its successor cannot mix. Nothing is created for a checkpoint without records.
 */
import { join, resolve } from 'node:path';
import { FlinkJobError } from '../../lib/errors.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { SinkDirectoryError } from './errors.ts';
import { requiredPath } from './file-options.ts';
import { type CommittingAttempt, commitPart, type FilePart } from './file-sink-commit.ts';
import { jsonLine, unusableEncoding } from './file-sink-encoding.ts';
import { finalName, goesOnWithNumber, type NamePattern, pendingName } from './file-sink-names.ts';
import { putBack, refuseOldOutput, type SinkFiles, sweep } from './file-sink-recovery.ts';
import { type TransactionContext, TwoPhaseCommitSinkFunction } from './sink.ts';
import { type FileDescriptor, nodeSinkFileSystem, type SinkFileSystem } from './sink-file-system.ts';

export interface FileSinkOptions<T> {
  /** The output directory; made when it is not there. Relative to the directory of the process. */
  readonly path: string;
  /** First part of every name. It and the suffix have 60 bytes together at most. @default 'part' */
  readonly prefix?: string;
  /** Last part of every name; begins neither with a digit nor with "-" and a digit. @default '.ndjson' */
  readonly suffix?: string;
  /**
   * A record as a line (its end is added) or as bytes (written as they are). Anything else that it returns ends the job.
   * @default one line of JSON
   */
  readonly encode?: (value: T) => string | Uint8Array;
  /** Begins another file within a checkpoint once one has this size: the record that reaches it is its last. @default never */
  readonly rollAtBytes?: number;
  /** @default the file system of this machine */
  readonly fileSystem?: SinkFileSystem;
  /** Told what the people who run the job should know. @default lines on standard error, where the job's log is */
  readonly warn?: (message: string) => void;
}

export type { FilePart } from './file-sink-commit.ts';

/** The files of one checkpoint of one subtask. */
export interface FileTransaction {
  readonly directory: string;
  readonly parts: readonly FilePart[];
}

/** A transaction that is being written. `open` is absent before the first record. */
interface OpenFileTransaction extends FileTransaction {
  readonly context: TransactionContext;
  readonly parts: FilePart[];
  open: { readonly name: string; readonly file: FileDescriptor; sizeBytes: number } | undefined;
  nextPart: number;
}

const FILE_TRANSACTION = Types.OBJECT({
  directory: Types.STRING,
  parts: Types.LIST(Types.OBJECT({ name: Types.STRING, sizeBytes: Types.SAFE_LONG })),
}) as unknown as TypeInformation<FileTransaction>;

/** So many bytes of prefix and suffix leave room for the rest of a name, hidden ones included, of 255 bytes. */
const LONGEST_AFFIXES = 60;

/** Text is collected up to this many characters before it is written. */
const BUFFER_CHARACTERS = 128 * 1024;

/** No character (UTF-16 unit) of a text takes more bytes than this in UTF-8. */
const BYTES_PER_CHARACTER = 3;

export class FileSink<T> extends TwoPhaseCommitSinkFunction<T, FileTransaction> {
  override readonly transactionType: TypeInformation<FileTransaction> = FILE_TRANSACTION;
  readonly #directory: string;
  readonly #pattern: NamePattern;
  readonly #encode: (value: T) => string | Uint8Array;
  readonly #rollAtBytes: number;
  readonly #files: SinkFileSystem;
  readonly #warn: (message: string) => void;
  #attempt: CommittingAttempt | undefined;
  #text = '';
  /** Text of this length is written before another record is taken. */
  #flushAt = BUFFER_CHARACTERS;

  /** @throws IllegalArgumentException for a path, prefix, suffix or size that cannot be used */
  constructor(options: FileSinkOptions<T>) {
    super();
    const path = requiredPath('FileSink', options?.path, 'the directory to write into');
    const { prefix = 'part', suffix = '.ndjson', rollAtBytes = Number.POSITIVE_INFINITY } = options;
    if (!/^[^./\\][^/\\]*$/.test(prefix) || /[/\\]/.test(suffix))
      throw new IllegalArgumentException(
        `prefix and suffix of a file sink are parts of a visible file name; got "${prefix}" and "${suffix}".`,
      );
    if (goesOnWithNumber(suffix))
      throw new IllegalArgumentException(
        `the suffix of a file sink does not go on with the number before it; got "${suffix}". Begin it with a dot, or with "-" and a letter.`,
      );
    if (Buffer.byteLength(prefix + suffix) > LONGEST_AFFIXES)
      throw new IllegalArgumentException(
        `prefix and suffix of a file sink have ${LONGEST_AFFIXES} bytes together at most; got "${prefix}" and "${suffix}".`,
      );
    if (!(rollAtBytes > 0)) throw new IllegalArgumentException(`rollAtBytes is above 0; got ${rollAtBytes}.`);
    this.#directory = path;
    this.#pattern = { prefix, suffix };
    this.#encode = options.encode ?? jsonLine;
    this.#rollAtBytes = rollAtBytes;
    this.#files = options.fileSystem ?? nodeSinkFileSystem;
    this.#warn = options.warn ?? ((message) => void process.stderr.write(`warning: ${message}\n`));
  }

  /** Finds out at the start of the job, not after an hour, that the directory cannot be written. */
  override open(): void {
    this.#inDirectory('create files', () => this.#files.prepareDirectory(resolve(this.#directory)));
  }

  override beginTransaction(context: TransactionContext): FileTransaction {
    const transaction: OpenFileTransaction = {
      directory: this.#directory,
      context,
      parts: [],
      open: undefined,
      nextPart: 0,
    };
    this.#text = '';
    this.#flushAt = this.#charactersUntil(this.#rollAtBytes);
    return transaction;
  }

  override invoke(transaction: FileTransaction, value: T): void {
    const record = this.#encode(value);
    if (typeof record === 'string') {
      this.#text += record;
      this.#text += '\n';
      if (this.#text.length >= this.#flushAt) this.#flush(transaction as OpenFileTransaction);
    } else {
      if (!(record instanceof Uint8Array)) throw unusableEncoding(record);
      this.#flush(transaction as OpenFileTransaction);
      this.#append(transaction as OpenFileTransaction, record);
    }
  }

  override preCommit(transaction: FileTransaction): FileTransaction | undefined {
    const writing = transaction as OpenFileTransaction;
    this.#flush(writing);
    this.#closePart(writing);
    return writing.parts.length === 0 ? undefined : { directory: writing.directory, parts: writing.parts };
  }

  override async makeDurable({ directory, parts }: FileTransaction): Promise<void> {
    const place = resolve(directory);
    try {
      await Promise.all(parts.map(({ name }) => this.#files.sync(join(place, pendingName(name)))));
      // The name must survive as well as the bytes, else a commit after a power failure finds nothing.
      await this.#files.syncDirectory(place);
    } catch (cause) {
      throw new SinkDirectoryError(directory, 'make files durable', cause);
    }
  }

  override async commit({ directory, parts }: FileTransaction): Promise<void> {
    try {
      for (const part of parts) await commitPart(this.#files, resolve(directory), part, this.#attempt);
      await this.#files.syncDirectory(resolve(directory));
    } catch (cause) {
      throw withDirectory(directory, 'commit files', cause);
    }
  }

  override async abort(transaction: FileTransaction): Promise<void> {
    const writing = transaction as OpenFileTransaction;
    this.#text = '';
    this.#closePart(writing);
    for (const { name } of writing.parts) {
      await this.#files.unlink(join(resolve(writing.directory), pendingName(name))).catch(() => {});
    }
  }

  override async prepareRecovery(context: TransactionContext): Promise<void> {
    this.#attempt = context;
    try {
      await refuseOldOutput(this.#filesOf(context));
      await putBack(this.#filesOf(context));
    } catch (cause) {
      throw withDirectory(this.#directory, 'look for files of earlier attempts', cause);
    }
  }

  override async recoverAndAbort(context: TransactionContext): Promise<void> {
    let withdrawn: string[];
    try {
      withdrawn = await sweep(this.#filesOf(context));
    } catch (cause) {
      throw withDirectory(this.#directory, 'remove abandoned files', cause);
    }
    if (withdrawn.length > 0) this.#warn(withdrawnText(this.#directory, withdrawn, context));
  }

  #filesOf(context: TransactionContext): SinkFiles {
    return { files: this.#files, directory: resolve(this.#directory), pattern: this.#pattern, context };
  }

  #flush(transaction: OpenFileTransaction): void {
    if (this.#text.length === 0) return;
    const bytes = Buffer.from(this.#text, 'utf8');
    this.#text = '';
    this.#append(transaction, bytes);
  }

  #append(transaction: OpenFileTransaction, bytes: Uint8Array): void {
    this.#inDirectory('write', () => {
      transaction.open ??= this.#createPart(transaction);
      this.#files.write(transaction.open.file, bytes);
      transaction.open.sizeBytes += bytes.length;
    });
    if ((transaction.open?.sizeBytes ?? 0) >= this.#rollAtBytes) this.#closePart(transaction);
    this.#flushAt = this.#charactersUntil(this.#rollAtBytes - (transaction.open?.sizeBytes ?? 0));
  }

  /**
   * How much text can be collected without looking at its bytes: so little that it cannot reach the size at which another
   * file begins. It gets less towards that size, where records are written one by one and the right one closes the file.
   */
  #charactersUntil(bytes: number): number {
    return Math.min(BUFFER_CHARACTERS, Math.ceil(bytes / BYTES_PER_CHARACTER));
  }

  #createPart(transaction: OpenFileTransaction): { name: string; file: FileDescriptor; sizeBytes: number } {
    const directory = resolve(transaction.directory);
    // Names are new by construction. Should one be taken all the same, the next number is: nothing is overwritten.
    for (;;) {
      const name = finalName(this.#pattern, transaction.context, transaction.nextPart++);
      const pending = join(directory, pendingName(name));
      if (this.#files.exists(join(directory, name)) || this.#files.exists(pending)) continue;
      return { name, file: this.#files.createExclusive(pending), sizeBytes: 0 };
    }
  }

  #closePart(transaction: OpenFileTransaction): void {
    const { open } = transaction;
    if (open === undefined) return;
    transaction.open = undefined;
    transaction.parts.push({ name: open.name, sizeBytes: open.sizeBytes });
    this.#inDirectory('close files', () => this.#files.close(open.file));
  }

  #inDirectory(action: string, step: () => void): void {
    try {
      step();
    } catch (cause) {
      throw withDirectory(this.#directory, action, cause);
    }
  }
}

/** Names that a warning lists; the directory has them all. */
const NAMES_IN_A_WARNING = 10;

function withdrawnText(directory: string, names: readonly string[], { uid, epoch }: TransactionContext): string {
  const more = names.length - NAMES_IN_A_WARNING;
  const list = names.slice(0, NAMES_IN_A_WARNING).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return (
    `${uid}: withdrew ${names.length} committed ${names.length === 1 ? 'file' : 'files'} in ${directory}, for the job goes on from before ` +
    `them and writes their records again. They are kept under hidden names that end in .${epoch}.withdrawn: ${list}. ` +
    'Whoever has read them already reads those records a second time.'
  );
}

function withDirectory(directory: string, action: string, cause: unknown): FlinkJobError {
  return cause instanceof FlinkJobError ? cause : new SinkDirectoryError(directory, action, cause);
}
