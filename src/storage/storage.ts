/**
 * The port for bytes: state files, checkpoint metadata, blobs. Small records that must change atomically do not belong
 * here; they live in the high availability stores.
 */

/** What a file is made of. The caller leaves the bytes alone until the write has ended. */
export type Chunks = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** What was written: to be kept in a handle, and checked when the file is read again. */
export interface WrittenFile {
  readonly sizeBytes: number;
  /** 64 lowercase hex digits. */
  readonly sha256: string;
}

/** What is known of a file without reading it. */
export interface FileStatus {
  readonly sizeBytes: number;
  /** Milliseconds since the Unix epoch, by the storage's clock. */
  readonly modifiedAt: number;
}

/** A part of a file. Both count bytes; without `length` up to the end. */
export interface ByteRange {
  readonly offset?: number;
  readonly length?: number;
}

/**
 * Bytes by path. Paths are relative and separated by `/`; a path outside the storage is refused.
 *
 * Implementers guarantee:
 * - a name either does not exist or has all its bytes, whenever the process or the machine stops;
 * - when `write` has returned, the file survives a power failure;
 * - no call ever changes a file that exists: there is no overwriting, only deleting;
 * - read after write, list after write and list after delete.
 *
 * All of them pass test/conformance/storage.ts. Everything throws a `StorageError`.
 */
export interface Storage {
  /** Where the bytes lie, for people: `file:///var/jobs`. */
  readonly uri: string;

  /** Creates a file. A path that exists already is the error STORAGE_FILE_EXISTS, and the file stays as it was. */
  write(path: string, chunks: Chunks, options: { readonly exclusive: true }): Promise<WrittenFile>;

  /** The bytes of a file or of a part of it, or undefined when there is no such file. A range past the end is cut. */
  read(path: string, range?: ByteRange): Promise<Uint8Array | undefined>;

  /** Paths of all files below a directory, at any depth, sorted. The empty prefix means all. */
  list(prefix: string): Promise<string[]>;

  /**
   * Paths of all files that begin so, sorted: `savepoint-1a2b3c-` finds the files of every directory of such a name. Costs
   * by what it finds, however much lies beside it.
   */
  listBeginning(beginning: string): Promise<string[]>;

  /** Removes a file. A file that does not exist is fine. */
  delete(path: string): Promise<void>;

  /** Removes all files below a directory. The empty prefix is refused. */
  deleteTree(prefix: string): Promise<void>;

  exists(path: string): Promise<boolean>;

  /** Size and time of a file, or undefined when there is no such file. */
  stat(path: string): Promise<FileStatus | undefined>;

  /**
   * Removes what interrupted writes have left behind under names that begin so, once it is older than this. The empty
   * beginning means all.
   * @returns how many files went
   */
  sweepTemporary(beginning: string, olderThanMs: number): Promise<number>;
}
