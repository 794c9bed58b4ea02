import { expect, test } from 'vitest';
import { measureEventLoop } from '../../src/controller/event-loop.ts';
import { liveness, readiness } from '../../src/controller/health.ts';
import { LeaseAge } from '../../src/controller/lease-age.ts';
import { type Health, ProbeServer } from '../../src/controller/probes.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';

const informer = (more = {}) => ({ resource: { plural: 'pods' }, hasSynced: true, silentMs: 0, ...more });

test('a process whose event loop was blocked for more than five seconds is not alive', () => {
  expect(liveness({ eventLoopDelayMs: 5_000, lease: undefined })).toEqual({ isGood: true, why: [] });
  expect(liveness({ eventLoopDelayMs: 5_001, lease: undefined }).why).toEqual(['the event loop was blocked for 5 s']);
});

test('a leader whose lease ran out twenty seconds ago is not alive', () => {
  const lease = (ageMs: number) => ({ eventLoopDelayMs: 0, lease: { ageMs, durationMs: 15_000 } });
  expect(liveness(lease(35_000)).isGood).toBe(true);
  expect(liveness(lease(35_001)).why).toEqual(['it believes to lead, and its lease is 35 s old']);
});

test('ready is who has whole copies and hears of the server', () => {
  const facts = (...informers: ReturnType<typeof informer>[]) => ({ isStopping: false, informers });
  expect(readiness(facts(informer(), informer({ silentMs: 600_000 }))).isGood).toBe(true);
  expect(readiness(facts(informer({ hasSynced: false }))).why).toEqual(['the copy of pods is not whole yet']);
  expect(readiness(facts(informer({ silentMs: 600_001 }))).why).toEqual(['nothing was heard of pods for 600 s']);
  expect(readiness({ isStopping: true, informers: [] }).why).toEqual(['it is stopping']);
});

test('the age of a lease counts from its renewal, also when the gate has closed', () => {
  const clock = new TestClock();
  let renewedAt = 0;
  const gate = {
    remainingMs: () => Math.max(0, renewedAt + 10_000 - clock.monotonic()),
    closed: new AbortController().signal,
  };
  const age = new LeaseAge(clock, gate, { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 });
  const stop = age.follow();
  clock.advanceBy(4_500);
  expect(age.ms).toBe(4_500);
  renewedAt = 4_500;
  expect(age.ms).toBe(0);
  clock.advanceBy(40_000);
  // Looked at once a second: the last look at the open gate was up to a second before it closed.
  expect(age.ms).toBeGreaterThanOrEqual(40_000);
  expect(age.ms).toBeLessThanOrEqual(41_000);
  stop();
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('a blocked event loop is measured, once, whether it is asked before the late timer or after it', () => {
  const clock = new TestClock();
  /** Time passes, and no timer fires. */
  let blockedMs = 0;
  const meter = measureEventLoop({
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + blockedMs,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  });
  clock.advanceBy(60_000);
  expect(meter.longestDelayMs()).toBe(0);
  blockedMs += 7_000;
  expect(meter.longestDelayMs()).toBeGreaterThanOrEqual(6_500);
  expect(meter.longestDelayMs()).toBe(0);
  blockedMs += 6_000;
  clock.advanceBy(2_000);
  expect(meter.longestDelayMs()).toBe(6_000);
  expect(meter.longestDelayMs()).toBe(0);
  meter.stop();
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('probes answer with 200, or with 503 and the reasons; pages that are given are served', async () => {
  let verdict = { isGood: true, why: [] as string[] };
  const health: Health = { livez: () => verdict, readyz: () => ({ isGood: false, why: ['one', 'two'] }) };
  const server = new ProbeServer({
    port: 0,
    host: '127.0.0.1',
    pages: {
      '/metrics': async () => ({ contentType: 'text/x', body: 'up 1' }),
      '/broken': async () => {
        throw new Error('no page');
      },
    },
  });
  await server.start(health);
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return [answer.status, await answer.text()];
  };
  expect(await ask('/livez')).toEqual([200, 'ok\n']);
  verdict = { isGood: false, why: ['blocked'] };
  expect(await ask('/livez?verbose')).toEqual([503, 'blocked\n']);
  expect(await ask('/readyz')).toEqual([503, 'one\ntwo\n']);
  expect(await ask('/metrics')).toEqual([200, 'up 1']);
  expect(await ask('/broken')).toEqual([500, 'no page\n']);
  expect(await ask('/constructor')).toEqual([404, 'not found\n']);
  expect(await ask('/livez', 'POST')).toEqual([405, 'only GET\n']);
  const { port } = server;
  await server.stop();
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
});

test('a page that is never finished does not keep the server from stopping', async () => {
  const health: Health = { livez: () => ({ isGood: true, why: [] }), readyz: () => ({ isGood: true, why: [] }) };
  const asked = Promise.withResolvers<void>();
  const pages = {
    '/slow': () => {
      asked.resolve();
      return new Promise<never>(() => {});
    },
  };
  const server = new ProbeServer({ port: 0, host: '127.0.0.1', pages });
  await server.start(health);
  const answer = fetch(`http://127.0.0.1:${server.port}/slow`).catch(() => 'cut');
  await asked.promise;
  await server.stop();
  expect(await answer).toBe('cut');
});

test('a port that is taken is said so', async () => {
  const health: Health = { livez: () => ({ isGood: true, why: [] }), readyz: () => ({ isGood: true, why: [] }) };
  const first = new ProbeServer({ port: 0, host: '127.0.0.1' });
  await first.start(health);
  const second = new ProbeServer({ port: first.port, host: '127.0.0.1' });
  await expect(second.start(health)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await second.stop();
  await first.stop();
});
