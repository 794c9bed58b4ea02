import { FlinkJobError, messageOf } from '../lib/errors.ts';

/** What can go wrong with stored bytes, by what the reader of the message has to do about it. */
export type StorageErrorCode =
  | 'STORAGE_FULL'
  | 'STORAGE_UNWRITABLE'
  | 'STORAGE_UNREADABLE'
  | 'STORAGE_FILE_EXISTS'
  | 'STORAGE_PATH_INVALID'
  | 'STORAGE_URI_INVALID'
  | 'STORAGE_URI_UNSUPPORTED'
  | 'STORAGE_IO';

/** Thrown when bytes could not be written, read or removed. `path` names the object, the message says the remedy. */
export class StorageError extends FlinkJobError {
  declare readonly code: StorageErrorCode;
  /** The file, directory or URI this is about, as a person would look for it. */
  readonly path: string;

  constructor(
    code: StorageErrorCode,
    path: string,
    message: string,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(code, message, options);
    this.path = path;
  }
}

/** What was being done to a path when it failed. */
export type StorageOperation = 'write' | 'read' | 'list' | 'delete';

/** The storage error for what the operating system answered. A storage error passes unchanged. */
export function storageErrorFrom(operation: StorageOperation, path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { code, reason, remedy } = explain(operation, errnoOf(cause), cause);
  return new StorageError(code, path, `cannot ${operation} ${path}: ${reason}; ${remedy}`, {
    cause,
    retryable: code === 'STORAGE_FULL' || code === 'STORAGE_IO',
  });
}

/** The operating system's name of an error (`ENOSPC`), or undefined when it has none. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

interface Explanation {
  readonly code: StorageErrorCode;
  readonly reason: string;
  readonly remedy: string;
}

function explain(operation: StorageOperation, errno: string | undefined, cause: unknown): Explanation {
  const refused: StorageErrorCode =
    operation === 'write' || operation === 'delete' ? 'STORAGE_UNWRITABLE' : 'STORAGE_UNREADABLE';
  switch (errno) {
    case 'ENOSPC':
      return { code: 'STORAGE_FULL', reason: 'the disk is full (ENOSPC)', remedy: 'free space or use another storage' };
    case 'EDQUOT':
      return { code: 'STORAGE_FULL', reason: 'the disk quota is used up (EDQUOT)', remedy: 'free space or raise it' };
    case 'EACCES':
    case 'EPERM':
      return {
        code: refused,
        reason: `permission denied (${errno})`,
        remedy: 'give this user rights on the directory, or use another storage',
      };
    case 'EROFS':
      return {
        code: refused,
        reason: 'the file system is read-only (EROFS)',
        remedy: 'mount it for writing, or use another storage',
      };
    case 'ENOTDIR':
      return {
        code: refused,
        reason: 'a part of the path is a file, not a directory (ENOTDIR)',
        remedy: 'move that file away, or use another storage',
      };
    default:
      return { code: 'STORAGE_IO', reason: messageOf(cause), remedy: 'see the cause; the same call may work later' };
  }
}
