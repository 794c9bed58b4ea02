import { expect, test } from 'vitest';
import { Controller, type ControllerOptions } from '../../src/controller/controller.ts';
import type { AddKey, Source } from '../../src/controller/sources.ts';
import { Store } from '../../src/controller/store.ts';
import { type ApiClient, CONFIG_MAPS, type KubeObject } from '../../src/kube/index.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { aMap } from './builders.ts';

async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A controller over a source that the test speaks for, and a client that says whether it is gated. */
function setUp(options: Partial<ControllerOptions> = {}) {
  const clock = new TestClock();
  const synced = Promise.withResolvers<void>();
  const adds = new Set<AddKey>();
  const source: Source = {
    view: {
      resource: CONFIG_MAPS,
      selection: {},
      store: new Store<KubeObject>({ indexes: {} }),
      hasSeen: () => true,
      onProgress: () => () => {},
      refresh: async () => {},
    },
    whenSynced: synced.promise,
    start(add) {
      adds.add(add);
      add('flights/there', -100);
      return () => adds.delete(add);
    },
  };
  const writes: string[] = [];
  const clientThat = (is: string) =>
    ({
      gatedBy: () => clientThat('gated'),
      create: async (_: unknown, object: KubeObject) => {
        writes.push(`${is} ${object.metadata?.name}`);
        return object;
      },
    }) as unknown as ApiClient;
  const reconciled: string[] = [];
  const controller = new Controller({
    name: 'jobs',
    client: clientThat('open'),
    sources: [source],
    reconcile: async (key, { client }) => {
      reconciled.push(key);
      await client.create(CONFIG_MAPS, aMap('child', 1));
      return undefined;
    },
    clock,
    random: () => 1,
    newId: () => 'id',
    ...options,
  });
  const [drain, abort] = [new AbortController(), new AbortController()];
  const gate = { leftMs: 10_000 };
  const run = (isElected = true) =>
    controller.run({
      ...(isElected && { gate: { remainingMs: () => gate.leftMs, closed: new AbortController().signal } }),
      drain: drain.signal,
      abort: abort.signal,
    });
  const change = (key: string) => {
    for (const add of adds) add(key, 0);
  };
  return { controller, synced, adds, change, writes, reconciled, drain, abort, gate, run, clock };
}

test('it begins when the copies are whole, with every key there is, and goes on with those that change', async () => {
  const { synced, adds, change, reconciled, drain, run } = setUp();
  const running = run();
  await settle();
  expect(adds.size).toBe(0);
  synced.resolve();
  await settle();
  expect(reconciled).toEqual(['flights/there']);
  change('flights/new');
  await settle();
  expect(reconciled).toEqual(['flights/there', 'flights/new']);
  drain.abort();
  await running;
});

test('who was elected writes through the gate; who is alone needs none', async () => {
  for (const isElected of [true, false]) {
    const { synced, writes, drain, run } = setUp();
    const running = run(isElected);
    synced.resolve();
    await settle();
    expect(writes).toEqual([isElected ? 'gated child' : 'open child']);
    drain.abort();
    await running;
  }
});

test('while the gate is closed nothing is begun', async () => {
  const { synced, change, reconciled, gate, drain, run } = setUp();
  gate.leftMs = 0;
  const running = run();
  synced.resolve();
  await settle();
  change('flights/new');
  await settle();
  expect(reconciled).toEqual([]);
  drain.abort();
  await running;
});

test('drained, it listens no longer, and leaves nothing behind', async () => {
  const { synced, adds, change, reconciled, drain, run, clock } = setUp({
    reconcile: async () => ({ requeueAfterMs: 1_000 }),
  });
  const running = run();
  synced.resolve();
  await settle();
  drain.abort();
  await running;
  expect(adds.size).toBe(0);
  change('flights/new');
  await settle();
  expect(reconciled).toEqual([]);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('drained before the copies are whole, it never begins', async () => {
  const { synced, reconciled, drain, run } = setUp();
  const running = run();
  drain.abort();
  await running;
  synced.resolve();
  await settle();
  expect(reconciled).toEqual([]);
});

test('a second term begins with every key again', async () => {
  const { controller, synced, reconciled, drain, run } = setUp();
  const running = run();
  synced.resolve();
  await settle();
  drain.abort();
  await running;
  const [end, abort] = [new AbortController(), new AbortController()];
  const again = controller.run({ drain: end.signal, abort: abort.signal });
  await settle();
  expect(reconciled).toEqual(['flights/there', 'flights/there']);
  end.abort();
  await again;
});
