import { randomBytes, randomUUID } from 'node:crypto';
import type { Storage } from '../../storage/index.ts';
import { HaObjectMissingException } from '../errors.ts';
import { type HighAvailabilityServices, haServices } from '../services.ts';
import { highestEpochIn } from '../sweep.ts';
import type { KubernetesBackendOptions } from './kubernetes-backend.ts';

export interface KubernetesHaOptions extends KubernetesBackendOptions {
  readonly storage: Storage;
  readonly jobId: string;
  /** Unique to this process and term: `<pod uid>_<nonce>`. */
  readonly identity: string;
  /** The attempt this process belongs to; it leads no other. @default any */
  readonly attempt?: number;
  /**
   * Make the ConfigMap when there is none, with an epoch above all that storage has seen and not below this one. For the
   * operator: the pods of a job have no right to make it, and fail without it. @default it is not made
   */
  readonly createAbove?: number;
  /** Unguessable hex. @default 16 random bytes */
  readonly newId?: () => string;
}

/**
 * The services of a job in Kubernetes: the object is ConfigMap `<job>-ha`, the lease is Lease `<job>-leader`.
 * @throws HaObjectMissingException when the ConfigMap is not there and is not to be made
 */
export async function openKubernetesHaServices(options: KubernetesHaOptions): Promise<HighAvailabilityServices> {
  const { storage, jobId, clock, identity, attempt, warn, random, createAbove } = options;
  // The Kubernetes client is loaded where it is used: other backends do without it.
  const { kubernetesBackend } = await import('./kubernetes-backend.ts');
  const backend = kubernetesBackend(options);
  if ((await backend.handles.read()) === undefined) {
    if (createAbove === undefined) throw new HaObjectMissingException(backend.handles.name);
    const highest = await highestEpochIn(storage, jobId);
    await backend.handles.create(Math.max(createAbove, highest) + 1);
  }
  return haServices({
    backend,
    storage,
    jobId,
    clock,
    identity,
    newId: options.newId ?? (() => randomBytes(16).toString('hex')),
    newSessionId: randomUUID,
    random,
    ...(attempt === undefined ? {} : { attempt }),
    ...(warn === undefined ? {} : { warn }),
  });
}
