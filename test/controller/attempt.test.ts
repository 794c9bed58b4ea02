import { expect, test } from 'vitest';
import { attempt } from '../../src/controller/attempt.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';

const limits = { timeoutMs: 60_000, graceMs: 5_000 };

test('begun when it has to stop already, its signal has fired from the start', async () => {
  const clock = new TestClock();
  const seen: boolean[] = [];
  const work = async (signal: AbortSignal) => {
    seen.push(signal.aborted);
    throw new Error('call ended');
  };
  expect(await attempt(work, { key: 'a', clock, limits, stop: AbortSignal.abort() })).toEqual({ how: 'stopped' });
  expect(seen).toEqual([true]);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('what it achieved although it was told to stop counts', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const work = async () => {
    stop.abort();
    return { requeueAfterMs: 10 };
  };
  const end = await attempt(work, { key: 'a', clock, limits, stop: stop.signal });
  expect(end).toEqual({ how: 'requeueAfter', ms: 10, wasLate: false });
});

test('late and all the same successful, it is successful, and late', async () => {
  const clock = new TestClock();
  const work = (signal: AbortSignal) =>
    new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  const ending = attempt(work, { key: 'a', clock, limits, stop: new AbortController().signal });
  clock.advanceBy(60_000);
  expect(await ending).toEqual({ how: 'success', wasLate: true });
});

test('given up, it says when it settled after all, whether it failed or not', async () => {
  const clock = new TestClock();
  const broken = Promise.withResolvers<undefined>();
  const ending = attempt(() => broken.promise, { key: 'a', clock, limits, stop: new AbortController().signal });
  clock.advanceBy(65_000);
  const end = await ending;
  expect(end.how).toBe('abandoned');
  broken.reject(new Error('too late'));
  if (end.how === 'abandoned') await end.settled;
});

test('a time in the past to look again is now', async () => {
  const clock = new TestClock();
  const end = await attempt(async () => ({ requeueAfterMs: -5 }), {
    key: 'a',
    clock,
    limits,
    stop: new AbortController().signal,
  });
  expect(end).toMatchObject({ ms: 0 });
});
