/**
 * Names → states. The state goes to a file, a small pointer to it into the object of the job. Follows Flink's
 * StateHandleStore, in its Kubernetes form: no locks, since only the leader writes.
 *
 * Order, and what a crash in between leaves:
 *
 *     add, replace   state ──► pointer ──► (replace) old state     a file nobody points to
 *     remove         mark ──► state ──► pointer                    a marked entry, which no reader sees and a repeat ends
 *
 * Never a live pointer to nothing.
 */
import { messageOf } from '../lib/errors.ts';
import { IOException } from '../lib/java-errors.ts';
import {
  AlreadyExistException,
  HaObjectMissingException,
  HaStoreException,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  RemovalFailedException,
  StateTooLargeException,
  withSuppressed,
} from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { Entries } from './handle-backend.ts';
import { decodeHandle, encodeLive, type HandlePointer } from './handle-codec.ts';
import { StringResourceVersion } from './resource-version.ts';
import type { RetrievableStateHandle, StateStorage } from './state-handle.ts';
import {
  addOperation,
  clearOperation,
  type MarkOperation,
  markOperation,
  removeMarkedOperation,
  replaceOperation,
  type Surroundings,
  together,
} from './state-handle-operations.ts';
import type { WriteOperation } from './write-batch.ts';
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
  /**
   * Discards a state and removes its name. False: this process does not lead, and nothing was discarded; or it led no
   * longer when only the hidden name was left to be removed, which the next leader does. Repeatable.
   */
  releaseAndTryRemove(key: string): Promise<boolean>;
  /** The same for all names. RemovalFailedException when some would not go; they stay hidden, a repeat finishes. */
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
    also: readonly WriteOperation[],
  ): Promise<RetrievableStateHandle<T>>;
  /**
   * Discards the state of a name that `addAndSubsume` has hidden. The name itself goes with the next one, or when the
   * next leader calls `finishRemovals`. When it throws, the state may still be there.
   */
  discardSubsumed(key: string): Promise<void>;
  /** Removes all names and leaves the states. */
  clearEntries(): Promise<void>;
  /** There are no locks to release. */
  release(key: string): Promise<void>;
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
  /** Names that are hidden, and whose states are still there, or gone. */
  private readonly hidden = new Map<string, HandlePointer>();
  private readonly discarded = new Map<string, HandlePointer>();

  constructor({ writer, storage, keyFilter, warn = () => {} }: StateHandleStoreOptions<T>) {
    this.writer = writer;
    this.storage = storage;
    this.keyFilter = keyFilter;
    this.warn = warn;
    this.surroundings = {
      discard: (pointer) => storage.open(pointer).discardState(),
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
    const stored = decodeHandle((await this.read()).entries.get(key));
    switch (stored.kind) {
      case 'live':
        return this.storage.open(stored.pointer);
      case 'absent':
        throw new NotExistException(`Could not find ${key} in ${this.name}`);
      case 'marked':
        throw new NotExistException(`Already marked for deletion ${key} in ${this.name}`);
      case 'corrupt':
        throw new IOException(`Failed to deserialize state handle from ${this.name} data ${stored.text}.`);
    }
  }

  async getAllAndLock(): Promise<[RetrievableStateHandle<T>, string][]> {
    const snapshot = await this.writer.backend.read();
    return snapshot === undefined
      ? []
      : this.live(snapshot.entries).map(([key, pointer]) => [this.storage.open(pointer), key]);
  }

  async getAllHandles(): Promise<string[]> {
    return this.live((await this.read()).entries).map(([key]) => key);
  }

  async releaseAndTryRemove(key: string): Promise<boolean> {
    const mark = markOperation((entries) => (entries.has(key) ? [key] : []), this.surroundings);
    const marked = await this.writer.submit(mark);
    if (isNotLeader(marked)) return false;
    this.demand(marked, `the removal of ${key}`);
    const pointer = mark.marked.get(key);
    if (pointer === undefined) return true;
    await this.storage.open(pointer).discardState();
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
    also: readonly WriteOperation[],
  ): Promise<RetrievableStateHandle<T>> {
    const handle = await this.storage.store(state);
    const hide = markOperation((entries) => subsumed.filter((name) => entries.has(name)), this.surroundings);
    const removed = new Map(this.discarded);
    const add = addOperation(key, handle.pointer, this.surroundings);
    const outcome = await this.writer.submit(together(add, [hide, removeMarkedOperation(removed), ...also]));
    if (outcome.outcome !== 'done') return this.refused(outcome, key, handle, []);
    for (const name of removed.keys()) this.discarded.delete(name);
    for (const [name, pointer] of hide.marked) this.hidden.set(name, pointer);
    return handle;
  }

  async discardSubsumed(key: string): Promise<void> {
    const pointer = this.hidden.get(key);
    if (pointer === undefined) return;
    await this.storage.open(pointer).discardState();
    this.hidden.delete(key);
    this.discarded.set(key, pointer);
  }

  async clearEntries(): Promise<void> {
    this.demand(await this.writer.submit(clearOperation(this.keyFilter)), 'the removal of all entries');
  }

  async release(_key: string): Promise<void> {}

  async releaseAll(): Promise<void> {}

  toString(): string {
    return `StateHandleStore{${this.name}}`;
  }

  private get name(): string {
    return this.writer.backend.name;
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
        await this.storage.open(pointer).discardState();
        discarded.set(key, pointer);
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

/** The error for a write that was not done, or may not have been. `what` is the name, or says what was written. */
export function errorOf(outcome: WriteOutcome, what: string, { backend, limitBytes }: FencedWriter): Error {
  if (outcome.outcome === 'unknown') return new PossibleInconsistentStateException(what, backend.name, outcome.cause);
  const reason = outcome.outcome === 'done' ? 'failed' : outcome.reason;
  const cause = outcome.outcome === 'done' ? undefined : outcome.cause;
  switch (reason) {
    case 'exists':
      return new AlreadyExistException(what, backend.name);
    case 'absent':
      return new NotExistException(`Could not find ${what} in ${backend.name}`);
    case 'notLeader':
      return new NotLeaderException(what, backend.name, { cause });
    case 'missing':
      return new HaObjectMissingException(backend.name);
    case 'tooLarge':
      return new StateTooLargeException(what, backend.name, limitBytes);
    case 'moved':
    case 'failed':
      return new HaStoreException(`writing ${what}`, backend.name, cause ?? 'other writes kept coming first');
  }
}

/** The bytes an entry adds to the object of a job, for admission checks: name and pointer. */
export function entryBytes(key: string, pointer: HandlePointer): number {
  return Buffer.byteLength(key) + Buffer.byteLength(encodeLive(pointer));
}
