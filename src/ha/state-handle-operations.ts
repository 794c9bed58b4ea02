/**
 * The changes a state handle store makes, each a decision over what stands under its names. Who leads, sends and sends
 * again is not their business; that they may be decided twice is.
 */

import { type Entries, type EntryChanges, withChanges } from './handle-backend.ts';
import { decodeHandle, encodeLive, encodeMarked, type HandlePointer, type StoredHandle } from './handle-codec.ts';
import type { Verdict, WriteOperation } from './write-batch.ts';
import { DONE, notDone } from './write-outcome.ts';

/** What the operations need of the store around them. */
export interface Surroundings {
  /** Of a marked name. Throws when it would not go, or another process holds it. */
  readonly discard: (key: string, pointer: HandlePointer) => Promise<void>;
  readonly warn: (message: string) => void;
}

/**
 * Puts a new state under a free name. A marked entry is removed in the same patch, its state before it: a removal of its
 * own would have to queue behind this one.
 */
export function addOperation(key: string, pointer: HandlePointer, { discard, warn }: Surroundings): WriteOperation {
  return {
    grows: true,
    isApplied: (entries) => holds(entries, key, pointer),
    async decide(entries) {
      const stored = decodeHandle(entries.get(key));
      switch (stored.kind) {
        case 'marked':
          await discard(key, stored.pointer);
          return put(key, encodeLive(pointer));
        case 'live':
          return stored.pointer.id === pointer.id ? NOTHING : refuse('exists');
        case 'corrupt':
          warn(`${key} cannot be decoded and is overwritten`);
          return put(key, encodeLive(pointer));
        case 'absent':
          return put(key, encodeLive(pointer));
      }
    },
  };
}

/** A replacement, and what its last decision found. */
export interface ReplaceOperation extends WriteOperation {
  /** The state to discard once the replacement is done. */
  readonly old: HandlePointer | undefined;
  /** Why a marked entry could not be removed on the way. */
  readonly failures: readonly unknown[];
}

/**
 * Puts a new state in place of another. When the answer of a first try was lost and the new state is found in place, the
 * old one is still that of the first try: taking the one found would discard the new state.
 */
export function replaceOperation(
  key: string,
  pointer: HandlePointer,
  { discard, warn }: Surroundings,
): ReplaceOperation {
  let old: HandlePointer | undefined;
  let failures: unknown[] = [];
  return {
    grows: true,
    get old() {
      return old;
    },
    get failures() {
      return failures;
    },
    isApplied: (entries) => holds(entries, key, pointer),
    async decide(entries): Promise<Verdict> {
      const stored = decodeHandle(entries.get(key));
      failures = [];
      switch (stored.kind) {
        case 'absent':
          return refuse('absent');
        case 'marked':
          try {
            await discard(key, stored.pointer);
          } catch (error) {
            failures = [error];
            return refuse('absent');
          }
          return { ...put(key, undefined), outcome: notDone('absent') };
        case 'live':
          if (stored.pointer.id === pointer.id) return NOTHING;
          old = stored.pointer;
          return put(key, encodeLive(pointer));
        case 'corrupt':
          warn(`${key} cannot be decoded and is overwritten`);
          old = undefined;
          return put(key, encodeLive(pointer));
      }
    },
  };
}

/** A marking, and what it found. */
export interface MarkOperation extends WriteOperation {
  /** Entries that stand marked now; their states are to be discarded. */
  readonly marked: ReadonlyMap<string, HandlePointer>;
}

/**
 * Marks entries: from then on no reader sees them. Those that cannot be decoded are dropped, since nothing can be
 * discarded for them.
 */
export function markOperation(
  keysOf: (entries: Entries) => readonly string[],
  { warn }: Pick<Surroundings, 'warn'>,
): MarkOperation {
  let marked = new Map<string, HandlePointer>();
  return {
    grows: false,
    get marked() {
      return marked;
    },
    isApplied: (entries) => keysOf(entries).every((key) => decodeHandle(entries.get(key)).kind !== 'live'),
    decide(entries) {
      marked = new Map();
      const changes = new Map<string, string | undefined>();
      for (const key of keysOf(entries)) {
        const stored = decodeHandle(entries.get(key));
        if (stored.kind === 'corrupt') {
          warn(`${key} cannot be decoded and is dropped; its state, if any, stays`);
          changes.set(key, undefined);
        }
        if (stored.kind !== 'live' && stored.kind !== 'marked') continue;
        marked.set(key, stored.pointer);
        if (stored.kind === 'live') changes.set(key, encodeMarked(stored.pointer));
      }
      return changeOf(changes);
    },
  };
}

/** Removes marked entries whose states are gone. An entry that holds another state by now stays. */
export function removeMarkedOperation(removed: ReadonlyMap<string, HandlePointer>): WriteOperation {
  const remaining = (entries: Entries) =>
    [...removed].filter(([key, { id }]) => {
      const stored = decodeHandle(entries.get(key));
      return stored.kind === 'marked' && stored.pointer.id === id;
    });
  return {
    grows: false,
    isApplied: (entries) => remaining(entries).length === 0,
    decide: (entries) => changeOf(new Map(remaining(entries).map(([key]) => [key, undefined]))),
  };
}

/** Drops all entries of a store, whatever they hold, and leaves the states. */
export function clearOperation(keyFilter: (key: string) => boolean): WriteOperation {
  const keysOf = (entries: Entries) => [...entries.keys()].filter(keyFilter);
  return {
    grows: false,
    isApplied: (entries) => keysOf(entries).length === 0,
    decide: (entries) => changeOf(new Map(keysOf(entries).map((key) => [key, undefined]))),
  };
}

/** Writes one text, or removes it. */
export function putOperation(
  key: string,
  text: string | undefined,
  options: { readonly grows: boolean },
): WriteOperation {
  return {
    grows: options.grows,
    isApplied: (entries) => entries.get(key) === text,
    decide: (entries) => (entries.get(key) === text ? NOTHING : put(key, text)),
  };
}

/** A change that is written with an operation or not at all: whether it happened, that one says. */
export type AttachedChange = Pick<WriteOperation, 'decide'>;

/**
 * Several changes as one write: all of them, or none when the first is refused. Each is decided on the entries as those
 * before it leave them; the first says what came of the write.
 */
export function together(first: WriteOperation, others: readonly AttachedChange[]): WriteOperation {
  return {
    grows: first.grows,
    isApplied: (entries, seen) => first.isApplied(entries, seen),
    async decide(entries) {
      const verdict = await first.decide(entries);
      if (verdict.do === 'refuse') return verdict;
      const changes = new Map(verdict.do === 'write' ? verdict.changes : []);
      for (const other of others) {
        const added = await other.decide(withChanges(entries, changes));
        if (added.do === 'write') for (const [key, text] of added.changes) changes.set(key, text);
      }
      return verdict.do === 'write' ? { ...verdict, changes } : changeOf(changes);
    },
  };
}

export const NOTHING: Verdict = { do: 'nothing' };

export function put(key: string, text: string | undefined): Extract<Verdict, { do: 'write' }> {
  return { do: 'write', changes: new Map([[key, text]]), outcome: DONE };
}

function refuse(reason: 'exists' | 'absent'): Verdict {
  return { do: 'refuse', outcome: notDone(reason) };
}

function changeOf(changes: EntryChanges): Verdict {
  return changes.size === 0 ? NOTHING : { do: 'write', changes };
}

/** Whether this very state stands there, marked or not: its write has happened. */
function holds(entries: Entries, key: string, { id }: HandlePointer): boolean {
  const stored: StoredHandle = decodeHandle(entries.get(key));
  return (stored.kind === 'live' || stored.kind === 'marked') && stored.pointer.id === id;
}
