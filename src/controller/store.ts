/**
 * A copy of a selection of objects, kept by one informer and read by many. Plain JSON as the server sent it, without
 * `managedFields`, which are half of an object's size and nobody's business here.
 *
 * Promises: what is stored for a key never becomes older, whoever tells of it and in whatever order; an object that is gone
 * does not come back; an object made anew under an old name is another object. Readers must not change what they are given;
 * in tests it is frozen.
 */
import { isNewer, type KubeObject } from '../kube/index.ts';
import { keyOf, type ObjectKey } from './object-key.ts';

/** The values under which an object is found in an index. Never throws. */
export type IndexValues<T> = (object: T) => readonly string[];

/** What a store is made of. `I` are the names of its indexes. */
export interface StoreOptions<T, I extends string> {
  readonly indexes: Readonly<Record<I, IndexValues<T>>>;
  /** Makes a reader that changes an object fail where it does so. @default false */
  readonly freeze?: boolean;
}

/** What became of one key. */
export type StoreChange<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly old: T; readonly object: T }
  /** With `finalStateUnknown` nobody saw the end, and `object` is how it was last seen. */
  | { readonly type: 'deleted'; readonly object: T; readonly finalStateUnknown: boolean };

/** What may be read. */
export interface StoreReader<T extends KubeObject = KubeObject, I extends string = string> {
  readonly size: number;
  get(key: ObjectKey): T | undefined;
  keys(): IterableIterator<ObjectKey>;
  values(): IterableIterator<T>;
  /** The objects for which the index gives this value. */
  byIndex(index: I, value: string): readonly T[];
}

/** So many ends are remembered for which the stream has not come yet; it is seconds behind, not hours. */
const MOST_GONE = 1_000;

export class Store<T extends KubeObject = KubeObject, I extends string = string> implements StoreReader<T, I> {
  private readonly objects = new Map<ObjectKey, T>();
  private readonly indexes: readonly { readonly name: I; readonly valuesOf: IndexValues<T>; readonly keys: KeySets }[];
  private readonly byName: ReadonlyMap<string, KeySets>;
  private readonly freeze: boolean;
  /** Uids of objects that are known to be gone, until the server's stream has got there too. */
  private readonly gone = new Set<string>();

  constructor({ indexes, freeze = false }: StoreOptions<T, I>) {
    this.indexes = Object.entries(indexes).map(([name, valuesOf]) => ({
      name: name as I,
      valuesOf: valuesOf as IndexValues<T>,
      keys: new Map(),
    }));
    this.byName = new Map(this.indexes.map(({ name, keys }) => [name, keys]));
    this.freeze = freeze;
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.objects.get(key);
  }

  keys(): IterableIterator<ObjectKey> {
    return this.objects.keys();
  }

  values(): IterableIterator<T> {
    return this.objects.values();
  }

  byIndex(index: I, value: string): readonly T[] {
    const found: T[] = [];
    for (const key of this.byName.get(index)?.get(value) ?? []) {
      const object = this.objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /**
   * Takes an object as the server had it. Nothing changes unless it is newer than what is stored; with `evenOlder`, for a
   * server that was set back to an earlier state, unless it is the same.
   */
  apply(fresh: T, { evenOlder = false } = {}): readonly StoreChange<T>[] {
    const uid = fresh.metadata?.uid;
    if (uid !== undefined && this.gone.has(uid)) return [];
    const key = keyOf(fresh);
    const old = this.objects.get(key);
    if (old !== undefined && !(evenOlder ? isOther(fresh, old) : isNewerObject(fresh, old))) return [];
    const object = this.ingest(fresh);
    if (old !== undefined) this.unindex(key, old);
    this.objects.set(key, object);
    this.index(key, object);
    if (old === undefined) return [{ type: 'added', object }];
    if (old.metadata?.uid === uid) return [{ type: 'updated', old, object }];
    // Made anew while nobody looked: whoever acted for the old one hears of its end.
    return [
      { type: 'deleted', object: old, finalStateUnknown: true },
      { type: 'added', object },
    ];
  }

  /** The server told of the end of this object. Nothing changes when what is stored is newer: it was made anew. */
  delete(last: T): readonly StoreChange<T>[] {
    const uid = last.metadata?.uid;
    if (uid !== undefined) this.gone.delete(uid);
    const old = this.objects.get(keyOf(last));
    if (old === undefined || isNewerObject(old, last)) return [];
    this.drop(keyOf(last), old);
    return [{ type: 'deleted', object: this.ingest(last), finalStateUnknown: false }];
  }

  /** A list was read, and the object is not in it. */
  vanished(key: ObjectKey): readonly StoreChange<T>[] {
    const old = this.objects.get(key);
    if (old === undefined) return [];
    this.drop(key, old);
    return [{ type: 'deleted', object: old, finalStateUnknown: true }];
  }

  /** Somebody asked for the object alone, ahead of the stream, and it is not there: what the stream still tells of it is old. */
  absent(key: ObjectKey): readonly StoreChange<T>[] {
    const uid = this.objects.get(key)?.metadata?.uid;
    if (uid !== undefined) this.bury(uid);
    return this.vanished(key);
  }

  private bury(uid: string): void {
    this.gone.add(uid);
    if (this.gone.size <= MOST_GONE) return;
    const [oldest = ''] = this.gone;
    this.gone.delete(oldest);
  }

  private ingest(fresh: T): T {
    const object = withoutManagedFields(fresh);
    return this.freeze ? deeplyFrozen(object) : object;
  }

  private drop(key: ObjectKey, old: T): void {
    this.objects.delete(key);
    this.unindex(key, old);
  }

  private index(key: ObjectKey, object: T): void {
    for (const { valuesOf, keys } of this.indexes) {
      for (const value of valuesOf(object)) {
        const there = keys.get(value);
        if (there === undefined) keys.set(value, new Set([key]));
        else there.add(key);
      }
    }
  }

  private unindex(key: ObjectKey, old: T): void {
    for (const { valuesOf, keys } of this.indexes) {
      for (const value of valuesOf(old)) {
        const there = keys.get(value);
        there?.delete(key);
        if (there?.size === 0) keys.delete(value);
      }
    }
  }
}

/** The object, without what field managers own in it. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

type KeySets = Map<string, Set<ObjectKey>>;

function versionOf({ metadata }: KubeObject): string {
  return metadata?.resourceVersion ?? '';
}

function isNewerObject(object: KubeObject, than: KubeObject): boolean {
  return isNewer(versionOf(object), versionOf(than));
}

function isOther(object: KubeObject, than: KubeObject): boolean {
  return versionOf(object) !== versionOf(than) || object.metadata?.uid !== than.metadata?.uid;
}

function deeplyFrozen<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deeplyFrozen(part);
  return Object.freeze(value);
}
