import type { ApiClient, CallOptions } from '../../kube/index.ts';
import { ApiError, CONFIG_MAPS, type ConfigMap, watch } from '../../kube/index.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { waitFor } from '../../lib/waiting.ts';
import { HaStoreException } from '../errors.ts';
import type {
  Epoch,
  HaBeginning,
  HandleBackend,
  HandleObserver,
  HaPatch,
  HaSnapshot,
  PatchAnswer,
} from '../handle-backend.ts';
import { jsonPatchOf, newObject, snapshotOf } from './config-map-object.ts';

export interface ConfigMapBackendOptions {
  readonly client: ApiClient;
  /** Sends the patches. @default client */
  readonly patcher?: ApiClient;
  readonly namespace: string;
  /** Of the ConfigMap: `<job>-ha`. */
  readonly name: string;
  /** Given to a ConfigMap that is made. @default none */
  readonly labels?: Readonly<Record<string, string>>;
  /** For each request, and for each wait that the server asks for. @default 10000 */
  readonly deadlineMs?: number;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Abandons what is under way. @default never */
  readonly signal?: AbortSignal;
}

const DEFAULT_DEADLINE_MS = 10_000;
/** How often an object is looked at again that was there when it was to be made, and gone when it was read. */
const MOST_ROUNDS = 10;

/**
 * The object of a job as a ConfigMap. A change is one request, whoever else writes to the ConfigMap: the fence is the epoch
 * and the seq that the server tests, not the resource version.
 */
export class ConfigMapHandleBackend implements HandleBackend {
  readonly name: string;
  readonly #client: ApiClient;
  readonly #patcher: ApiClient;
  readonly #ref: { readonly namespace: string; readonly name: string };
  readonly #labels: Readonly<Record<string, string>>;
  readonly #options: Required<CallOptions>;
  readonly #clock: Clock;

  constructor(options: ConfigMapBackendOptions) {
    const { client, namespace, name, labels = {}, deadlineMs = DEFAULT_DEADLINE_MS } = options;
    this.name = `ConfigMap ${namespace}/${name}`;
    this.#client = client;
    this.#patcher = options.patcher ?? client;
    this.#ref = { namespace, name };
    this.#labels = labels;
    this.#options = { deadlineMs, signal: options.signal ?? new AbortController().signal };
    this.#clock = options.clock ?? systemClock;
  }

  async read(): Promise<HaSnapshot | undefined> {
    const object = await this.#doing('reading the object', () =>
      this.#client.get(CONFIG_MAPS, this.#ref, this.#options),
    );
    return object === undefined ? undefined : snapshotOf(object, this.name);
  }

  async patch(patch: HaPatch): Promise<PatchAnswer> {
    try {
      await this.#patcher.jsonPatch(CONFIG_MAPS, this.#ref, jsonPatchOf(patch), this.#options);
      return { answer: 'done' };
    } catch (error) {
      return answerOf(error, await this.#isLeftAlone(error));
    }
  }

  create(lowestEpoch: Epoch): Promise<HaSnapshot> {
    return this.begin({ epoch: lowestEpoch, attempt: 0, entries: new Map(), writer: '' });
  }

  /** The object, made with all this in one request when there is none. What comes back may be another's making. */
  async begin(beginning: HaBeginning): Promise<HaSnapshot> {
    const object = newObject({ ...this.#ref, labels: this.#labels }, beginning);
    for (let round = 1; ; round++) {
      try {
        const made = await this.#client.create(CONFIG_MAPS, object, this.#options);
        return snapshotOf(made, this.name);
      } catch (error) {
        const isSettled = error instanceof ApiError && error.outcome === 'notApplied' && !error.isAlreadyExists;
        if (isSettled || round === MOST_ROUNDS) throw new HaStoreException('creating the object', this.name, error);
      }
      // It is there already, or the answer was lost: either way what there is now is the object.
      const found = await this.read();
      if (found !== undefined) return found;
    }
  }

  async remove(uid: string): Promise<void> {
    try {
      await this.#client.delete(CONFIG_MAPS, this.#ref, { ...this.#options, preconditions: { uid } });
    } catch (error) {
      // Another object of that name is there: the one that was meant is gone.
      if (error instanceof ApiError && error.isConflict) return;
      const isGone = error instanceof ApiError && error.outcome === 'unknown' && (await this.read())?.uid !== uid;
      if (!isGone) throw new HaStoreException('removing the object', this.name, error);
    }
  }

  watch(observer: HandleObserver): () => void {
    const ending = new AbortController();
    this.#follow(observer, ending.signal).catch((error: unknown) => {
      if (!ending.signal.aborted) observer.failed(error as Error);
    });
    return () => ending.abort();
  }

  async #follow(observer: HandleObserver, signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#ref;
    const events = watch(this.#client, CONFIG_MAPS, { namespace, fieldSelector: `metadata.name=${name}`, signal });
    let listed: ConfigMap | undefined;
    for await (const event of events) {
      switch (event.type) {
        case 'init':
          listed = undefined;
          break;
        case 'initApply':
          listed = event.object;
          break;
        case 'initDone':
          this.#show(listed, observer);
          break;
        case 'apply':
          this.#show(event.object, observer);
          break;
        case 'delete':
          this.#show(undefined, observer);
          break;
        case 'interrupted':
          if (event.error !== undefined) observer.failed(event.error);
          break;
        case 'bookmark':
          break;
      }
    }
  }

  #show(object: ConfigMap | undefined, observer: HandleObserver): void {
    let snapshot: HaSnapshot | undefined;
    try {
      snapshot = object === undefined ? undefined : snapshotOf(object, this.name);
    } catch (error) {
      observer.failed(error as Error);
      return;
    }
    observer.seen(snapshot);
  }

  /** Leaves the server alone for as long as it asks; false when it asks for more time than a write has. */
  async #isLeftAlone(error: unknown): Promise<boolean> {
    const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const { deadlineMs, signal } = this.#options;
    if (askedMs > 0 && askedMs <= deadlineMs) await waitFor(this.#clock, askedMs, signal);
    return askedMs <= deadlineMs;
  }

  async #doing<R>(what: string, action: () => Promise<R>): Promise<R> {
    try {
      return await action();
    } catch (error) {
      throw new HaStoreException(what, this.name, error);
    }
  }
}

/**
 * What a failed patch came to. What was not applied never will be: a write is sent once. `mayComeAgain`: the wait that the
 * server asked for is over.
 */
function answerOf(cause: unknown, mayComeAgain: boolean): PatchAnswer {
  if (!(cause instanceof ApiError) || cause.outcome === 'unknown') return { answer: 'unknown', cause };
  if (cause.isNotFound) return { answer: 'notDone', reason: 'missing', cause };
  if (cause.isConflict) return { answer: 'notDone', reason: 'moved', cause };
  if (cause.status === 413) return { answer: 'notDone', reason: 'tooLarge', cause };
  // A refused test names no field; an object that does not fit names what is wrong with it.
  if (cause.isInvalid && cause.causes.length === 0) return { answer: 'notDone', reason: 'moved', cause };
  if (cause.isInvalid && cause.causes.some(({ reason }) => reason === 'FieldValueTooLong'))
    return { answer: 'notDone', reason: 'tooLarge', cause };
  const wasNotSent = cause.status === undefined && cause.code !== 'KUBE_WRITE_GATE_CLOSED';
  if ((cause.isTooManyRequests && mayComeAgain) || wasNotSent) return { answer: 'notDone', reason: 'busy', cause };
  return { answer: 'notDone', reason: 'rejected', cause };
}
