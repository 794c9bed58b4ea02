import { systemClock } from '../../src/lib/clock.ts';
import { memoryStorage, type Storage } from '../../src/storage/index.ts';

/** A memory storage that counts, and whose deletions and writes can fail. */
export interface CountingStorage extends Storage {
  readonly written: readonly string[];
  /** Paths deleted with success. */
  readonly deleted: readonly string[];
  /** The next deletions throw. */
  failDeletes(count: number): void;
  failWrites(count: number): void;
  /** Runs just before the next deletion. */
  beforeDelete(action: () => Promise<unknown>): void;
  /** Changes a byte of a file. */
  corrupt(path: string): Promise<void>;
}

export function countingStorage(): CountingStorage {
  const inner = memoryStorage({ clock: systemClock });
  const written: string[] = [];
  const deleted: string[] = [];
  let failingDeletes = 0;
  let failingWrites = 0;
  let before: (() => Promise<unknown>) | undefined;
  return {
    ...inner,
    written,
    deleted,
    failDeletes: (count) => {
      failingDeletes = count;
    },
    failWrites: (count) => {
      failingWrites = count;
    },
    beforeDelete: (action) => {
      before = action;
    },
    async write(path, chunks, options) {
      if (failingWrites > 0) {
        failingWrites -= 1;
        throw new Error(`cannot write ${path}`);
      }
      const result = await inner.write(path, chunks, options);
      written.push(path);
      return result;
    },
    async delete(path) {
      const action = before;
      before = undefined;
      await action?.();
      if (failingDeletes > 0) {
        failingDeletes -= 1;
        throw new Error(`cannot delete ${path}`);
      }
      await inner.delete(path);
      deleted.push(path);
    },
    async corrupt(path) {
      const bytes = (await inner.read(path)) ?? new Uint8Array(1);
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      await inner.delete(path);
      await inner.write(path, bytes, { exclusive: true });
    },
  };
}
