/** Events on a real API server: what is written, how often, and what becomes of those that the server does not take. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { ApiEventRecorder, CONFIG_MAPS, EVENTS, type KubeEvent, referenceTo } from '../../../src/kube/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { TestClock } from '../../../src/stream/testing/test-clock.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, aProxy, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { MemoryMetrics } from '../../controller/builders.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();
const NOW = Date.parse('2026-11-21T12:00:00.000Z');

async function setUp() {
  const namespace = await cluster!.namespace();
  const direct = aClient(tokenConnection(cluster!));
  const proxy = await aProxy(cluster!);
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const object = await direct.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  const regarding = referenceTo(CONFIG_MAPS, object);
  const clock = new TestClock(NOW);
  const metrics = new MemoryMetrics();
  const troubles: Error[] = [];
  const start = (instance = 'operator-1', options: Partial<ConstructorParameters<typeof ApiEventRecorder>[0]> = {}) => {
    const recorder = new ApiEventRecorder({
      client,
      instance,
      clock,
      random: () => 0.5,
      metrics,
      trouble: (error) => troubles.push(error),
      ...options,
    });
    const stop = new AbortController();
    const running = recorder.run(stop.signal);
    const end = async () => {
      stop.abort();
      await running;
    };
    onTestFinished(end);
    return { recorder, end };
  };
  const events = async () => (await direct.list(EVENTS, { namespace, signal })).items;
  /** Waits for what the server has of them. */
  const eventsOnce = async (isThere: (events: readonly KubeEvent[]) => boolean) => {
    let found: readonly KubeEvent[] = [];
    await eventually(async () => {
      found = await events();
      return isThere(found);
    });
    return found;
  };
  const dropped = (reason: string) => metrics.read('flinkjob_events_dropped_total', { reason });
  return { namespace, direct, proxy, regarding, clock, metrics, troubles, start, events, eventsOnce, dropped };
}

test('an event stands beside its object, with all that people and tools look for', async () => {
  const { regarding, start, eventsOnce, namespace } = await setUp();
  start().recorder.event(regarding, 'Warning', 'JobFailed', 'Restart', 'the disk is full; free some space');
  const [event] = await eventsOnce(({ length }) => length === 1);
  expect(event).toMatchObject({
    metadata: { namespace, name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) },
    eventTime: '2026-11-21T12:00:00.000000Z',
    reportingController: 'flinkjob.dev/operator',
    reportingInstance: 'operator-1',
    type: 'Warning',
    reason: 'JobFailed',
    action: 'Restart',
    note: 'the disk is full; free some space',
    regarding: { kind: 'ConfigMap', apiVersion: 'v1', namespace, name: 'a', uid: regarding.uid },
  });
  expect(event?.series).toBeUndefined();
});

test('what happens again is counted, and told less and less often', async () => {
  const { regarding, clock, proxy, start, eventsOnce } = await setUp();
  const { recorder } = start();
  const again = () => recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  again();
  await eventsOnce(({ length }) => length === 1);
  for (let index = 0; index < 9; index += 1) again();
  expect(proxy.count({ resource: EVENTS.plural, verb: 'patch' })).toBe(0);
  clock.advanceBy(1_000);
  const [event] = await eventsOnce(([first]) => first?.series?.count === 10);
  expect(event?.series?.lastObservedTime).toBe('2026-11-21T12:00:00.000000Z');
  again();
  // The next pause is longer than the first: another event, which is written after what was due, comes first.
  clock.advanceBy(3_999);
  recorder.event(regarding, 'Normal', 'Other', 'Restart', 'something else');
  await eventsOnce(({ length }) => length === 2);
  expect(proxy.count({ resource: EVENTS.plural, verb: 'patch' })).toBe(1);
  again();
  clock.advanceBy(1);
  const series = (all: readonly KubeEvent[]) => all.find(({ reason }) => reason === 'Restarted')?.series;
  const later = series(await eventsOnce((all) => series(all)?.count === 12));
  expect(later?.lastObservedTime).toBe('2026-11-21T12:00:04.999000Z');
  expect(proxy.count({ resource: EVENTS.plural, verb: 'patch' })).toBe(2);
  expect(proxy.count({ resource: EVENTS.plural, verb: 'create' })).toBe(2);
});

test('another process that says the same counts on', async () => {
  const { regarding, start, eventsOnce } = await setUp();
  const one = start('operator-1');
  one.recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  await eventsOnce(({ length }) => length === 1);
  await one.end();
  start('operator-2').recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  const events = await eventsOnce(([first]) => first?.series?.count === 2);
  expect(events).toHaveLength(1);
});

test('an event whose writing was answered by nobody is there once, and counted once', async () => {
  const { regarding, proxy, clock, start, events } = await setUp();
  const lost = proxy.inject({ resource: EVENTS.plural, verb: 'create', fault: { do: 'dropAfter' } });
  const { recorder } = start();
  recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  await lost.firstHit;
  await eventually(() => {
    clock.advanceBy(100);
    return proxy.count({ resource: EVENTS.plural, verb: 'get' }) === 1;
  });
  await recorder.flush(AbortSignal.timeout(10_000));
  const [event] = await events();
  expect(event?.series).toBeUndefined();
});

test('an event that has expired meanwhile is told anew', async () => {
  const { regarding, namespace, direct, clock, start, eventsOnce } = await setUp();
  const { recorder } = start();
  recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  const [{ metadata }] = (await eventsOnce(({ length }) => length === 1)) as [KubeEvent];
  await direct.delete(EVENTS, { namespace, name: metadata?.name ?? '' }, { signal });
  for (const _ of [1, 2]) recorder.event(regarding, 'Normal', 'Restarted', 'Restart', 'once more');
  clock.advanceBy(1_000);
  const [event] = await eventsOnce(({ length }) => length === 1);
  expect(event?.series?.count).toBe(2);
});

test('events that differ in their note alone are told together from the eleventh on', async () => {
  const { regarding, clock, start, eventsOnce } = await setUp();
  const { recorder } = start();
  for (let index = 1; index <= 14; index += 1)
    recorder.event(regarding, 'Warning', 'JobFailed', 'Restart', `failure ${index}`);
  await eventsOnce(({ length }) => length === 11);
  clock.advanceBy(1_000);
  const events = await eventsOnce((all) => all.some(({ series }) => series?.count === 4));
  expect(events).toHaveLength(11);
  expect(events.find(({ series }) => series !== undefined)?.note).toBe('(combined from similar events): failure 11');
});

test('an object that has too much to say is heard less', async () => {
  const { regarding, start, eventsOnce, dropped } = await setUp();
  const { recorder } = start();
  for (let index = 1; index <= 30; index += 1)
    recorder.event(regarding, 'Normal', `Reason${index % 15}`, 'Restart', `so it is: ${index}`);
  recorder.event({ ...regarding, name: 'b', uid: 'another' }, 'Normal', 'Reason', 'Restart', 'so it is');
  expect(dropped('tooMany')).toBe(5);
  // What it has not said before is heard all the same.
  recorder.event(regarding, 'Normal', 'Cleanup', 'Cleanup', 'The job is removed.');
  expect(dropped('tooMany')).toBe(5);
  expect(await eventsOnce(({ length }) => length === 27)).toHaveLength(27);
});

test('what the server refuses is dropped, counted and told, and the next event is written', async () => {
  const { regarding, start, eventsOnce, dropped, troubles } = await setUp();
  const { recorder } = start();
  recorder.event({ ...regarding, namespace: 'nowhere' }, 'Normal', 'One', 'Restart', 'so it is');
  recorder.event(regarding, 'Normal', 'Two', 'Restart', 'so it is');
  const events = await eventsOnce(({ length }) => length === 1);
  expect(events[0]?.reason).toBe('Two');
  expect(dropped('refused')).toBe(1);
  expect(troubles[0]?.message).toMatch(/nowhere/);
});

test('a server that cannot be reached holds nobody up, and what it missed is dropped in the end', async () => {
  const { regarding, proxy, clock, start, events, dropped, metrics } = await setUp();
  const { recorder } = start('operator-1', { mostWaiting: 3 });
  // Three events, five tries each.
  const isOut = proxy.inject({ resource: EVENTS.plural, times: 15, fault: { do: 'dropBefore' } });
  const begunAt = performance.now();
  for (let index = 1; index <= 6; index += 1)
    recorder.event({ ...regarding, name: `b${index}` }, 'Normal', 'One', 'Restart', 'so it is');
  expect(performance.now() - begunAt).toBeLessThan(50);
  expect(dropped('queueFull')).toBe(3);
  await isOut.firstHit;
  await eventually(() => {
    clock.advanceBy(1_000);
    return dropped('unreachable') === 3;
  });
  expect(metrics.read('flinkjob_events_waiting')).toBe(0);
  expect(isOut.hits).toBe(15);
  recorder.event(regarding, 'Normal', 'Two', 'Restart', 'so it is');
  await recorder.flush(AbortSignal.timeout(10_000));
  expect((await events()).map(({ reason }) => reason)).toEqual(['Two']);
});

test('a flush writes what waits and what is counted, and ends with its deadline when it cannot', async () => {
  const { regarding, proxy, start, events, eventsOnce } = await setUp();
  const { recorder } = start();
  const again = () => recorder.event(regarding, 'Normal', 'One', 'Restart', 'so it is');
  again();
  await eventsOnce(({ length }) => length === 1);
  again();
  again();
  await recorder.flush(AbortSignal.timeout(10_000));
  const [event] = await events();
  expect(event?.series?.count).toBe(3);
  proxy.freeze();
  recorder.event(regarding, 'Normal', 'Two', 'Restart', 'so it is');
  const begunAt = performance.now();
  await recorder.flush(AbortSignal.timeout(50));
  expect(performance.now() - begunAt).toBeLessThan(5_000);
});

test('it ends with its signal, and leaves no timer behind', async () => {
  const { regarding, clock, start, eventsOnce } = await setUp();
  const { recorder, end } = start();
  const again = () => recorder.event(regarding, 'Normal', 'One', 'Restart', 'so it is');
  again();
  await eventsOnce(({ length }) => length === 1);
  again();
  await end();
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('nothing it is given makes it fail', () => {
  const client = aClient(tokenConnection(cluster!));
  const recorder = new ApiEventRecorder({ client, instance: 'i', clock: systemClock, random: Math.random });
  for (let index = 0; index < 5_000; index += 1)
    recorder.event({ name: 'x'.repeat(300), uid: `${index}` }, 'Normal', 'R'.repeat(500), '', '\u0000'.repeat(5_000));
});
