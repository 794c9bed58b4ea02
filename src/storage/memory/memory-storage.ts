import { hash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { StorageError } from '../errors.ts';
import { checkedBeginning, checkedPath, checkedPrefix, checkedTree } from '../path.ts';
import { inPieces } from '../pieces.ts';
import type { ByteRange, Chunks, FileStatus, Storage, WrittenFile } from '../storage.ts';

/** What a memory storage needs. */
export interface MemoryStorageOptions {
  readonly clock: Clock;
}

/**
 * A storage that lives and dies with its process: for tests and for jobs without durable state. It keeps its own copy
 * of what is written and hands out copies.
 */
export function memoryStorage({ clock }: MemoryStorageOptions): Storage {
  const files = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAt: number }>();
  const below = (prefix: string) =>
    [...files.keys()].filter((path) => prefix === '' || path.startsWith(`${prefix}/`)).sort();

  return {
    uri: 'memory://',

    async write(path: string, chunks: Chunks): Promise<WrittenFile> {
      checkedPath(path);
      const bytes = await gathered(chunks);
      const sha256 = hash('sha256', bytes, 'hex');
      if (files.has(path)) throw new StorageError('STORAGE_FILE_EXISTS', path, alreadyThere(path));
      files.set(path, { bytes, modifiedAt: clock.now() });
      return { sizeBytes: bytes.byteLength, sha256 };
    },

    async read(path: string, range: ByteRange = {}): Promise<Uint8Array | undefined> {
      const bytes = files.get(checkedPath(path))?.bytes;
      const { offset = 0, length = Number.POSITIVE_INFINITY } = range;
      return bytes?.slice(offset, Math.min(bytes.byteLength, offset + length));
    },

    async list(prefix: string): Promise<string[]> {
      return below(checkedPrefix(prefix));
    },

    async listBeginning(beginning: string): Promise<string[]> {
      checkedBeginning(beginning);
      return below('').filter((path) => path.startsWith(beginning));
    },

    async delete(path: string): Promise<void> {
      files.delete(checkedPath(path));
    },

    async deleteTree(prefix: string): Promise<void> {
      for (const path of below(checkedTree(prefix))) files.delete(path);
    },

    async exists(path: string): Promise<boolean> {
      return files.has(checkedPath(path));
    },

    async stat(path: string): Promise<FileStatus | undefined> {
      const file = files.get(checkedPath(path));
      return file === undefined ? undefined : { sizeBytes: file.bytes.byteLength, modifiedAt: file.modifiedAt };
    },

    async sweepTemporary(): Promise<number> {
      return 0;
    },
  };
}

async function gathered(chunks: Chunks): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of inPieces(chunks)) pieces.push(Uint8Array.from(piece));
  return new Uint8Array(Buffer.concat(pieces));
}

const alreadyThere = (path: string) =>
  `cannot write ${path}: it exists, and nothing is ever overwritten; use a new name`;
