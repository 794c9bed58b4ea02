/** The objects of a job on a real API server, in a namespace that holds pods to the "restricted" standard. */
import { test as anyTest, expect } from 'vitest';
import { apiVersionOf, defineResource, NAMESPACES } from '../../src/kube/index.ts';
import {
  disruptionBudget,
  jobPod,
  jobRole,
  jobRoleBinding,
  jobServiceAccount,
  leaderLease,
  type Manifest,
  type PodFacts,
  restService,
  revisionConfigMap,
} from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';
import { aClient, tokenConnection } from '../builders/kube.ts';
import { clusterForTests } from '../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

const KINDS = [
  defineResource('coordination.k8s.io/v1', 'Lease', 'leases'),
  defineResource('v1', 'ServiceAccount', 'serviceaccounts'),
  defineResource('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  defineResource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  defineResource('v1', 'Service', 'services'),
  defineResource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  defineResource('v1', 'ConfigMap', 'configmaps'),
  defineResource('v1', 'Pod', 'pods'),
];

const objectsOf = (facts: PodFacts): Manifest[] => {
  const budget = disruptionBudget(facts);
  return [
    leaderLease(facts),
    jobServiceAccount(facts),
    jobRole(facts),
    jobRoleBinding(facts),
    restService(facts),
    revisionConfigMap(facts),
    ...(budget === undefined ? [] : [budget]),
    jobPod(facts),
  ];
};

async function aRestrictedNamespace() {
  const namespace = await cluster!.namespace();
  const client = aClient(tokenConnection(cluster!));
  const enforce = { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } };
  await client.mergePatch(NAMESPACES, { name: namespace }, enforce, { signal });
  const apply = (manifest: Manifest) => {
    const def = KINDS.find((kind) => kind.kind === manifest.kind && apiVersionOf(kind) === manifest.apiVersion)!;
    return client.apply(def, manifest, { signal });
  };
  return { namespace, apply };
}

test('every object of a job is taken as it is, and applying it again changes nothing', async () => {
  const { namespace, apply } = await aRestrictedNamespace();
  for (const manifest of objectsOf(aPodOf({}, { namespace }))) {
    const { kind, metadata } = manifest;
    expect(await apply(manifest), kind).toMatchObject({ kind, metadata: { name: metadata.name } });
    // Where controllers run, they write the status of some: that is no change of ours.
    const isSame = async (): Promise<boolean> => {
      const [first, second] = [await apply(manifest), await apply(manifest)];
      return first.metadata?.resourceVersion === second.metadata?.resourceVersion;
    };
    await expect.poll(isSame, { message: kind, timeout: 30_000 }).toBe(true);
  }
});

test('a template that asks for more than the namespace allows is refused by the server, in its words', async () => {
  const { namespace, apply } = await aRestrictedNamespace();
  const spec = { jobManager: { podTemplate: { spec: { hostNetwork: true } } } };
  const facts = aPodOf(spec, { namespace });
  await apply(jobServiceAccount(facts));
  await expect(apply(jobPod(facts))).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('violates PodSecurity "restricted'),
  });
});
