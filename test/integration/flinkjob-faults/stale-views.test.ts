/** Views of the world that are old, miss something, or change hands while nobody looks. */
import { expect } from 'vitest';
import { FINALIZER } from '../../../src/api/index.ts';
import { PODS, SERVICES } from '../../../src/kube/index.ts';
import { JOB_EXIT } from '../../../src/lib/exit-codes.ts';
import { ApiProxy } from '../../faults/api/api-proxy.ts';
import { isWrite } from '../../oracles/requests.ts';
import { faultTest, lifeIn, undisturbedLife } from './fault-test.ts';

const signal = new AbortController().signal;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

faultTest('every copy is a second behind, all the time: nothing is made or removed twice', async (world) => {
  let isOver = false;
  const lagging = (async () => {
    while (!isOver) {
      const goOn = world.proxy.holdEvents();
      await pause(1_000);
      goOn();
      await pause(20);
    }
  })();
  const life = await lifeIn(world);
  isOver = true;
  await lagging;
  expect(life).toEqual(await undisturbedLife());
});

faultTest(
  'by a view of an older generation the job is kept as it was; the newer one is taken up when it is seen',
  async (world) => {
    await world.apply();
    await world.runs(1);
    // What it has written itself it has to see before it goes on.
    await world.rests();
    const { revision } = (await world.status()) ?? {};
    const goOn = world.proxy.holdEvents({ resource: 'flinkjobs' });
    await world.apply({ args: ['second'], highAvailability: { standbys: 2 } });
    (await world.simulator.pod('counts-1-0')).evict();
    await pause(1_500);
    expect(await world.status()).toMatchObject({ observedGeneration: 1, revision });
    expect((await podsOf(world)).filter((name) => !name.startsWith('counts-1-'))).toEqual([]);
    goOn();
    await world.runs(2);
    expect((await world.status())?.observedGeneration).toBe(2);
    await world.when('all that stand by', async () => (await livePods(world)).length === 3);
  },
);

faultTest(
  'an operator that still sees the pod that failed does not restart the job that another one has restarted',
  async (world) => {
    await world.apply({ restart: { fixedDelay: { attempts: 3, delay: '100ms' } } });
    await world.runs(1);
    const second = await ApiProxy.start(world.cluster.access);
    try {
      const goOn = world.proxy.holdEvents();
      await world.startOperator(second);
      (await world.simulator.pod('counts-1-0')).end({ exitCode: JOB_EXIT.failed });
      await world.runs(2);
      // It is woken by its clock, with what it saw before; and then sees all of it at once.
      await pause(700);
      goOn();
      await world.rests();
      expect(await world.status()).toMatchObject({ attempt: { number: 2 }, restarts: { count: 1 } });
      expect((await world.ledger()).attempts).toHaveLength(2);
    } finally {
      await world.stopOperators();
      await second.stop();
      await world.startOperator();
    }
  },
);

faultTest(
  'a job that is made anew under its name while the old one is still seen keeps what is its own',
  async (world) => {
    await world.apply();
    await world.runs(1);
    const before = await world.job();
    const goOn = world.proxy.holdEvents({ resource: 'flinkjobs' });
    await world.patch({ metadata: { finalizers: [] } });
    await world.delete();
    await world.gone();
    await world.apply({ args: ['another'] });
    // What is done now is done for the one that is gone.
    (await world.simulator.pod('counts-1-0')).evict();
    await pause(700);
    const uid = (await world.job())?.metadata?.uid;
    expect(uid).not.toBe(before?.metadata?.uid);
    goOn();
    await world.until('Running', ({ phase, upgrade }) => phase === 'Running' && upgrade === undefined);
    await world.rests();
    const service = await world.user.get(SERVICES, { ...world.ref, name: 'counts-rest' }, { signal });
    expect(service?.metadata?.ownerReferences).toMatchObject([{ uid }]);
    const { items } = await world.user.list(PODS, { signal, namespace: world.ref.namespace });
    const mine = items.filter(({ metadata }) => metadata?.ownerReferences?.[0]?.uid === uid);
    expect(mine).toHaveLength(1);
  },
);

faultTest(
  'what was to be said of a job that is gone is not said of one that was made anew under its name',
  async (world) => {
    await world.apply();
    await world.runs(1);
    const rule = world.proxy.inject({ subresource: 'status', fault: { do: 'hold' } });
    await world.apply({ state: 'Suspended' });
    await rule.firstHit;
    await world.stopOperators();
    await world.patch({ metadata: { finalizers: [] } });
    await world.delete();
    await world.gone();
    await world.apply({ state: 'Running' });
    rule.release();
    await world.when('an answer', () => world.requests.at(-1)?.serverStatus !== undefined);
    expect(await world.status()).toMatchObject({ observedGeneration: -1 });
    await world.startOperator();
    await world.until('Running', ({ phase, upgrade }) => phase === 'Running' && upgrade === undefined);
  },
);

faultTest('what is deleted while nobody watches, and missing from the next list, is made again once', async (world) => {
  await world.apply();
  await world.runs(1);
  const before = await world.end();
  const { namespace } = world.ref;
  world.proxy.holdEvents();
  await world.user.delete(SERVICES, { namespace, name: 'counts-rest' }, { signal });
  const fault = { do: 'answer', status: 410, reason: 'Expired' } as const;
  for (const resource of ['services', 'pods']) world.proxy.inject({ verb: 'watch', resource, fault });
  const from = world.requests.length;
  world.proxy.cutConnections();
  world.proxy.letGoOfEvents();
  await world.when(
    'the Service',
    async () => (await world.user.get(SERVICES, { namespace, name: 'counts-rest' }, { signal })) !== undefined,
  );
  expect(await world.end()).toEqual(before);
  expect(world.requests.slice(from).filter((request) => isWrite(request)).length).toBeLessThanOrEqual(2);
});

faultTest(
  'a pod that ends and is gone between two looks, of which nothing is left to tell why, is made again within its attempt',
  async (world) => {
    await world.apply();
    await world.runs(1);
    world.proxy.holdEvents({ resource: 'pods' });
    (await world.simulator.pod('counts-1-0')).kill();
    await world.user.delete(PODS, { namespace: world.ref.namespace, name: 'counts-1-0' }, { signal });
    await world.when('a pod that is gone', async () => !(await podsOf(world)).includes('counts-1-0'));
    world.proxy.inject({ verb: 'watch', resource: 'pods', fault: { do: 'answer', status: 410, reason: 'Expired' } });
    world.proxy.cutConnections();
    world.proxy.letGoOfEvents();
    const { attempt, restarts } = await world.until(
      'another leader',
      (status) => status.attempt?.leader === 'counts-1-1',
    );
    expect([attempt?.number, restarts?.count]).toEqual([1, 0]);
  },
);

faultTest('a job that comes and goes while no operator is there leaves nothing', async (world) => {
  await world.stopOperators();
  await world.apply();
  await world.delete();
  await world.gone();
  await world.startOperator();
  await world.rests();
  expect(world.requests).toEqual([]);
});

faultTest(
  'a job that is deleted and made anew while no operator is there begins with objects of its own',
  async (world) => {
    await world.apply();
    await world.runs(1);
    await world.stopOperators();
    await world.patch({ metadata: { finalizers: [] } });
    await world.delete();
    await world.gone();
    await world.apply();
    const uid = (await world.job())?.metadata?.uid;
    await world.startOperator();
    // Its pointers were left, so it goes on from them, in the attempt that nobody has closed.
    await world.runs(1);
    for (const kind of [SERVICES, PODS]) {
      const { items } = await world.user.list(kind, { signal, namespace: world.ref.namespace });
      const name = kind === PODS ? 'counts-1-0' : 'counts-rest';
      expect(items.find(({ metadata }) => metadata?.name === name)?.metadata?.ownerReferences).toMatchObject([{ uid }]);
    }
  },
);

faultTest('a condition and a label of somebody else stay where they are', async (world) => {
  await world.apply();
  await world.runs(1);
  const foreign = {
    type: 'Audited',
    status: 'True',
    reason: 'Looked',
    message: 'seen',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const patch = [{ op: 'add', path: '/status/conditions/-', value: foreign }];
  const { namespace, name } = world.ref;
  const path = `/apis/flinkjob.dev/v1alpha1/namespaces/${namespace}/flinkjobs/${name}`;
  await world.cluster.call('PATCH', `${path}/status`, patch, 'application/json-patch+json');
  await world.patch({ metadata: { labels: { team: 'a' }, finalizers: [FINALIZER, 'example.org/audit'] } });
  await world.apply({ args: ['second'] });
  const status = await world.runs(2);
  expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Audited', reason: 'Looked' }));
  expect((await world.job())?.metadata).toMatchObject({
    labels: { team: 'a' },
    finalizers: [FINALIZER, 'example.org/audit'],
  });
  await world.patch({ metadata: { finalizers: [FINALIZER] } });
});

async function podsOf(world: Parameters<Parameters<typeof faultTest>[1]>[0]): Promise<string[]> {
  const { items } = await world.user.list(PODS, { signal, namespace: world.ref.namespace });
  return items.map(({ metadata }) => metadata?.name ?? '');
}

async function livePods(world: Parameters<Parameters<typeof faultTest>[1]>[0]): Promise<string[]> {
  const { items } = await world.user.list(PODS, { signal, namespace: world.ref.namespace });
  return items.filter(({ status }) => status?.phase === 'Running').map(({ metadata }) => metadata?.name ?? '');
}
