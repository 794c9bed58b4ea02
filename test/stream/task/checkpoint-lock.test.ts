import { expect, test } from 'vitest';
import { CheckpointLock } from '../../../src/stream/task/checkpoint-lock.ts';

/** A promise that is resolved from outside. */
const deferred = () => {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

test('actions run one at a time, in the order they asked', async () => {
  const lock = new CheckpointLock();
  const log: string[] = [];
  const gate = deferred();
  const first = lock.withLock(async () => {
    log.push('a begins');
    await gate.promise;
    log.push('a ends');
  });
  const others = ['b', 'c'].map((name) => lock.withLock(() => void log.push(name)));
  gate.resolve();
  await Promise.all([first, ...others]);
  expect(log).toEqual(['a begins', 'a ends', 'b', 'c']);
  expect(lock.held).toBe(false);
});

test('an action that fails gives the lock back and its error to the caller', async () => {
  const lock = new CheckpointLock();
  await expect(lock.withLock(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await lock.withLock(() => 7)).toBe(7);
});

test('the lock is taken at once when it is free, and not when somebody holds it or waits for it', async () => {
  const lock = new CheckpointLock();
  const release = lock.tryAcquireSync();
  expect(release).toBeDefined();
  expect(lock.tryAcquireSync()).toBeUndefined();
  const waiter = lock.withLock(() => 'waited');
  release?.();
  // Handed over to the waiter already: nobody can jump the queue.
  expect(lock.tryAcquireSync()).toBeUndefined();
  expect(await waiter).toBe('waited');
  expect(lock.held).toBe(false);
});

test('giving the lock back twice does not take it from the next holder', async () => {
  const lock = new CheckpointLock();
  const release = lock.tryAcquireSync();
  release?.();
  const second = lock.tryAcquireSync();
  release?.();
  expect(lock.held).toBe(true);
  second?.();
});

test('a loop that takes the lock again and again does not keep others out', async () => {
  const lock = new CheckpointLock();
  let turns = 0;
  let captured = 0;
  const loop = (async () => {
    for (; captured === 0; turns++) await lock.withLock(() => Promise.resolve());
  })();
  await lock.withCapture(() => {
    captured = turns;
    captured ||= 1;
  });
  await loop;
  expect(turns).toBeLessThan(5);
});

test('a capture is visible for as long as it lasts, also when it fails', async () => {
  const lock = new CheckpointLock();
  const gate = deferred();
  const capture = lock.withCapture(async () => {
    await gate.promise;
    throw new Error('declined');
  });
  expect(lock.capturing).toBe(true);
  gate.resolve();
  await expect(capture).rejects.toThrow('declined');
  expect(lock.capturing).toBe(false);
});
