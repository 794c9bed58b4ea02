/**
 * Read your writes: nobody decides about an object on a copy from before what he wrote last.
 *
 *     wrote, deleted, unsure ──► expectations of the owner (the key that was worked on while it was written)
 *
 *     stand(owner) ──► all seen ──► upToDate
 *                  ├── some not seen ──► wait: no worker is held up; woken when the copies have come so far, or time is up
 *                  └── time is up, or a write whose answer was lost ──► ask: each object is read from the server itself
 *
 * The usual wait is a millisecond: the server tells of a write as soon as it answers it. A write counts as seen when the copy
 * has the object in that version or a later one, or when the stream has come past it; a deletion when the object is gone, has
 * another uid, or is marked as being deleted.
 *
 * What a crash leaves: nothing. A new process begins with lists that the server answers from what is committed.
 */
import { isNewer, type KubeObject, type ResourceDef, type Selection } from '../kube/index.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProgressListener } from './informer.ts';
import { keyOf, type ObjectKey } from './object-key.ts';
import type { StoreReader } from './store.ts';

/** A copy whose progress is waited for; an informer. */
export interface View {
  readonly resource: ResourceDef;
  /** Which objects of the kind it shows. */
  readonly selection: Selection;
  readonly store: StoreReader;
  hasSeen(resourceVersion: string): boolean;
  onProgress(listener: ProgressListener): () => void;
  refresh(key: ObjectKey, signal: AbortSignal): Promise<void>;
}

/** How an owner stands to what was written for it. */
export type Standing = 'upToDate' | 'wait' | 'ask';

interface Expectation {
  readonly view: View;
  readonly key: ObjectKey;
  readonly what:
    | { readonly is: 'written'; readonly resourceVersion: string }
    | { readonly is: 'gone'; readonly uid: string | undefined }
    /** Nobody knows whether the write happened. */
    | { readonly is: 'unknown' };
}

/** What is known of one owner. */
interface Owner {
  expectations: readonly Expectation[];
  /** Ends the time it may wait; undefined while it does not. */
  stopWaiting: (() => void) | undefined;
  isOverdue: boolean;
}

export interface OwnWritesOptions {
  readonly clock: Clock;
  /** The owner waits no longer: it is to be looked at again. */
  readonly wake: (owner: ObjectKey) => void;
  /** @default 30000 */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;

export class OwnWrites {
  private readonly options: OwnWritesOptions;
  private readonly owners = new Map<ObjectKey, Owner>();
  /** Who waits, by what for. */
  private readonly waiting = new Map<View, { readonly stop: () => void; readonly owners: Set<ObjectKey> }>();

  constructor(options: OwnWritesOptions) {
    this.options = options;
  }

  /** The server accepted a write, and answered with this object. */
  wrote(owner: ObjectKey, view: View, object: KubeObject): void {
    const resourceVersion = object.metadata?.resourceVersion;
    if (resourceVersion === undefined) return;
    this.expect(owner, { view, key: keyOf(object), what: { is: 'written', resourceVersion } });
  }

  /** The server accepted a deletion. `uid`: of what was deleted, where it is known. */
  deleted(owner: ObjectKey, view: View, key: ObjectKey, uid?: string): void {
    const known = uid ?? view.store.get(key)?.metadata?.uid;
    this.expect(owner, { view, key, what: { is: 'gone', uid: known } });
  }

  /** A write failed in a way that leaves open whether it happened. */
  unsure(owner: ObjectKey, view: View, key: ObjectKey): void {
    this.expect(owner, { view, key, what: { is: 'unknown' } });
  }

  /** Whether the owner may be worked on. After `wait` it is woken, after `ask` it has to be asked for. */
  stand(key: ObjectKey): Standing {
    const owner = this.owners.get(key);
    if (owner === undefined || this.isUpToDate(key, owner)) return 'upToDate';
    if (owner.isOverdue || owner.expectations.some(({ what }) => what.is === 'unknown')) return 'ask';
    this.wait(key, owner);
    return 'wait';
  }

  /** Reads from the server what the owner has not seen yet. Throws ApiError; then nothing is known better than before. */
  async ask(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const owner = this.owners.get(key);
    const asked = owner?.expectations ?? [];
    await Promise.all(asked.map(({ view, key: object }) => view.refresh(object, signal)));
    if (owner !== undefined) this.settle(key, owner);
  }

  /** Nobody is woken any more. */
  close(): void {
    for (const [key, owner] of this.owners) this.settle(key, owner);
    for (const { stop } of this.waiting.values()) stop();
    this.waiting.clear();
  }

  private expect(key: ObjectKey, fresh: Expectation): void {
    const owner = this.owners.get(key) ?? { expectations: [], stopWaiting: undefined, isOverdue: false };
    // Of several writes to one object the last has the newest version: seen that one, all are seen.
    const others = owner.expectations.filter(
      ({ view, key: object, what }) => view !== fresh.view || object !== fresh.key || what.is !== fresh.what.is,
    );
    owner.expectations = [...others, fresh];
    this.owners.set(key, owner);
  }

  private isUpToDate(key: ObjectKey, owner: Owner): boolean {
    const unmet = owner.expectations.filter((expectation) => !isMet(expectation));
    // An object whose making has not been seen is not seen to be gone because it is not there.
    const isUnseen = ({ view, key: object, what }: Expectation): boolean =>
      what.is === 'gone' && unmet.some((other) => other.view === view && other.key === object);
    owner.expectations = owner.expectations.filter((each) => unmet.includes(each) || isUnseen(each));
    if (owner.expectations.length > 0) return false;
    this.settle(key, owner);
    return true;
  }

  private wait(key: ObjectKey, owner: Owner): void {
    if (owner.stopWaiting !== undefined) return;
    const views = new Set(owner.expectations.map(({ view }) => view));
    for (const view of views) this.follow(view, key);
    const { clock, patienceMs = PATIENCE_MS } = this.options;
    const cancel = clock.setTimer(patienceMs, () => {
      owner.isOverdue = true;
      this.endWait(owner);
      this.options.wake(key);
    });
    owner.stopWaiting = () => {
      cancel();
      for (const view of views) this.waiting.get(view)?.owners.delete(key);
    };
  }

  private follow(view: View, key: ObjectKey): void {
    let there = this.waiting.get(view);
    if (there === undefined) {
      const stop = view.onProgress((changed) => this.progressed(view, changed));
      there = { stop, owners: new Set() };
      this.waiting.set(view, there);
    }
    there.owners.add(key);
  }

  private progressed(view: View, changed: ObjectKey | undefined): void {
    for (const key of [...(this.waiting.get(view)?.owners ?? [])]) {
      const owner = this.owners.get(key);
      // An event is looked at only by those who wait for its object; how far the stream has come concerns all.
      const isConcerned = changed === undefined || owner?.expectations.some((each) => each.key === changed);
      if (owner === undefined || isConcerned !== true || !this.isUpToDate(key, owner)) continue;
      this.options.wake(key);
    }
  }

  private settle(key: ObjectKey, owner: Owner): void {
    this.endWait(owner);
    this.owners.delete(key);
  }

  private endWait(owner: Owner): void {
    owner.stopWaiting?.();
    owner.stopWaiting = undefined;
  }
}

function isMet({ view, key, what }: Expectation): boolean {
  const there = view.store.get(key)?.metadata;
  switch (what.is) {
    case 'written':
      if (view.hasSeen(what.resourceVersion)) return true;
      return there?.resourceVersion !== undefined && !isNewer(what.resourceVersion, there.resourceVersion);
    case 'gone':
      if (there === undefined || there.deletionTimestamp !== undefined) return true;
      return what.uid !== undefined && there.uid !== what.uid;
    case 'unknown':
      return false;
    default:
      return assertNever(what);
  }
}
