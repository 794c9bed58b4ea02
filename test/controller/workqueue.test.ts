import { expect, test } from 'vitest';
import { DelayedKeys } from '../../src/controller/delayed-keys.ts';
import { DEFAULT_RATE_LIMITS } from '../../src/controller/rate-limiter.ts';
import { INITIAL_PRIORITY } from '../../src/controller/ready-keys.ts';
import { WorkQueue } from '../../src/controller/workqueue.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { MemoryMetrics } from './builders.ts';

const NAME = { name: 'jobs' };

function setUp({ random = () => 1 }: { random?: () => number } = {}) {
  const clock = new TestClock();
  const metrics = new MemoryMetrics();
  const queue = new WorkQueue({ name: 'jobs', clock, random, metrics });
  const taken: (string | undefined)[] = [];
  /** Takes in the background; what came is in `taken` after the next turn. */
  const take = async (times = 1) => {
    for (let count = 0; count < times; count += 1) queue.take().then((key) => taken.push(key));
    await Promise.resolve();
  };
  return { clock, metrics, queue, taken, take };
}

test('keys come in the order in which they were added, each once', async () => {
  const { queue, taken, take } = setUp();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  await take(4);
  expect(taken).toEqual(['a', 'b', 'c']);
});

test('a worker who came before there was work gets the first there is, in the order of the workers', async () => {
  const { queue, taken, take } = setUp();
  await take(2);
  expect(taken).toEqual([]);
  queue.add('a');
  queue.add('b');
  await Promise.resolve();
  expect(taken).toEqual(['a', 'b']);
});

test('a key in work is given to nobody else; changes meanwhile make one more round', async () => {
  const { queue, taken, take } = setUp();
  queue.add('a');
  await take(2);
  queue.add('a');
  queue.add('a');
  await Promise.resolve();
  expect(taken).toEqual(['a']);
  queue.done('a');
  await Promise.resolve();
  expect(taken).toEqual(['a', 'a']);
  queue.done('a');
  await take();
  expect(taken).toEqual(['a', 'a']);
});

test('a key that changes all the time does not keep others waiting', async () => {
  const { queue, clock, taken, take } = setUp();
  queue.add('busy');
  for (let round = 0; round < 4; round += 1) {
    await take();
    clock.advanceBy(1);
    queue.add('busy');
    if (round === 0) for (const key of ['a', 'b']) queue.add(key);
    queue.done('busy');
    queue.done('a');
  }
  expect(taken).toEqual(['busy', 'busy', 'a', 'b']);
});

test('what was there all along waits for what is live, but not for ever', async () => {
  const { queue, clock, taken, take } = setUp();
  queue.add('old', INITIAL_PRIORITY);
  clock.advanceBy(9_999);
  queue.add('live');
  await take();
  queue.add('live-2');
  clock.advanceBy(2);
  queue.add('live-3');
  await take(3);
  expect(taken).toEqual(['live', 'live-2', 'old', 'live-3']);
});

test('a change makes a key that waits at low urgency come as early as one that changed when the key began to wait', async () => {
  const { queue, taken, take } = setUp();
  queue.add('old', INITIAL_PRIORITY);
  queue.add('other', INITIAL_PRIORITY);
  queue.add('live');
  queue.add('other');
  queue.add('other', INITIAL_PRIORITY);
  await take(4);
  expect(taken).toEqual(['other', 'live', 'old']);
});

test('a key that is asked for later comes at the earliest time that was asked for, once', async () => {
  const { queue, clock, taken, take } = setUp();
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 300);
  queue.addAfter('b', 200);
  await take(3);
  clock.advanceBy(99);
  await Promise.resolve();
  expect(taken).toEqual([]);
  clock.advanceBy(1);
  await Promise.resolve();
  expect(taken).toEqual(['a']);
  clock.advanceBy(1_000);
  await Promise.resolve();
  expect(taken).toEqual(['a', 'b']);
});

test('asked for in no time at all, a key comes at once', async () => {
  const { queue, taken, take } = setUp();
  queue.addAfter('a', 0);
  await take();
  expect(taken).toEqual(['a']);
});

test('what is no longer wanted later does not come, and leaves no timer', async () => {
  const { queue, clock, taken, take } = setUp();
  queue.addAfter('a', 100);
  queue.cancelDelayed('a');
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
  await take();
  clock.advanceBy(1_000);
  await Promise.resolve();
  expect(taken).toEqual([]);
});

test('times that are cancelled and named anew do not pile up, and the last one holds', () => {
  const keys = new DelayedKeys();
  keys.add('other', 5_000);
  for (let round = 0; round < 10_000; round += 1) {
    keys.cancel('busy');
    keys.add('busy', 600_000 + round);
  }
  expect(keys.held).toBeLessThan(100);
  expect(keys.takeDue(609_998)).toEqual(['other']);
  expect(keys.takeDue(609_999)).toEqual(['busy']);
});

test('a key that fails waits twice as long each time, up to five minutes, and starts anew when it was forgotten', () => {
  const { queue, clock } = setUp();
  const waits: number[] = [];
  const fail = () => {
    queue.addRateLimited('a');
    waits.push(clock.nextTimerAt - clock.now());
    queue.cancelDelayed('a');
    // Long enough that the limit for all keys together does not count.
    clock.advanceBy(1_000);
  };
  for (let failure = 0; failure < 18; failure += 1) fail();
  expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(waits.slice(-3)).toEqual([5 * 2 ** 15, 300_000, 300_000]);
  expect(queue.failuresOf('a')).toBe(18);
  queue.forget('a');
  expect(queue.failuresOf('a')).toBe(0);
  fail();
  expect(waits.at(-1)).toBe(5);
});

test('waits are spread by chance over their whole length', () => {
  const { queue, clock } = setUp({ random: () => 0.25 });
  for (let failure = 0; failure < 3; failure += 1) queue.addRateLimited('a');
  queue.cancelDelayed('a');
  queue.addRateLimited('a');
  expect(clock.nextTimerAt).toBe(10);
});

test('all failures together are let through ten a second, after a hundred at once', async () => {
  const { queue, clock, taken, take } = setUp();
  for (let key = 0; key < 120; key += 1) queue.addRateLimited(`key-${key}`);
  await take(120);
  clock.advanceBy(DEFAULT_RATE_LIMITS.firstDelayMs);
  await Promise.resolve();
  expect(taken).toHaveLength(100);
  clock.advanceBy(1_000);
  await Promise.resolve();
  expect(taken).toHaveLength(110);
  clock.advanceBy(1_000);
  await Promise.resolve();
  expect(taken).toHaveLength(120);
});

test('shut down, it hands nothing out and takes nothing in, and is drained when what was in work is done', async () => {
  const { queue, clock, taken, take } = setUp();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  await take(1);
  let isDrained = false;
  const drained = queue.shutDownWithDrain().then(() => {
    isDrained = true;
  });
  queue.add('d');
  queue.addRateLimited('e');
  clock.advanceBy(1_000_000);
  await take(2);
  expect(taken).toEqual(['a', undefined, undefined]);
  expect(isDrained).toBe(false);
  queue.done('a');
  await drained;
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('a worker who waits is sent home when the queue is shut down; with nothing in work it is drained at once', async () => {
  const { queue, taken, take } = setUp();
  await take();
  await queue.shutDownWithDrain();
  expect(taken).toEqual([undefined]);
});

test('it is measured under the names of client-go', async () => {
  const { queue, clock, metrics, take } = setUp();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  clock.advanceBy(2_000);
  expect(metrics.read('workqueue_depth', NAME)).toBe(2);
  await take(1);
  queue.add('a');
  clock.advanceBy(500);
  await take(1);
  clock.advanceBy(500);
  expect(metrics.read('workqueue_depth', NAME)).toBe(0);
  expect(metrics.read('workqueue_unfinished_work_seconds', NAME)).toBe(1.5);
  expect(metrics.read('workqueue_longest_running_processor_seconds', NAME)).toBe(1);
  queue.done('b');
  queue.addRateLimited('b');
  expect(metrics.read('workqueue_adds_total', NAME)).toBe(3);
  expect(metrics.read('workqueue_retries_total', NAME)).toBe(1);
  expect(metrics.observed.get('workqueue_queue_duration_seconds[["name","jobs"]]')).toEqual([2, 2.5]);
  expect(metrics.observed.get('workqueue_work_duration_seconds[["name","jobs"]]')).toEqual([0.5]);
});
