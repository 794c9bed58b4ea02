/** Every name that FlinkJob writes into Kubernetes: group, kind, labels, annotations, conditions. Spelled here only. */

/** API group of the resource, and prefix of every label and annotation. */
export const API_GROUP = 'flinkjob.dev';
/** The served version. */
export const API_VERSION_NAME = 'v1alpha1';
/** What a manifest writes as `apiVersion`. */
export const API_VERSION = `${API_GROUP}/${API_VERSION_NAME}`;
/** What a manifest writes as `kind`. */
export const KIND = 'FlinkJob';
/** Plural resource name, as in URLs and RBAC rules. */
export const PLURAL = 'flinkjobs';
/** Name of the CustomResourceDefinition. */
export const CRD_NAME = `${PLURAL}.${API_GROUP}`;

/** Keeps a FlinkJob until its pods, handles and bytes are dealt with. */
export const FINALIZER = `${API_GROUP}/cleanup`;

/** Keeps the operator's own Role and RoleBinding in a namespace until no FlinkJob is left there. */
export const RIGHTS_FINALIZER = `${API_GROUP}/jobs-left`;

/** Labels that FlinkJob puts on the objects it makes. */
export const LABELS = {
  /** Name of the FlinkJob an object belongs to. */
  job: `${API_GROUP}/job`,
  /** Uid of the FlinkJob a pod belongs to: another one of its name has another. */
  jobUid: `${API_GROUP}/job-uid`,
  /** Number of the attempt a pod belongs to. */
  attempt: `${API_GROUP}/attempt`,
  /** Revision of the spec an object was made from. */
  revision: `${API_GROUP}/revision`,
  /** Kubernetes' recommended labels. */
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  partOf: 'app.kubernetes.io/part-of',
  version: 'app.kubernetes.io/version',
} as const;

/** Annotations that FlinkJob writes or obeys. */
export const ANNOTATIONS = {
  /** Number of the attempt, on `<job>-ha`; every patch of a pod tests it. */
  attempt: `${API_GROUP}/attempt`,
  /** The epoch, on `<job>-ha`: the fence of every write. */
  epoch: `${API_GROUP}/epoch`,
  /** Generation of the FlinkJob a child was made from. */
  generation: `${API_GROUP}/generation`,
  /** Written by a user with the value "true": deletion skips savepoint and cancel. */
  forceDelete: `${API_GROUP}/force-delete`,
  /** Written by Flux to ask for a look at once; what it says is echoed in status. */
  reconcileRequest: 'reconcile.fluxcd.io/requestedAt',
} as const;

/** Condition types in `status.conditions`. `Reconciling` and `Stalled` are present only while true. */
export const CONDITIONS = [
  'Ready',
  'Reconciling',
  'Stalled',
  'CheckpointHealthy',
  'StorageReachable',
  'PodsHealthy',
  'RolledBack',
  'Observed',
] as const;

/** Phases in `status.phase`. */
export const PHASES = [
  'Pending',
  'Starting',
  'Running',
  'Restarting',
  'Upgrading',
  'Rescaling',
  'RollingBack',
  'Suspending',
  'Suspended',
  'Succeeded',
  'Failed',
  'Deleting',
] as const;

/** What `status.phase` may say. */
export type Phase = (typeof PHASES)[number];
/** What `status.conditions[].type` may say. */
export type ConditionType = (typeof CONDITIONS)[number];
