import { expect, test } from 'vitest';
import type { ReconcileResult } from '../../src/controller/attempt.ts';
import { TerminalError } from '../../src/controller/errors.ts';
import type { ProgressListener } from '../../src/controller/informer.ts';
import { OwnWrites, type View } from '../../src/controller/own-writes.ts';
import { type AttemptContext, type ReconcileFailure, Runner } from '../../src/controller/runner.ts';
import { Store } from '../../src/controller/store.ts';
import { WorkQueue } from '../../src/controller/workqueue.ts';
import { ApiError, CONFIG_MAPS, type KubeObject } from '../../src/kube/index.ts';
import { FlinkJobError } from '../../src/lib/errors.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { aMap, MemoryMetrics } from './builders.ts';

const CONTROLLER = { controller: 'jobs' };

type Reconcile = (key: string, context: AttemptContext) => Promise<ReconcileResult>;

function setUp(reconcile: Reconcile, { workers = 2, random = 1 } = {}) {
  const clock = new TestClock();
  const metrics = new MemoryMetrics();
  const queue = new WorkQueue({ name: 'jobs', clock, random: () => random, metrics });
  const writes = new OwnWrites({ clock, wake: (owner) => queue.add(owner) });
  const failures: ReconcileFailure[] = [];
  const abort = new AbortController();
  const calls: string[] = [];
  const state = { isLeading: true };
  let ids = 0;
  const runner = new Runner({
    name: 'jobs',
    queue,
    writes,
    reconcile: (key, context) => {
      calls.push(key);
      return reconcile(key, context);
    },
    workers,
    limits: { timeoutMs: 60_000, graceMs: 5_000 },
    isLeading: () => state.isLeading,
    stop: abort.signal,
    clock,
    newId: () => {
      ids += 1;
      return `id-${ids}`;
    },
    metrics,
    trouble: (failure) => failures.push(failure),
  });
  const running = runner.run();
  const end = async () => {
    const drained = queue.shutDownWithDrain();
    await settle();
    await drained;
    await running;
  };
  const count = (name: string, labels = {}) => metrics.read(`controller_runtime_${name}`, { ...CONTROLLER, ...labels });
  return { clock, metrics, queue, writes, failures, abort, calls, state, running, end, count };
}

/** Lets everything happen that needs no time to pass; workers pause for a turn of the event loop in between. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const never = () => new Promise<never>(() => {});

test('each key is reconciled, with an id of its own', async () => {
  const ids: string[] = [];
  const { queue, calls, end, count } = setUp(async (_, { reconcileId }) => {
    ids.push(reconcileId);
    return undefined;
  });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(calls).toEqual(['a', 'b', 'c']);
  expect(new Set(ids).size).toBe(3);
  expect(count('reconcile_total', { result: 'success' })).toBe(3);
  expect(count('max_concurrent_reconciles')).toBe(2);
  await end();
});

test('as many at a time as there are workers', async () => {
  const gates: (() => void)[] = [];
  const { queue, calls, end, count } = setUp(() => new Promise((resolve) => gates.push(() => resolve(undefined))));
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(calls).toEqual(['a', 'b']);
  expect(count('active_workers')).toBe(2);
  gates[0]!();
  await settle();
  expect(calls).toEqual(['a', 'b', 'c']);
  for (const open of gates) open();
  await settle();
  expect(count('active_workers')).toBe(0);
  await end();
});

test('one that asks to look again comes again then, and its failures are forgotten', async () => {
  let fails = true;
  const { queue, clock, calls, end, count } = setUp(async () => {
    if (fails) throw new FlinkJobError('SOME_CODE', 'no luck');
    return { requeueAfterMs: 10_000 };
  });
  queue.add('a');
  await settle();
  fails = false;
  clock.advanceBy(5);
  await settle();
  expect(calls).toHaveLength(2);
  expect(queue.failuresOf('a')).toBe(0);
  clock.advanceBy(9_999);
  await settle();
  expect(calls).toHaveLength(2);
  clock.advanceBy(1);
  await settle();
  expect(calls).toHaveLength(3);
  expect(count('reconcile_total', { result: 'requeue_after' })).toBe(2);
  await end();
});

test('the reconcile that begins decides when the next one is', async () => {
  const waits = [10_000, 60_000];
  const { queue, clock, calls, end } = setUp(async () => ({ requeueAfterMs: waits.shift() ?? 1e9 }));
  queue.add('a');
  await settle();
  queue.add('a');
  await settle();
  expect(calls).toHaveLength(2);
  clock.advanceBy(59_999);
  await settle();
  expect(calls).toHaveLength(2);
  await end();
});

test('one that fails comes again, ever more rarely, and is told of each time', async () => {
  const { queue, clock, calls, failures, end, count } = setUp(async () => {
    throw new FlinkJobError('SOME_CODE', 'no luck');
  });
  queue.add('a');
  await settle();
  for (const ms of [5, 10, 20]) {
    clock.advanceBy(ms - 1);
    await settle();
    const before = calls.length;
    clock.advanceBy(1);
    await settle();
    expect(calls).toHaveLength(before + 1);
  }
  expect(failures.map(({ failures: row, next }) => [row, next])).toEqual([
    [1, 'retry'],
    [2, 'retry'],
    [3, 'retry'],
    [4, 'retry'],
  ]);
  expect(failures[0]).toMatchObject({ controller: 'jobs', key: 'a', reconcileId: 'id-1' });
  expect(count('reconcile_errors_total')).toBe(4);
  expect(count('reconcile_panics_total')).toBe(0);
  await end();
});

test('a server that asks to be left alone is', async () => {
  const facts = { code: 'KUBE_REFUSED', call: 'x', why: 'y', outcome: 'notApplied', retryable: true } as const;
  const { queue, clock, calls, end } = setUp(async () => {
    throw new ApiError({ ...facts, status: 429, retryAfterMs: 7_000 });
  });
  queue.add('a');
  await settle();
  clock.advanceBy(6_999);
  await settle();
  expect(calls).toHaveLength(1);
  clock.advanceBy(1);
  await settle();
  expect(calls).toHaveLength(2);
  await end();
});

test('a terminal failure is told and counted, and is not tried again', async () => {
  const { queue, clock, calls, failures, end, count } = setUp(async () => {
    throw new TerminalError('the spec is not valid');
  });
  queue.add('a');
  await settle();
  clock.advanceBy(3_600_000);
  await settle();
  expect(calls).toEqual(['a']);
  expect(failures[0]).toMatchObject({ next: 'never' });
  expect(count('terminal_reconcile_errors_total')).toBe(1);
  expect(count('reconcile_errors_total')).toBe(1);
  queue.add('a');
  await settle();
  expect(calls).toHaveLength(2);
  await end();
});

test('what nobody throws on purpose is counted apart, also when it is thrown before the first wait', async () => {
  const { queue, end, count, failures } = setUp(() => {
    throw new TypeError('undefined is not a function');
  });
  queue.add('a');
  await settle();
  expect(count('reconcile_panics_total')).toBe(1);
  expect(failures[0]?.error).toBeInstanceOf(TypeError);
  await end();
});

test('one that takes too long is told so by its signal, counted, and tried again', async () => {
  const { queue, clock, failures, end, count } = setUp(
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('call ended')))),
  );
  queue.add('a');
  await settle();
  clock.advanceBy(59_999);
  await settle();
  expect(failures).toEqual([]);
  clock.advanceBy(1);
  await settle();
  expect(failures[0]?.error).toMatchObject({ code: 'CONTROLLER_TIMEOUT', cause: new Error('call ended') });
  expect(count('reconcile_timeouts_total')).toBe(1);
  expect(queue.failuresOf('a')).toBe(1);
  await end();
});

test('one that never settles holds up neither its worker nor its key, and is shown until it settles', async () => {
  const settlers: (() => void)[] = [];
  const { queue, clock, calls, end, count, metrics } = setUp(
    (key) =>
      key === 'bad' ? new Promise((resolve) => settlers.push(() => resolve(undefined))) : Promise.resolve(undefined),
    { workers: 1 },
  );
  queue.add('bad');
  queue.add('good');
  await settle();
  clock.advanceBy(60_000);
  await settle();
  expect(calls).toEqual(['bad']);
  clock.advanceBy(5_000);
  await settle();
  expect(calls).toEqual(['bad', 'good']);
  expect(metrics.read('controller_poisoned_keys', CONTROLLER)).toBe(1);
  expect(count('reconcile_timeouts_total')).toBe(1);
  clock.advanceBy(5);
  await settle();
  expect(calls).toEqual(['bad', 'good', 'bad']);
  for (const each of settlers) each();
  await settle();
  expect(metrics.read('controller_poisoned_keys', CONTROLLER)).toBe(0);
  await end();
});

test('who does not lead begins nothing, and what was to come later is dropped', async () => {
  const { queue, clock, calls, state, end } = setUp(async () => ({ requeueAfterMs: 1_000 }));
  queue.add('a');
  await settle();
  state.isLeading = false;
  clock.advanceBy(1_000);
  queue.add('b');
  await settle();
  expect(calls).toEqual(['a']);
  state.isLeading = true;
  clock.advanceBy(60_000);
  await settle();
  expect(calls).toEqual(['a']);
  await end();
});

/** A copy that has seen nothing, and a server that can be asked, or not. */
function aView(refresh: () => Promise<void> = async () => {}) {
  const state = { hasSeen: false };
  const listeners = new Set<ProgressListener>();
  const view: View = {
    resource: CONFIG_MAPS,
    selection: {},
    store: new Store<KubeObject>({ indexes: {} }),
    hasSeen: () => state.hasSeen,
    onProgress: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
  };
  const see = () => {
    state.hasSeen = true;
    for (const listener of listeners) listener(undefined);
  };
  return { view, see };
}

test('a key whose own write is not seen yet waits without a worker, and begins as soon as it is', async () => {
  const { view, see } = aView();
  const { queue, writes, calls, end, count } = setUp(async () => undefined, { workers: 1 });
  writes.wrote('a', view, aMap('child', 7));
  queue.add('a');
  queue.add('b');
  await settle();
  expect(calls).toEqual(['b']);
  expect(count('active_workers')).toBe(0);
  see();
  await settle();
  expect(calls).toEqual(['b', 'a']);
  await end();
});

test('a write that is not seen in time is asked for, and while asking fails nothing is begun', async () => {
  let isDown = true;
  let asked = 0;
  const { view } = aView(async () => {
    asked += 1;
    if (isDown) throw new FlinkJobError('SOME_CODE', 'no answer');
  });
  const { queue, writes, clock, calls, failures, end } = setUp(async () => undefined);
  writes.wrote('a', view, aMap('child', 7));
  queue.add('a');
  await settle();
  clock.advanceBy(30_000);
  await settle();
  expect([calls, asked]).toEqual([[], 1]);
  expect(failures).toMatchObject([{ key: 'a', next: 'retry' }]);
  isDown = false;
  clock.advanceBy(5);
  await settle();
  expect([calls, asked]).toEqual([['a'], 2]);
  await end();
});

test('told to stop, it ends what is in work and tries none of it again', async () => {
  const { queue, clock, abort, failures, running, count } = setUp(
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('call ended')))),
  );
  queue.add('a');
  await settle();
  const drained = queue.shutDownWithDrain();
  abort.abort();
  await settle();
  await Promise.all([drained, running]);
  expect(failures).toEqual([]);
  expect(count('reconcile_errors_total')).toBe(0);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('told to stop, it waits no longer than the grace for what does not settle', async () => {
  const { queue, clock, abort, running } = setUp(never);
  queue.add('a');
  await settle();
  const drained = queue.shutDownWithDrain();
  abort.abort();
  clock.advanceBy(5_000);
  await Promise.all([drained, running]);
});

test('many keys that need no waiting let the event loop turn in between', async () => {
  const { queue, calls, end } = setUp(
    async () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return undefined;
    },
    { workers: 8 },
  );
  for (let key = 0; key < 300; key += 1) queue.add(`key-${key}`);
  let turns = 0;
  while (calls.length < 300) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  // In one piece it would be a turn or two.
  expect(turns).toBeGreaterThan(20);
  await end();
});
