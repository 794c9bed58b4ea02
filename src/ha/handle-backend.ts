/**
 * The port behind which the small records of one job lie: a ConfigMap, a ZooKeeper node, a file. A backend knows how to
 * read them all at one moment and how to change some of them under a condition; everything else is written once, above.
 *
 *     uid      which object this is; another one after it was deleted and made again
 *     epoch    who may write: raised when leadership changes hands, and when an attempt opens or closes
 *     seq      raised by every change, so that of two changes to one version only one can happen
 *     attempt  the open attempt, 0 when none is
 *     leader   who raised the epoch last, for people and to recognise one's own write after a lost answer
 *     entries  name → text
 */

/** Strictly grows each time leadership changes hands or an attempt opens or closes. */
export type Epoch = number;

export type Entries = ReadonlyMap<string, string>;

/** Everything of one job's object at one moment. */
export interface HaSnapshot {
  readonly uid: string;
  readonly epoch: Epoch;
  readonly seq: number;
  readonly attempt: number;
  readonly leader: string;
  readonly entries: Entries;
}

/** Names and their new texts; undefined removes. */
export type EntryChanges = ReadonlyMap<string, string | undefined>;

/** A change of several entries, applied whole or not at all, and only to the version it was computed from. */
export interface HaPatch {
  readonly expect: { readonly uid: string; readonly epoch: Epoch; readonly seq: number };
  readonly entries: EntryChanges;
  /** What else changes with it. An epoch can only be raised. */
  readonly raise?: { readonly epoch?: Epoch; readonly attempt?: number; readonly leader?: string };
  /** Who writes, for people who read the object. */
  readonly writer: string;
}

/** What an object is made with. */
export interface HaBeginning {
  readonly epoch: Epoch;
  /** The one that is open; 0: none is. */
  readonly attempt: number;
  readonly entries: Entries;
  /** Who makes it, for people who read the object. */
  readonly writer: string;
}

/**
 * What became of a patch. `notDone` is a promise: it has not been applied and never will be. Whatever does not allow
 * that promise is `unknown`.
 */
export type PatchAnswer =
  | { readonly answer: 'done' }
  | {
      readonly answer: 'notDone';
      /** moved: another version is there · missing: no object · tooLarge, rejected: it would not take it · busy: come again, the wait is over. */
      readonly reason: 'moved' | 'missing' | 'tooLarge' | 'rejected' | 'busy';
      readonly cause?: unknown;
    }
  | { readonly answer: 'unknown'; readonly cause: unknown };

/** Who watches an object. */
export interface HandleObserver {
  /** The newest version; undefined when there is no object. */
  seen(snapshot: HaSnapshot | undefined): void;
  /** It could not be looked at; it will be tried again. */
  failed(error: Error): void;
}

/**
 * Locks of processes on entries, where a backend has them: an entry that another process has locked keeps its state until
 * that process lets go of it or ends. They guard no write; only the epoch does.
 */
export interface EntryLocks {
  /** False when there is no such entry. One that this process has locked stays so. */
  lock(key: string): Promise<boolean>;
  /** A lock that is not there is fine. */
  unlock(key: string): Promise<void>;
  unlockAll(): Promise<void>;
  isLockedElsewhere(key: string): Promise<boolean>;
}

/**
 * One job's object. Implementers guarantee:
 * - `read` sees every patch that was answered done before it began;
 * - a patch is atomic and happens at most once, since it raises `seq`;
 * - a crash at any instant leaves the version before or after a patch, and needs nobody to clean up.
 *
 * All of them pass test/conformance/state-handle-store/.
 */
export interface HandleBackend {
  /** Kind and name of the object, for messages: `ConfigMap flights-ha`. */
  readonly name: string;
  /** @default nobody but the leader holds states */
  readonly locks?: EntryLocks;
  /** The object, or undefined when there is none. Throws when that could not be found out. */
  read(): Promise<HaSnapshot | undefined>;
  /** Never throws; what went wrong is in the answer. */
  patch(patch: HaPatch): Promise<PatchAnswer>;
  /** The object, made when there is none: seq 0, no attempt open, and an epoch not below the one given. */
  create(lowestEpoch: Epoch): Promise<HaSnapshot>;
  /** Removes the object with this uid. An object that is gone, or is another one, is fine. */
  remove(uid: string): Promise<void>;
  /**
   * Shows the version there is, and then newer ones soon after they came to be; some may be passed over, the newest never.
   * The result ends it. Starting costs no one who writes an extra request.
   */
  watch(observer: HandleObserver): () => void;
}

/** Whether a patch may be applied to this version. */
export function isExpected(snapshot: HaSnapshot, { uid, epoch, seq }: HaPatch['expect']): boolean {
  return snapshot.uid === uid && snapshot.epoch === epoch && snapshot.seq === seq;
}

/** The version after a patch. */
export function patched(snapshot: HaSnapshot, { entries, raise }: HaPatch): HaSnapshot {
  return {
    uid: snapshot.uid,
    epoch: Math.max(snapshot.epoch, raise?.epoch ?? 0),
    seq: snapshot.seq + 1,
    attempt: raise?.attempt ?? snapshot.attempt,
    leader: raise?.leader ?? snapshot.leader,
    entries: withChanges(snapshot.entries, entries),
  };
}

/** The entries after some of them changed. */
export function withChanges(entries: Entries, changes: EntryChanges): Entries {
  const result = new Map(entries);
  for (const [key, value] of changes) {
    if (value === undefined) result.delete(key);
    else result.set(key, value);
  }
  return result;
}

/** Bytes of names and texts: what the limits of an object count. */
export function sizeOf(entries: Entries): number {
  let size = 0;
  for (const [key, value] of entries) size += Buffer.byteLength(key) + Buffer.byteLength(value);
  return size;
}
