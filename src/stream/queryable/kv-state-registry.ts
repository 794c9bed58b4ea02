/**
 * The task side: which states this process (or worker thread) serves, by id. Follows Flink's KvStateRegistry and
 * TaskKvStateRegistry. A state is announced when a task first makes it, not when the job starts.
 */
import { IllegalStateException, NullPointerException } from '../../lib/java-errors.ts';
import type { KeyGroupRangeLike } from './kv-state-location.ts';

/** The result of reading one entry. `default` is what the descriptor promises for a key without one. */
export type KvStateRead =
  | { readonly found: true; readonly value: unknown }
  | { readonly found: false; readonly default?: unknown };

/**
 * Reads entries of one state for one query worker, with serializers of its own. Owes: the newest value the task has
 * written, checkpointed or not, as a value later writes do not change; `found: false` for no entry and for an expired
 * one; no effect on the task's current key. Throws IllegalArgumentException for a key or namespace that the state cannot
 * have.
 */
export interface KvStateReader {
  read(key: unknown, namespace: unknown): KvStateRead;
}

/** A state that may be asked from outside. */
export interface QueryableKvState {
  /** A new reader, equal to every other one of this state. */
  newReader(): KvStateReader;
}

/** One state of one subtask, under the id it was given. */
export interface KvStateHandle {
  readonly jobId: string;
  readonly jobVertexId: string;
  readonly operatorId?: string | undefined;
  readonly keyGroupRange: KeyGroupRangeLike;
  readonly registrationName: string;
  readonly kvStateId: string;
}

/** Is told what is registered and taken back; calls do not wait for it. */
export interface KvStateRegistryListener {
  notifyKvStateRegistered(handle: KvStateHandle): void;
  notifyKvStateUnregistered(handle: KvStateHandle): void;
}

/** A state handed over for registration. */
export interface KvStateOffer extends Omit<KvStateHandle, 'kvStateId'> {
  readonly state: QueryableKvState;
}

/** A listener under this id is told about every job and goes before the job's own, as in old clusters of one job. */
export const DEFAULT_JOB_ID = '0'.repeat(32);

/** A registered state and its readers, one for each query worker. */
export class KvStateEntry {
  readonly handle: KvStateHandle;
  readonly #state: QueryableKvState;
  readonly #readers = new Map<unknown, KvStateReader>();

  constructor(handle: KvStateHandle, state: QueryableKvState) {
    this.handle = handle;
    this.#state = state;
  }

  /** The reader of a query worker: always the same one for it, never another worker's. */
  readerFor(worker: unknown): KvStateReader {
    let reader = this.#readers.get(worker);
    if (reader === undefined) {
      reader = this.#state.newReader();
      this.#readers.set(worker, reader);
    }
    return reader;
  }
}

/** The states served here. */
export class KvStateRegistry {
  readonly #newId: () => string;
  readonly #entries = new Map<string, KvStateEntry>();
  readonly #listeners = new Map<string, KvStateRegistryListener>();

  /** `newId` gives a random id of 32 hex digits. */
  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** Starts to tell `listener` about a job, as when the JobMaster connects. @throws IllegalStateException for a second one */
  registerListener(jobId: string, listener: KvStateRegistryListener): void {
    if (this.#listeners.has(jobId)) throw new IllegalStateException(`Listener already registered for job ${jobId}.`);
    this.#listeners.set(jobId, listener);
  }

  /** Stops telling, as when the JobMaster disconnects; nothing happens when there is none. */
  unregisterListener(jobId: string): void {
    this.#listeners.delete(jobId);
  }

  /** Serves a state and tells the listener. @throws IllegalStateException when the new id is taken */
  registerKvState(offer: KvStateOffer): KvStateHandle {
    if (offer.state == null) throw new NullPointerException('KvState');
    const { state, ...place } = offer;
    const handle: KvStateHandle = { ...place, kvStateId: this.#newId() };
    if (this.#entries.has(handle.kvStateId)) {
      throw new IllegalStateException(
        `State "${handle.registrationName}" (id=${handle.kvStateId}) appears registered although it should not.`,
      );
    }
    this.#entries.set(handle.kvStateId, new KvStateEntry(handle, state));
    this.#listenerOf(handle.jobId)?.notifyKvStateRegistered(handle);
    return handle;
  }

  /** Serves the state no longer and tells the listener; an id that is not served is ignored and nobody is told. */
  unregisterKvState(handle: KvStateHandle): void {
    if (!this.#entries.delete(handle.kvStateId)) return;
    this.#listenerOf(handle.jobId)?.notifyKvStateUnregistered(handle);
  }

  /** The entry under an id, or null. */
  getKvState(kvStateId: string): KvStateEntry | null {
    return this.#entries.get(kvStateId) ?? null;
  }

  #listenerOf(jobId: string): KvStateRegistryListener | undefined {
    return this.#listeners.get(DEFAULT_JOB_ID) ?? this.#listeners.get(jobId);
  }
}

/** What one task registered, so that disposing its keyed state takes everything back. */
export class TaskKvStateRegistry {
  readonly #registry: KvStateRegistry;
  readonly #jobId: string;
  readonly #jobVertexId: string;
  readonly #registered: KvStateHandle[] = [];

  constructor(registry: KvStateRegistry, jobId: string, jobVertexId: string) {
    this.#registry = registry;
    this.#jobId = jobId;
    this.#jobVertexId = jobVertexId;
  }

  /** Registers a state of this task. */
  registerKvState(offer: Omit<KvStateOffer, 'jobId' | 'jobVertexId'>): KvStateHandle {
    const handle = this.#registry.registerKvState({ ...offer, jobId: this.#jobId, jobVertexId: this.#jobVertexId });
    this.#registered.push(handle);
    return handle;
  }

  /** Takes back all states of this task; a second call does nothing. */
  unregisterAll(): void {
    for (const handle of this.#registered.splice(0)) this.#registry.unregisterKvState(handle);
  }
}
