import { test as anyTest, expect } from 'vitest';
import { ApiError, CONFIG_MAPS } from '../../../src/kube/index.ts';
import type { WriteGate } from '../../../src/lib/write-gate.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, aProxy, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';
import type { Fault } from '../../faults/api/rules.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function setUp() {
  const namespace = await cluster!.namespace();
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const direct = aClient(tokenConnection(cluster!));
  const ref = { namespace, name: 'a' };
  const create = (deadlineMs = 5_000) => client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal, deadlineMs });
  const isThere = async () => (await direct.get(CONFIG_MAPS, ref, { signal })) !== undefined;
  return { namespace, proxy, client, direct, ref, create, isThere };
}

const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof ApiError ? error : Promise.reject(error)),
  );

const WRITES: readonly { fault: Fault; outcome: 'notApplied' | 'unknown'; applied: boolean; code: string }[] = [
  { fault: { do: 'dropBefore' }, outcome: 'unknown', applied: false, code: 'KUBE_NO_ANSWER' },
  { fault: { do: 'dropAfter' }, outcome: 'unknown', applied: true, code: 'KUBE_NO_ANSWER' },
  { fault: { do: 'truncate', bytes: 20 }, outcome: 'unknown', applied: true, code: 'KUBE_NO_ANSWER' },
  { fault: { do: 'hang' }, outcome: 'unknown', applied: false, code: 'KUBE_DEADLINE' },
  { fault: { do: 'hang', forward: true }, outcome: 'unknown', applied: true, code: 'KUBE_DEADLINE' },
  { fault: { do: 'answer', status: 500 }, outcome: 'unknown', applied: false, code: 'KUBE_SERVER_ERROR' },
  {
    fault: { do: 'answer', status: 503, body: 'no backend' },
    outcome: 'unknown',
    applied: false,
    code: 'KUBE_SERVER_ERROR',
  },
  { fault: { do: 'answer', status: 200, body: '{}' }, outcome: 'unknown', applied: false, code: 'KUBE_NO_ANSWER' },
  { fault: { do: 'answer', status: 200, body: 'null' }, outcome: 'unknown', applied: false, code: 'KUBE_NO_ANSWER' },
  {
    fault: { do: 'answer', status: 409, reason: 'Conflict' },
    outcome: 'notApplied',
    applied: false,
    code: 'KUBE_REFUSED',
  },
  {
    fault: { do: 'answer', status: 422, reason: 'Invalid' },
    outcome: 'notApplied',
    applied: false,
    code: 'KUBE_REFUSED',
  },
];

for (const { fault, outcome, applied, code } of WRITES) {
  test(`a write that meets ${JSON.stringify(fault)} is ${outcome}, sent once, and ${applied ? 'there' : 'not there'}`, async () => {
    const { proxy, create, isThere } = await setUp();
    proxy.inject({ verb: 'create', fault });
    const failed = await outcomeOf(create(1_000));
    expect(failed).toMatchObject({ outcome, code });
    expect(proxy.count({ verb: 'create' })).toBe(1);
    expect(await isThere()).toBe(applied);
  });
}

test('a server that is not there was sent nothing, so a write is surely not applied', async () => {
  const { proxy, create } = await setUp();
  await proxy.goDown();
  const failed = await outcomeOf(create(3_000));
  expect(failed).toMatchObject({ outcome: 'notApplied', code: 'KUBE_NO_ANSWER' });
  expect((failed as ApiError).message).toMatch(/nothing was sent$/);
  await proxy.comeBack();
  expect(await outcomeOf(create())).toBe('done');
});

test('a write is tried again when the server asks for it, and not before the time it names', async () => {
  const { proxy, create, isThere } = await setUp();
  proxy.inject({ verb: 'create', fault: { do: 'answer', status: 429, retryAfterS: 1 } });
  expect(await outcomeOf(create())).toBe('done');
  const [first, second] = proxy.requests;
  expect((second?.receivedAtMs ?? 0) - (first?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(990);
  expect(await isThere()).toBe(true);
});

test('a wait longer than the deadline ends the call at once, with what the server asked for', async () => {
  const { proxy, create } = await setUp();
  proxy.inject({ verb: 'create', fault: { do: 'answer', status: 429, retryAfterS: 60 } });
  const failed = await outcomeOf(create(2_000));
  expect(failed).toMatchObject({ isTooManyRequests: true, retryAfterMs: 60_000, outcome: 'notApplied' });
  expect(proxy.requests).toHaveLength(1);
});

test.for([
  { do: 'dropBefore' },
  { do: 'dropAfter' },
  { do: 'truncate', bytes: 5 },
  { do: 'answer', status: 500 },
  { do: 'answer', status: 503, retryAfterS: 0 },
] satisfies Fault[])('a read that meets %j twice is repeated, and succeeds', async (fault) => {
  const { proxy, client, create, ref } = await setUp();
  await create();
  proxy.inject({ verb: 'get', fault, times: 2 });
  expect((await client.get(CONFIG_MAPS, ref, { signal }))?.metadata?.name).toBe('a');
  expect(proxy.count({ verb: 'get' })).toBe(3);
});

test('a call ends with its deadline while credentials are waited for, and nothing was sent', async () => {
  const never = { ...tokenConnection(cluster!), credentials: () => new Promise<never>(() => {}) };
  const client = aClient(never);
  const waiting = [
    client.get(CONFIG_MAPS, { namespace: 'default', name: 'a' }, { signal, deadlineMs: 200 }),
    client.create(CONFIG_MAPS, aConfigMap('default', 'a'), { signal, deadlineMs: 200 }),
    client.openWatch(CONFIG_MAPS, { signal, deadlineMs: 200, resourceVersion: '0', timeoutSeconds: 1 }),
  ];
  for (const failed of await Promise.all(waiting.map(outcomeOf))) {
    expect(failed).toMatchObject({ code: 'KUBE_DEADLINE', outcome: 'notApplied' });
  }
});

test('a list that is answered with something else than a list is an error of the call', async () => {
  const { proxy, client } = await setUp();
  for (const body of ['{}', 'null', '[]', '{"metadata":null}']) {
    proxy.inject({ verb: 'list', fault: { do: 'answer', status: 200, body }, times: 4 });
    const failed = await outcomeOf(client.list(CONFIG_MAPS, { namespace: 'default', signal }));
    expect(failed).toMatchObject({
      code: 'KUBE_NO_ANSWER',
      message: expect.stringContaining('no object of Kubernetes'),
    });
  }
});

test('a read that fails again and again gives up after four tries', async () => {
  const { proxy, client, ref } = await setUp();
  proxy.inject({ verb: 'get', fault: { do: 'answer', status: 500 }, times: 100 });
  expect(await outcomeOf(client.get(CONFIG_MAPS, ref, { signal }))).toMatchObject({
    status: 500,
    outcome: 'notApplied',
  });
  expect(proxy.count({ verb: 'get' })).toBe(4);
});

test('a call ends with its deadline on connections that have gone quiet, and the next one does not use them', async () => {
  const { proxy, client, create, ref } = await setUp();
  await create();
  await Promise.all(Array.from({ length: 20 }, () => client.get(CONFIG_MAPS, ref, { signal })));
  proxy.freeze();
  const started = performance.now();
  expect(await outcomeOf(client.get(CONFIG_MAPS, ref, { signal, deadlineMs: 300 }))).toMatchObject({
    code: 'KUBE_DEADLINE',
  });
  expect(performance.now() - started).toBeLessThan(2_000);
  proxy.thaw();
  expect((await client.get(CONFIG_MAPS, ref, { signal, deadlineMs: 5_000 }))?.metadata?.name).toBe('a');
});

test('a call that is abandoned ends at once, and says whether it was sent', async () => {
  const { proxy, client, namespace } = await setUp();
  const rule = proxy.inject({ verb: 'create', fault: { do: 'hang' } });
  const stop = new AbortController();
  const call = outcomeOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal: stop.signal }));
  await rule.firstHit;
  stop.abort();
  expect(await call).toMatchObject({ code: 'KUBE_ABORTED', outcome: 'unknown' });
  const unsent = client.create(CONFIG_MAPS, aConfigMap(namespace, 'b'), { signal: stop.signal });
  expect(await outcomeOf(unsent)).toMatchObject({ code: 'KUBE_ABORTED', outcome: 'notApplied' });
});

test('a request that waits for a connection when it is abandoned is never sent', async () => {
  const { proxy, namespace } = await setUp();
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }), { connections: 1 });
  const rule = proxy.inject({ verb: 'create', fault: { do: 'hold' } });
  const first = outcomeOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'first'), { signal }));
  await rule.firstHit;
  const queued = client.create(CONFIG_MAPS, aConfigMap(namespace, 'queued'), { signal, deadlineMs: 200 });
  expect(await outcomeOf(queued)).toMatchObject({ code: 'KUBE_DEADLINE', outcome: 'notApplied' });
  rule.release();
  expect(await first).toBe('done');
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'last'), { signal });
  const made = await client.list(CONFIG_MAPS, { signal, namespace });
  expect(made.items.map(({ metadata }) => metadata?.name)).toEqual(['first', 'last']);
});

test('pages that expired on the way make a list start again, and it is complete', async () => {
  const { proxy, client, direct, namespace } = await setUp();
  for (let index = 0; index < 5; index += 1) {
    await direct.create(CONFIG_MAPS, aConfigMap(namespace, `map-${index}`), { signal });
  }
  proxy.inject({ verb: 'list', from: 2, fault: { do: 'answer', status: 410, reason: 'Expired' } });
  const all = await client.list(CONFIG_MAPS, { signal, namespace, limit: 2 });
  expect(all.items).toHaveLength(5);
  expect(proxy.count({ verb: 'list' })).toBe(3);
});

test('a token that the server no longer takes is asked for anew, once', async () => {
  const { proxy, namespace } = await setUp();
  await cluster!.serviceAccount(namespace, 'worker');
  const tokens = [await cluster!.tokenFor(namespace, 'worker', -120_000), await cluster!.tokenFor(namespace, 'worker')];
  let asked = 0;
  const token = () => tokens[asked++] ?? '';
  const client = aClient(tokenConnection(cluster!, { server: proxy.url, token }));
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  expect(asked).toBe(2);
  expect(proxy.requests.map(({ serverStatus }) => serverStatus)).toEqual([401, 201]);
});

test('credentials that stay refused are an error that says so', async () => {
  const { proxy, namespace } = await setUp();
  const client = aClient(tokenConnection(cluster!, { server: proxy.url, token: () => 'nobody' }));
  const failed = await outcomeOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }));
  expect(failed).toMatchObject({ isUnauthorized: true, outcome: 'notApplied' });
  expect(proxy.requests).toHaveLength(2);
});

/** A gate that is open for so long. */
class TestGate implements WriteGate {
  private readonly end = new AbortController();
  leftMs = 10_000;
  remainingMs(): number {
    return this.leftMs;
  }
  get closed(): AbortSignal {
    return this.end.signal;
  }
  close(): void {
    this.leftMs = 0;
    this.end.abort();
  }
}

test('a closed gate lets reads through and sends no write', async () => {
  const { proxy, client, namespace, ref } = await setUp();
  const gate = new TestGate();
  gate.close();
  const gated = client.gatedBy(gate);
  const refused = { code: 'KUBE_WRITE_GATE_CLOSED', outcome: 'notApplied' };
  expect(await outcomeOf(gated.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }))).toMatchObject(refused);
  expect(await outcomeOf(gated.delete(CONFIG_MAPS, ref, { signal }))).toMatchObject(refused);
  expect(await outcomeOf(gated.jsonPatch(CONFIG_MAPS, ref, [], { signal }))).toMatchObject(refused);
  expect(await gated.get(CONFIG_MAPS, ref, { signal })).toBeUndefined();
  expect(proxy.requests.map(({ verb }) => verb)).toEqual(['get']);
});

test('a gate that closes while a write is on its way ends the call, and its outcome is unknown', async () => {
  const { proxy, client, namespace, isThere } = await setUp();
  const gate = new TestGate();
  const rule = proxy.inject({ verb: 'create', fault: { do: 'hold' } });
  const call = outcomeOf(client.gatedBy(gate).create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }));
  await rule.firstHit;
  gate.close();
  expect(await call).toMatchObject({ code: 'KUBE_WRITE_GATE_CLOSED', outcome: 'unknown' });
  rule.release();
  await eventually(isThere);
});

test('a gate that closed while a write waited for a connection keeps it from being sent', async () => {
  const { proxy, namespace } = await setUp();
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }), { connections: 1 });
  const gate = new TestGate();
  const rule = proxy.inject({ verb: 'create', fault: { do: 'hold' } });
  const first = outcomeOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'first'), { signal }));
  await rule.firstHit;
  const queued = outcomeOf(client.gatedBy(gate).create(CONFIG_MAPS, aConfigMap(namespace, 'queued'), { signal }));
  // The lease runs out without anybody noticing: only the last check can.
  gate.leftMs = 0;
  rule.release();
  expect(await first).toBe('done');
  expect(await queued).toMatchObject({ code: 'KUBE_WRITE_GATE_CLOSED', outcome: 'notApplied' });
  expect(proxy.count({ verb: 'create' })).toBe(1);
});

test('a write waits for its answer no longer than the lease lasts', async () => {
  const { proxy, client, namespace } = await setUp();
  const gate = new TestGate();
  gate.leftMs = 200;
  proxy.inject({ verb: 'create', fault: { do: 'hang' } });
  const failed = await outcomeOf(client.gatedBy(gate).create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }));
  expect(failed).toMatchObject({ code: 'KUBE_DEADLINE', outcome: 'unknown' });
});

test('the lease lane passes by a crowd of slow requests', async () => {
  const { proxy, client, ref } = await setUp();
  proxy.inject({ verb: 'get', resource: 'configmaps', fault: { do: 'hang' }, times: 100 });
  const stop = new AbortController();
  const crowd = Array.from({ length: 100 }, () => outcomeOf(client.get(CONFIG_MAPS, ref, { signal: stop.signal })));
  await eventually(() => proxy.count({ resource: 'configmaps' }) > 20);
  const version = await client.onLeaseLane().serverVersion({ signal, deadlineMs: 2_000 });
  expect(version).toMatch(/^v1/);
  stop.abort();
  await Promise.all(crowd);
});

test('five hundred requests at once open no more than the allowed connections', async () => {
  const { proxy, client, ref, create } = await setUp();
  await create();
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => client.get(CONFIG_MAPS, ref, { signal, deadlineMs: 60_000 })),
  );
  expect(answers.every((answer) => answer?.metadata?.name === 'a')).toBe(true);
  expect(proxy.count({ verb: 'get' })).toBe(500);
  expect(proxy.peakConnections).toBeLessThanOrEqual(24);
});

test('requests one after another share a few connections', async () => {
  const { proxy, client, ref } = await setUp();
  for (let index = 0; index < 50; index += 1) await client.get(CONFIG_MAPS, ref, { signal });
  expect(proxy.peakConnections).toBeLessThanOrEqual(3);
});
