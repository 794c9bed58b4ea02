/**
 * Names → states. The state goes to a file, a small pointer to it into the object of the job. Follows Flink's
 * StateHandleStore. Only the leader writes; where a backend has locks, nothing is discarded that another process holds.
 *
 * Order, and what a crash in between leaves:
 *
 *     add, replace   state ──► pointer ──► (replace) old state     a file nobody points to
 *     remove         mark ──► state ──► pointer                    a marked entry, which no reader sees and a repeat ends
 *
 * Never a live pointer to nothing.
 */
import { messageOf } from '../lib/errors.ts';
import { IllegalStateException, IOException } from '../lib/java-errors.ts';
import { HaObjectMissingException, NotExistException, RemovalFailedException, withSuppressed } from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { Entries, EntryLocks } from './handle-backend.ts';
import { decodeHandle, type HandlePointer } from './handle-codec.ts';
import { errorOf } from './outcome-error.ts';
import { StringResourceVersion } from './resource-version.ts';
import type { RetrievableStateHandle, StateStorage } from './state-handle.ts';
import {
  type AttachedChange,
  addOperation,
  clearOperation,
  type MarkOperation,
  markOperation,
  removeMarkedOperation,
  replaceOperation,
  type Surroundings,
  together,
} from './state-handle-operations.ts';
import { SubsumedStates } from './subsumed-states.ts';
import type { WriteOutcome } from './write-outcome.ts';

/**
 * Flink's StateHandleStore. Writes throw NotLeaderException when this process does not lead, and
 * PossibleInconsistentStateException when it stays unclear whether they happened: then nothing was discarded. Reads ask
 * the store, not who leads. The order of lists is unspecified.
 */
export interface StateHandleStore<T> {
  /** Stores a state under a free name; AlreadyExistException when it is taken. */
  addAndLock(key: string, state: T): Promise<RetrievableStateHandle<T>>;
  /**
   * Stores a state in place of another, which is discarded; NotExistException when there is none. The version only shows
   * that the caller asked `exists`: it is not compared.
   */
  replace(key: string, version: StringResourceVersion, state: T): Promise<void>;
  /** The version of the object when the name holds a state, else the one that is not existing. */
  exists(key: string): Promise<StringResourceVersion>;
  /** The state's handle; NotExistException when there is none, IOException when the pointer is corrupt. */
  getAndLock(key: string): Promise<RetrievableStateHandle<T>>;
  /** All readable handles with their names. Corrupt ones are skipped with a warning; no object at all is an empty list. */
  getAllAndLock(): Promise<[RetrievableStateHandle<T>, string][]>;
  /** The names of all readable handles. */
  getAllHandles(): Promise<string[]>;
  /** The names whose handles cannot be read, which the lists leave out. Not part of Flink's contract. */
  getCorruptHandles(): Promise<string[]>;
  /**
   * Discards a state and removes its name. False: this process does not lead, and nothing was discarded; or it led no
   * longer when only the hidden name was left to be removed, which the next leader does; or another process holds the
   * state, which is hidden from now on, and a repeat finishes. Repeatable.
   */
  releaseAndTryRemove(key: string): Promise<boolean>;
  /**
   * The same for all names. RemovalFailedException when some would not go; they stay hidden, as those do that another process
   * holds, and a repeat finishes.
   */
  releaseAndTryRemoveAll(): Promise<void>;
  /**
   * Ends removals that a crash has interrupted; answers how many. For a new leader: readers see no difference, but what
   * is marked takes up room. Not part of Flink's contract.
   */
  finishRemovals(): Promise<number>;
  /**
   * `addAndLock`, and what follows from it in the same write: the `subsumed` names are hidden from readers, names that
   * were hidden before and whose states are gone are removed, and `also` is changed. All of it happens, or nothing.
   * Then `discardSubsumed` is to be called for each hidden name. Not part of Flink's contract.
   */
  addAndSubsume(
    key: string,
    state: T,
    subsumed: readonly string[],
    also: readonly AttachedChange[],
  ): Promise<RetrievableStateHandle<T>>;
  /**
   * Discards the state of a name that `addAndSubsume` has hidden. The name itself goes with the next one, or when the
   * next leader calls `finishRemovals`. False: another process holds the state, try again later. When it throws, the state
   * may still be there; a repeat tries again. Of those that stay only some keep their names: what nothing points to any
   * more a sweep finds.
   */
  discardSubsumed(key: string): Promise<boolean>;
  /** Removes all names and leaves the states. */
  clearEntries(): Promise<void>;
  /** Lets go of a state, where the backend has locks; elsewhere there are none to release. */
  release(key: string): Promise<void>;
  /** Lets go of everything this process holds. */
  releaseAll(): Promise<void>;
  toString(): string;
}

/** What one store is made of. */
export interface StateHandleStoreOptions<T> {
  readonly writer: FencedWriter;
  readonly storage: StateStorage<T>;
  /** Which names of the job's object are this store's. */
  readonly keyFilter: (key: string) => boolean;
  /** Told of entries that cannot be read. @default nobody */
  readonly warn?: (message: string) => void;
}

/** The store over a fenced writer: the same for every backend. */
export function stateHandleStore<T>(options: StateHandleStoreOptions<T>): StateHandleStore<T> {
  return new FencedStateHandleStore(options);
}

class FencedStateHandleStore<T> implements StateHandleStore<T> {
  private readonly writer: FencedWriter;
  private readonly storage: StateStorage<T>;
  private readonly keyFilter: (key: string) => boolean;
  private readonly warn: (message: string) => void;
  private readonly surroundings: Surroundings;
  private readonly subsumed = new SubsumedStates();

  constructor({ writer, storage, keyFilter, warn = () => {} }: StateHandleStoreOptions<T>) {
    this.writer = writer;
    this.storage = storage;
    this.keyFilter = keyFilter;
    this.warn = warn;
    this.surroundings = {
      discard: async (key, pointer) => {
        if (!(await this.tryDiscard(key, pointer))) {
          throw new IllegalStateException(`the state under ${key} is held by another process and not discarded yet`);
        }
      },
      warn: (message) => warn(`${this.name}: ${message}`),
    };
  }

  async addAndLock(key: string, state: T): Promise<RetrievableStateHandle<T>> {
    // State first, pointer second: a crash in between leaves a file nobody points to, never a pointer to nothing.
    const handle = await this.storage.store(state);
    const outcome = await this.writer.submit(addOperation(key, handle.pointer, this.surroundings));
    if (outcome.outcome !== 'done') return this.refused(outcome, key, handle, []);
    return handle;
  }

  async replace(key: string, _version: StringResourceVersion, state: T): Promise<void> {
    const handle = await this.storage.store(state);
    const operation = replaceOperation(key, handle.pointer, this.surroundings);
    const outcome = await this.writer.submit(operation);
    if (outcome.outcome !== 'done') return this.refused(outcome, key, handle, operation.failures);
    if (operation.old !== undefined) await this.discardReplaced(operation.old);
  }

  async exists(key: string): Promise<StringResourceVersion> {
    const { entries, epoch, seq } = await this.read();
    const isThere = decodeHandle(entries.get(key)).kind === 'live';
    return isThere ? StringResourceVersion.valueOf(`${epoch}.${seq}`) : StringResourceVersion.notExisting();
  }

  async getAndLock(key: string): Promise<RetrievableStateHandle<T>> {
    for (;;) {
      // Locked first, read second: what is found live then stays until it is released.
      const isLocked = await (this.locks?.lock(key) ?? true);
      try {
        const pointer = await this.pointerTo(key);
        if (isLocked) return this.storage.open(pointer);
      } catch (error) {
        if (isLocked) await this.release(key);
        throw error;
      }
      // It came between the lock and the look.
    }
  }

  async getAllAndLock(): Promise<[RetrievableStateHandle<T>, string][]> {
    const snapshot = await this.writer.backend.read();
    if (snapshot === undefined) return [];
    const live = this.live(snapshot.entries);
    const held = this.locks === undefined ? live : await this.locked(live, this.locks);
    return held.map(([key, pointer]) => [this.storage.open(pointer), key]);
  }

  async getAllHandles(): Promise<string[]> {
    return this.live((await this.read()).entries).map(([key]) => key);
  }

  async getCorruptHandles(): Promise<string[]> {
    const entries = (await this.writer.backend.read())?.entries ?? new Map<string, string>();
    return [...entries.keys()].filter(
      (key) => this.keyFilter(key) && decodeHandle(entries.get(key)).kind === 'corrupt',
    );
  }

  async releaseAndTryRemove(key: string): Promise<boolean> {
    const mark = markOperation((entries) => (entries.has(key) ? [key] : []), this.surroundings);
    const marked = await this.writer.submit(mark);
    if (isNotLeader(marked)) return false;
    this.demand(marked, `the removal of ${key}`);
    const pointer = mark.marked.get(key);
    if (pointer === undefined) return true;
    if (!(await this.tryDiscard(key, pointer))) return false;
    const removed = await this.writer.submit(removeMarkedOperation(new Map([[key, pointer]])));
    if (isNotLeader(removed)) return false;
    this.demand(removed, `the removal of ${key}`);
    return true;
  }

  async releaseAndTryRemoveAll(): Promise<void> {
    const mark = markOperation((entries) => [...entries.keys()].filter(this.keyFilter), this.surroundings);
    await this.removeMarked(mark);
  }

  async finishRemovals(): Promise<number> {
    const mark = markOperation(
      (entries) =>
        [...entries]
          .filter(([key, text]) => this.keyFilter(key) && decodeHandle(text).kind === 'marked')
          .map(([key]) => key),
      this.surroundings,
    );
    await this.removeMarked(mark);
    return mark.marked.size;
  }

  async addAndSubsume(
    key: string,
    state: T,
    subsumed: readonly string[],
    also: readonly AttachedChange[],
  ): Promise<RetrievableStateHandle<T>> {
    const handle = await this.storage.store(state);
    const hide = markOperation((entries) => subsumed.filter((name) => entries.has(name)), this.surroundings);
    const removed = this.subsumed.removable();
    const add = addOperation(key, handle.pointer, this.surroundings);
    const outcome = await this.writer.submit(together(add, [hide, removeMarkedOperation(removed), ...also]));
    if (outcome.outcome !== 'done') return this.refused(outcome, key, handle, []);
    this.subsumed.removed(removed.keys());
    this.subsumed.hidden(hide.marked);
    return handle;
  }

  discardSubsumed(key: string): Promise<boolean> {
    return this.subsumed.discard(key, (pointer) => this.tryDiscard(key, pointer));
  }

  async clearEntries(): Promise<void> {
    this.demand(await this.writer.submit(clearOperation(this.keyFilter)), 'the removal of all entries');
  }

  async release(key: string): Promise<void> {
    await this.locks?.unlock(key);
  }

  async releaseAll(): Promise<void> {
    await this.locks?.unlockAll();
  }

  toString(): string {
    return `StateHandleStore{${this.name}}`;
  }

  private get name(): string {
    return this.writer.backend.name;
  }

  private get locks(): EntryLocks | undefined {
    return this.writer.backend.locks;
  }

  private async pointerTo(key: string): Promise<HandlePointer> {
    const stored = decodeHandle((await this.read()).entries.get(key));
    switch (stored.kind) {
      case 'live':
        return stored.pointer;
      case 'absent':
        throw new NotExistException(`Could not find ${key} in ${this.name}`);
      case 'marked':
        throw new NotExistException(`Already marked for deletion ${key} in ${this.name}`);
      case 'corrupt':
        throw new IOException(`Failed to deserialize state handle from ${this.name} data ${stored.text}.`);
    }
  }

  /** Of what was live, that which this process has locked, as it stands after it was locked. */
  private async locked(live: [string, HandlePointer][], locks: EntryLocks): Promise<[string, HandlePointer][]> {
    const wanted = await Promise.all(live.map(async ([key]) => ((await locks.lock(key)) ? [key] : [])));
    const entries = (await this.writer.backend.read())?.entries;
    const found: [string, HandlePointer][] = [];
    for (const key of wanted.flat()) {
      const stored = decodeHandle(entries?.get(key));
      if (stored.kind === 'live') found.push([key, stored.pointer]);
      else await locks.unlock(key);
    }
    return found;
  }

  /** Discards the state of a name that readers do not see any more; false when somebody who saw it still holds it. */
  private async tryDiscard(key: string, pointer: HandlePointer): Promise<boolean> {
    if (await this.locks?.isLockedElsewhere(key)) return false;
    await this.storage.open(pointer).discardState();
    return true;
  }

  private async read(): Promise<{ readonly entries: Entries; readonly epoch: number; readonly seq: number }> {
    const snapshot = await this.writer.backend.read();
    if (snapshot === undefined) throw new HaObjectMissingException(this.name);
    return snapshot;
  }

  private live(entries: Entries): [string, HandlePointer][] {
    const found: [string, HandlePointer][] = [];
    for (const [key, text] of entries) {
      if (!this.keyFilter(key)) continue;
      const stored = decodeHandle(text);
      if (stored.kind === 'live') found.push([key, stored.pointer]);
      if (stored.kind === 'corrupt') this.warn(`${this.name} contained corrupted data. Ignoring the key ${key}.`);
    }
    return found;
  }

  /** The replacement has happened, so failing to remove what it replaced is not its failure: a sweeper finds the file. */
  private async discardReplaced(old: HandlePointer): Promise<void> {
    try {
      await this.storage.open(old).discardState();
    } catch (error) {
      this.warn(`${this.name}: the replaced state ${old.path} could not be removed: ${messageOf(error)}`);
    }
  }

  /** A state that was stored for a write that did not happen is garbage; after an unknown one it may be in use. */
  private async refused(
    outcome: WriteOutcome,
    key: string,
    stored: RetrievableStateHandle<T>,
    failures: readonly unknown[],
  ): Promise<never> {
    const error = errorOf(outcome, key, this.writer);
    if (outcome.outcome === 'unknown') throw error;
    const suppressed = [...failures];
    try {
      await stored.discardState();
    } catch (failure) {
      suppressed.push(failure);
    }
    throw withSuppressed(error, suppressed);
  }

  private async removeMarked(mark: MarkOperation): Promise<void> {
    this.demand(await this.writer.submit(mark), 'the removal of all entries');
    const discarded = new Map<string, HandlePointer>();
    const failures: unknown[] = [];
    for (const [key, pointer] of mark.marked) {
      try {
        if (await this.tryDiscard(key, pointer)) discarded.set(key, pointer);
      } catch (error) {
        failures.push(error);
      }
    }
    this.demand(await this.writer.submit(removeMarkedOperation(discarded)), 'the removal of all entries');
    if (failures.length > 0) throw new RemovalFailedException(this.name, failures);
  }

  private demand(outcome: WriteOutcome, what: string): void {
    if (outcome.outcome !== 'done') throw errorOf(outcome, what, this.writer);
  }
}

function isNotLeader(outcome: WriteOutcome): boolean {
  return outcome.outcome === 'notDone' && outcome.reason === 'notLeader';
}
