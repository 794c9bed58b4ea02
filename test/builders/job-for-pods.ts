/** A job on the test cluster as the operator leaves it to its pods: its objects are there, and its first attempt is open. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { openAttempt, openKubernetesHaServices } from '../../src/ha/index.ts';
import { type ApiClient, apiVersionOf, CONFIG_MAPS, defineResource, LEASES } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  jobPod,
  jobRole,
  jobRoleBinding,
  jobServiceAccount,
  leaderLease,
  type Manifest,
  revisionConfigMap,
} from '../../src/resources/index.ts';
import { openStorage } from '../../src/storage/index.ts';
import type { TestCluster } from '../cluster/index.ts';
import { PODS } from '../node-simulator/index.ts';
import { aPodOf } from './job-facts.ts';
import { aClient, tokenConnection } from './kube.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

/** Name of the job. */
export const JOB = 'counts';

const signal = new AbortController().signal;

const KINDS = [
  CONFIG_MAPS,
  LEASES,
  PODS,
  defineResource('v1', 'ServiceAccount', 'serviceaccounts'),
  defineResource('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  defineResource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
];

/** In a namespace of its own. It takes checkpoints, and goes on until it is told to finish. */
export async function aJobForPods(cluster: TestCluster) {
  const namespace = await cluster.namespace();
  const client = aClient(tokenConnection(cluster));
  const directory = aTemporaryDirectory();
  const gate = join(directory, 'gate');
  const storageUri = pathToFileURL(join(directory, 'storage')).href;
  const jobId = randomBytes(16).toString('hex');
  const spec = {
    typescript: { module: 'test/fixtures/jobs/gated-counts.ts' },
    args: [gate],
    parallelism: 1,
    storage: { uri: storageUri },
    checkpoints: { interval: '100ms' },
  };
  const facts = aPodOf(spec, { name: JOB, namespace, jobId, attempt: 1, since: new Date().toISOString() });
  const services = await openKubernetesHaServices({
    client,
    namespace,
    job: JOB,
    jobId,
    storage: openStorage(storageUri),
    identity: 'operator',
    clock: systemClock,
    random: Math.random,
    createAbove: 0,
  });
  onTestFinished(() => services.close());
  const ledgers = services.getLedgerStore();
  const view = (await ledgers.read())!;
  await ledgers.write(view, openAttempt(view.ledger, { at: Date.now(), epoch: view.nextEpoch }), 'operator');
  for (const build of [leaderLease, jobServiceAccount, jobRole, jobRoleBinding, revisionConfigMap])
    await apply(client, build(facts));
  return {
    namespace,
    client,
    jobId,
    /** Makes pod i of the attempt and answers its name. */
    pod: async (index: number): Promise<string> => {
      const made = await apply(client, jobPod({ ...facts, index }));
      return made.metadata?.name ?? '';
    },
    leaseHolder: async () =>
      (await client.get(LEASES, { namespace, name: `${JOB}-leader` }, { signal }))?.spec?.holderIdentity,
    /** What the operator does when it has seen the pod of a leader end. */
    emptyLease: () =>
      client.mergePatch(LEASES, { namespace, name: `${JOB}-leader` }, { spec: { holderIdentity: '' } }, { signal }),
    finish: () => writeFileSync(gate, ''),
  };
}

function apply(client: ApiClient, manifest: Manifest) {
  const kind = KINDS.find((one) => one.kind === manifest.kind && apiVersionOf(one) === manifest.apiVersion)!;
  // There is no FlinkJob to own it, and a garbage collector may run.
  const { ownerReferences: _, ...metadata } = manifest.metadata;
  return client.apply(kind, { ...manifest, metadata }, { signal });
}
