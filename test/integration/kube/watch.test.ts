import { test as anyTest, expect, onTestFinished } from 'vitest';
import { CONFIG_MAPS, type ConfigMap, type WatchEvent, type WatchOptions, watch } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, aProxy, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';
import type { Fault } from '../../faults/api/rules.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

/** Keeps what a watch tells, and the copy that whoever follows it would have. */
class Follower {
  readonly told: string[] = [];
  readonly copy = new Map<string, string>();
  private coming = new Map<string, string>();
  private readonly stop = new AbortController();
  ended: Promise<void> = Promise.resolve();

  get signal(): AbortSignal {
    return this.stop.signal;
  }

  end(): Promise<void> {
    this.stop.abort();
    return this.ended;
  }

  async follow(events: AsyncIterable<WatchEvent<ConfigMap>>): Promise<void> {
    for await (const event of events) this.take(event);
  }

  private take(event: WatchEvent<ConfigMap>): void {
    const name = 'object' in event ? (event.object.metadata?.name ?? '') : '';
    const value = 'object' in event ? (event.object.data?.v ?? '') : '';
    if (name === 'kube-root-ca.crt' || event.type === 'bookmark') return;
    this.told.push(event.type === 'interrupted' ? event.reason : `${event.type} ${name}${value && `=${value}`}`.trim());
    switch (event.type) {
      case 'init':
        this.coming = new Map();
        break;
      case 'initApply':
        this.coming.set(name, value);
        break;
      case 'initDone':
        this.copy.clear();
        for (const [key, text] of this.coming) this.copy.set(key, text);
        break;
      case 'apply':
        this.copy.set(name, value);
        break;
      case 'delete':
        this.copy.delete(name);
        break;
      default:
        break;
    }
  }
}

async function setUp() {
  const namespace = await cluster!.namespace();
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const direct = aClient(tokenConnection(cluster!));
  const write = (name: string, v: string) => direct.apply(CONFIG_MAPS, aConfigMap(namespace, name, { v }), { signal });
  const remove = (name: string) => direct.delete(CONFIG_MAPS, { namespace, name }, { signal });
  const start = (options: Partial<WatchOptions> = {}) => {
    const follower = new Follower();
    // A short random part: pauses are at their shortest.
    const events = watch(client, CONFIG_MAPS, { namespace, signal: follower.signal, random: () => 0, ...options });
    follower.ended = follower.follow(events);
    onTestFinished(() => follower.end());
    return follower;
  };
  return { namespace, proxy, client, direct, write, remove, start };
}

const isOpen =
  (proxy: { count(target: object): number }, count = 1) =>
  () =>
    proxy.count({ verb: 'watch' }) >= count;

test('tells what is there, and then every change in order', async () => {
  const { proxy, write, remove, start } = await setUp();
  await write('a', '1');
  const follower = start();
  await eventually(isOpen(proxy));
  await write('b', '1');
  await write('a', '2');
  await remove('b');
  await eventually(() => follower.told.includes('delete b=1'));
  expect(follower.told).toEqual(['init', 'initApply a=1', 'initDone', 'apply b=1', 'apply a=2', 'delete b=1']);
});

test('ends at once when its signal fires, and leaves no connection', async () => {
  const { proxy, client, start } = await setUp();
  const follower = start();
  await eventually(isOpen(proxy));
  expect(client.openConnections.watches).toBe(1);
  await follower.end();
  await eventually(() => client.openConnections.watches === 0);
  expect(proxy.count({ verb: 'watch' })).toBe(1);
});

test('stopped while it lists or waits, it opens nothing afterwards', async () => {
  const { proxy, start } = await setUp();
  proxy.inject({ verb: 'list', fault: { do: 'answer', status: 500 }, times: 1000 });
  const follower = start();
  await eventually(() => follower.told.includes('listFailed'));
  await follower.end();
  const before = proxy.requests.length;
  proxy.heal();
  await eventually(() => proxy.requests.length === before);
  expect(proxy.count({ verb: 'watch' })).toBe(0);
});

const ENDS: readonly { name: string; fault: Fault; reason: string }[] = [
  { name: 'a reset', fault: { do: 'watch', afterLines: 1, ending: 'reset' }, reason: 'watchFailed' },
  {
    name: 'a reset in the middle of a line',
    fault: { do: 'watch', afterLines: 1, ending: 'resetInLine' },
    reason: 'watchFailed',
  },
  {
    name: 'a line that is not JSON',
    fault: { do: 'watch', afterLines: 1, ending: { line: '{"type":"ADDED","obj' } },
    reason: 'garbled',
  },
  {
    name: 'an error of the server in the stream',
    fault: {
      do: 'watch',
      afterLines: 1,
      ending: { line: '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}' },
    },
    reason: 'serverError',
  },
  { name: 'a refusal to open it', fault: { do: 'answer', status: 503 }, reason: 'watchFailed' },
  { name: 'being told to come later', fault: { do: 'answer', status: 429, retryAfterS: 1 }, reason: 'watchFailed' },
];

for (const { name, fault, reason } of ENDS) {
  test(`goes on where it was after ${name}, without a new list, and tells every change once`, async () => {
    const { proxy, write, start } = await setUp();
    proxy.inject({ verb: 'watch', fault });
    const follower = start();
    await eventually(isOpen(proxy));
    await write('a', '1');
    await write('b', '2');
    await write('c', '3');
    await eventually(() => follower.copy.size === 3);
    expect(follower.told.filter((line) => line !== reason)).toEqual([
      'init',
      'initDone',
      'apply a=1',
      'apply b=2',
      'apply c=3',
    ]);
    expect(follower.told).toContain(reason);
    expect(proxy.count({ verb: 'list' })).toBe(1);
  });
}

test('an end in order is followed by a new watch at once', async () => {
  const { proxy, write, start } = await setUp();
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 1, ending: 'end' } });
  const follower = start();
  await eventually(isOpen(proxy));
  await write('a', '1');
  await write('b', '2');
  await eventually(() => follower.copy.size === 2);
  expect(follower.told).toEqual(['init', 'initDone', 'apply a=1', 'apply b=2']);
});

const EXPIRED: readonly { name: string; fault: Fault }[] = [
  { name: 'as an answer', fault: { do: 'answer', status: 410, reason: 'Expired' } },
  {
    name: 'in the stream',
    fault: {
      do: 'watch',
      afterLines: 0,
      ending: { line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}' },
    },
  },
];

for (const { name, fault } of EXPIRED) {
  test(`a version that is too old, said ${name}, makes it list again and drop what vanished`, async () => {
    const { proxy, write, remove, start } = await setUp();
    await write('stays', '1');
    await write('vanishes', '1');
    const rule = proxy.inject({ verb: 'watch', fault });
    const follower = start();
    await rule.firstHit;
    await remove('vanishes');
    await eventually(() => follower.told.filter((line) => line === 'initDone').length === 2);
    expect([...follower.copy.keys()]).toEqual(['stays']);
    expect(follower.told).toContain('expired');
    await write('new', '1');
    await eventually(() => follower.copy.has('new'));
  });
}

test('a watch that falls silent is cut, and after one list what was missed is told', async () => {
  const { proxy, write, start } = await setUp();
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 0, ending: 'silence' } });
  const follower = start({ silenceMs: 400 });
  await eventually(isOpen(proxy));
  await write('a', '1');
  await eventually(() => follower.copy.has('a'));
  expect(follower.told.slice(0, 4)).toEqual(['init', 'initDone', 'silent', 'init']);
  expect(proxy.count({ verb: 'list' })).toBe(2);
});

test('connections that carry nothing any more are left, and the copy is whole again', async () => {
  const { proxy, write, start } = await setUp();
  const follower = start({ silenceMs: 400, deadlineMs: 400 });
  await eventually(isOpen(proxy));
  proxy.freeze();
  await write('a', '1');
  await eventually(() => follower.told.includes('silent'));
  proxy.thaw();
  await eventually(() => follower.copy.has('a'));
});

test('a server that goes away and comes back is watched again, without a new list', async () => {
  const { proxy, write, start } = await setUp();
  const follower = start();
  await eventually(isOpen(proxy));
  await write('a', '1');
  await eventually(() => follower.copy.has('a'));
  await proxy.goDown();
  await write('b', '2');
  await eventually(() => follower.told.includes('watchFailed'));
  await proxy.comeBack();
  await eventually(() => follower.copy.has('b'));
  expect(proxy.count({ verb: 'list' })).toBe(1);
});

test('a list from before what is known is asked for again, so that the copy never goes back', async () => {
  const { proxy, write, start } = await setUp();
  await write('a', 'old');
  const ends = { line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}' };
  proxy.inject({ verb: 'watch', fault: { do: 'watch', afterLines: 1, ending: ends } });
  proxy.inject({ verb: 'list', from: 2, fault: { do: 'stale' } });
  const follower = start();
  await eventually(isOpen(proxy));
  await write('a', 'new');
  await eventually(() => follower.told.includes('staleList'));
  await eventually(() => follower.told.filter((line) => line === 'initDone').length === 2);
  expect(follower.told.filter((line) => line.endsWith('=old'))).toHaveLength(1);
  expect(follower.copy.get('a')).toBe('new');
});

test('many objects are listed in pages, all of one moment', async () => {
  const { proxy, direct, namespace, start } = await setUp();
  const names = Array.from({ length: 130 }, (_, index) => `map-${index}`);
  for (let from = 0; from < names.length; from += 26) {
    const some = names.slice(from, from + 26);
    await Promise.all(some.map((name) => direct.create(CONFIG_MAPS, aConfigMap(namespace, name), { signal })));
  }
  const follower = start();
  await eventually(() => follower.told.includes('initDone'));
  expect(follower.copy.size).toBe(130);
  expect(proxy.count({ verb: 'list' })).toBe(2);
});

test('one object is watched alone', async () => {
  const { proxy, write, start } = await setUp();
  await write('other', '1');
  const follower = start({ fieldSelector: 'metadata.name=mine' });
  await eventually(isOpen(proxy));
  await write('other', '2');
  await write('mine', '1');
  await eventually(() => follower.copy.has('mine'));
  expect(follower.told).toEqual(['init', 'initDone', 'apply mine=1']);
});

test('cut at random again and again, the copy ends up as the server has it', async () => {
  const { proxy, direct, namespace, write, remove, start } = await setUp();
  const follower = start();
  await eventually(isOpen(proxy));
  for (let round = 0; round < 60; round += 1) {
    const name = `map-${round % 7}`;
    if (round % 5 === 4) await remove(name);
    else await write(name, String(round));
    if (round % 13 === 12) proxy.cutConnections();
  }
  await write('last', '1');
  await eventually(() => follower.copy.has('last'), 20_000);
  const there = await direct.list(CONFIG_MAPS, { signal, namespace });
  const expected = new Map(there.items.map(({ metadata, data }) => [metadata?.name ?? '', data?.v ?? '']));
  expected.delete('kube-root-ca.crt');
  expect(new Map([...follower.copy].sort())).toEqual(new Map([...expected].sort()));
  expect(proxy.count({ verb: 'list' })).toBe(1);
});
