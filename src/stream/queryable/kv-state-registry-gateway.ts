/**
 * How tasks and queries talk to the JobMaster about queryable states. Follows Flink's KvStateRegistryGateway and
 * KvStateLocationOracle; unlike Flink's, a notification is either taken and confirmed or refused with an error, never
 * dropped in silence.
 */
import type { KvStateLocation } from './kv-state-location.ts';
import type { KvStateRegistration, KvStateUnregistration } from './kv-state-location-registry.ts';

/** The confirmation of a notification. */
export interface Acknowledge {
  readonly acknowledged: true;
}

/** The one {@link Acknowledge}. */
export const ACKNOWLEDGE: Acknowledge = Object.freeze({ acknowledged: true });

/** Where tasks announce their queryable states. */
export interface KvStateRegistryGateway {
  /**
   * Announces a state; resolves once the registry holds it. Repeating the call is harmless.
   * @throws FlinkJobNotFoundException for another job; NoExecutionGraphException (retryable) while there is none; else
   * the registry's own error
   */
  notifyKvStateRegistered(jobId: string, registration: KvStateRegistration): Promise<Acknowledge>;
  /** Takes a state back; errors as for the announcement. */
  notifyKvStateUnregistered(jobId: string, unregistration: KvStateUnregistration): Promise<Acknowledge>;
}

/** Who knows where a state is served. */
export interface KvStateLocationOracle {
  /** @throws FlinkJobNotFoundException, UnknownKvStateLocation */
  requestKvStateLocation(jobId: string, registrationName: string): Promise<KvStateLocation>;
}

/** The JobMaster's single event queue: runs one function after the other, in the order handed in. */
export interface EventQueue {
  /** Resolves or rejects with what `event` returned or threw. */
  run<T>(event: () => T): Promise<T>;
}
