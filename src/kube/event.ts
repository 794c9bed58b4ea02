/** Events of events.k8s.io: what happened to an object, for people. Follows client-go's names, limits and fields. Pure. */
import { createHash } from 'node:crypto';
import { apiVersionOf, defineResource, type KubeObject, type ResourceDef } from './resource.ts';

/** What an event is about; the fields of `v1.ObjectReference` that are used here. */
export interface ObjectReferenceLike {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type EventType = 'Normal' | 'Warning';

/** What may be told to whoever looks after an object. */
export interface EventRecorder {
  /**
   * Tells of something that happened; at once, and without ever failing. `reason` and `action` are words in CamelCase: why,
   * and what was done or is to be done; `note` is a sentence, of which 1,024 bytes are kept.
   */
  event(regarding: ObjectReferenceLike, type: EventType, reason: string, action: string, note: string): void;
}

/** Follows `events.k8s.io/v1`; times are MicroTime. */
export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  /** How often it happened in all, and when last; absent for once. */
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly regarding: ObjectReferenceLike;
  readonly note: string;
  readonly type: EventType;
}

export const EVENTS = defineResource<KubeEvent>('events.k8s.io/v1', 'Event', 'events');

/** What an event says; two that say the same are one that happened twice. */
export interface EventWords {
  readonly regarding: ObjectReferenceLike;
  readonly type: EventType;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** The server counts bytes. */
const MOST_NOTE_BYTES = 1_024;
const MOST_WORD_BYTES = 128;
/** Names of objects end at 253 characters; a dot and the hash come after it. */
const MOST_NAME = 200;

/** The words as the server takes them. */
export function fittingWords({ regarding, type, reason, action, note }: EventWords): EventWords {
  return {
    regarding: referenceIn(regarding),
    type,
    reason: cut(reason, MOST_WORD_BYTES),
    action: cut(action, MOST_WORD_BYTES),
    note: cut(note, MOST_NOTE_BYTES),
  };
}

/** Equal for events about the same object with the same words, the note left out. */
export function kindOfEvent({ regarding, type, reason, action }: EventWords): string {
  return JSON.stringify([objectOf(regarding), type, reason, action]);
}

/** The object that an event is about, as a key. */
export function objectOf({ kind, namespace, name, uid }: ObjectReferenceLike): string {
  return JSON.stringify([kind, namespace, name, uid]);
}

/** A name that depends on what is said and on nothing else: whoever says it again finds it said. */
export function eventName({ name }: ObjectReferenceLike, key: string): string {
  return `${name.slice(0, MOST_NAME)}.${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

/** Where events about an object are kept: beside it. */
export function eventNamespace({ namespace }: ObjectReferenceLike): string {
  return namespace ?? 'default';
}

/** A reference to an object that was read. */
export function referenceTo(def: ResourceDef, { metadata }: KubeObject): ObjectReferenceLike {
  const { namespace, name = '', uid, resourceVersion } = metadata ?? {};
  return {
    apiVersion: apiVersionOf(def),
    kind: def.kind,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

/** Milliseconds as MicroTime. */
export function eventTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function referenceIn({ apiVersion, kind, namespace, name, uid, resourceVersion }: ObjectReferenceLike) {
  return {
    name,
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

/** The text within so many bytes; what was cut off is marked. */
function cut(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  let end = mostBytes - Buffer.byteLength('…');
  // Not in the middle of a character: all its bytes but the first begin with the bits 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return `${bytes.subarray(0, end).toString()}…`;
}
