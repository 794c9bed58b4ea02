import { test as anyTest, expect, onTestFinished } from 'vitest';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aProxy, tokenConnection } from '../../builders/kube.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { MemoryMetrics } from '../../controller/builders.ts';
import { CHILDREN, Mirror, type MirrorOptions } from './mirror.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function setUp() {
  const namespace = await cluster!.namespace();
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const direct = aClient(tokenConnection(cluster!));
  const metrics = new MemoryMetrics();
  const write = (name: string, v: string) =>
    direct.apply(
      CONFIG_MAPS,
      { metadata: { namespace, name, labels: { role: 'source' } }, data: { v } },
      { signal, force: true },
    );
  const make = (name: string) =>
    direct.create(
      CONFIG_MAPS,
      { metadata: { namespace, name, labels: { role: 'source' } }, data: { v: '0' } },
      { signal },
    );
  const children = async () => (await direct.list(CHILDREN, { signal, namespace })).items;
  /** Owner's uid and data: equal lists mean one child each, with the last data. */
  const mirrored = async () => {
    const { items } = await direct.list(CONFIG_MAPS, { signal, namespace, labelSelector: 'role=source' });
    const sources = items.map(({ metadata, data }) => `${metadata?.uid}=${data?.v}`).sort();
    const mirrors = (await children()).map(
      ({ metadata }) => `${metadata?.ownerReferences?.[0]?.uid}=${metadata?.annotations?.v}`,
    );
    return { sources, children: mirrors.sort() };
  };
  const start = (options: Partial<MirrorOptions> = {}) => {
    const mirror = new Mirror({ client, namespace, metrics, ...options });
    const [stop, drain, abort] = [new AbortController(), new AbortController(), new AbortController()];
    const watching = mirror.informers.map((informer) => informer.run(stop.signal));
    const working = mirror.controller.run({ drain: drain.signal, abort: abort.signal });
    onTestFinished(async () => {
      drain.abort();
      abort.abort();
      await working;
      stop.abort();
      await Promise.all(watching);
    });
    return { mirror, drain, abort, working };
  };
  const count = (name: string, labels = {}) =>
    metrics.read(`controller_runtime_${name}`, { controller: 'mirror', ...labels });
  return { namespace, proxy, direct, make, write, children, mirrored, start, count };
}

async function settled({ mirrored }: { mirrored(): Promise<{ sources: string[]; children: string[] }> }) {
  let last = { sources: [''], children: [] as string[] };
  await eventually(async () => {
    last = await mirrored();
    return last.sources.length === last.children.length && last.sources.every((each, at) => each === last.children[at]);
  }, 60_000).catch(() => expect(last.children).toEqual(last.sources));
}

test('two thousand objects, edited all the while: each ends as its last version, with one worker at a time, on no old copy', async () => {
  const context = await setUp();
  const { make, write, start, count, children } = context;
  const random = new SeededRandom(5);
  const names = Array.from({ length: 2_000 }, (_, index) => `source-${index}`);
  const inBatches = async (list: readonly string[], each: (name: string) => Promise<unknown>) => {
    for (let from = 0; from < list.length; from += 20) await Promise.all(list.slice(from, from + 20).map(each));
  };
  await inBatches(names.slice(0, 1_500), make);
  const { mirror } = start();
  const edits = Array.from({ length: 300 }, () => random.oneOf(names.slice(0, 200)));
  await Promise.all([
    inBatches(names.slice(1_500), make),
    inBatches(edits, (name) => write(name, String(random.between(1, 1_000_000)))),
  ]);
  await eventually(() => mirror.children.store.size === names.length, 120_000);
  await settled(context);
  expect(mirror.violations).toEqual([]);
  expect(await children()).toHaveLength(2_000);
  expect(mirror.failures).toEqual([]);
  expect(count('reconcile_total', { result: 'success' })).toBeGreaterThanOrEqual(2_000);
});

test('when nothing changes any more, nothing is done any more', async () => {
  const context = await setUp();
  const { write, start, proxy } = context;
  await write('a', '1');
  const { mirror } = start();
  await settled(context);
  await eventually(() => mirror.children.store.size === 1);
  await write('a', '2');
  await settled(context);
  // The events of the last write have come when the stream shows it; each made at most one more look.
  await eventually(() => [...mirror.children.store.values()][0]?.metadata?.annotations?.v === '2');
  const looks = mirror.reconciled.length;
  const requests = proxy.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(mirror.reconciled.length - looks).toBeLessThanOrEqual(1);
  expect(proxy.requests).toHaveLength(requests);
});

test('while the watch of what it writes hears nothing, a controller waits instead of writing it twice', async () => {
  const context = await setUp();
  const { proxy, write, start, children } = context;
  const silent = { do: 'watch', afterLines: 0, ending: 'silence' } as const;
  proxy.inject({ verb: 'watch', resource: CHILDREN.plural, fault: silent });
  const { mirror } = start();
  await eventually(() => proxy.count({ verb: 'watch' }) === 2);
  await write('a', '1');
  await eventually(() => mirror.reconciled.length === 1);
  for (const v of ['2', '3', '4']) await write('a', v);
  await settled(context);
  expect(mirror.violations).toEqual([]);
  expect(await children()).toHaveLength(1);
  // The first value, and the last one once the first was seen.
  expect(proxy.count({ verb: ['create', 'patch'], resource: CHILDREN.plural })).toBe(2);
});

test('when the answer to a create is lost, the server is asked, and no second one is made', async () => {
  const context = await setUp();
  const { proxy, write, start, children } = context;
  // The watch does not tell of it either.
  const silent = { do: 'watch', afterLines: 0, ending: 'silence' } as const;
  proxy.inject({ verb: 'watch', resource: CHILDREN.plural, fault: silent });
  const rule = proxy.inject({ verb: 'create', resource: CHILDREN.plural, fault: { do: 'dropAfter' } });
  const { mirror } = start();
  await write('a', '1');
  await rule.firstHit;
  await eventually(() => proxy.count({ verb: 'get', resource: CHILDREN.plural }) === 1);
  await eventually(() => mirror.reconciled.length >= 2);
  await write('a', '2');
  await settled(context);
  expect(await children()).toHaveLength(1);
  expect(mirror.failures).toHaveLength(1);
});

test('while the server fails, keys come again, and all is well when it is', async () => {
  const context = await setUp();
  const { proxy, write, start, count } = context;
  proxy.inject({ verb: 'create', resource: CHILDREN.plural, times: 12, fault: { do: 'answer', status: 403 } });
  const { mirror } = start();
  for (const name of ['a', 'b', 'c']) await write(name, '1');
  await settled(context);
  expect(mirror.failures).toHaveLength(12);
  expect(count('reconcile_errors_total')).toBe(12);
  expect(mirror.violations).toEqual([]);
});

test('a child that somebody deletes or edits is put right', async () => {
  const context = await setUp();
  const { direct, namespace, write, start, children } = context;
  start();
  await write('a', '1');
  await settled(context);
  const [child] = await children();
  const ref = { namespace, name: child?.metadata?.name ?? '' };
  await direct.mergePatch(CHILDREN, ref, { metadata: { annotations: { v: 'x' } } }, { signal });
  await settled(context);
  await direct.delete(CHILDREN, ref, { signal });
  await settled(context);
  expect((await children())[0]?.metadata?.uid).not.toBe(child?.metadata?.uid);
});

test('drained, a controller ends what is in work and begins nothing; aborted, it ends at once and writes nothing more', async () => {
  const context = await setUp();
  const { proxy, write, start } = context;
  const held = proxy.inject({ verb: 'create', resource: CHILDREN.plural, from: 1, fault: { do: 'hold' } });
  const { mirror, drain, working } = start({ workers: 1 });
  await write('a', '1');
  await held.firstHit;
  await write('b', '1');
  await eventually(() => mirror.sources.store.size === 2);
  drain.abort();
  let hasEnded = false;
  working.then(() => {
    hasEnded = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasEnded).toBe(false);
  held.release();
  await working;
  expect(mirror.reconciled).toHaveLength(1);
  expect(proxy.count({ verb: 'create', resource: CHILDREN.plural })).toBe(1);

  const again = proxy.inject({ verb: 'create', resource: CHILDREN.plural, fault: { do: 'hang' } });
  const second = start();
  await again.firstHit;
  second.drain.abort();
  second.abort.abort();
  await second.working;
  expect(second.mirror.failures).toEqual([]);
});
