/**
 * Removes what a job has stored, for good: the directories of its lives and the savepoints that it took by itself. What
 * somebody asked for stays: savepoints are whole in themselves, and theirs.
 *
 * Nothing is removed by how it looks. A directory goes when its name follows from the job's id; within the directory of a life
 * only what the job itself puts there, and nothing of what holds a savepoint that somebody wanted there. Doing it twice, or
 * going on after a crash, is doing it once.
 */
import { messageOf } from '../../lib/errors.ts';
import type { Storage } from '../../storage/index.ts';
import { discardCheckpoint } from '../checkpoint/discard-checkpoint.ts';
import { automaticSavepointPrefix, epochOfAutomaticSavepoint, jobDirectory } from '../checkpoint/locations.ts';
import { notedSavepoints } from './noted-savepoints.ts';

/** What is to go. */
export interface BytesToRemove {
  /** Of every life of the state. */
  readonly jobIds: readonly string[];
  /** Directories in the root of the storage that stay. */
  readonly keep: readonly string[];
}

/** What has gone. */
export interface RemovedBytes {
  /** Nothing of it is left. */
  readonly isWhole: boolean;
  readonly files: number;
  readonly bytes: number;
  /** The first that could not be removed, and why; the others were all tried. */
  readonly error?: string;
}

/** In the directory of a life, what notedSavepoints goes by. */
const NOTES = 'savepoints';
/** Files that are looked at together, for their sizes. */
const AT_ONCE = 16;

/** Removes as much as it can, until the signal fires. Never throws. */
export async function removeJobBytes(
  storage: Storage,
  { jobIds, keep }: BytesToRemove,
  signal: AbortSignal,
): Promise<RemovedBytes> {
  const removal = new Removal(storage, new Set(keep), signal);
  for (const jobId of jobIds) await removal.life(jobId);
  return removal.outcome();
}

class Removal {
  readonly #storage: Storage;
  readonly #keep: ReadonlySet<string>;
  readonly #signal: AbortSignal;
  #files = 0;
  #bytes = 0;
  #error: string | undefined;

  constructor(storage: Storage, keep: ReadonlySet<string>, signal: AbortSignal) {
    this.#storage = storage;
    this.#keep = keep;
    this.#signal = signal;
  }

  outcome(): RemovedBytes {
    const [files, bytes] = [this.#files, this.#bytes];
    const error = this.#error ?? (this.#signal.aborted ? 'it was stopped before all of it was removed' : undefined);
    return { isWhole: error === undefined, files, bytes, ...(error === undefined ? {} : { error }) };
  }

  async life(jobId: string): Promise<void> {
    await this.#trying(async () => {
      for (const directory of await this.#automaticSavepoints(jobId)) await this.#directory(directory);
    });
    await this.#trying(async () => {
      if (this.#keep.has(jobDirectory(jobId))) return;
      for (const directory of await this.#partsOf(jobId)) await this.#directory(directory);
      if (!this.#signal.aborted) await this.#leftovers(jobDirectory(jobId));
    });
  }

  async #automaticSavepoints(jobId: string): Promise<string[]> {
    const paths = await this.#storage.listBeginning(automaticSavepointPrefix(jobId));
    const directories = new Set(paths.map((path) => path.split('/')[0] ?? ''));
    return [...directories].filter(
      (directory) => epochOfAutomaticSavepoint(directory, jobId) !== undefined && !this.#keep.has(directory),
    );
  }

  /** In the directory of a life: what the job puts there, its checkpoints first and what it knows of itself last. */
  async #partsOf(jobId: string): Promise<string[]> {
    const above = jobDirectory(jobId);
    const names = new Set((await this.#storage.list(above)).map((path) => path.split('/')[1] ?? ''));
    const parts = [...names].filter((name) => rankOf(name) >= 0).sort((a, b) => rankOf(a) - rankOf(b));
    const noted = parts.length === 0 ? [] : await notedSavepoints(this.#storage, jobId);
    const wanted = noted.filter((savepoint) => savepoint.startsWith(`${above}/`));
    const isKept = (name: string): boolean =>
      // What tells of such a savepoint stays with it: without, nobody would know it for one the next time.
      wanted.some((savepoint) => name === NOTES || savepoint.startsWith(`${above}/${name}/`));
    return parts.filter((name) => !isKept(name)).map((name) => `${above}/${name}`);
  }

  /** What interrupted writes have left, and empty directories. */
  async #leftovers(above: string): Promise<void> {
    const left = await this.#storage.list(above);
    if (left.length === 0) await this.#storage.deleteTree(above);
    else await this.#storage.sweepTemporary(`${above}/`, 0);
  }

  async #directory(directory: string): Promise<void> {
    if (this.#signal.aborted) return;
    await this.#trying(async () => {
      const files = await this.#storage.list(directory);
      let bytes = 0;
      for (let from = 0; from < files.length; from += AT_ONCE) {
        const seen = await Promise.all(files.slice(from, from + AT_ONCE).map((file) => this.#storage.stat(file)));
        for (const status of seen) bytes += status?.sizeBytes ?? 0;
      }
      await discardCheckpoint(this.#storage, directory);
      this.#files += files.length;
      this.#bytes += bytes;
    });
  }

  async #trying(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.#error ??= messageOf(error);
    }
  }
}

/** The order in which the parts of a life go; -1 for what is not the job's. `ha` holds how it ended, which matters longest. */
function rankOf(name: string): number {
  if (/^chk-\d+-\d+-[0-9a-z]+$/.test(name)) return 0;
  return ['', 'shared', 'blob', NOTES, 'ha'].indexOf(name);
}
