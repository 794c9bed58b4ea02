/**
 * Keeps a store equal to what the server has, and tells handlers of every change.
 *
 *     watch ──► init, objects, initDone ──► store: newer ones taken, vanished ones removed ──► handlers ──► hasSynced
 *          └──► apply, delete           ──► store ──► handlers
 *          └──► bookmark                ──► progress only
 *
 * Promises: each key's changes are told in order, none twice; an update comes with what was stored before; what vanished
 * while nobody looked is told as deleted. `hasSynced` becomes true when the handlers have heard of everything there was, and
 * stays so. A list of ten thousand objects does not hold up the process: other work is let in every few milliseconds.
 */
import {
  type ApiClient,
  isNewer,
  type KubeObject,
  type ListResult,
  type ResourceDef,
  type Selection,
  type WatchEvent,
  watch,
} from '../kube/index.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import { type Counter, type Metrics, noMetrics } from '../lib/metrics.ts';
import { Breather } from './breather.ts';
import { type Handler, Handlers } from './handlers.ts';
import { keyOf, type ObjectKey, refOf } from './object-key.ts';
import { isSelected } from './selection.ts';
import { type IndexValues, Store, type StoreChange, type StoreReader, withoutManagedFields } from './store.ts';

/** What an informer is made of. */
export interface InformerOptions<T extends KubeObject, I extends string> {
  readonly client: ApiClient;
  readonly resource: ResourceDef<T>;
  /** @default all objects of the kind */
  readonly selection?: Selection;
  /** @default none */
  readonly indexes?: Readonly<Record<I, IndexValues<T>>>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** @default nobody looks */
  readonly metrics?: Metrics;
  /** Told what went wrong; it goes on by itself. */
  readonly trouble?: (error: Error) => void;
  /** Makes whoever changes an object fail. For tests. @default false */
  readonly freeze?: boolean;
  /**
   * Told when the server is found to have gone back in time. Where somebody listens, the newest object of the copy is asked for
   * after each connection that broke: whoever restores a server has ended it before. @default nobody listens
   */
  readonly wentBack?: () => void;
  /** A stream without a byte for so long is opened again. @default 180000 */
  readonly silenceMs?: number;
}

/** Told whenever more is known: of one key, or, without a key, of how far the stream has come. */
export type ProgressListener = (key: ObjectKey | undefined) => void;

/** A page is read in one turn of the event loop. */
const AUDIT_PAGE = 100;
/** After a connection broke, and the pause that follows. */
const LOOK_BACK_MS = 2_000;

export class Informer<T extends KubeObject = KubeObject, I extends string = string> {
  readonly resource: ResourceDef<T>;
  private readonly options: InformerOptions<T, I>;
  private readonly objects: Store<T, I>;
  private readonly handlers: Handlers<T>;
  private readonly listeners = new Set<ProgressListener>();
  private readonly counts: InformerCounts;
  private readonly breather = new Breather();
  private readonly synced = Promise.withResolvers<void>();
  private isSynced = false;
  private resourceVersion = '';
  private lastEventAt: number | undefined;
  private coming = new Map<ObjectKey, T>();
  private anew = new AbortController();
  private until: AbortSignal = this.anew.signal;
  private cancelLook = (): void => {};

  constructor(options: InformerOptions<T, I>) {
    this.options = options;
    this.resource = options.resource;
    const indexes = options.indexes ?? ({} as Readonly<Record<I, IndexValues<T>>>);
    this.objects = new Store({ indexes, freeze: options.freeze === true });
    this.handlers = new Handlers(options.clock, (error) => options.trouble?.(error));
    this.counts = new InformerCounts(options.metrics ?? noMetrics, options.resource.plural);
  }

  /** The copy. Whole once `hasSynced`. */
  get store(): StoreReader<T, I> {
    return this.objects;
  }

  /** Which objects of the kind it shows. */
  get selection(): Selection {
    return this.options.selection ?? {};
  }

  /** Whether the copy was whole once, and the handlers have heard of all of it. */
  get hasSynced(): boolean {
    return this.isSynced;
  }

  /** Resolves when the copy is whole. */
  get whenSynced(): Promise<void> {
    return this.synced.promise;
  }

  /** How long nothing has come of the server, bookmarks included; since it was started, at first. Milliseconds. */
  get silentMs(): number {
    return this.lastEventAt === undefined ? 0 : this.options.clock.monotonic() - this.lastEventAt;
  }

  /** Whether all changes up to this version, of any of its objects, are in the copy. */
  hasSeen(resourceVersion: string): boolean {
    return this.resourceVersion !== '' && !isNewer(resourceVersion, this.resourceVersion);
  }

  /** Tells a handler of all there is, as initial, and from then on of every change; the result ends it. */
  addHandler(handler: Handler<T>): () => void {
    const remove = this.handlers.add(handler);
    for (const object of [...this.objects.values()]) {
      this.handlers.tell(handler, { key: keyOf(object), change: { type: 'added', object }, isInitial: true });
    }
    return remove;
  }

  /** Tells a listener of progress; the result ends it. */
  onProgress(listener: ProgressListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Follows the server until the signal fires; once. Overcomes whatever the network does. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, resource, clock, random, silenceMs } = this.options;
    this.lastEventAt = clock.monotonic();
    const stopCounting = this.counts.onRead(() => ({ isSynced: this.isSynced, silentMs: this.silentMs }));
    const patience = silenceMs === undefined ? {} : { silenceMs };
    try {
      while (!signal.aborted) {
        this.anew = new AbortController();
        this.until = AbortSignal.any([signal, this.anew.signal]);
        const options = { ...this.selection, ...patience, signal: this.until, clock, random };
        for await (const event of watch(client, resource, options)) {
          await this.take(event);
          await this.breather.pause();
        }
      }
    } finally {
      this.cancelLook();
      stopCounting();
      this.handlers.close();
    }
  }

  /** Forgets how far the stream has come, and lists all there is: for a server that was restored from a backup. */
  startOver(): void {
    this.anew.abort();
  }

  /**
   * Asks the server for one object, now, and takes what it says into the copy. An answer that is older than what was in the copy
   * before is proof that the server went back in time: what is read by itself is never old. Throws ApiError.
   */
  async refresh(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const before = this.objects.get(key)?.metadata?.resourceVersion ?? '';
    const object = await this.options.client.get(this.resource, refOf(key), { signal });
    if (object === undefined) this.tell(key, this.objects.absent(key));
    // Relabelled since, it may be labelled back: it is not gone.
    else if (!isSelected(this.selection, object)) this.tell(key, this.objects.vanished(key));
    else this.tell(key, this.objects.apply(object));
    if (object !== undefined && isNewer(before, object.metadata?.resourceVersion ?? '')) this.options.wentBack?.();
  }

  /** What the server has now, whatever the copy says: the metadata of each object, and nothing else. Throws ApiError. */
  listAnew(signal: AbortSignal): Promise<ListResult<T>> {
    return this.options.client.list(this.resource, {
      ...this.selection,
      signal,
      metadataOnly: true,
      limit: AUDIT_PAGE,
    });
  }

  private async take(event: WatchEvent<T>): Promise<void> {
    if (event.type === 'interrupted') {
      this.counts.restarts.add({ resource: this.resource.plural, reason: event.reason });
      if (event.error !== undefined) this.options.trouble?.(event.error);
      if (event.reason === 'watchFailed') this.lookBackAfter(event.pauseMs + LOOK_BACK_MS);
      return;
    }
    this.lastEventAt = this.options.clock.monotonic();
    switch (event.type) {
      case 'init':
        if (this.isSynced) this.counts.relists.add({ resource: this.resource.plural });
        this.coming = new Map();
        return;
      case 'initApply':
        // A long list is kept twice until it is whole; not all of it has to be.
        this.coming.set(keyOf(event.object), withoutManagedFields(event.object));
        return;
      case 'initDone':
        return this.replace(event.resourceVersion);
      case 'apply':
        this.resourceVersion = event.object.metadata?.resourceVersion ?? this.resourceVersion;
        this.tell(keyOf(event.object), this.objects.apply(event.object));
        return;
      case 'delete':
        this.resourceVersion = event.object.metadata?.resourceVersion ?? this.resourceVersion;
        this.tell(keyOf(event.object), this.objects.delete(event.object));
        return;
      case 'bookmark':
        this.resourceVersion = event.resourceVersion;
        this.progressed(undefined);
        return;
      default:
        return assertNever(event);
    }
  }

  /** Once the server is there again, and no sooner: each failure puts it off. */
  private lookBackAfter(ms: number): void {
    if (this.options.wentBack === undefined) return;
    const { until } = this;
    this.cancelLook();
    this.cancelLook = this.options.clock.setTimer(ms, () => {
      const newest = this.newest();
      if (newest === undefined || until.aborted) return;
      this.refresh(keyOf(newest), until).catch(() => {
        if (!until.aborted) this.lookBackAfter(LOOK_BACK_MS);
      });
    });
  }

  private newest(): T | undefined {
    let newest: T | undefined;
    const version = (object: T | undefined): string => object?.metadata?.resourceVersion ?? '';
    for (const object of this.objects.values()) if (isNewer(version(object), version(newest))) newest = object;
    return newest;
  }

  /** A whole list has come: what is newer is taken, what is not in it is gone. */
  private async replace(resourceVersion: string): Promise<void> {
    const coming = this.coming;
    this.coming = new Map();
    // A server that was restored from a backup is right all the same.
    const evenOlder = isNewer(this.resourceVersion, resourceVersion);
    for (const [key, object] of coming) {
      this.tell(key, this.objects.apply(object, { evenOlder }));
      await this.breather.pause();
    }
    for (const [key, isNew] of this.missingFrom(coming, resourceVersion)) {
      // Seen by itself after the list was read: the stream will tell of it.
      if (isNew && !evenOlder) continue;
      this.tell(key, this.objects.vanished(key));
      await this.breather.pause();
    }
    this.resourceVersion = resourceVersion;
    if (!this.isSynced) {
      this.isSynced = true;
      this.synced.resolve();
    }
    this.progressed(undefined);
  }

  private missingFrom(coming: ReadonlyMap<ObjectKey, T>, listedAt: string): readonly (readonly [ObjectKey, boolean])[] {
    const missing: (readonly [ObjectKey, boolean])[] = [];
    for (const object of this.objects.values()) {
      const key = keyOf(object);
      if (!coming.has(key)) missing.push([key, isNewer(object.metadata?.resourceVersion ?? '', listedAt)]);
    }
    return missing;
  }

  private tell(key: ObjectKey, changes: readonly StoreChange<T>[]): void {
    for (const change of changes) this.handlers.tellAll({ key, change, isInitial: !this.isSynced });
    this.progressed(key);
  }

  private progressed(key: ObjectKey | undefined): void {
    for (const listener of this.listeners) listener(key);
  }
}

/** What is counted of one informer. */
class InformerCounts {
  readonly relists: Counter;
  readonly restarts: Counter;
  private readonly metrics: Metrics;
  private readonly resource: string;

  constructor(metrics: Metrics, resource: string) {
    this.metrics = metrics;
    this.resource = resource;
    const labels = ['resource'];
    this.relists = metrics.counter({
      name: 'informer_relists_total',
      help: 'Lists that were read again because the watch could not be continued.',
      labels,
    });
    this.restarts = metrics.counter({
      name: 'informer_watch_restarts_total',
      help: 'Pauses of a watch, by reason.',
      labels: [...labels, 'reason'],
    });
  }

  onRead(facts: () => { readonly isSynced: boolean; readonly silentMs: number }): () => void {
    const spec = (name: string, help: string) => ({ name, help, labels: ['resource'] });
    const synced = this.metrics.gauge(spec('informer_synced', 'Whether the copy of the objects is whole.'));
    const age = this.metrics.gauge(
      spec('informer_last_event_age_seconds', 'Time since the server was last heard of, bookmarks included.'),
    );
    return this.metrics.onRead(() => {
      const { isSynced, silentMs } = facts();
      synced.set(isSynced ? 1 : 0, { resource: this.resource });
      age.set(silentMs / 1000, { resource: this.resource });
    });
  }
}
