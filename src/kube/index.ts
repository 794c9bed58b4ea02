/** The Kubernetes API: client, watch, errors. See README.md. */
export { ApiClient, type ApiClientOptions } from './api-client.ts';
export type { CallOptions, CallRecord } from './caller.ts';
export { type ConnectionFacts, openConnection } from './choose-connection.ts';
export type { ClusterConnection, Credentials } from './connection.ts';
export { ApiError, KubeConfigError, type StatusCause, type WriteOutcome } from './errors.ts';
export {
  EVENTS,
  type EventRecorder,
  type EventType,
  type KubeEvent,
  type ObjectReferenceLike,
  referenceTo,
} from './event.ts';
export { DEFAULT_EVENT_LIMITS, type EventLimits } from './event-budget.ts';
export { ApiEventRecorder, type ApiEventRecorderOptions } from './event-recorder.ts';
export { type InClusterFacts, inClusterConnection } from './in-cluster.ts';
export { type KubeconfigFacts, kubeconfigConnection } from './kubeconfig.ts';
export {
  apiVersionOf,
  CONFIG_MAPS,
  type ConfigMap,
  defineResource,
  type KubeObject,
  LEASES,
  type Lease,
  type LeaseSpec,
  NAMESPACES,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
  type ResourceDef,
} from './resource.ts';
export type { HttpStream } from './transport.ts';
export {
  type ApplyOptions,
  type DeleteOptions,
  type JsonPatchOperation,
  type ListOptions,
  type ListPage,
  type ListResult,
  type PartOptions,
  pointerPart,
  type Selection,
  type WriteOptions,
} from './verb-options.ts';
export { type WatchOptions, watch } from './watch.ts';
export { type InterruptReason, isNewer, type WatchEvent } from './watch-state.ts';
export {
  CONTROLLER_REVISIONS,
  type ContainerEnd,
  type ContainerStatus,
  type ControllerRevision,
  FLINK_JOBS,
  type FlinkJobObject,
  INGRESSES,
  NETWORK_POLICIES,
  type ObjectCondition,
  POD_DISRUPTION_BUDGETS,
  PODS,
  type Pod,
  type PodStatus,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from './workloads.ts';
