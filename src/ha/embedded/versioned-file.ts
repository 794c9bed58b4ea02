/**
 * One small JSON value in a directory, changed by compare-and-set from several processes, without a lock.
 *
 *     <directory>/0000000000000041.json   kept for a while
 *     <directory>/0000000000000042.json   the highest number is the value
 *     <directory>/.tmp-9f0c…              being written, or left by a process that was killed
 *
 * Version n+1 is written to a temporary name, synced, and given its name by `link`. Of two processes that computed n+1
 * from n, one link succeeds and the other answers EEXIST: that is the compare-and-set, and the one instant at which the
 * change happens. A lock file would need somebody to judge whether its owner still lives, and a process that is stopped
 * while it holds one would stop all others. Here a process can be killed or stopped anywhere: before the link nothing
 * has changed, after it all has. No one waits for anyone, and nothing needs cleaning up but temporary files.
 *
 * Old versions are removed in ascending order, some time after. So a process that was stopped just before its link
 * may find the name n+1 free because it came and went. It therefore looks, after the link, for the version n it
 * started from: n is removed before n+1, so while n is still there, n+1 had not been there before. Where n is gone the
 * answer is unknown, and the caller reads again. The stray file is below the highest version, so nobody reads it.
 */
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import { errnoOf, storageErrorFrom } from '../../storage/index.ts';

/** A value as it was read. `mark` is unique to the write that made it. */
export interface Versioned<V> {
  readonly version: number;
  readonly mark: string;
  readonly value: V;
}

export type SetAnswer =
  | { readonly answer: 'done' }
  /** Another write was first. */
  | { readonly answer: 'moved' }
  /** Nothing was changed: the new version could not be written. */
  | { readonly answer: 'failed'; readonly cause: unknown }
  | { readonly answer: 'unknown'; readonly cause: unknown };

/** The points of a change at which a crash may happen, in order. */
export const VERSIONED_FILE_FAULT_POINTS = ['written', 'linked', 'checked', 'synced', 'swept'] as const;

export interface VersionedFileOptions<V> {
  readonly directory: string;
  /** The value of a parsed JSON text; undefined when it is not one. */
  readonly parse: (json: unknown) => V | undefined;
  readonly newId: () => string;
  /** Whether a change must survive a power failure. */
  readonly durable: boolean;
  /** Versions kept besides the newest. @default 16 */
  readonly keep?: number;
  readonly faults?: FaultPoint;
}

const SUFFIX = '.json';
const TEMPORARY_PREFIX = '.tmp-';
/** Reads that find their version removed, each by at least `keep` changes, before reading gives up. */
const READ_TRIES = 50;

export class VersionedFile<V> {
  readonly directory: string;
  private readonly options: VersionedFileOptions<V>;
  private readonly keep: number;
  private readonly faults: FaultPoint;

  constructor(options: VersionedFileOptions<V>) {
    this.directory = options.directory;
    this.options = options;
    this.keep = options.keep ?? 16;
    this.faults = options.faults ?? noFaults;
  }

  /** The newest value, or undefined when there is none. A newest file that cannot be understood has value undefined. */
  async read(): Promise<Versioned<V | undefined> | undefined> {
    for (let tries = 1; ; tries += 1) {
      const newest = (await this.versions()).at(-1);
      if (newest === undefined) return undefined;
      const text = await this.textOf(newest);
      if (text !== undefined) return { version: newest, ...this.understood(text) };
      if (tries === READ_TRIES) throw new Error(`${this.directory} changes faster than it can be read`);
    }
  }

  /** Makes `value` the version after `from`, provided that is still the newest; undefined: provided there is none. */
  async compareAndSet(from: Versioned<unknown> | undefined, value: V): Promise<SetAnswer> {
    const version = (from?.version ?? -1) + 1;
    const temporary = join(this.directory, TEMPORARY_PREFIX + this.options.newId());
    try {
      await this.writeTemporary(temporary, JSON.stringify({ mark: this.options.newId(), value }));
      await this.faults('written');
    } catch (error) {
      await unlink(temporary).catch(() => {});
      return { answer: 'failed', cause: storageErrorFrom('write', temporary, error) };
    }
    try {
      await link(temporary, this.pathOf(version));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      return errnoOf(error) === 'EEXIST' ? { answer: 'moved' } : { answer: 'unknown', cause: error };
    }
    return this.afterLink(from, version, temporary);
  }

  /** Removes temporary files and old versions, in ascending order. What others remove at the same time is fine. */
  async sweep(): Promise<void> {
    const names = await this.names();
    const newest = versionsIn(names).at(-1) ?? 0;
    for (const version of versionsIn(names)) {
      if (version >= newest - this.keep) return;
      await removed(this.pathOf(version));
    }
  }

  /**
   * Removes temporary files last written before `before` (wall clock, milliseconds): those of processes that were killed.
   * A writer that still lives loses nothing but its change, and is told so.
   */
  async sweepTemporary(before: number): Promise<void> {
    for (const name of await this.names()) {
      const path = join(this.directory, name);
      const status = name.startsWith(TEMPORARY_PREFIX) ? await absentIsUndefined(stat(path)) : undefined;
      if (status !== undefined && status.mtimeMs < before) await removed(path);
    }
  }

  private async afterLink(
    from: Versioned<unknown> | undefined,
    version: number,
    temporary: string,
  ): Promise<SetAnswer> {
    try {
      await this.faults('linked');
      await removed(temporary);
      if (!(await this.isStillThere(from))) {
        return { answer: 'unknown', cause: new Error(`version ${version} of ${this.directory} came and went`) };
      }
      await this.faults('checked');
      if (this.options.durable) await syncDirectory(this.directory);
      await this.faults('synced');
      if (version % this.keep === 0) await this.sweep();
      await this.faults('swept');
      return { answer: 'done' };
    } catch (error) {
      return { answer: 'unknown', cause: error };
    }
  }

  /** Whether the version a change started from is still the very one that was read. */
  private async isStillThere(from: Versioned<unknown> | undefined): Promise<boolean> {
    if (from === undefined) return (await this.versions()).at(-1) === 0;
    const text = await this.textOf(from.version);
    return text !== undefined && this.understood(text).mark === from.mark;
  }

  private async writeTemporary(path: string, text: string): Promise<void> {
    const handle = await open(path, 'wx', 0o600).catch(async (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await mkdir(this.directory, { recursive: true });
      if (this.options.durable) await syncDirectory(dirname(this.directory));
      return open(path, 'wx', 0o600);
    });
    try {
      await handle.writeFile(text);
      if (this.options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
  }

  private understood(text: string): { readonly mark: string; readonly value: V | undefined } {
    try {
      const json = JSON.parse(text) as { mark?: unknown; value?: unknown };
      return { mark: String(json.mark), value: this.options.parse(json.value) };
    } catch {
      // Only a power failure under a file that is not durable can leave this; its bytes stand for themselves.
      return { mark: text, value: undefined };
    }
  }

  private async versions(): Promise<number[]> {
    return versionsIn(await this.names());
  }

  private async names(): Promise<string[]> {
    return (await absentIsUndefined(readdir(this.directory))) ?? [];
  }

  private textOf(version: number): Promise<string | undefined> {
    return absentIsUndefined(readFile(this.pathOf(version), 'utf8'));
  }

  private pathOf(version: number): string {
    return join(this.directory, String(version).padStart(16, '0') + SUFFIX);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function versionsIn(names: readonly string[]): number[] {
  return names
    .filter((name) => /^\d{16}\.json$/.test(name))
    .map((name) => Number(name.slice(0, -SUFFIX.length)))
    .sort((a, b) => a - b);
}

async function removed(path: string): Promise<void> {
  await absentIsUndefined(unlink(path));
}

async function absentIsUndefined<R>(call: Promise<R>): Promise<R | undefined> {
  try {
    return await call;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
