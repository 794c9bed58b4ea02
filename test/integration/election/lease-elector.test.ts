import { test as anyTest, expect, onTestFinished } from 'vitest';
import { LeaseElector, LeaseLostError } from '../../../src/election/index.ts';
import { CONFIG_MAPS, LEASES } from '../../../src/kube/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { LeaseTimes } from '../../../src/lib/elector.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, aProxy, tokenConnection } from '../../builders/kube.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import { clusterForTests } from '../../cluster/index.ts';
import type { ApiProxy } from '../../faults/api/api-proxy.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

/** Records hold whole seconds, so a lease of the tests lasts one. */
const TIMES: LeaseTimes = { durationMs: 1_000, renewDeadlineMs: 800, retryMs: 100 };
const name = 'flights-leader';

async function setUp(times = TIMES) {
  const namespace = await cluster!.namespace();
  const direct = aClient(tokenConnection(cluster!));
  let count = 0;
  const contender = async (clock: Clock = systemClock, own = times) => {
    const proxy = await aProxy(cluster!);
    count += 1;
    const seeded = new SeededRandom(count);
    const random = () => seeded.next();
    const identity = `process-${count}`;
    const client = aClient(tokenConnection(cluster!, { server: proxy.url }), { random });
    const elector = new LeaseElector({ client, namespace, name, identity, times: own, clock, random });
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    return new Contender(elector, { proxy, client, identity, stop });
  };
  const lease = async () => (await direct.get(LEASES, { namespace, name }, { signal }))?.spec;
  const edit = (spec: object) => direct.mergePatch(LEASES, { namespace, name }, { spec }, { signal });
  return { namespace, direct, contender, lease, edit };
}

/** A process that contends. */
class Contender {
  readonly elector: LeaseElector;
  readonly proxy: ApiProxy;
  readonly client: ReturnType<typeof aClient>;
  readonly identity: string;
  private readonly stop: AbortController;
  /** What ended its term, and when by its clock. */
  loss: Promise<{ error: Error | undefined; at: number }> | undefined;

  constructor(
    elector: LeaseElector,
    parts: { proxy: ApiProxy; client: ReturnType<typeof aClient>; identity: string; stop: AbortController },
  ) {
    this.elector = elector;
    this.proxy = parts.proxy;
    this.client = parts.client;
    this.identity = parts.identity;
    this.stop = parts.stop;
  }

  /** Takes the lease and keeps it. */
  async lead(): Promise<{ transitions: number; at: number }> {
    const won = await this.elector.acquire(this.stop.signal);
    if (won === undefined) throw new Error(`${this.identity} gave up`);
    const at = performance.now();
    this.loss = this.elector.hold(this.stop.signal).then((error) => ({ error, at: performance.now() }));
    return { ...won, at };
  }

  /** Ends in order. */
  async leave(): Promise<void> {
    this.stop.abort();
    await this.loss;
    await this.elector.release();
  }
}

test('a free lease is taken with two requests, and its record is the one every elector understands', async () => {
  const { contender, lease } = await setUp({ durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 });
  const one = await contender();
  expect(await one.lead()).toMatchObject({ transitions: 0 });
  expect(one.proxy.requests.map(({ verb }) => verb)).toEqual(['get', 'create']);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(await lease()).toEqual({
    holderIdentity: 'process-1',
    leaseDurationSeconds: 15,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: 0,
  });
});

test('a lease given back is taken within a tenth of a second, and the transition is counted', async () => {
  const { contender, lease } = await setUp({ durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 });
  const [first, second] = [await contender(), await contender()];
  await first.lead();
  const waiting = second.lead();
  await eventually(() => second.proxy.count({ verb: 'watch' }) === 1);
  await first.leave();
  const released = performance.now();
  const { at, transitions } = await waiting;
  expect(at - released).toBeLessThan(500);
  expect(transitions).toBe(1);
  expect(await lease()).toMatchObject({ holderIdentity: 'process-2', leaseTransitions: 1 });
  expect(second.proxy.count({ verb: 'update' })).toBe(1);
});

test('a lease whose holder has gone without a word is taken when it has run out, and not before', async () => {
  const { contender } = await setUp();
  const [first, second] = [await contender(), await contender()];
  await first.elector.acquire(signal);
  const taken = performance.now();
  const { at } = await second.lead();
  expect(at - taken).toBeGreaterThan(950);
  expect(at - taken).toBeLessThan(3_000);
  expect(first.elector.isHeld()).toBe(false);
});

test('of five that start on a lease that does not exist one makes it, and the others write nothing', async () => {
  const { contender } = await setUp();
  const five = await Promise.all(Array.from({ length: 5 }, () => contender()));
  const started = five.map((one) => one.lead().catch(() => undefined));
  await Promise.race(started);
  await eventually(() => five.every((one) => one.proxy.count({ verb: 'watch' }) > 0 || one.elector.isHeld()));
  expect(five.filter((one) => one.elector.isHeld())).toHaveLength(1);
  const created = five.flatMap((one) =>
    one.proxy.requests.filter(({ verb, serverStatus }) => verb === 'create' && serverStatus === 201),
  );
  expect(created).toHaveLength(1);
  for (const one of five) await one.leave();
});

test('clocks that differ by hours change nothing', async () => {
  const { contender } = await setUp();
  const shifted = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });
  const [slow, fast] = [await contender(shifted(-3_600_000)), await contender(shifted(3_600_000))];
  await slow.lead();
  const waiting = fast.lead().catch(() => undefined);
  await eventually(() => slow.proxy.count({ verb: 'update' }) >= 4);
  expect([slow.elector.isHeld(), fast.elector.isHeld()]).toEqual([true, false]);
  await fast.leave();
  await waiting;
});

for (const fault of [
  { do: 'dropAfter' },
  { do: 'dropBefore' },
  { do: 'hang' },
  { do: 'answer', status: 409, reason: 'Conflict' },
  { do: 'answer', status: 429, retryAfterS: 0 },
  { do: 'answer', status: 500 },
] as const) {
  test(`renewals that meet ${JSON.stringify(fault)} for less than the deadline lose nothing`, async () => {
    const { contender, lease } = await setUp({ durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 100 });
    const one = await contender();
    await one.lead();
    const rule = one.proxy.inject({ verb: 'update', fault, times: 2 });
    await eventually(() => rule.hits === 2);
    const before = (await lease())?.renewTime ?? '';
    await eventually(async () => ((await lease())?.renewTime ?? '') > before);
    expect(one.elector.isHeld()).toBe(true);
    expect(await lease()).toMatchObject({ holderIdentity: 'process-1', leaseTransitions: 0 });
  });
}

test('a lease is renewed although every other connection is busy and the server refuses more', async () => {
  const { contender, lease, namespace } = await setUp({ durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 100 });
  const one = await contender();
  await one.lead();
  one.proxy.inject({
    resource: 'configmaps',
    fault: { do: 'answer', status: 429, retryAfterS: 1 },
    from: 25,
    times: 1e9,
  });
  one.proxy.inject({ resource: 'configmaps', fault: { do: 'hang' }, times: 1e9 });
  const flood = new AbortController();
  const writes = Array.from({ length: 500 }, (_, i) =>
    one.client.create(CONFIG_MAPS, aConfigMap(namespace, `flood-${i}`), { signal: flood.signal }).catch(() => {}),
  );
  const before = one.proxy.count({ verb: 'update' });
  await eventually(() => one.proxy.count({ verb: 'update' }) >= before + 4);
  expect(one.elector.isHeld()).toBe(true);
  expect(await lease()).toMatchObject({ holderIdentity: 'process-1', leaseTransitions: 0 });
  flood.abort();
  await Promise.all(writes);
});

test('the answer to taking it is lost: looking settles it', async () => {
  const { contender, lease } = await setUp();
  const one = await contender();
  one.proxy.inject({ verb: 'create', fault: { do: 'dropAfter' } });
  expect(await one.lead()).toMatchObject({ transitions: 0 });
  expect(one.proxy.count({ verb: 'create' })).toBe(1);
  expect(await lease()).toMatchObject({ holderIdentity: 'process-1' });
});

test.for([{ do: 'answer', status: 500 }, { do: 'hang' }] as const)(
  'renewals that meet %j beyond the deadline: the gate closes first, then the loss is told, then another leads',
  async (fault) => {
    const { contender } = await setUp({ durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 100 });
    const [first, second] = [await contender(), await contender()];
    const { at: since } = await first.lead();
    const waiting = second.lead();
    await eventually(() => second.proxy.count({ verb: 'watch' }) === 1);
    let closedAt = Number.POSITIVE_INFINITY;
    first.elector.gate.closed.addEventListener('abort', () => {
      closedAt = performance.now();
    });
    first.proxy.inject({ resource: 'leases', fault, times: 1000 });
    const { error, at: toldAt } = await first.loss!;
    const { at: takenAt } = await waiting;
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error?.message).toMatch(/flights-leader of process-1 is lost: it could not be renewed in time$/);
    expect(closedAt).toBeLessThanOrEqual(toldAt);
    expect(closedAt).toBeLessThan(takenAt);
    // At the deadline, and not when the last request gave up.
    expect(toldAt - since).toBeLessThan(2_800);
  },
);

test('connections that have gone quiet cost the lease only when nothing else gets through either', async () => {
  const { contender } = await setUp({ durationMs: 4_000, renewDeadlineMs: 3_000, retryMs: 100 });
  const one = await contender();
  await one.lead();
  await eventually(() => one.proxy.count({ verb: 'update' }) >= 1);
  // Every connection there is; new ones work.
  one.proxy.freeze();
  one.proxy.thaw();
  const renewals = one.proxy.count({ verb: 'update' });
  await eventually(() => one.proxy.count({ verb: 'update' }) > renewals + 1);
  expect(one.elector.isHeld()).toBe(true);
});

test('the gate refuses writes as soon as the deadline has passed, also while nobody has noticed', async () => {
  const { contender, namespace } = await setUp();
  let stoppedFor = 0;
  const clock: Clock = { ...systemClock, monotonic: () => performance.now() + stoppedFor };
  const one = await contender(clock);
  await one.elector.acquire(signal);
  const gated = one.client.gatedBy(one.elector.gate);
  await gated.create(CONFIG_MAPS, aConfigMap(namespace, 'first'), { signal });
  // As after SIGSTOP and SIGCONT: no timer has run yet.
  stoppedFor = 801;
  const late = gated.create(CONFIG_MAPS, aConfigMap(namespace, 'late'), { signal });
  await expect(late).rejects.toMatchObject({ code: 'KUBE_WRITE_GATE_CLOSED', outcome: 'notApplied' });
  expect(one.proxy.count({ verb: 'create', resource: 'configmaps' })).toBe(1);
});

test('a write under way is abandoned when the lease is lost', async () => {
  const { contender, namespace, edit } = await setUp();
  const one = await contender();
  await one.lead();
  const rule = one.proxy.inject({ resource: 'configmaps', fault: { do: 'hold' } });
  const gated = one.client.gatedBy(one.elector.gate);
  const write = gated.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }).catch((error: unknown) => error);
  await rule.firstHit;
  await edit({ holderIdentity: 'somebody' });
  expect((await one.loss!).error?.message).toMatch(/somebody holds it$/);
  expect(await write).toMatchObject({ outcome: 'unknown' });
});

test('a lease that was emptied is lost; one that was deleted is made again, and counts on', async () => {
  const { contender, direct, edit, lease, namespace } = await setUp();
  const [first, second] = [await contender(), await contender()];
  await first.lead();
  await edit({ holderIdentity: '', leaseDurationSeconds: 1 });
  expect((await first.loss!).error?.message).toMatch(/it was emptied$/);
  expect(await second.lead()).toMatchObject({ transitions: 1 });
  await direct.delete(LEASES, { namespace, name }, { signal });
  await eventually(async () => (await lease())?.holderIdentity === 'process-2');
  expect(await lease()).toMatchObject({ leaseTransitions: 1 });
  expect(second.elector.isHeld()).toBe(true);
});

test('a record edited beyond reason is overcome', async () => {
  const { contender, edit, lease } = await setUp();
  const one = await contender();
  await one.lead();
  await edit({ leaseDurationSeconds: 1_000_000_000, renewTime: '2999-01-01T00:00:00.000000Z' });
  await eventually(async () => (await lease())?.leaseDurationSeconds === 1);
  expect(one.elector.isHeld()).toBe(true);
});

test('whoever has lost or given back takes nothing more, and leaves the lease of another alone', async () => {
  const { contender, edit, lease } = await setUp();
  const one = await contender();
  await one.lead();
  await edit({ holderIdentity: 'somebody' });
  await one.loss;
  await one.elector.release();
  expect(await lease()).toMatchObject({ holderIdentity: 'somebody' });
  expect(await one.elector.acquire(signal)).toBeUndefined();
});

test('whoever is told to stop in the moment it wins gives it back', async () => {
  const { contender, lease } = await setUp({ durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 });
  const one = await contender();
  const stop = new AbortController();
  const rule = one.proxy.inject({ verb: 'create', fault: { do: 'hold' } });
  const acquired = one.elector.acquire(stop.signal);
  await rule.firstHit;
  stop.abort();
  rule.release();
  expect(await acquired).toBeUndefined();
  expect(await lease()).toMatchObject({ holderIdentity: '' });
});

test('a standby that cannot watch asks from time to time, and takes over without waiting for the lease to run out', async () => {
  const { contender } = await setUp({ durationMs: 9_000, renewDeadlineMs: 6_000, retryMs: 100 });
  const [first, second] = [await contender(), await contender()];
  await first.lead();
  second.proxy.inject({
    verb: ['list', 'watch'],
    resource: 'leases',
    fault: { do: 'answer', status: 403 },
    times: 1000,
  });
  const waiting = second.lead();
  await eventually(() => second.proxy.count({ verb: 'get' }) > 3);
  await first.leave();
  const released = performance.now();
  const { at } = await waiting;
  expect(at - released).toBeLessThan(3_000);
  expect(second.proxy.count({ verb: 'update' })).toBe(1);
});

test('holding costs a request per half deadline, and standing by costs none', async () => {
  const { contender } = await setUp({ durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 });
  const [first, second] = [await contender(), await contender()];
  await first.lead();
  const waiting = second.lead().catch(() => undefined);
  await eventually(() => second.proxy.count({ verb: 'watch' }) === 1);
  const standbyRequests = second.proxy.requests.length;
  const started = first.proxy.requests.length;
  const since = performance.now();
  await eventually(() => first.proxy.requests.length >= started + 4);
  expect(performance.now() - since).toBeGreaterThan(2_500);
  expect(second.proxy.requests.length).toBe(standbyRequests);
  await second.leave();
  await waiting;
});

test.each([403, 404, 422])(
  'a lease that the server refuses to give (%s) is asked for from time to time, not without end',
  async (status) => {
    const { contender } = await setUp();
    const refused = await contender();
    const rule = refused.proxy.inject({
      verb: 'create',
      resource: 'leases',
      fault: { do: 'answer', status },
      times: 4,
    });
    await refused.lead();
    expect(rule.hits).toBe(4);
    const asked = refused.proxy.requests
      .filter(({ verb }) => verb === 'create')
      .map(({ receivedAtMs }) => receivedAtMs);
    const pauses = asked.slice(1).map((time, index) => time - asked[index]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(TIMES.retryMs - 5);
  },
);
