/** Kinds as the client sees them, and the paths under which the API server serves them. */

/** What every Kubernetes object has, as plain JSON. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** The part of `metav1.ObjectMeta` that is read here. */
export interface ObjectMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
}

/** Follows `metav1.OwnerReference`. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** One Kubernetes kind; `T` is the plain JSON shape of its objects. */
export interface ResourceDef<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: it ties the definition to the shape. */
  readonly shape?: T;
}

/** Which object; the namespace is left out for kinds that have none. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

/** A kind's definition. `apiVersion` as manifests write it: `v1`, `apps/v1`. */
export function defineResource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: 'namespaced' | 'cluster' = 'namespaced',
): ResourceDef<T> {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  return { group: group ?? '', version: version ?? '', plural, kind, namespaced: scope === 'namespaced' };
}

/** What a manifest of this kind writes as `apiVersion`. */
export function apiVersionOf({ group, version }: ResourceDef): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The path of a kind's objects, in one namespace or in all. */
export function collectionPath(def: ResourceDef, namespace: string | undefined): string {
  const root = def.group === '' ? `/api/${def.version}` : `/apis/${def.group}/${def.version}`;
  const within = def.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${within}/${def.plural}`;
}

/** The path of one object, or of a part of it (`status`, `scale`). */
export function objectPath(def: ResourceDef, ref: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(def, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** A ConfigMap, as far as it is used. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** A Lease of coordination.k8s.io. */
export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

/** Times are MicroTime: RFC 3339 with six digits of a second, UTC. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export const CONFIG_MAPS = defineResource<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const LEASES = defineResource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const NAMESPACES = defineResource<KubeObject>('v1', 'Namespace', 'namespaces', 'cluster');
