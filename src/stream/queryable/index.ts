/** Queryable state: who serves which key groups of which state, and how a value is asked for. See README.md. */
export { DEFAULT_RETRY_LIMITS, type RetryLimits } from './backoff.ts';
export {
  FlinkJobNotFoundException,
  KvStateServerUnreachableException,
  NoExecutionGraphException,
  UNKNOWN_KEY_OR_NAMESPACE,
  UnknownKvStateKeyGroupLocationException,
  UnknownKvStateLocation,
  UnknownLocationException,
} from './errors.ts';
export { JobMasterKvStateGateway, type JobMasterKvStateGatewayDeps } from './job-master-kv-state-gateway.ts';
export { KvStateChannel, type KvStateRequestMessage, type KvStateResponseMessage } from './kv-state-channel.ts';
export { type JobAvailability, KvStateClient, type KvStateClientDeps, type StateQuestion } from './kv-state-client.ts';
export { type KeyGroupRangeLike, KvStateLocation, type KvStateServerAddress } from './kv-state-location.ts';
export {
  type JobVertices,
  KvStateLocationRegistry,
  type KvStateLocationRegistryOptions,
  type KvStateRegistration,
  type KvStateUnregistration,
} from './kv-state-location-registry.ts';
export type { AssignToKeyGroup } from './kv-state-locator.ts';
export {
  DEFAULT_JOB_ID,
  KvStateEntry,
  type KvStateHandle,
  type KvStateOffer,
  type KvStateRead,
  type KvStateReader,
  KvStateRegistry,
  type KvStateRegistryListener,
  type QueryableKvState,
  TaskKvStateRegistry,
} from './kv-state-registry.ts';
export {
  ACKNOWLEDGE,
  type Acknowledge,
  type EventQueue,
  type KvStateLocationOracle,
  type KvStateRegistryGateway,
} from './kv-state-registry-gateway.ts';
export { answerKvStateRequest, type KvStateRequest, type KvStateResponse } from './kv-state-server.ts';
