import { test as anyTest, expect, onTestFinished } from 'vitest';
import { audit } from '../../../src/controller/audit.ts';
import { Informer } from '../../../src/controller/informer.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../../src/kube/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, aProxy, tokenConnection } from '../../builders/kube.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { MemoryMetrics } from '../../controller/builders.ts';
import type { Fault } from '../../faults/api/rules.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

const isMine = ({ metadata }: ConfigMap) => metadata?.name !== 'kube-root-ca.crt';
const text = ({ metadata, data }: ConfigMap) => `${metadata?.name}=${data?.v}`;

/** Pauses are a thirtieth. */
const hastyClock: Clock = { ...systemClock, setTimer: (ms, callback) => systemClock.setTimer(ms / 30, callback) };

async function setUp() {
  const namespace = await cluster!.namespace();
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const direct = aClient(tokenConnection(cluster!));
  const write = (name: string, v: string) => direct.apply(CONFIG_MAPS, aConfigMap(namespace, name, { v }), { signal });
  const remove = (name: string) => direct.delete(CONFIG_MAPS, { namespace, name }, { signal });
  const metrics = new MemoryMetrics();
  type Started = { silenceMs?: number; clock?: Clock; labelSelector?: string; wentBack?: () => void };
  const start = ({ labelSelector, ...options }: Started = {}) => {
    const stop = new AbortController();
    const informer = new Informer<ConfigMap, 'v'>({
      client,
      resource: CONFIG_MAPS,
      selection: { namespace, ...(labelSelector !== undefined && { labelSelector }) },
      indexes: { v: ({ data }) => (data?.v === undefined ? [] : [data.v]) },
      clock: systemClock,
      // Pauses at their shortest.
      random: () => 0,
      metrics,
      freeze: true,
      ...options,
    });
    const told: string[] = [];
    informer.addHandler({
      onAdd: (object, isInitial) => isMine(object) && told.push(`${isInitial ? 'initial' : 'add'} ${text(object)}`),
      onUpdate: (old, object) => isMine(object) && told.push(`update ${text(old)} to ${object.data?.v}`),
      onDelete: (last, unknown) => isMine(last) && told.push(`${unknown ? 'lost' : 'delete'} ${text(last)}`),
    });
    const running = informer.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    const copy = () => [...informer.store.values()].filter(isMine).map(text).sort();
    return { informer, told, copy, running, stop };
  };
  const isWatched = () => proxy.count({ verb: 'watch' }) > 0;
  const count = (name: string, labels = {}) => metrics.read(`informer_${name}`, { resource: 'configmaps', ...labels });
  return { namespace, proxy, direct, write, remove, start, isWatched, count, metrics };
}

test('tells what there is, says that it is whole, and then tells every change with what was before', async () => {
  const { write, remove, start, isWatched, count } = await setUp();
  await write('a', '1');
  const { informer, told, copy } = start();
  expect(informer.hasSynced).toBe(false);
  await informer.whenSynced;
  expect(told).toEqual(['initial a=1']);
  await eventually(isWatched);
  await write('b', '1');
  await write('a', '2');
  const { metadata } = await write('a', '3');
  await remove('b');
  await eventually(() => told.length === 5);
  expect(told.slice(1)).toEqual(['add b=1', 'update a=1 to 2', 'update a=2 to 3', 'delete b=1']);
  expect(copy()).toEqual(['a=3']);
  expect(informer.store.byIndex('v', '3').map(text)).toEqual(['a=3']);
  expect(informer.store.byIndex('v', '1')).toEqual([]);
  expect(informer.hasSeen(metadata?.resourceVersion ?? '')).toBe(true);
  expect(informer.store.get([...informer.store.keys()][0]!)?.metadata).not.toHaveProperty('managedFields');
  expect(count('synced')).toBe(1);
});

test('a handler that comes later is told of all there is, and of nothing after it left', async () => {
  const { write, start, isWatched } = await setUp();
  await write('a', '1');
  const { informer, told } = start();
  await informer.whenSynced;
  await eventually(isWatched);
  const late: string[] = [];
  const leave = informer.addHandler({
    onAdd: (object, isInitial) => isMine(object) && late.push(`${isInitial ? 'initial' : 'add'} ${text(object)}`),
    onUpdate: () => {},
    onDelete: () => {},
  });
  await write('b', '1');
  await eventually(() => late.length === 2);
  leave();
  await write('c', '1');
  await eventually(() => told.includes('add c=1'));
  expect(late).toEqual(['initial a=1', 'add b=1']);
});

const ENDS: readonly { name: string; fault: Fault; reason: string }[] = [
  { name: 'a reset', fault: { do: 'watch', afterLines: 1, ending: 'reset' }, reason: 'watchFailed' },
  { name: 'a reset in a line', fault: { do: 'watch', afterLines: 1, ending: 'resetInLine' }, reason: 'watchFailed' },
  { name: 'garbage', fault: { do: 'watch', afterLines: 1, ending: { line: '{"type":"ADD' } }, reason: 'garbled' },
  { name: '429', fault: { do: 'answer', status: 429, retryAfterS: 1 }, reason: 'watchFailed' },
  { name: '503', fault: { do: 'answer', status: 503 }, reason: 'watchFailed' },
];

for (const { name, fault, reason } of ENDS) {
  test(`after ${name} every change is told once, without a new list, and the pause is counted`, async () => {
    const { proxy, write, start, isWatched, count } = await setUp();
    proxy.inject({ verb: 'watch', fault });
    const { told } = start();
    await eventually(isWatched);
    await write('a', '1');
    await write('b', '1');
    await write('a', '2');
    await eventually(() => told.length === 3);
    expect(told).toEqual(['add a=1', 'add b=1', 'update a=1 to 2']);
    expect(count('watch_restarts_total', { reason })).toBeGreaterThan(0);
    expect(count('relists_total')).toBe(0);
    expect(proxy.count({ verb: 'list' })).toBe(1);
  });
}

test('after silence, which may be that of a server that went back in time, what happened unseen is told from one list', async () => {
  const { proxy, write, start, isWatched, count } = await setUp();
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 1, ending: 'silence' } });
  const { told } = start({ silenceMs: 500 });
  await eventually(isWatched);
  await write('a', '1');
  await eventually(() => told.length === 1);
  await write('a', '2');
  await write('b', '1');
  await eventually(() => told.length === 3);
  expect([...told].sort()).toEqual(['add a=1', 'add b=1', 'update a=1 to 2']);
  expect(count('watch_restarts_total', { reason: 'silent' })).toBe(1);
  expect(count('relists_total')).toBe(1);
});

const GONE = { line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}' };
const EXPIRED: readonly { name: string; fault: Fault }[] = [
  { name: 'as an answer', fault: { do: 'answer', status: 410, reason: 'Expired' } },
  { name: 'in the stream', fault: { do: 'watch', afterLines: 0, ending: GONE } },
];

for (const { name, fault } of EXPIRED) {
  test(`after a version that is too old, ${name}, what happened unseen is told as it is now`, async () => {
    const { proxy, write, remove, start, count } = await setUp();
    for (const each of ['same', 'changed', 'gone', 'again']) await write(each, '1');
    const rule = proxy.inject({ verb: 'watch', fault });
    const { informer, told, copy } = start();
    await rule.firstHit;
    await remove('gone');
    await remove('again');
    await write('again', '2');
    await write('changed', '2');
    await write('new', '1');
    await eventually(() => count('relists_total') === 1 && told.length >= 9);
    expect(told.slice(4).sort()).toEqual([
      'add again=2',
      'add new=1',
      'lost again=1',
      'lost gone=1',
      'update changed=1 to 2',
    ]);
    expect(told.indexOf('lost again=1')).toBeLessThan(told.indexOf('add again=2'));
    expect(copy()).toEqual(['again=2', 'changed=2', 'new=1', 'same=1']);
    expect(informer.hasSynced).toBe(true);
  });
}

test('a list from before what is known is not believed', async () => {
  const { proxy, write, start, isWatched, count } = await setUp();
  await write('a', 'old');
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 1, ending: GONE } });
  proxy.inject({ verb: 'list', from: 2, fault: { do: 'stale' } });
  const { told, copy } = start();
  await eventually(isWatched);
  await write('a', 'new');
  await eventually(() => count('watch_restarts_total', { reason: 'staleList' }) === 1);
  await eventually(() => count('relists_total') === 1);
  await write('b', '1');
  await eventually(() => copy().includes('b=1'));
  expect(told).toEqual(['initial a=old', 'update a=old to new', 'add b=1']);
});

test('a server that was set back for good is believed in the end', async () => {
  const { proxy, write, start, isWatched, count } = await setUp();
  await write('a', 'old');
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 2, ending: GONE } });
  proxy.inject({ verb: 'list', from: 2, times: 6, fault: { do: 'stale' } });
  const { told } = start({ clock: hastyClock });
  await eventually(isWatched);
  await write('a', 'new');
  await write('b', 'new');
  await eventually(() => count('relists_total') === 1);
  await eventually(() => told.length >= 5);
  // The proxy only pretends: the watch from the old version tells what came after it once more.
  expect(told.slice(0, 5)).toEqual([
    'initial a=old',
    'update a=old to new',
    'add b=new',
    'update a=new to old',
    'lost b=new',
  ]);
  await eventually(() => told.includes('update a=old to new') && told.at(-1) === 'add b=new');
});

test('asked for itself, an object is in the copy ahead of the stream, which tells nothing twice', async () => {
  const { namespace, proxy, write, remove, start, isWatched } = await setUp();
  await write('a', '1');
  await write('gone', '1');
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: 'silence' } });
  const { informer, told, copy } = start({ silenceMs: 1_000 });
  await eventually(isWatched);
  await write('a', '2');
  await write('a', '3');
  await write('gone', '2');
  await remove('gone');
  await informer.refresh(`${namespace}/a`, signal);
  await informer.refresh(`${namespace}/gone`, signal);
  expect(copy()).toEqual(['a=3']);
  await write('last', '1');
  await eventually(() => told.includes('add last=1'));
  expect(told).toEqual(['initial a=1', 'initial gone=1', 'update a=1 to 3', 'lost gone=1', 'add last=1']);
});

test('seen by itself while a list from before is on its way, an object is not lost for that', async () => {
  const { namespace, proxy, write, start } = await setUp();
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: GONE } });
  proxy.inject({ verb: 'list', from: 2, fault: { do: 'delay', ms: 1_500, on: 'answer' } });
  const { informer, told, copy } = start();
  const second = () => proxy.requests.filter(({ verb }) => verb === 'list')[1];
  await eventually(() => second()?.serverStatus === 200);
  await write('new', '1');
  await informer.refresh(`${namespace}/new`, signal);
  expect(told).toEqual(['add new=1']);
  await eventually(() => second()?.status === 200);
  await write('last', '1');
  await eventually(() => copy().includes('last=1'));
  expect(told).toEqual(['add new=1', 'add last=1']);
});

test('an object that is older by itself than it was in the copy proves that the server went back, and all is listed anew', async () => {
  const { namespace, proxy, write, start, isWatched } = await setUp();
  let wentBack = 0;
  const { informer, copy } = start({ wentBack: () => void wentBack++ });
  await eventually(isWatched);
  await write('a', '1');
  await eventually(() => copy().includes('a=1'));
  await informer.refresh(`${namespace}/a`, signal);
  await write('a', '2');
  await eventually(() => copy().includes('a=2'));
  await informer.refresh(`${namespace}/a`, signal);
  expect(wentBack).toBe(0);
  proxy.inject({ verb: 'get', fault: { do: 'stale' } });
  await informer.refresh(`${namespace}/a`, signal);
  expect(wentBack).toBe(1);
  informer.startOver();
  await eventually(() => proxy.count({ verb: 'list' }) === 2);
  await write('b', '1');
  await eventually(() => copy().includes('b=1'));
  expect(copy()).toEqual(['a=2', 'b=1']);
});

test('after a connection that broke the newest object is asked for by itself, once: a server that was restored was down before', async () => {
  const { namespace, proxy, write, start, isWatched } = await setUp();
  let wentBack = 0;
  const { informer, copy } = start({ clock: hastyClock, wentBack: () => void wentBack++ });
  await eventually(isWatched);
  await write('a', '1');
  await write('b', '1');
  await eventually(() => copy().length === 2);
  await informer.refresh(`${namespace}/b`, signal);
  await write('b', '2');
  await eventually(() => copy().includes('b=2'));
  const rule = proxy.inject({ verb: 'get', fault: { do: 'stale' } });
  proxy.cutConnections();
  await rule.firstHit;
  await eventually(() => wentBack === 1);
  expect(proxy.requests.filter(({ verb }) => verb === 'get').map(({ name }) => name)).toEqual(['b', 'b']);
});

test('asked for itself, an object that does not belong to the selection any more is not shown, and may come back', async () => {
  const { namespace, proxy, direct, start, isWatched } = await setUp();
  const label = (role: string) =>
    direct.apply(
      CONFIG_MAPS,
      { metadata: { namespace, name: 'a', labels: { role } }, data: { v: role } },
      { signal, force: true },
    );
  await label('mine');
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: 'silence' } });
  const { informer, told } = start({ silenceMs: 1_000, labelSelector: 'role=mine' });
  await eventually(isWatched);
  await label('other');
  await informer.refresh(`${namespace}/a`, signal);
  expect(told).toEqual(['initial a=mine', 'lost a=mine']);
  await label('mine');
  await eventually(() => told.includes('add a=mine'));
});

test('an event that was lost is found by an audit, and put right; a copy that is right passes', async () => {
  const { namespace, proxy, direct, write, remove, start, count, metrics } = await setUp();
  for (const name of ['changed', 'gone', 'same']) await write(name, '1');
  const { resourceVersion } = await direct.list(CONFIG_MAPS, { signal, namespace });
  // A bookmark from the future: what happens before it is never told.
  const future = String(Number(resourceVersion) + 200);
  const line = JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: future } } });
  const rule = proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: { line } } });
  const { informer, told } = start();
  await rule.firstHit;
  await eventually(() => informer.hasSeen(future));
  proxy.cutConnections();
  await write('changed', '2');
  await remove('gone');
  await write('unseen', '1');
  const now = async () => Number((await direct.list(CONFIG_MAPS, { signal, namespace })).resourceVersion);
  for (let round = 0; (await now()) <= Number(future); round += 1) await write('filler', String(round));
  const auditing = audit(informer, { signal, clock: systemClock, metrics });
  await eventually(() => proxy.count({ verb: 'list' }) === 2 && proxy.requests.at(-1)?.status !== undefined);
  await write('last', '1');
  expect([...((await auditing) ?? [])].sort()).toEqual(
    ['changed', 'gone', 'unseen'].map((name) => `${namespace}/${name}`),
  );
  expect(count('cache_drift_total')).toBe(3);
  expect(told).toEqual(expect.arrayContaining(['update changed=1 to 2', 'lost gone=1', 'add unseen=1']));
  const again = audit(informer, { signal, clock: systemClock, metrics });
  await eventually(() => proxy.count({ verb: 'list' }) === 3 && proxy.requests.at(-1)?.status !== undefined);
  await write('last', '2');
  expect(await again).toEqual([]);
  expect(count('cache_drift_total')).toBe(3);
});

test('an audit of a copy that does not come far enough says nothing', async () => {
  const { proxy, write, start, isWatched } = await setUp();
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: 'silence' } });
  const { informer } = start();
  await eventually(isWatched);
  await write('a', '1');
  expect(await audit(informer, { signal, clock: systemClock, patienceMs: 50 })).toBe(undefined);
});

test('a server that goes away and comes back is followed on', async () => {
  const { proxy, write, start, isWatched } = await setUp();
  const { copy } = start();
  await eventually(isWatched);
  await proxy.goDown();
  await write('a', '1');
  await proxy.comeBack();
  await eventually(() => copy().includes('a=1'));
  expect(proxy.count({ verb: 'list' })).toBe(1);
});

test('stopped while it lists, it never says that it is whole, and ends', async () => {
  const { proxy, start } = await setUp();
  const rule = proxy.inject({ verb: 'list', fault: { do: 'hang' } });
  const { informer, running, stop } = start();
  await rule.firstHit;
  stop.abort();
  await running;
  expect(informer.hasSynced).toBe(false);
});

test('cut and made to list at random, handlers hear one true story of each object and the copy ends as the server', async () => {
  const { namespace, proxy, direct, write, remove, start, isWatched } = await setUp();
  const random = new SeededRandom(11);
  for (let round = 2; round < 40; round += random.between(2, 6))
    proxy.inject({ verb: 'watch', from: round, fault: { do: 'answer', status: 410, reason: 'Expired' } });
  const { told, copy } = start();
  await eventually(isWatched);
  for (let round = 0; round < 150; round += 1) {
    const name = `map-${random.between(0, 7)}`;
    if (random.chance(0.25)) await remove(name);
    else await write(name, String(round));
    if (random.chance(0.06)) proxy.cutConnections();
  }
  await write('last', '1');
  await eventually(() => copy().includes('last=1'), 60_000);
  const there = await direct.list(CONFIG_MAPS, { signal, namespace });
  expect(copy()).toEqual(there.items.filter(isMine).map(text).sort());
  // What handlers were told, played back: each line has to follow from the one before.
  const story = new Map<string, string>();
  for (const line of told) {
    const [, what = '', name = '', before = '', after] = /^(\w+) ([\w-]+)=(\w+)(?: to (\w+))?$/.exec(line) ?? [];
    expect([line, story.get(name)]).toEqual([line, what === 'add' || what === 'initial' ? undefined : before]);
    if (what === 'lost' || what === 'delete') story.delete(name);
    else story.set(name, after ?? before);
  }
  expect([...story].map(([name, v]) => `${name}=${v}`).sort()).toEqual(copy());
});
