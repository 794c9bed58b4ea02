/** Objects of a job that come and go while it runs: what a hot field asks for, what nobody asks for any more, what somebody deletes. */
import { test as anyTest, expect } from 'vitest';
import { INGRESSES, type KubeObject, POD_DISRUPTION_BUDGETS, type ResourceDef } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { AppliedJob, anOperator } from '../../builders/flinkjob-operator.ts';
import { aNodeSimulator } from '../../builders/node-simulator.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function aJobThatRuns(spec: object) {
  const namespace = await cluster!.namespace();
  await anOperator(cluster!, { namespace });
  await aNodeSimulator(cluster!, { namespaces: [namespace], played: playedJobs() });
  const job = new AppliedJob(cluster!, namespace);
  await job.apply({ deletion: { mode: 'Cancel' }, ...spec });
  await job.phase('Running');
  const all = async (kind: ResourceDef) =>
    (await job.client.list(kind, { signal, namespace })).items as readonly (KubeObject & { spec?: unknown })[];
  return { job, all };
}

test('an Ingress follows spec.ingress, hand deletion included, without disturbing the job', async () => {
  const { job, all } = await aJobThatRuns({ ingress: { template: '{{name}}.flink.example.org' } });
  const [made] = await all(INGRESSES);
  expect(made).toMatchObject({ metadata: { name: 'counts-rest' } });

  await job.client.delete(INGRESSES, { namespace: job.namespace, name: 'counts-rest' }, { signal });
  await eventually(async () => (await all(INGRESSES)).some(({ metadata }) => metadata?.uid !== made?.metadata?.uid));

  await job.apply({ ingress: { template: 'flink.example.org/{{name}}', annotations: { 'example.org/owner': 'us' } } });
  const expected = { host: 'flink.example.org', http: { paths: [{ path: '/counts' }] } };
  await eventually(async () => {
    const [changed] = await all(INGRESSES);
    return changed?.metadata?.annotations?.['example.org/owner'] === 'us';
  });
  expect((await all(INGRESSES))[0]?.spec).toMatchObject({ rules: [expected] });

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
