import { type OpenServicesOptions, openServices } from '../open-services.ts';
import type { HighAvailabilityServices } from '../services.ts';
import type { KubernetesBackendOptions } from './kubernetes-backend.ts';

/**
 * `identity` is unique to this process and term: `<pod uid>_<nonce>`. `createAbove` is for the operator: the pods of a job
 * have no right to make the ConfigMap, and fail without it.
 */
export interface KubernetesHaOptions extends KubernetesBackendOptions, OpenServicesOptions {}

/**
 * The services of a job in Kubernetes: the object is ConfigMap `<job>-ha`, the lease is Lease `<job>-leader`.
 * @throws HaObjectMissingException when the ConfigMap is not there and is not to be made
 */
export async function openKubernetesHaServices(options: KubernetesHaOptions): Promise<HighAvailabilityServices> {
  // The Kubernetes client is loaded where it is used: other backends do without it.
  const { kubernetesBackend } = await import('./kubernetes-backend.ts');
  return openServices(kubernetesBackend(options), options);
}
