import { createHash, randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../lib/clock.ts';
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import { errnoOf, StorageError, type StorageOperation, storageErrorFrom } from '../errors.ts';
import { checkedBeginning, checkedPath, checkedPrefix, checkedTree, TEMPORARY_PREFIX } from '../path.ts';
import { inPieces } from '../pieces.ts';
import type { ByteRange, Chunks, FileStatus, Storage, WrittenFile } from '../storage.ts';

/**
 * Files of one directory of this machine.
 *
 *     open .tmp-x ── write ── fsync ── link .tmp-x → name ── unlink .tmp-x ── fsync directory ── answer
 *
 * The final name appears by `link`, which is atomic and fails where the name exists: so a file is never half there and
 * never overwritten. A crash before the link leaves a temporary file, a crash after it the whole file and perhaps its
 * temporary name too; `sweepTemporary` removes both kinds.
 */

/** The points of a write at which a crash may happen, in order. */
export const FILESYSTEM_FAULT_POINTS = [
  'temporary-created',
  'bytes-written',
  'bytes-synced',
  'linked',
  'temporary-removed',
  'directory-synced',
] as const;
export type FilesystemFaultPoint = (typeof FILESYSTEM_FAULT_POINTS)[number];

/** The calls that change the file system: handed in so that a test can have them fail. */
export interface FileCalls {
  readonly open: typeof open;
  readonly link: typeof link;
  readonly unlink: typeof unlink;
  readonly mkdir: typeof mkdir;
}

/** What a filesystem storage needs. */
export interface FilesystemStorageOptions {
  /** Absolute; made by the first write. */
  readonly directory: string;
  readonly clock: Clock;
  /** @default does nothing */
  readonly faults?: FaultPoint;
  /** @default node:fs/promises */
  readonly calls?: FileCalls;
}

/** A storage in a directory of this machine, or on a volume mounted there. Needs hard links. */
export function filesystemStorage(options: FilesystemStorageOptions): Storage {
  return new FilesystemStorage(options);
}

/** Attempts at a write whose directory another process removes at the same time. */
const DIRECTORY_RACES = 5;

class FilesystemStorage implements Storage {
  readonly uri: string;
  private readonly root: string;
  private readonly clock: Clock;
  private readonly faults: FaultPoint;
  private readonly calls: FileCalls;

  constructor({
    directory,
    clock,
    faults = noFaults,
    calls = { open, link, unlink, mkdir },
  }: FilesystemStorageOptions) {
    this.root = resolve(directory);
    this.uri = pathToFileURL(this.root).href;
    this.clock = clock;
    this.faults = faults;
    this.calls = calls;
  }

  async write(path: string, chunks: Chunks, _options: { readonly exclusive: true }): Promise<WrittenFile> {
    return this.doing('write', checkedPath(path), async (file) => {
      const directory = dirname(file);
      const temporary = join(directory, TEMPORARY_PREFIX + randomBytes(12).toString('hex'));
      const handle = await this.create(temporary, directory);
      try {
        const written = await this.fill(handle, chunks);
        await this.publish(temporary, file);
        await this.faults('temporary-removed');
        await this.syncDirectory(directory);
        await this.faults('directory-synced');
        return written;
      } catch (error) {
        // The failed write is what matters; a temporary file that cannot go now is swept later.
        await unlink(temporary).catch(() => {});
        throw error;
      }
    });
  }

  async read(path: string, range: ByteRange = {}): Promise<Uint8Array | undefined> {
    return this.doing('read', checkedPath(path), async (file) => {
      const handle = await absentIsUndefined(open(file, 'r'));
      if (handle === undefined) return undefined;
      try {
        const status = await handle.stat();
        return status.isFile() ? await readRange(handle, status.size, range) : undefined;
      } finally {
        await handle.close();
      }
    });
  }

  async list(prefix: string): Promise<string[]> {
    return this.doing('list', checkedPrefix(prefix), async (directory) => {
      const found = await this.filesBelow(directory, isWhole);
      return found.map((file) => this.pathOf(file)).sort();
    });
  }

  async listBeginning(beginning: string): Promise<string[]> {
    const { directory: above, name } = checkedBeginning(beginning);
    return this.doing('list', above, async (directory) => {
      const found = await this.filesBeginning(directory, name, isWhole);
      return found.map((file) => this.pathOf(file)).sort();
    });
  }

  async delete(path: string): Promise<void> {
    return this.doing('delete', checkedPath(path), async (file) => {
      await absentIsUndefined(this.calls.unlink(file));
      await this.removeEmptyParents(dirname(file));
    });
  }

  async deleteTree(prefix: string): Promise<void> {
    return this.doing('delete', checkedTree(prefix), async (directory) => {
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      await this.removeEmptyParents(dirname(directory));
    });
  }

  async exists(path: string): Promise<boolean> {
    return (await this.stat(path)) !== undefined;
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    return this.doing('read', checkedPath(path), async (file) => {
      const status = await absentIsUndefined(stat(file));
      return status?.isFile() ? { sizeBytes: status.size, modifiedAt: Math.round(status.mtimeMs) } : undefined;
    });
  }

  async sweepTemporary(beginning: string, olderThanMs: number): Promise<number> {
    const { directory: above, name } = checkedBeginning(beginning);
    return this.doing('delete', above, async (directory) => {
      let swept = 0;
      for (const file of await this.filesBeginning(directory, name, isTemporary)) {
        const status = await absentIsUndefined(stat(file));
        if (status === undefined || this.clock.now() - status.mtimeMs < olderThanMs) continue;
        await absentIsUndefined(this.calls.unlink(file));
        await this.removeEmptyParents(dirname(file));
        swept += 1;
      }
      return swept;
    });
  }

  /** Runs one operation on the absolute form of a path; what the operating system refuses becomes a StorageError. */
  private async doing<R>(operation: StorageOperation, path: string, action: (file: string) => Promise<R>): Promise<R> {
    const file = path === '' ? this.root : join(this.root, ...path.split('/'));
    try {
      return await action(file);
    } catch (error) {
      throw storageErrorFrom(operation, file, error);
    }
  }

  /** Opens a new file, making its directory. Another process may remove that directory, while empty, in between. */
  private async create(temporary: string, directory: string): Promise<FileHandle> {
    for (let race = 1; ; race += 1) {
      try {
        return await this.calls.open(temporary, 'wx', 0o644);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || race > DIRECTORY_RACES) throw error;
        await this.makeDirectory(directory);
      }
    }
  }

  /** A new directory is durable once the directory that holds it is. */
  private async makeDirectory(directory: string): Promise<void> {
    const first = await this.calls.mkdir(directory, { recursive: true });
    if (first === undefined) return;
    for (let made = directory; made.length >= first.length; made = dirname(made)) {
      await absentIsUndefined(this.syncDirectory(dirname(made)));
    }
  }

  private async fill(handle: FileHandle, chunks: Chunks): Promise<WrittenFile> {
    try {
      await this.faults('temporary-created');
      const written = await writeAll(handle, chunks);
      await this.faults('bytes-written');
      await handle.sync();
      await this.faults('bytes-synced');
      return written;
    } finally {
      await handle.close();
    }
  }

  private async publish(temporary: string, file: string): Promise<void> {
    try {
      await this.calls.link(temporary, file);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') {
        throw new StorageError(
          'STORAGE_FILE_EXISTS',
          file,
          `cannot write ${file}: it exists, and nothing is ever overwritten; use a new name`,
          { cause: error },
        );
      }
      throw error;
    }
    await this.faults('linked');
    await this.calls.unlink(temporary);
  }

  private async syncDirectory(directory: string): Promise<void> {
    const handle = await this.calls.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Files, and files below directories, whose name in this directory begins so. */
  private async filesBeginning(
    directory: string,
    beginning: string,
    wanted: (name: string) => boolean,
  ): Promise<string[]> {
    const found: string[] = [];
    for (const entry of (await this.entriesOf(directory)) ?? []) {
      if (!entry.name.startsWith(beginning)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) found.push(...(await this.filesBelow(path, wanted)));
      else if (wanted(entry.name)) found.push(path);
    }
    return found;
  }

  private filesBelow(directory: string, wanted: (name: string) => boolean): Promise<string[]> {
    return this.filesBeginning(directory, '', wanted);
  }

  private pathOf(file: string): string {
    return relative(this.root, file).split(sep).join('/');
  }

  private async entriesOf(directory: string): Promise<Dirent[] | undefined> {
    try {
      return await absentIsUndefined(readdir(directory, { withFileTypes: true }));
    } catch (error) {
      // Below a file there is nothing; a root that is a file is a mistake somebody has to hear of.
      if (errnoOf(error) === 'ENOTDIR' && directory !== this.root) return undefined;
      throw error;
    }
  }

  /** Directories exist only for their files. One that another process fills right now stays, with all above it. */
  private async removeEmptyParents(from: string): Promise<void> {
    for (let directory = from; directory.startsWith(this.root + sep); directory = dirname(directory)) {
      try {
        await rmdir(directory);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') return;
      }
    }
  }
}

function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

function isWhole(name: string): boolean {
  return !isTemporary(name);
}

/** Each piece is hashed here while another thread writes it. */
async function writeAll(handle: FileHandle, chunks: Chunks): Promise<WrittenFile> {
  const digest = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of inPieces(chunks)) {
    const writing = writeWhole(handle, piece);
    digest.update(piece);
    await writing;
    sizeBytes += piece.byteLength;
  }
  return { sizeBytes, sha256: digest.digest('hex') };
}

/** In one call of the system as a rule: beside busy records every call waits for its turn. */
async function writeWhole(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.byteLength; ) {
    const { bytesWritten } = await handle.write(piece, written, piece.byteLength - written);
    written += bytesWritten;
  }
}

async function readRange(handle: FileHandle, size: number, range: ByteRange): Promise<Uint8Array> {
  const offset = Math.min(range.offset ?? 0, size);
  const length = Math.min(range.length ?? Number.POSITIVE_INFINITY, size - offset);
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === length ? bytes : bytes.slice(0, filled);
}

/** A file or directory that does not exist is an answer, not an error. */
async function absentIsUndefined<R>(call: Promise<R>): Promise<R | undefined> {
  try {
    return await call;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EISDIR') return undefined;
    throw error;
  }
}
