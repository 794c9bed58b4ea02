/** Objects of a job that come and go while it runs, and what others read of it: what a hot field asks for, what somebody deletes. */
import { readFileSync } from 'node:fs';
import { test as anyTest, expect } from 'vitest';
import { parse } from 'yaml';
import { INGRESSES, type KubeObject, POD_DISRUPTION_BUDGETS, type ResourceDef } from '../../../src/kube/index.ts';
import { JOB_EXIT } from '../../../src/lib/exit-codes.ts';
import { eventually } from '../../builders/eventually.ts';
import { anOperatedJob } from '../../builders/operated-job.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { type LuaValue, runScript } from '../../deployment/lua.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function aJobThatRuns(spec: object) {
  const { namespace, job, simulator } = await anOperatedJob(cluster!, { played: playedJobs() });
  await job.apply({ deletion: { mode: 'Cancel' }, ...spec });
  await job.phase('Running');
  const all = async (kind: ResourceDef) =>
    (await job.client.list(kind, { signal, namespace })).items as readonly (KubeObject & { spec?: unknown })[];
  return { job, simulator, all };
}

test('an Ingress follows spec.ingress, hand deletion included, without disturbing the job', async () => {
  const { job, all } = await aJobThatRuns({ ingress: { template: '{{name}}.flink.example.org' } });
  const [made] = await all(INGRESSES);
  // Which goes by this: the garbage collector removes it with its job.
  const owner = { kind: 'FlinkJob', name: 'counts', controller: true, blockOwnerDeletion: true };
  expect(made).toMatchObject({ metadata: { name: 'counts-rest', ownerReferences: [owner] } });

  const ref = { namespace: job.namespace, name: 'counts-rest' };
  await job.client.delete(INGRESSES, ref, { signal });
  await eventually(async () => (await all(INGRESSES)).some(({ metadata }) => metadata?.uid !== made?.metadata?.uid));
  await job.client.mergePatch(
    INGRESSES,
    ref,
    { metadata: { annotations: { 'cert.example.org/id': '7' } } },
    { signal },
  );

  await job.apply({ ingress: { template: 'flink.example.org/{{name}}', annotations: { 'example.org/owner': 'us' } } });
  const expected = { host: 'flink.example.org', http: { paths: [{ path: '/counts' }] } };
  await eventually(async () => {
    const [changed] = await all(INGRESSES);
    return changed?.metadata?.annotations?.['example.org/owner'] === 'us';
  });
  const [changed] = await all(INGRESSES);
  expect(changed).toMatchObject({ spec: { rules: [expected] } });
  // Of others, and left to them.
  expect(changed?.metadata?.annotations).toMatchObject({ 'cert.example.org/id': '7' });

  await job.apply({ ingress: undefined });
  await eventually(async () => (await all(INGRESSES)).length === 0);
  expect(await job.phase('Running')).toMatchObject({ attempt: { number: 1 } });
});

test('a budget goes with the standbys it was for, or it would hold up every drain', async () => {
  const { job, all } = await aJobThatRuns({ highAvailability: { standbys: 1 } });
  expect(await all(POD_DISRUPTION_BUDGETS)).toHaveLength(1);
  await job.apply({ highAvailability: { standbys: 0 } });
  await eventually(async () => (await all(POD_DISRUPTION_BUDGETS)).length === 0);
  expect(await job.phase('Running')).toMatchObject({ attempt: { number: 1 } });
});

const { data } = parse(readFileSync('manifests/argocd-cm.yaml', 'utf8')) as { data: Record<string, string> };
const HEALTH = data['resource.customizations.health.flinkjob.dev_FlinkJob'] ?? '';

test('kubectl wait and Argo CD read of a job what is true of its newest generation, through a whole life', async () => {
  const { job, simulator } = await aJobThatRuns({ upgrade: { mode: 'Stateless' }, restart: { none: {} } });
  /** As Argo CD says it; whether `kubectl wait --for=condition=Ready` ends. */
  const read = async (): Promise<string> => {
    const live = await job.read();
    const ready = live?.status?.conditions?.find(({ type }) => type === 'Ready');
    const isNew = (ready?.observedGeneration ?? 0) >= (live?.metadata?.generation ?? 0);
    const { status } = runScript(HEALTH, live as unknown as LuaValue) as { status: string };
    return `${status}, ${ready?.status === 'True' && isNew ? 'ready' : 'not ready'}`;
  };
  const becomes = (is: string) => expect.poll(read, { timeout: 60_000 }).toBe(is);
  expect(await read()).toBe('Healthy, ready');
  const hold = simulator.holdCreating('counts-2-0');
  await job.apply({ args: ['another'] });
  await becomes('Progressing, not ready');
  hold.release();
  await becomes('Healthy, ready');
  await job.apply({ state: 'Suspended' });
  await becomes('Suspended, ready');
  await job.apply({ state: 'Running' });
  await becomes('Healthy, ready');
  (await simulator.pod('counts-3-0')).end({ exitCode: JOB_EXIT.failed });
  await becomes('Degraded, not ready');
});
