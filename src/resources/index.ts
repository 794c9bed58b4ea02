/**
 * The Kubernetes objects of a job, built from facts: one kind, one file, one function. Pure; the same facts make the same
 * object, so that applying it again changes nothing.
 *
 *     <job>-leader    Lease                  who leads                           goes with the FlinkJob
 *     <job>-rest      Service                the REST API                        goes with it
 *     <job>-pods      account, Role, binding what pods may do: two objects       goes with it
 *     <job>-pods      PodDisruptionBudget    where one stands by                 goes with it
 *     <job>-rest      Ingress                where `spec.ingress` asks for one   goes with it
 *     <job>-<hash>    ConfigMap, immutable   the spec of one revision            goes with it
 *     <job>-<n>-<i>   Pod                    pod i of attempt n                  goes with it
 *     <job>-storage-… Pod                    work in the job's storage           goes with it
 *
 * ConfigMap `<job>-ha` is not among them: it has no owner, so that a job can be removed and its state stay, and its contents
 * are those of the high availability stores.
 */
export { disruptionBudget } from './disruption-budget.ts';
export { restIngress } from './ingress.ts';
export { HANDLES_VERBS, jobRole, jobRoleBinding, jobServiceAccount, LEASE_VERBS } from './job-account.ts';
export { jobPod } from './job-pod.ts';
export { leaderLease } from './leader-lease.ts';
export type { Manifest, ManifestMetadata } from './manifest.ts';
export { APP_NAME, labelsOf, MANAGED_BY, ownedMetadata, podSelector } from './metadata.ts';
export { objectNames, podName, storagePodName } from './names.ts';
export { type NetworkFacts, networkPolicy } from './network-policy.ts';
export type { ObjectFacts, PodFacts, RevisionFacts, StoragePodFacts } from './object-facts.ts';
export {
  OPERATOR_LEASE,
  OPERATOR_NAME,
  OPERATOR_RIGHTS,
  type OperatorRight,
  operatorRules,
  type PolicyRule,
  type RightsUse,
  type RightsVerb,
  reasonsFor,
} from './operator-role.ts';
export { MAIN_CONTAINER } from './pod-of-job.ts';
export { restService } from './rest-service.ts';
export { RESOURCE_KEY, revisionConfigMap } from './revision-config-map.ts';
export { STORAGE_COMPONENT, storagePod } from './storage-pod.ts';
