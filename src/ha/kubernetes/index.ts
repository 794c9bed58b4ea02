/**
 * High availability in Kubernetes: the object of a job is a ConfigMap, its lease a Lease. Loaded only where a job has this
 * backend, since it brings the Kubernetes client with it; see open.ts.
 *
 *     patch ──► one JSON Patch: test uid, epoch, seq · seq + 1 · entries      (config-map-object.ts)
 *                 ├── 2xx: done
 *                 ├── 4xx: not done (422 of a test: moved)
 *                 └── no answer, 5xx: unknown; settle.ts reads again
 *
 * The patch carries no resource version: edits of others to the same ConfigMap do not bounce it, and leases are another
 * object. What fences is the epoch, which the server tests. A crash leaves the ConfigMap before or after a patch.
 */
export { type ConfigMapBackendOptions, ConfigMapHandleBackend } from './config-map-backend.ts';
export { type KubernetesBackendOptions, kubernetesBackend } from './kubernetes-backend.ts';
