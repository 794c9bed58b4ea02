/** How objects are named within one kind: `namespace/name`, or `name` where the kind has no namespaces. */
import type { KubeObject, ObjectRef } from '../kube/index.ts';

/** `namespace/name` of an object, or `name` without a namespace. What queues and caches hold. */
export type ObjectKey = string;

/** The key of an object, or of a reference to one. */
export function keyOf(object: KubeObject | ObjectRef): ObjectKey {
  const { namespace, name } = 'name' in object ? object : ((object as KubeObject).metadata ?? {});
  return namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`;
}

/** The reference that a key stands for. */
export function refOf(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
