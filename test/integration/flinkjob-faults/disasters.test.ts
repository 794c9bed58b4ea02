/** Disasters of the API server itself, on a cluster of this test's own: it dies, it forgets what a FlinkJob is, it goes back in time. */

import { afterAll, test as anyTest, expect, onTestFinished } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { checkpointIdOf } from '../../../src/ha/index.ts';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { AppliedJob, anOperator, definedFlinkJobs } from '../../builders/flinkjob-operator.ts';
import { aNodeSimulator } from '../../builders/node-simulator.ts';
import { clusterForTests, startCluster, TestCluster } from '../../cluster/index.ts';
import { FaultWorld, type FaultWorldOptions } from '../../soak/fault-world.ts';
import { hurriedClock } from '../../soak/hurried-clock.ts';

// Where there is none for all there is none of one's own.
const started = (await clusterForTests()) === undefined ? undefined : await startCluster();
const own = started === undefined || 'unavailable' in started ? undefined : started;
const test = anyTest.skipIf(own === undefined);
const TIMEOUT_MS = 180_000;
const { signal } = new AbortController();

afterAll(() => own?.stop());

async function aWorld(options: FaultWorldOptions = {}): Promise<FaultWorld> {
  const cluster = new TestCluster(own!.access);
  await definedFlinkJobs(cluster);
  const world = await FaultWorld.start(cluster, options);
  onTestFinished(async () => {
    // A finalizer that nobody takes off would keep the definition.
    await world.patch({ metadata: { finalizers: [] } }).catch(() => {});
    await world.delete().catch(() => {});
    await world.stop();
  });
  return world;
}

test('an API server that dies three times in a life of a job is waited for, and the life goes on where it was', {
  timeout: TIMEOUT_MS,
}, async () => {
  const world = await aWorld({ clock: hurriedClock });
  await world.apply({ upgrade: { mode: 'Savepoint' } });
  await world.until('Starting', ({ phase }) => phase === 'Starting' || phase === 'Running');
  await own!.restartServer();
  await world.runs(1, 60_000);
  await world.apply({ args: ['second'] });
  await own!.restartServer();
  await world.runs(2, 60_000);
  await own!.restartServer();
  await world.apply({ state: 'Suspended' });
  await world.until('Suspended', ({ phase }) => phase === 'Suspended', 60_000);
  expect(await world.status()).toMatchObject({ restarts: { count: 0 } });
  expect((await world.ledger()).attempts?.map(({ end }) => end?.how)).toEqual(['replaced', 'replaced']);
  expect(await world.holds()).toEqual([]);
});

test('a definition that is deleted takes its jobs with it in order, and jobs that come with it again are looked after', {
  timeout: TIMEOUT_MS,
}, async () => {
  const world = await aWorld({ clock: hurriedClock });
  await world.apply();
  await world.runs(1);
  const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/flinkjobs.flinkjob.dev';
  await world.cluster.call('DELETE', definition);
  const isGone = () =>
    world.cluster.call('GET', definition).then(
      () => false,
      () => true,
    );
  await eventually(isGone, 60_000, 100);
  expect(world.told).toContain('Cleanup');
  const { namespace } = world.ref;
  const left = await world.cluster.call<{ items: { metadata: { name: string } }[] }>(
    'GET',
    `/api/v1/namespaces/${namespace}/configmaps`,
  );
  expect(left.items.map(({ metadata }) => metadata.name)).not.toContain('counts-ha');
  await definedFlinkJobs(world.cluster);
  await eventually(
    () =>
      world.apply().then(
        () => true,
        () => false,
      ),
    30_000,
    100,
  );
  const status = await world.runs(1, 90_000);
  expect(status.restarts?.count).toBe(0);
  expect(await world.holds()).toEqual([]);
});

test('an API server that goes back in time is believed in the end, and the job runs as it is asked for there', {
  timeout: TIMEOUT_MS,
}, async () => {
  const world = await aWorld({ clock: hurriedClock });
  await world.apply({ upgrade: { mode: 'Savepoint' } });
  const before = await world.runs(1);
  await own!.backUp();
  await world.apply({ args: ['second'] });
  const newest = (await world.runs(2)).attempt?.epoch ?? 0;
  await own!.restore();
  // It has noticed: whoever led before may write no more.
  const isBack = ({ phase, revision, attempt, upgrade }: FlinkJobStatus) =>
    phase === 'Running' && revision === before.revision && upgrade === undefined && (attempt?.epoch ?? 0) > newest;
  await world.until('the first revision, above every epoch that was', isBack, 120_000);
  await world.apply({ args: ['third'] });
  await world.until(
    'the third revision',
    ({ phase, revision, desiredRevision, upgrade }) =>
      phase === 'Running' && revision === desiredRevision && upgrade === undefined,
    120_000,
  );
});

test('after the API server went back in time a job that runs as a process goes on from its newest checkpoint, not from the one on record', {
  timeout: TIMEOUT_MS,
}, async () => {
  const cluster = new TestCluster(own!.access);
  const namespace = await cluster.namespace();
  await anOperator(cluster, { namespace, clock: hurriedClock });
  await aNodeSimulator(cluster, { namespaces: [namespace], clock: hurriedClock });
  const job = new AppliedJob(cluster, namespace);
  await job.apply();
  await job.phase('Running');
  const handles = { namespace, name: `${job.name}-ha` };
  const newest = async (): Promise<number> => {
    const { data = {} } = (await job.client.get(CONFIG_MAPS, handles, { signal })) ?? {};
    return Math.max(0, ...Object.keys(data).map(checkpointIdOf));
  };
  await eventually(async () => (await newest()) > 2, 60_000, 50);
  await own!.backUp();
  const then = await newest();
  await eventually(async () => (await newest()) > then + 10, 60_000, 50);
  const before = await newest();
  const { attempt } = (await job.status()) ?? {};
  await own!.restore();
  // Whoever goes on does so above all that was: in checkpoints, and in epochs.
  await eventually(async () => (await newest().catch(() => 0)) > before, 120_000, 50);
  const { metadata } = (await job.client.get(CONFIG_MAPS, handles, { signal })) ?? {};
  expect(Number(metadata?.annotations?.['flinkjob.dev/epoch'])).toBeGreaterThan(attempt?.epoch ?? 0);
  await job.phase('Running', 60_000);
});
