import { expect, test } from 'vitest';
import { WAKE_UP_BYTES, WakeUp } from '../../../src/stream/exchange/index.ts';

function ends() {
  const memory = new SharedArrayBuffer(WAKE_UP_BYTES);
  return { sleeper: new WakeUp(memory), waker: new WakeUp(memory) };
}

const LONG_MS = 10_000;

async function msOf(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

test('a wake-up ends a sleep', async () => {
  const { sleeper, waker } = ends();
  sleeper.prepareToSleep();
  setImmediate(() => waker.wake());
  expect(await msOf(() => sleeper.sleep(LONG_MS))).toBeLessThan(LONG_MS / 2);
});

test('a wake-up between the preparation and the sleep is not lost', async () => {
  const { sleeper, waker } = ends();
  sleeper.prepareToSleep();
  waker.wake();
  expect(await msOf(() => sleeper.sleep(LONG_MS))).toBeLessThan(LONG_MS / 2);
});

test('a wake-up before the preparation is for what the sleeper then sees, and ends no sleep', async () => {
  const { sleeper, waker } = ends();
  waker.wake();
  sleeper.prepareToSleep();
  expect(await msOf(() => sleeper.sleep(20))).toBeGreaterThan(15);
});

test('a sleep ends by itself', async () => {
  const { sleeper } = ends();
  sleeper.prepareToSleep();
  expect(await msOf(() => sleeper.sleep(20))).toBeGreaterThan(15);
});

test('a sleeper that found work after all is not signalled', async () => {
  const { sleeper, waker } = ends();
  sleeper.prepareToSleep();
  sleeper.cancelSleep();
  waker.wake();
  sleeper.prepareToSleep();
  expect(await msOf(() => sleeper.sleep(20))).toBeGreaterThan(15);
});

test('even a sleep of no time lets the event loop have a turn', async () => {
  const { sleeper } = ends();
  let turns = 0;
  const count = (): void => {
    turns++;
    if (turns < 3) setImmediate(count);
  };
  setImmediate(count);
  for (let index = 0; index < 10; index++) {
    sleeper.prepareToSleep();
    await sleeper.sleep(0);
  }
  expect(turns).toBe(3);
});

test('a second sleep after a wake-up sleeps again', async () => {
  const { sleeper, waker } = ends();
  sleeper.prepareToSleep();
  waker.wake();
  await sleeper.sleep(LONG_MS);
  sleeper.prepareToSleep();
  expect(await msOf(() => sleeper.sleep(20))).toBeGreaterThan(15);
});
