/**
 * The file operations of the file sink, one by one, so that a test can stop the world between any two of them. Writing
 * and the synchronous part of a capture are synchronous; everything that waits for a disk is not.
 */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { link, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';

/** An open file, as the port names it. */
export type FileDescriptor = number;

export interface SinkFileSystem {
  /** Makes the directory and those above it; fails where it cannot be written into. */
  prepareDirectory(path: string): void;
  exists(path: string): boolean;
  /** Creates a file that must not be there yet. */
  createExclusive(path: string): FileDescriptor;
  /** Appends all of the bytes. */
  write(file: FileDescriptor, bytes: Uint8Array): void;
  /** Resolves when what was written survives a crash of the machine. */
  sync(path: string): Promise<void>;
  close(file: FileDescriptor): void;
  /** Resolves when the names in a directory survive a crash of the machine. */
  syncDirectory(path: string): Promise<void>;
  /** A second name for a file; fails with EEXIST where the name is taken. */
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Size and identity, or undefined where there is no such file. */
  stat(path: string): Promise<{ sizeBytes: number; identity: string } | undefined>;
  read(path: string): Promise<Uint8Array>;
  /** Names in a directory; none where the directory does not exist. */
  list(path: string): Promise<string[]>;
}

/** The file system of this machine. */
export const nodeSinkFileSystem: SinkFileSystem = {
  prepareDirectory(path) {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK | constants.X_OK);
  },
  exists: existsSync,
  createExclusive: (path) => openSync(path, 'wx'),
  write(file, bytes) {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written, bytes.length - written);
  },
  // A sync of the file flushes what any descriptor of it has written.
  sync: (path) => syncPath(path, 'r+'),
  close: closeSync,
  syncDirectory: (path) => syncPath(path, 'r'),
  link,
  rename,
  unlink,
  async stat(path) {
    try {
      const facts = await stat(path, { bigint: true });
      return { sizeBytes: Number(facts.size), identity: `${facts.dev}:${facts.ino}` };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  read: (path) => readFile(path),
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
};

async function syncPath(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
