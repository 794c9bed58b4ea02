import type { Manifest } from './manifest.ts';
import { ownedMetadata } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';

/** What a job may do with its Lease: `list` is needed where a watch begins, and names the one object. */
export const LEASE_VERBS = ['get', 'list', 'watch', 'update'] as const;
/** What a job may do with its ConfigMap: it is only ever patched under a test of its epoch. */
export const HANDLES_VERBS = ['get', 'list', 'watch', 'patch'] as const;

/** The account that the pods of a job run under. */
export function jobServiceAccount(facts: ObjectFacts): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: ownedMetadata(facts, objectNames(facts.name).account),
    // Pods ask for the token themselves: whatever else is run under the account gets none.
    automountServiceAccountToken: false,
  };
}

/** Two objects, by name. */
export function jobRole(facts: ObjectFacts): Manifest {
  const { account, lease, handles } = objectNames(facts.name);
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: ownedMetadata(facts, account),
    rules: [
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [lease], verbs: LEASE_VERBS },
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [handles], verbs: HANDLES_VERBS },
    ],
  };
}

/** Gives the account its Role. */
export function jobRoleBinding(facts: ObjectFacts): Manifest {
  const { account: name } = objectNames(facts.name);
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: ownedMetadata(facts, name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: facts.namespace }],
  };
}
