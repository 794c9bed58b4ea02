/** The node simulator: what it makes of pods on a real API server, against what a kubelet makes of them. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { openAttempt, openKubernetesHaServices } from '../../src/ha/index.ts';
import { type ApiClient, apiVersionOf, CONFIG_MAPS, defineResource, LEASES } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  jobPod,
  jobRole,
  jobRoleBinding,
  jobServiceAccount,
  leaderLease,
  MAIN_CONTAINER,
  type Manifest,
  type PodFacts,
  revisionConfigMap,
} from '../../src/resources/index.ts';
import { openStorage } from '../../src/storage/index.ts';
import { aPodOf } from '../builders/job-facts.ts';
import { aClient, tokenConnection } from '../builders/kube.ts';
import { aNodeSimulator } from '../builders/node-simulator.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { clusterForTests } from '../cluster/index.ts';
import { PODS, type SimulatedPod } from '../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

const signal = new AbortController().signal;
const JOB = 'counts';

const KINDS = [
  CONFIG_MAPS,
  LEASES,
  PODS,
  defineResource('v1', 'ServiceAccount', 'serviceaccounts'),
  defineResource('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  defineResource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
];

const apply = (client: ApiClient, manifest: Manifest) => {
  const kind = KINDS.find((one) => one.kind === manifest.kind && apiVersionOf(one) === manifest.apiVersion)!;
  // There is no FlinkJob to own it, and a garbage collector may run.
  const { ownerReferences: _, ...metadata } = manifest.metadata;
  return client.apply(kind, { ...manifest, metadata }, { signal });
};

/** A job as the operator makes it, in its first attempt. It goes on until its gate is there. */
async function aJob() {
  const namespace = await cluster!.namespace();
  const client = aClient(tokenConnection(cluster!));
  const directory = aTemporaryDirectory();
  const gate = join(directory, 'gate');
  const storageUri = pathToFileURL(join(directory, 'storage')).href;
  const spec = {
    typescript: { module: 'test/fixtures/jobs/gated-counts.ts' },
    args: [gate],
    parallelism: 1,
    storage: { uri: storageUri },
    checkpoints: { interval: '100ms' },
  };
  const jobId = randomBytes(16).toString('hex');
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
  const objects = [leaderLease, jobServiceAccount, jobRole, jobRoleBinding, revisionConfigMap];
  for (const build of objects) await apply(client, build(facts as PodFacts));
  const pod = (index: number) => apply(client, jobPod({ ...facts, index }));
  return { namespace, client, jobId, pod, finish: () => writeFileSync(gate, '') };
}

const ask = async (pod: SimulatedPod, path: string): Promise<Record<string, unknown>> =>
  (await fetch(`${pod.url}${path}`)).json() as Promise<Record<string, unknown>>;

test('a job runs with a leader and a standby, each at the address of its pod', async () => {
  const { namespace, client, jobId, pod } = await aJob();
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace] });
  await pod(0);
  const first = await (await simulator.pod(`${JOB}-1-0`)).until((it) => it.isReady);
  await pod(1);
  const second = await (await simulator.pod(`${JOB}-1-1`)).until((it) => it.isReady);
  expect(await ask(first, `/jobs/${jobId}`)).toMatchObject({ jid: jobId, state: 'RUNNING' });
  await expect.poll(() => ask(second, `/jobs/${jobId}`), { timeout: 30_000 }).toMatchObject({ state: 'RUNNING' });
  const lease = await client.get(LEASES, { namespace, name: `${JOB}-leader` }, { signal });
  expect(lease?.spec?.holderIdentity).toMatch(new RegExp(`^${first.uid}_`));
  const seen = await client.get(PODS, { namespace, name: `${JOB}-1-1` }, { signal });
  expect(seen?.status).toMatchObject({
    phase: 'Running',
    podIP: new URL(second.url).hostname,
    containerStatuses: [{ name: MAIN_CONTAINER, ready: true, state: { running: {} } }],
  });
  expect(first.node).not.toBe(second.node);
});
