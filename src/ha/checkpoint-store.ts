/**
 * The completed checkpoints of a job, newest last. Adding one is the commit point of a checkpoint: before it the bytes are
 * garbage, after it a failure restores from them. Follows Flink's DefaultCompletedCheckpointStore.
 *
 *     add n: record file ──► one write: pointer to n · mark n−1 · remove the mark of n−2 · reserve id n+1
 *            later: record file of n−1 ──► data of n−1
 */

import { messageOf } from '../lib/errors.ts';
import { FlinkRuntimeException, IllegalArgumentException, IllegalStateException } from '../lib/java-errors.ts';
import type { CheckpointIdReserve } from './checkpoint-id-counter.ts';
import {
  type CompletedCheckpoint,
  isDiscardedOnShutdown,
  isDiscardedOnSubsume,
  subsumed,
} from './completed-checkpoint.ts';
import { tryAll, withSuppressed } from './errors.ts';
import { isGloballyTerminal, type JobStatus } from './job-status.ts';
import { checkpointIdOf, checkpointKey } from './keys.ts';
import { BrokenStateException } from './state-handle.ts';
import type { StateHandleStore } from './state-handle-store.ts';

/** A pointer whose record cannot be used; it stays until somebody decides about it. */
export interface BrokenCheckpoint {
  readonly key: string;
  readonly checkpointId: number;
  readonly cause: Error;
}

/** Flink's CompletedCheckpointStore. */
export interface CompletedCheckpointStore {
  /**
   * Adds a checkpoint whose bytes are all stored, and removes those beyond the number retained. Answers the newest one
   * removed. When it throws, nothing was added, and the bytes may be deleted, except on
   * PossibleInconsistentStateException: then they may be pointed to and must stay.
   */
  addCheckpointAndSubsumeOldestOne(checkpoint: CompletedCheckpoint): Promise<CompletedCheckpoint | undefined>;
  getLatestCheckpoint(): CompletedCheckpoint | undefined;
  /** 0 when there is none. */
  getLatestCheckpointId(): number;
  /** Oldest first. */
  getAllCheckpoints(): readonly CompletedCheckpoint[];
  getNumberOfRetainedCheckpoints(): number;
  getMaxNumberOfRetainedCheckpoints(): number;
  /** Whether data must outlive the process: yes. */
  requiresExternalizedCheckpoints(): boolean;
  /** What recovery found and could not use. An older checkpoint stands in where there is one: say so. */
  getBrokenCheckpoints(): readonly BrokenCheckpoint[];
  /**
   * Ends the store. After a job that ended for good, pointers go, and data as its properties say; otherwise all stays for
   * the next leader. Only once; later adds are an IllegalStateException.
   */
  shutdown(status: JobStatus): Promise<void>;
  /** Ends when the data of everything removed so far is deleted, or could not be. */
  whenDiscarded(): Promise<void>;
}

export interface CompletedCheckpointStoreOptions {
  readonly handles: StateHandleStore<CompletedCheckpoint>;
  /** Where the write that adds a checkpoint reserves the id of the next one. */
  readonly ids: CheckpointIdReserve;
  /** At least 1. */
  readonly maxRetained: number;
  /** Deletes the data of a checkpoint that is pointed to no longer. */
  readonly discard: (checkpoint: CompletedCheckpoint) => Promise<void>;
  readonly warn: (message: string) => void;
}

/** The number to retain: what is configured, and 1 with a warning where that is not positive. */
export function retainedOrOne(configured: number, warn: (message: string) => void): number {
  if (configured >= 1) return configured;
  warn(`the number of checkpoints to retain is ${configured} and must be positive: 1 is retained`);
  return 1;
}

/** The store with all that earlier leaders have added. Call it after the epoch was raised. */
export async function recoveredCheckpointStore(
  options: CompletedCheckpointStoreOptions,
): Promise<CompletedCheckpointStore> {
  if (!(options.maxRetained >= 1)) {
    throw new IllegalArgumentException('Must at least retain one checkpoint.');
  }
  const { checkpoints, broken } = await recovered(options.handles);
  return new DefaultCompletedCheckpointStore(options, checkpoints, broken);
}

async function recovered(
  handles: StateHandleStore<CompletedCheckpoint>,
): Promise<{ checkpoints: CompletedCheckpoint[]; broken: BrokenCheckpoint[] }> {
  const found = await handles.getAllAndLock();
  found.sort(([, a], [, b]) => (a < b ? -1 : 1));
  const checkpoints: CompletedCheckpoint[] = [];
  const broken: BrokenCheckpoint[] = [];
  for (const key of await handles.getCorruptHandles()) {
    const cause = new BrokenStateException(key, 'the entry that points to it cannot be decoded');
    broken.push({ key, checkpointId: checkpointIdOf(key), cause });
  }
  for (const [handle, key] of found) {
    try {
      checkpoints.push(await handle.retrieveState());
    } catch (error) {
      // Broken bytes stay broken, so an older checkpoint may stand in. Not getting at them is another matter: it must
      // not make a job fall back.
      if (!(error instanceof BrokenStateException)) throw unreadable(key, error);
      broken.push({ key, checkpointId: checkpointIdOf(key), cause: error });
    }
  }
  const [first] = broken;
  if (checkpoints.length === 0 && first !== undefined) {
    throw withSuppressed(
      unreadable(first.key, first.cause),
      broken.slice(1).map(({ cause }) => cause),
    );
  }
  return { checkpoints, broken };
}

function unreadable(key: string, cause: unknown): FlinkRuntimeException {
  return new FlinkRuntimeException(
    `Could not retrieve checkpoint ${checkpointIdOf(key)} from state handle under ${key}: ${messageOf(cause)}. ` +
      'This indicates that the retrieved state handle is broken. Try cleaning the state handle store.',
    { cause },
  );
}

class DefaultCompletedCheckpointStore implements CompletedCheckpointStore {
  private readonly options: CompletedCheckpointStoreOptions;
  private readonly broken: readonly BrokenCheckpoint[];
  private checkpoints: readonly CompletedCheckpoint[];
  /** Ends when no add is under way. */
  private adding: Promise<unknown> = Promise.resolve();
  private discarding: Promise<void> = Promise.resolve();
  /** Subsumed, and held by another process when they were to be discarded. */
  private readonly held: CompletedCheckpoint[] = [];
  private isRunning = true;

  constructor(
    options: CompletedCheckpointStoreOptions,
    checkpoints: readonly CompletedCheckpoint[],
    broken: readonly BrokenCheckpoint[],
  ) {
    this.options = options;
    this.checkpoints = checkpoints;
    this.broken = broken;
  }

  addCheckpointAndSubsumeOldestOne(checkpoint: CompletedCheckpoint): Promise<CompletedCheckpoint | undefined> {
    // One after the other: which ones go follows from which are there.
    const added = this.adding.then(() => this.add(checkpoint));
    this.adding = added.catch(() => {});
    return added;
  }

  getLatestCheckpoint(): CompletedCheckpoint | undefined {
    return this.checkpoints.at(-1);
  }

  getLatestCheckpointId(): number {
    return this.checkpoints.at(-1)?.checkpointId ?? 0;
  }

  getAllCheckpoints(): readonly CompletedCheckpoint[] {
    return this.checkpoints;
  }

  getNumberOfRetainedCheckpoints(): number {
    return this.checkpoints.length;
  }

  getMaxNumberOfRetainedCheckpoints(): number {
    return this.options.maxRetained;
  }

  requiresExternalizedCheckpoints(): boolean {
    return true;
  }

  getBrokenCheckpoints(): readonly BrokenCheckpoint[] {
    return this.broken;
  }

  async shutdown(status: JobStatus): Promise<void> {
    if (!this.isRunning) return;
    this.isRunning = false;
    // One that is under way would otherwise leave its pointer behind.
    await this.adding;
    const { handles } = this.options;
    const ended = this.checkpoints;
    this.checkpoints = [];
    if (!isGloballyTerminal(status)) return handles.releaseAll();
    // What was subsumed loses its files before it loses its name: the other way round nobody would know of them.
    await this.whenDiscarded();
    const failures = await tryAll([
      ...ended.map((checkpoint) => () => this.remove(checkpoint, isDiscardedOnShutdown(checkpoint, status))),
      () => handles.clearEntries(),
      () => this.whenDiscarded(),
    ]);
    if (failures.length > 0) throw withSuppressed(failures[0], failures.slice(1));
  }

  whenDiscarded(): Promise<void> {
    return this.discarding;
  }

  private async add(checkpoint: CompletedCheckpoint): Promise<CompletedCheckpoint | undefined> {
    if (!this.isRunning) throw new IllegalStateException('Checkpoint store has already been shutdown.');
    const { handles, ids, maxRetained } = this.options;
    const all = [...this.checkpoints, checkpoint];
    const victims = subsumed(all, maxRetained);
    const reservation = ids.reservation();
    await handles.addAndSubsume(
      checkpointKey(checkpoint.checkpointId),
      checkpoint,
      victims.map(({ checkpointId }) => checkpointKey(checkpointId)),
      [reservation],
    );
    reservation.keep();
    this.checkpoints = all.filter((kept) => !victims.includes(kept));
    // Somebody may have held those of earlier; now may be the time.
    for (const victim of [...this.held.splice(0), ...victims]) {
      this.discarding = this.discarding.then(() => this.discardSubsumed(victim));
    }
    return victims.at(-1);
  }

  /** No reader sees it any more. First its record goes, then its data; what would not go, the next leader removes. */
  private async discardSubsumed(checkpoint: CompletedCheckpoint): Promise<void> {
    const { handles, warn } = this.options;
    try {
      if (!(await handles.discardSubsumed(checkpointKey(checkpoint.checkpointId)))) this.held.push(checkpoint);
      else if (isDiscardedOnSubsume(checkpoint)) await this.discard(checkpoint);
    } catch (error) {
      warn(`checkpoint ${checkpoint.checkpointId} could not be removed: ${messageOf(error)}`);
    }
  }

  /** The pointer goes now, the data afterwards. A pointer that would not go keeps its data. */
  private async remove(checkpoint: CompletedCheckpoint, withData: boolean): Promise<void> {
    const { handles, warn } = this.options;
    const key = checkpointKey(checkpoint.checkpointId);
    try {
      const isGone = await handles.releaseAndTryRemove(key);
      if (isGone && withData) this.discarding = this.discarding.then(() => this.discard(checkpoint));
    } catch (error) {
      warn(`checkpoint ${checkpoint.checkpointId} could not be removed: ${messageOf(error)}`);
    }
  }

  private async discard(checkpoint: CompletedCheckpoint): Promise<void> {
    const { discard, warn } = this.options;
    try {
      await discard(checkpoint);
    } catch (error) {
      warn(`the data of checkpoint ${checkpoint.checkpointId} in ${checkpoint.location} stays: ${messageOf(error)}`);
    }
  }
}
