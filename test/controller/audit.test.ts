import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { audit, auditInRounds } from '../../src/controller/audit.ts';
import type { Informer } from '../../src/controller/informer.ts';
import { Store } from '../../src/controller/store.ts';
import type { ConfigMap } from '../../src/kube/index.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { aMap, MemoryMetrics } from './builders.ts';

const { signal } = new AbortController();

/** A copy, a list that was read at version 10, and what the server has by now. */
function anInformer({ copy, listed, now }: { copy: ConfigMap[]; listed: ConfigMap[]; now: ConfigMap[] }) {
  const store = new Store<ConfigMap>({ indexes: {} });
  for (const object of copy) store.apply(object);
  const asked: string[] = [];
  const informer = {
    store,
    resource: { plural: 'configmaps' },
    listAnew: async () => ({ items: listed, resourceVersion: '10' }),
    hasSeen: () => true,
    refresh: async (key: string) => {
      asked.push(key);
      const object = now.find(({ metadata }) => key === `flights/${metadata?.name}`);
      if (object === undefined) store.absent(key);
      else store.apply(object);
    },
  } as unknown as Informer<ConfigMap>;
  return { informer, asked };
}

test('what changed since the list was read is no drift; what agrees is not even asked for', async () => {
  const metrics = new MemoryMetrics();
  const { informer, asked } = anInformer({
    copy: [aMap('same', 5), aMap('newer', 12), aMap('added', 11)],
    listed: [aMap('same', 5), aMap('newer', 6), aMap('deleted', 7)],
    now: [aMap('same', 5), aMap('newer', 12), aMap('added', 11)],
  });
  expect(await audit(informer, { signal, clock: new TestClock(), metrics })).toEqual([]);
  expect(asked).toEqual(['flights/deleted']);
  expect(metrics.read('informer_cache_drift_total', { resource: 'configmaps' })).toBe(0);
});

test('what the copy has otherwise than list and server is drift', async () => {
  const metrics = new MemoryMetrics();
  const { informer } = anInformer({
    copy: [aMap('old', 5), aMap('ghost', 6)],
    listed: [aMap('old', 8), aMap('missing', 9)],
    now: [aMap('old', 8), aMap('missing', 9)],
  });
  expect(await audit(informer, { signal, clock: new TestClock(), metrics })).toEqual([
    'flights/old',
    'flights/missing',
    'flights/ghost',
  ]);
  expect(metrics.read('informer_cache_drift_total', { resource: 'configmaps' })).toBe(3);
});

test('copies are looked at in rounds, one after the other; one that cannot be looked at holds up no other', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const { informer } = anInformer({ copy: [], listed: [aMap('missing', 9)], now: [aMap('missing', 9)] });
  const broken = { ...informer, resource: { plural: 'pods' }, listAnew: () => Promise.reject(new Error('no')) };
  const told: unknown[] = [];
  const rounds = auditInRounds([broken as unknown as Informer, informer as unknown as Informer], {
    signal: stop.signal,
    clock,
    random: () => 0.5,
    found: (resource, keys) => told.push([resource, ...keys]),
    trouble: (resource, error) => told.push([resource, (error as Error).message]),
  });
  clock.advanceTo(599_999);
  await setImmediate();
  expect(told).toEqual([]);
  clock.advanceTo(600_000);
  await setImmediate();
  expect(told).toEqual([
    ['pods', 'no'],
    ['configmaps', 'flights/missing'],
  ]);
  clock.advanceTo(1_200_000);
  await setImmediate();
  // What was put right is told of once.
  expect(told.slice(2)).toEqual([['pods', 'no']]);
  stop.abort();
  await rounds;
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});
