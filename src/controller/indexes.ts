/** Values by which objects are looked up: who owns them, and how they are labelled. */
import type { KubeObject, OwnerReference } from '../kube/index.ts';
import type { IndexValues } from './store.ts';

/** The owner that controls an object; Kubernetes allows one. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** By the uid of the owner that controls an object. An owner made anew under the old name has other children. */
export const byOwnerUid: IndexValues<KubeObject> = (object) => {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
};

/** By the value of a label, together with the namespace: labels repeat across namespaces. */
export function byLabel(label: string): IndexValues<KubeObject> {
  return ({ metadata }) => {
    const value = metadata?.labels?.[label];
    return value === undefined ? [] : [labelValue(metadata?.namespace, value)];
  };
}

/** What to ask an index made with `byLabel` for. */
export function labelValue(namespace: string | undefined, value: string): string {
  return `${namespace ?? ''}/${value}`;
}
