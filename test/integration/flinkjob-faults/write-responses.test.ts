/** What the API server answers to the operator's writes, or does not: refusals, failures, answers that are lost, things in the way. */
import { expect } from 'vitest';
import { CONFIG_MAPS, type KubeObject, SERVICES } from '../../../src/kube/index.ts';
import type { PassedRequest } from '../../faults/api/api-proxy.ts';
import { isWrite } from '../../oracles/requests.ts';
import { faultTest, lifeIn, undisturbedLife } from './fault-test.ts';

const signal = new AbortController().signal;
const WRITES = ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection'] as const;
const FOR_EVER = 1_000_000;
/** Tries of one request within a second or two: doubled pauses from 5 ms on leave room for so many. */
const NOT_HOT = 14;

const isStatus = ({ subresource }: PassedRequest) => subresource === 'status';

faultTest(
  'answers to every other write are lost after it was done: reading again decides, and nothing is made twice',
  async (world) => {
    const rule = world.proxy.inject({ verb: WRITES, every: 2, times: FOR_EVER, fault: { do: 'dropAfter' } });
    expect(await lifeIn(world)).toEqual(await undisturbedLife());
    expect(rule.hits).toBeGreaterThan(9);
  },
);

faultTest('answers to the others are lost as well', async (world) => {
  const rule = world.proxy.inject({ verb: WRITES, from: 2, every: 2, times: FOR_EVER, fault: { do: 'dropAfter' } });
  expect(await lifeIn(world)).toEqual(await undisturbedLife());
  expect(rule.hits).toBeGreaterThan(9);
});

faultTest('every other write fails in the server: it is tried again, and the end is the same', async (world) => {
  const fault = { do: 'answer', status: 500, reason: 'InternalError' } as const;
  const rule = world.proxy.inject({ verb: WRITES, every: 2, times: FOR_EVER, fault });
  expect(await lifeIn(world)).toEqual(await undisturbedLife());
  expect(rule.hits).toBeGreaterThan(9);
});

faultTest(
  'a server that has too much to do and asks to be left alone for a second is, before the same is sent again',
  async (world) => {
    for (const from of [3, 9]) {
      world.proxy.inject({ verb: WRITES, from, fault: { do: 'answer', status: 429, retryAfterS: 1 } });
    }
    world.proxy.inject({ verb: WRITES, from: 12, fault: { do: 'answer', status: 503, retryAfterS: 1 } });
    expect(await lifeIn(world)).toEqual(await undisturbedLife());
    const refused = world.requests.filter(({ status }) => status === 429);
    expect(refused.length).toBe(2);
    for (const { receivedAtMs, path, body } of refused) {
      const isAgain = (request: PassedRequest) => request.path === path && request.body === body;
      const again = world.requests.find((request) => isAgain(request) && request.receivedAtMs > receivedAtMs);
      expect((again?.receivedAtMs ?? Infinity) - receivedAtMs).toBeGreaterThanOrEqual(990);
    }
  },
);

faultTest(
  'a status that somebody else has changed is computed anew, once, three times, and when that goes on without haste',
  async (world) => {
    const fault = { do: 'answer', status: 409, reason: 'Conflict' } as const;
    world.proxy.inject({ subresource: 'status', fault });
    world.proxy.inject({ subresource: 'status', from: 2, times: 3, fault });
    expect(await lifeIn(world)).toEqual(await undisturbedLife());
    const rule = world.proxy.inject({ subresource: 'status', times: FOR_EVER, fault });
    await world.apply({ args: ['third'] });
    await world.when('many refusals', () => rule.hits > 5);
    const from = world.proxy.nowMs;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const tries = world.requests.filter((request) => isStatus(request) && request.receivedAtMs > from);
    expect(tries.length).toBeLessThanOrEqual(NOT_HOT);
    world.proxy.heal();
    await world.runs(3);
  },
);

faultTest('a status that nobody finds is written again when the job is there', async (world) => {
  world.proxy.inject({ subresource: 'status', times: 2, fault: { do: 'answer', status: 404, reason: 'NotFound' } });
  expect(await lifeIn(world)).toEqual(await undisturbedLife());
});

faultTest('a job that is gone while its status is written is forgotten, with nothing made anew', async (world) => {
  await world.apply();
  await world.runs(1);
  const rule = world.proxy.inject({ subresource: 'status', fault: { do: 'hold' } });
  await world.apply({ state: 'Suspended' });
  await rule.firstHit;
  await world.patch({ metadata: { finalizers: [] } });
  await world.delete();
  await world.gone();
  rule.release();
  await world.rests();
  expect(await world.job()).toBeUndefined();
  const asked = world.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(world.requests.length).toBe(asked);
});

faultTest(
  'a right that is missing is named, other jobs and other steps go on, and all is well once it is granted',
  async (world) => {
    const fault = { do: 'answer', status: 403, reason: 'Forbidden' } as const;
    const rule = world.proxy.inject({ verb: 'create', resource: 'services', times: FOR_EVER, fault });
    await world.apply();
    const status = await world.until('Forbidden', ({ conditions = [] }) =>
      conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Forbidden'),
    );
    expect(status.lastError?.message).toContain('create services');
    expect(status.lastError?.message).toContain('grant it with a Role');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(rule.hits).toBeLessThanOrEqual(NOT_HOT);
    world.proxy.heal();
    await world.runs(1, 90_000);
    expect((await world.status())?.lastError).toBeUndefined();
  },
);

faultTest(
  'what the server does not take is not sent again in haste, is told, and an edit is looked at at once',
  async (world) => {
    const fault = { do: 'answer', status: 422, reason: 'Invalid' } as const;
    const rule = world.proxy.inject({ verb: 'create', resource: 'pods', times: FOR_EVER, fault });
    await world.apply();
    await world.until('FailedCreate', ({ conditions = [] }) =>
      conditions.some(({ type, reason }) => type === 'Ready' && reason === 'FailedCreate'),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(rule.hits).toBeLessThanOrEqual(NOT_HOT);
    world.proxy.heal();
    await world.apply({ args: ['mended'] });
    const { attempt } = await world.until('Running', ({ phase }) => phase === 'Running', 10_000);
    expect(attempt?.number).toBeLessThanOrEqual(2);
  },
);

faultTest(
  'an object of somebody else in the way is neither taken over nor removed, and is named until it is gone',
  async (world) => {
    const { namespace } = world.ref;
    const foreign = { namespace, name: 'counts-rest' };
    const made = await world.user.create(
      SERVICES,
      { metadata: foreign, spec: { ports: [{ port: 1 }] } } as KubeObject,
      { signal },
    );
    await world.apply();
    const status = await world.until('NameConflict', ({ conditions = [] }) =>
      conditions.some(({ type, reason }) => type === 'Ready' && reason === 'NameConflict'),
    );
    expect(status.lastError?.message).toContain('counts-rest');
    expect(await world.user.get(SERVICES, foreign, { signal })).toEqual(made);
    await world.user.delete(SERVICES, foreign, { signal });
    await world.poke();
    await world.runs(1);
  },
);

faultTest(
  'what an earlier job of the name has left is removed by its uid and made anew, and never adopted',
  async (world) => {
    const { namespace } = world.ref;
    const owner = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', name: 'counts', controller: true };
    const metadata = { namespace, name: 'counts-rest', ownerReferences: [{ ...owner, uid: crypto.randomUUID() }] };
    const left = await world.user.create(SERVICES, { metadata, spec: { ports: [{ port: 1 }] } } as KubeObject, {
      signal,
    });
    const { end } = await lifeIn(world);
    expect(end).toEqual((await undisturbedLife()).end);
    const now = await world.user.get(SERVICES, { namespace, name: 'counts-rest' }, { signal });
    expect(now?.metadata?.uid).not.toBe(left.metadata?.uid);
    const uid = (await world.job())?.metadata?.uid;
    expect(now?.metadata?.ownerReferences).toMatchObject([{ uid }]);
  },
);

faultTest(
  'pointers that have no room for the record are left as they are, and that is told; with room it goes on',
  async (world) => {
    await world.apply();
    await world.runs(1);
    const handles = { namespace: world.ref.namespace, name: 'counts-ha' };
    const size = JSON.stringify((await world.user.get(CONFIG_MAPS, handles, { signal }))?.data).length;
    const filling = 'x'.repeat(1_048_576 - size);
    await world.user.mergePatch(CONFIG_MAPS, handles, { data: { filling } }, { signal });
    const before = await world.ledger();
    await world.apply({ args: ['second'] });
    await world.until('StateTooLarge', ({ conditions = [] }) =>
      conditions.some(({ type, reason }) => type === 'Ready' && reason === 'StateTooLarge'),
    );
    expect(await world.ledger()).toEqual(before);
    const from = world.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(world.requests.slice(from).filter(isWrite).length).toBeLessThanOrEqual(2 * NOT_HOT);
    await world.user.mergePatch(CONFIG_MAPS, handles, { data: { filling: null } }, { signal });
    await world.poke();
    await world.runs(2);
  },
);

faultTest('in a namespace that ends nothing is made, and the job and its finalizer go', async (world) => {
  await world.apply({ deletion: { mode: 'Cancel' } });
  await world.runs(1);
  await world.cluster.call('DELETE', `/api/v1/namespaces/${world.ref.namespace}`);
  const from = world.requests.length;
  await world.delete();
  await world.gone();
  expect(world.requests.slice(from).filter(({ verb }) => verb === 'create')).toEqual([]);
});

faultTest(
  'lists that fail remove nothing: an operator that comes up to a server half awake waits for whole copies',
  async (world) => {
    await world.apply();
    await world.runs(1);
    const before = await world.end();
    await world.stopOperators();
    const made = world.creationsAndDeletions;
    const fault = { do: 'answer', status: 504, reason: 'Timeout' } as const;
    for (const resource of ['pods', 'services', 'controllerrevisions']) {
      world.proxy.inject({ verb: 'list', resource, times: 2, fault });
    }
    const from = world.requests.length;
    await world.startOperator();
    await world.when('whole copies', () => world.requests.length > from);
    expect(await world.end()).toEqual(before);
    expect(world.creationsAndDeletions).toEqual(made);
    expect(world.requests.slice(from).filter(isWrite)).toEqual([]);
  },
);

faultTest(
  'a server that takes a tenth of a second for everything is waited for, and asked no more often',
  async (world) => {
    world.proxy.inject({ times: FOR_EVER, verb: [...WRITES, 'get'], fault: { do: 'delay', ms: 100 } });
    expect(await lifeIn(world)).toEqual(await undisturbedLife());
    expect(world.requests.length).toBeLessThanOrEqual(40);
  },
);

faultTest('an operator that dies five times at the same request is followed by one that goes on', async (world) => {
  for (let death = 1; death <= 5; death++) {
    const rule = world.proxy.inject({ verb: 'create', resource: 'pods', fault: { do: 'dropBefore' } });
    if (death === 1) await world.apply({ upgrade: { mode: 'Savepoint' } });
    await rule.firstHit;
    await world.stopOperators();
    await world.startOperator();
  }
  expect((await lifeIn(world)).end).toEqual((await undisturbedLife()).end);
});
