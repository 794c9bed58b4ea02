/** Where keys come from: changes of objects that an informer tells of, and whose key each of them concerns. */
import type { KubeObject, ResourceDef } from '../kube/index.ts';
import { controllerOf } from './indexes.ts';
import type { Informer } from './informer.ts';
import { keyOf, type ObjectKey } from './object-key.ts';
import type { View } from './own-writes.ts';
import { anyChange, type Predicate } from './predicates.ts';
import { INITIAL_PRIORITY, LIVE_PRIORITY } from './ready-keys.ts';

/** Takes a key that has to be looked at. */
export type AddKey = (key: ObjectKey, priority: number) => void;

/** Changes of one kind, as keys. */
export interface Source {
  readonly view: View;
  readonly whenSynced: Promise<void>;
  /** Gives all keys there are, and then those of each change; the result ends it. */
  start(add: AddKey): () => void;
}

/** The keys that an object concerns. One that throws is asked again. */
export type KeysOf<T> = (object: T) => readonly ObjectKey[];

/** Keys of a kind's own objects. */
export function objectsOf<T extends KubeObject>(informer: Informer<T>, isWorthALook: Predicate<T> = anyChange): Source {
  return mapped(informer, (object) => [keyOf(object)], isWorthALook);
}

/** Keys of the owners that control a kind's objects. */
export function ownersOf<T extends KubeObject>(
  informer: Informer<T>,
  owner: ResourceDef,
  isWorthALook: Predicate<T> = anyChange,
): Source {
  return mapped(informer, (object) => ownerKeys(object, owner), isWorthALook);
}

/** Keys that a function finds: for objects that are referred to, not owned. */
export function mapped<T extends KubeObject>(
  informer: Informer<T>,
  keysOf: KeysOf<T>,
  isWorthALook: Predicate<T> = anyChange,
): Source {
  return {
    view: informer,
    whenSynced: informer.whenSynced,
    start(add) {
      return informer.addHandler({
        onAdd(object, isInitial) {
          for (const key of keysOf(object)) add(key, isInitial ? INITIAL_PRIORITY : LIVE_PRIORITY);
        },
        onUpdate(old, fresh) {
          if (!isWorthALook(old, fresh)) return;
          // Who does not own it any more has to know as well.
          for (const key of new Set([...keysOf(old), ...keysOf(fresh)])) add(key, LIVE_PRIORITY);
        },
        onDelete(last) {
          for (const key of keysOf(last)) add(key, LIVE_PRIORITY);
        },
      });
    },
  };
}

function ownerKeys(object: KubeObject, def: ResourceDef): readonly ObjectKey[] {
  const owner = controllerOf(object);
  // The version of the owner's kind does not matter: an object is the same in all of them.
  const group = owner?.apiVersion.includes('/') === true ? owner.apiVersion.split('/')[0] : '';
  if (owner === undefined || owner.kind !== def.kind || group !== def.group) return [];
  const namespace = def.namespaced ? object.metadata?.namespace : undefined;
  return [keyOf({ name: owner.name, ...(namespace !== undefined && { namespace }) })];
}
