import { expect, test } from 'vitest';
import type { Term } from '../../src/controller/controller.ts';
import { type ManagedInformer, Manager, type ManagerOptions } from '../../src/controller/manager.ts';
import type { Elector } from '../../src/lib/elector.ts';
import { waitUntil } from '../../src/lib/waiting.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { MemoryMetrics } from './builders.ts';

const TIMES = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

/** Everything happens that needs no time to pass. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A manager whose parts are played by the test, which writes down what they are told. */
function setUp({ isElected = true, ...more }: Partial<ManagerOptions> & { isElected?: boolean } = {}) {
  const clock = new TestClock();
  const metrics = new MemoryMetrics();
  const log: string[] = [];
  const synced = Promise.withResolvers<void>();
  const elected = Promise.withResolvers<{ transitions: number } | undefined>();
  const lost = Promise.withResolvers<Error>();
  const worked = Promise.withResolvers<void>();
  const informerBroke = Promise.withResolvers<void>();
  const gate = { leftMs: 10_000 };
  if (isElected) elected.resolve({ transitions: 1 });
  const informer: ManagedInformer & { hasSynced: boolean } = {
    resource: { plural: 'flinkjobs' },
    hasSynced: false,
    silentMs: 0,
    whenSynced: synced.promise,
    async run(signal) {
      log.push('informer runs');
      await Promise.race([waitUntil(signal, () => () => {}), informerBroke.promise]);
      log.push('informer ends');
    },
  };
  const elector: Elector = {
    acquire(signal) {
      log.push('contends');
      return Promise.race([elected.promise, waitUntil(signal, () => () => {}).then(() => undefined)]);
    },
    hold(signal) {
      signal.addEventListener('abort', () => log.push('renews no more'));
      return Promise.race([lost.promise, waitUntil(signal, () => () => {}).then(() => undefined)]);
    },
    isHeld: () => log.at(-1) !== 'released',
    async release() {
      log.push('released');
    },
  };
  const controller = {
    async run({ drain, abort }: Term) {
      log.push('works');
      drain.addEventListener('abort', () => log.push('drains'));
      abort.addEventListener('abort', () => log.push('aborted'));
      await waitUntil(drain, () => () => {});
      await Promise.race([worked.promise, waitUntil(abort, () => () => {})]);
      log.push('work ends');
    },
  };
  const manager = new Manager({
    informers: [informer],
    controllers: [controller],
    leadership: {
      name: 'operator',
      elector,
      gate: { remainingMs: () => gate.leftMs, closed: new AbortController().signal },
      times: TIMES,
    },
    probes: {
      start: async () => void log.push('probes open'),
      stop: async () => void log.push('probes close'),
    },
    flush: async () => void log.push('flushed'),
    clock,
    metrics,
    eventLoopDelayMs: () => 0,
    trouble: (error) => log.push(`trouble: ${error.message}`),
    ...more,
  });
  const [stop, now] = [new AbortController(), new AbortController()];
  const run = () => {
    const running = manager.run({ stop: stop.signal, now: now.signal });
    running.catch(() => {});
    return running;
  };
  const sync = async () => {
    informer.hasSynced = true;
    synced.resolve();
    await settle();
  };
  return { manager, clock, metrics, log, run, stop, now, sync, elected, lost, worked, informerBroke, gate };
}

test('what goes on beside begins when the copies are whole, whoever leads, and is waited for at the end', async () => {
  const beside: string[] = [];
  const { log, run, sync, stop } = setUp({
    isElected: false,
    beside: async (signal) => {
      beside.push('begins');
      await waitUntil(signal, () => () => {});
      beside.push(`ends before "released": ${!log.includes('released')}`);
    },
  });
  const running = run();
  await settle();
  expect(beside).toEqual([]);
  await sync();
  expect(beside).toEqual(['begins']);
  stop.abort();
  expect(await running).toBe('stopped');
  expect(beside).toEqual(['begins', 'ends before "released": true']);
});

test('it begins in order: probes, copies, election, work', async () => {
  const { manager, log, run, sync, elected } = setUp({ isElected: false });
  run();
  await settle();
  expect(log).toEqual(['probes open', 'informer runs']);
  expect(manager.readyz().why).toEqual(['the copy of flinkjobs is not whole yet']);
  await sync();
  expect(log).toEqual(['probes open', 'informer runs', 'contends']);
  expect(manager.readyz().isGood).toBe(true);
  elected.resolve({ transitions: 1 });
  await settle();
  expect(log.at(-1)).toBe('works');
});

test('told to stop, it ends in order: not ready, drained, flushed, informers, lease, probes', async () => {
  const { manager, clock, log, run, sync, stop, worked } = setUp();
  const running = run();
  await sync();
  log.length = 0;
  stop.abort();
  expect(manager.readyz().why).toEqual(['it is stopping']);
  await settle();
  expect(log).toEqual(['drains']);
  clock.advanceBy(29_999);
  await settle();
  expect(log).toEqual(['drains']);
  worked.resolve();
  expect(await running).toBe('stopped');
  expect(log).toEqual([
    'drains',
    'work ends',
    'aborted',
    'flushed',
    'renews no more',
    'informer ends',
    'released',
    'probes close',
  ]);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('what is not drained within thirty seconds is aborted', async () => {
  const { clock, log, run, sync, stop } = setUp();
  const running = run();
  await sync();
  stop.abort();
  await settle();
  clock.advanceBy(30_000);
  expect(await running).toBe('stopped');
  expect(log.slice(log.indexOf('drains'))).toEqual([
    'drains',
    'aborted',
    'work ends',
    'flushed',
    'renews no more',
    'informer ends',
    'released',
    'probes close',
  ]);
});

test('a flush that does not end, or fails, keeps nobody waiting for long', async () => {
  const hanging = setUp({ flush: () => new Promise(() => {}) });
  const running = hanging.run();
  await hanging.sync();
  hanging.worked.resolve();
  hanging.stop.abort();
  await settle();
  expect(hanging.log.at(-1)).toBe('aborted');
  hanging.clock.advanceBy(5_000);
  expect(await running).toBe('stopped');

  const failing = setUp({ flush: () => Promise.reject(new Error('no events')) });
  const other = failing.run();
  await failing.sync();
  failing.worked.resolve();
  failing.stop.abort();
  expect(await other).toBe('stopped');
  expect(failing.log).toContain('trouble: no events');
  expect(failing.log.slice(-3)).toEqual(['informer ends', 'released', 'probes close']);
});

test('a standby that is told to stop has nothing to drain', async () => {
  const { log, run, sync, stop } = setUp({ isElected: false });
  const running = run();
  await sync();
  stop.abort();
  expect(await running).toBe('stopped');
  expect(log.slice(-3)).toEqual(['informer ends', 'released', 'probes close']);
  expect(log).not.toContain('works');
});

test('told to stop before its copies are whole, it never contends', async () => {
  const { log, run, stop, clock } = setUp();
  const running = run();
  await settle();
  stop.abort();
  expect(await running).toBe('stopped');
  expect(log).not.toContain('contends');
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('copies that are not whole after two minutes end it, by name', async () => {
  const { clock, run, log } = setUp();
  const running = run();
  await settle();
  clock.advanceBy(119_999);
  await settle();
  expect(log).not.toContain('informer ends');
  clock.advanceBy(1);
  await expect(running).rejects.toMatchObject({
    code: 'MANAGER_NOT_SYNCED',
    message: expect.stringContaining('flinkjobs could not be listed within 120 s'),
  });
  expect(log.slice(-2)).toEqual(['informer ends', 'probes close']);
});

test('a lease that is lost ends all work at once, is not given back, and is what the run throws', async () => {
  const { log, run, sync, lost } = setUp();
  const running = run();
  await sync();
  lost.resolve(new Error('another holds it'));
  await expect(running).rejects.toThrow('another holds it');
  expect(log.slice(log.indexOf('works'))).toEqual([
    'works',
    'drains',
    'aborted',
    'work ends',
    'renews no more',
    'informer ends',
    'probes close',
  ]);
});

test('a lease that is lost while it drains ends all work at once', async () => {
  const { log, run, sync, lost, stop } = setUp();
  const running = run();
  await sync();
  stop.abort();
  await settle();
  lost.resolve(new Error('another holds it'));
  await expect(running).rejects.toThrow('another holds it');
  expect(log).not.toContain('flushed');
  expect(log).not.toContain('released');
});

test('an informer or a controller that ends by itself ends the process', async () => {
  const broken = setUp();
  const running = broken.run();
  await broken.sync();
  broken.informerBroke.resolve();
  await expect(running).rejects.toMatchObject({ code: 'MANAGER_PART_ENDED' });
  expect(broken.log.at(-1)).toBe('probes close');

  const failing = setUp({ controllers: [{ run: () => Promise.reject(new Error('a bug')) }] });
  const other = failing.run();
  await failing.sync();
  await expect(other).rejects.toMatchObject({ code: 'MANAGER_PART_ENDED', cause: new Error('a bug') });
});

test('told to end now, it waits for nothing and gives nothing back', async () => {
  const { log, run, sync, stop, now } = setUp();
  const running = run();
  await sync();
  stop.abort();
  await settle();
  now.abort();
  expect(await running).toBe('endedNow');
  expect(log).not.toContain('released');
  expect(log).toContain('aborted');
});

test('without an election it works as soon as its copies are whole', async () => {
  const phases: string[] = [];
  const [stop, now] = [new AbortController(), new AbortController()];
  const alone = new Manager({
    informers: [],
    controllers: [{ run: ({ drain }) => waitUntil(drain, () => () => {}) }],
    clock: new TestClock(),
    eventLoopDelayMs: () => 0,
    tell: (phase) => phases.push(phase),
  });
  const running = alone.run({ stop: stop.signal, now: now.signal });
  await settle();
  expect(phases).toEqual(['syncing', 'leading']);
  stop.abort();
  expect(await running).toBe('stopped');
  expect(phases).toEqual(['syncing', 'leading', 'draining', 'stopping', 'stopped']);
  expect(alone.livez().isGood).toBe(true);
});

test('who leads is measured', async () => {
  const { metrics, log, run, sync, stop, worked } = setUp();
  const running = run();
  await sync();
  expect(metrics.read('leader_election_master_status', { name: 'operator' })).toBe(1);
  worked.resolve();
  stop.abort();
  await running;
  expect(log).toContain('released');
});

test('a leader whose lease is long gone is not alive; a standby has none', async () => {
  const { manager, clock, run, sync, gate } = setUp();
  run();
  await sync();
  expect(manager.livez().isGood).toBe(true);
  gate.leftMs = 0;
  clock.advanceBy(24_000);
  expect(manager.livez().isGood).toBe(true);
  clock.advanceBy(3_000);
  expect(manager.livez().isGood).toBe(false);

  const standby = setUp({ isElected: false });
  standby.run();
  await standby.sync();
  standby.gate.leftMs = 0;
  standby.clock.advanceBy(100_000);
  expect(standby.manager.livez().isGood).toBe(true);
});
