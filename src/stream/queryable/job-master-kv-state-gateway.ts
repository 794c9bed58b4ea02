/**
 * The JobMaster's end of queryable state: takes announcements of tasks and answers where a state is served, all on the
 * JobMaster's event queue, so that the registry never sees two callers at once. Follows the part of Flink's JobMaster
 * that implements KvStateRegistryGateway.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { FlinkJobNotFoundException, NoExecutionGraphException, UnknownKvStateLocation } from './errors.ts';
import type { KvStateLocation } from './kv-state-location.ts';
import type {
  KvStateLocationRegistry,
  KvStateRegistration,
  KvStateUnregistration,
} from './kv-state-location-registry.ts';
import {
  ACKNOWLEDGE,
  type Acknowledge,
  type EventQueue,
  type KvStateLocationOracle,
  type KvStateRegistryGateway,
} from './kv-state-registry-gateway.ts';

/** What the gateway is made of. */
export interface JobMasterKvStateGatewayDeps {
  readonly jobId: string;
  readonly eventQueue: EventQueue;
  /** The registry of the current execution graph; undefined before there is one and between two. */
  readonly registry: () => KvStateLocationRegistry | undefined;
  /**
   * Accept an unregistration that does not say whose entry it means, and acknowledge what arrives before there is an
   * execution graph without keeping it, as Flink does.
   * @default false
   */
  readonly upstreamCompat?: boolean;
}

/** Gateway and oracle of one job. */
export class JobMasterKvStateGateway implements KvStateRegistryGateway, KvStateLocationOracle {
  readonly #deps: JobMasterKvStateGatewayDeps;

  constructor(deps: JobMasterKvStateGatewayDeps) {
    this.#deps = deps;
  }

  notifyKvStateRegistered(jobId: string, registration: KvStateRegistration): Promise<Acknowledge> {
    return this.#notify(jobId, (registry) => registry.notifyKvStateRegistered(registration));
  }

  /** @throws IllegalArgumentException without `kvStateId`: a late call could erase the entry of a newer attempt */
  notifyKvStateUnregistered(jobId: string, unregistration: KvStateUnregistration): Promise<Acknowledge> {
    return this.#notify(jobId, (registry) => {
      if (unregistration.kvStateId === undefined && this.#deps.upstreamCompat !== true) {
        throw new IllegalArgumentException(
          `Unregistration of KvState '${unregistration.registrationName}' of job ${jobId} names no KvStateID, so a ` +
            'newer registration could be lost. Send the id that was registered.',
        );
      }
      registry.notifyKvStateUnregistered(unregistration);
    });
  }

  requestKvStateLocation(jobId: string, registrationName: string): Promise<KvStateLocation> {
    return this.#deps.eventQueue.run(() => {
      this.#checkJob(jobId);
      const location = this.#deps.registry()?.getKvStateLocation(registrationName) ?? null;
      if (location === null) throw new UnknownKvStateLocation(registrationName);
      return location;
    });
  }

  #notify(jobId: string, event: (registry: KvStateLocationRegistry) => void): Promise<Acknowledge> {
    return this.#deps.eventQueue.run(() => {
      this.#checkJob(jobId);
      const registry = this.#deps.registry();
      if (registry !== undefined) event(registry);
      // Refused rather than queued: the sender keeps the order of its own notifications and sends again.
      else if (this.#deps.upstreamCompat !== true) throw new NoExecutionGraphException(jobId);
      return ACKNOWLEDGE;
    });
  }

  #checkJob(jobId: string): void {
    if (jobId !== this.#deps.jobId) throw new FlinkJobNotFoundException(jobId);
  }
}
