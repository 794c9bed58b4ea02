/**
 * A disk in memory that knows what would survive: bytes that were synced, and names that were there when their directory
 * was synced. A process that uses it can die before or after any operation; the next process finds what is left after a
 * kill (everything) or after a loss of power (what survives only).
 */
import { dirname } from 'node:path';
import type { SinkFileSystem } from '../../src/stream/connectors/sink-file-system.ts';

/** The process is dead: everything it still tries fails with this. */
export class ProcessDied extends Error {
  constructor() {
    super('the process died');
  }
}

interface Inode {
  readonly id: number;
  bytes: Buffer;
  synced: number;
}

export class MemoryDisk {
  readonly #names = new Map<string, Inode>();
  readonly #durable = new Map<string, Inode>();
  #nextId = 1;

  /** All files, by path. */
  files(): Map<string, string> {
    return new Map([...this.#names].map(([path, inode]) => [path, inode.bytes.toString()]));
  }

  losePower(): void {
    this.#names.clear();
    for (const [path, inode] of this.#durable) this.#names.set(path, inode);
    for (const inode of this.#names.values()) inode.bytes = inode.bytes.subarray(0, inode.synced);
  }

  /** The file system as one process sees it; it dies at operation `dieAt`, counted from 0, before or after doing it. */
  process(
    dieAt = Number.POSITIVE_INFINITY,
    when: 'before' | 'after' = 'before',
  ): SinkFileSystem & { operations: number } {
    const open = new Map<number, Inode>();
    let dead = false;
    const step = <R>(action: () => R): R => {
      if (dead) throw new ProcessDied();
      const dies = fileSystem.operations++ === dieAt;
      if (dies) dead = true;
      if (dies && when === 'before') throw new ProcessDied();
      const result = action();
      if (dies) throw new ProcessDied();
      return result;
    };
    const later = async <R>(action: () => R): Promise<R> => {
      await Promise.resolve();
      return step(action);
    };
    const find = (path: string): Inode => this.#names.get(path) ?? fail('ENOENT', path);
    const fileSystem: SinkFileSystem & { operations: number } = {
      operations: 0,
      prepareDirectory: () => step(() => {}),
      exists: (path) => step(() => this.#names.has(path)),
      createExclusive: (path) =>
        step(() => {
          if (this.#names.has(path)) fail('EEXIST', path);
          const inode = { id: this.#nextId++, bytes: Buffer.alloc(0), synced: 0 };
          this.#names.set(path, inode);
          open.set(inode.id, inode);
          return inode.id;
        }),
      write: (file, bytes) =>
        step(() => {
          const inode = open.get(file) ?? fail('EBADF', String(file));
          inode.bytes = Buffer.concat([inode.bytes, bytes]);
        }),
      close: (file) => step(() => void open.delete(file)),
      sync: (path) =>
        later(() => {
          const inode = find(path);
          inode.synced = inode.bytes.length;
        }),
      syncDirectory: (path) =>
        later(() => {
          for (const name of [...this.#durable.keys()]) if (dirname(name) === path) this.#durable.delete(name);
          for (const [name, inode] of this.#names) if (dirname(name) === path) this.#durable.set(name, inode);
        }),
      link: (from, to) =>
        later(() => {
          const inode = find(from);
          if (this.#names.has(to)) fail('EEXIST', to);
          this.#names.set(to, inode);
        }),
      rename: (from, to) =>
        later(() => {
          const inode = find(from);
          // As rename(2) has it: two names of one file both stay.
          if (this.#names.get(to) === inode) return;
          this.#names.set(to, inode);
          this.#names.delete(from);
        }),
      unlink: (path) =>
        later(() => {
          find(path);
          this.#names.delete(path);
        }),
      stat: (path) =>
        later(() => {
          const inode = this.#names.get(path);
          return inode && { sizeBytes: inode.bytes.length, identity: String(inode.id) };
        }),
      read: (path) => later(() => find(path).bytes),
      list: (path) =>
        later(() =>
          [...this.#names.keys()].filter((name) => dirname(name) === path).map((name) => name.slice(path.length + 1)),
        ),
    };
    return fileSystem;
  }
}

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${path}`), { code });
}
