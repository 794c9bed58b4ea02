/** Requests of the operator to the API server: what a life of a FlinkJob costs, by stage and kind, and what is said of one that was refused. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import type { KubeObject } from '../../../src/kube/index.ts';
import { AppliedJob, definedFlinkJobs, startOperator } from '../../builders/flinkjob-operator.ts';
import { aClient, aProxy, tokenConnection } from '../../builders/kube.ts';
import { aNodeSimulator } from '../../builders/node-simulator.ts';
import { runsIn } from '../../builders/operated-job.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

/** Longer than until the revision has proved itself, and the last of it is written. */
const SETTLED_MS = 1_500;

async function setUp() {
  const namespace = await cluster!.namespace();
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }), { fieldManager: 'flinkjob-operator' });
  await definedFlinkJobs(cluster!);
  const operator = await startOperator({ namespace, client, settings: { restPollMs: 60_000 } });
  onTestFinished(operator.stop);
  await aNodeSimulator(cluster!, { namespaces: [namespace], played: playedJobs() });
  const asked = () => proxy.requests.filter(({ verb }) => verb !== 'watch' && verb !== 'list');
  /** Waits until nothing is asked any more. */
  const settled = async () => {
    for (;;) {
      const last = asked().at(-1);
      const quietFor = proxy.nowMs - (last?.answeredAtMs ?? proxy.nowMs);
      if (quietFor >= SETTLED_MS) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(20, SETTLED_MS - quietFor)));
    }
  };
  /** Requests that this leads to, by kind, and how many there are. */
  const costs = async (act: () => Promise<unknown>) => {
    const from = asked().length;
    await act();
    await settled();
    const kinds: Record<string, number> = {};
    for (const { verb, resource, subresource } of asked().slice(from)) {
      const kind = [verb, resource, ...(subresource === undefined ? [] : [subresource])].join(' ');
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    return { kinds, total: Object.values(kinds).reduce((sum, count) => sum + count, 0) };
  };
  return { job: new AppliedJob(cluster!, namespace), costs, proxy, operator };
}

test('no request of a life is needless: reads of the pointers when somebody may have written them, one status per change', async () => {
  const { job, costs, proxy } = await setUp();
  const created = await costs(async () => {
    await job.apply({
      // Pods on two nodes share no files of one of them, which would be one more thing to tell.
      storage: { uri: 's3://bucket/jobs' },
      upgrade: { mode: 'Stateless' },
      deletion: { mode: 'Cancel' },
      highAvailability: { standbys: 1 },
    });
    expect((await job.until(runsIn(1))).attempt?.leader).toMatch(/^counts-1-[01]$/);
  });
  expect(created.kinds).toEqual({
    'patch flinkjobs': 1,
    'create controllerrevisions': 1,
    // Its pointers, and its revision.
    'create configmaps': 2,
    'create serviceaccounts': 1,
    'create roles': 1,
    'create rolebindings': 1,
    'create services': 1,
    'create networkpolicies': 1,
    'create poddisruptionbudgets': 1,
    'create leases': 1,
    'create pods': 2,
    // Its revision has proved itself. The first attempt was opened where the pointers were made.
    'patch configmaps': 1,
    // The job has begun to run; before its revision is noted.
    'get configmaps': 2,
    // It starts; it runs.
    'apply flinkjobs status': 2,
  });

  const upgraded = await costs(async () => {
    await job.apply({ args: ['another'] });
    await job.until(runsIn(2));
  });
  expect(upgraded.kinds).toMatchObject({
    'create controllerrevisions': 1,
    'create configmaps': 1,
    'create pods': 2,
    'deletecollection pods': 1,
    'get leases': 1,
    // The attempt is closed; the next one is opened; its revision has proved itself.
    'patch configmaps': 3,
    // It stops; it starts; it runs; it is stable.
    'apply flinkjobs status': 4,
  });
  // Before the first of those writes, when pods have ended, one after the other or both at once, when it runs, before the last.
  expect(upgraded.kinds['get configmaps']).toBeLessThanOrEqual(5);

  const suspended = await costs(async () => {
    await job.apply({ state: 'Suspended' });
    await job.phase('Suspended');
  });
  expect(suspended.kinds).toEqual({
    // Before the attempt is closed.
    'get configmaps': 1,
    'patch configmaps': 1,
    'deletecollection pods': 1,
    'apply flinkjobs status': 2,
  });

  const deleted = await costs(async () => {
    await job.delete();
    await job.untilGone();
  });
  expect(deleted.kinds).toEqual({ 'delete configmaps': 1, 'patch flinkjobs': 1 });

  // Each tells how things stood at one version of the resource, so that it is refused where a newer one was told of.
  const told = proxy.requests.filter(
    ({ resource, subresource }) => resource === 'flinkjobs' && subresource === 'status',
  );
  const versions = told.map(({ body }) => (JSON.parse(body) as KubeObject).metadata?.resourceVersion);
  expect(new Set(versions)).not.toContain(undefined);
  expect(told.every(({ status }) => status === 200)).toBe(true);
});

test('a write that another one came before is decided anew, and told of when it is done', async () => {
  const { job, proxy, operator } = await setUp();
  const told = () => operator.told.map(({ reason }) => reason);
  await job.apply({ upgrade: { mode: 'Stateless' } });
  await job.until(runsIn(1));
  await expect.poll(told).toEqual(['Submit', 'JobStatusChanged']);
  const overtaken = { do: 'answer', status: 422, reason: 'Invalid' } as const;
  const rule = proxy.inject({ verb: 'patch', resource: 'configmaps', fault: overtaken });
  await job.apply({ args: ['another'] });
  await job.until(runsIn(2));
  expect(rule.hits).toBe(1);
  await expect.poll(() => told().slice(2)).toEqual(['SpecChanged', 'Submit']);
});

test('a deletion of pods that arrives late finds nothing of the next FlinkJob of the name', async () => {
  const { job, proxy } = await setUp();
  const spec = { deletion: { mode: 'Cancel' }, highAvailability: { standbys: 1 } };
  await job.apply(spec);
  await job.until(runsIn(1));
  await job.apply({ state: 'Suspended' });
  await job.phase('Suspended');
  const late = proxy.requests.find(({ verb }) => verb === 'deletecollection')!;
  await job.delete();
  await job.untilGone();
  await job.apply({ state: 'Running' });
  await job.until(runsIn(1));
  const before = await job.pods();
  await cluster!.call('DELETE', late.path);
  const after = await job.pods();
  expect(after.map(({ metadata }) => metadata?.uid)).toEqual(before.map(({ metadata }) => metadata?.uid));
  expect(after.filter(({ metadata }) => metadata?.deletionTimestamp !== undefined)).toEqual([]);
});
