import { expect, test } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { Operations } from '../../../src/stream/rest/operations.ts';

function aManualClock() {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimer(_, callback) {
      timers.push(callback);
      return () => timers.splice(timers.indexOf(callback), 1);
    },
  };
  return { clock, fireAll: () => timers.splice(0).map((callback) => callback()), timers };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a result is forgotten after its time', async () => {
  const { clock, fireAll } = aManualClock();
  const operations = new Operations({ clock });
  const id = operations.begin('savepoint', undefined, () => Promise.resolve({ location: 'x' }));
  await settled();
  expect(operations.read('savepoint', id)).toMatchObject({ status: { id: 'COMPLETED' } });
  fireAll();
  expect(operations.read('savepoint', id)).toBeUndefined();
});

test('an operation under way is not forgotten', () => {
  const { clock, fireAll } = aManualClock();
  const operations = new Operations({ clock });
  const id = operations.begin('savepoint', undefined, () => new Promise(() => undefined));
  fireAll();
  expect(operations.read('savepoint', id)).toMatchObject({ status: { id: 'IN_PROGRESS' } });
});

test('the same id is one operation within a kind, another across kinds', async () => {
  const operations = new Operations({ clock: aManualClock().clock });
  const id = 'a'.repeat(32);
  operations.begin('savepoint', id, () => Promise.resolve({ location: 'x' }));
  expect(operations.read('checkpoint', id)).toBeUndefined();
  operations.begin('checkpoint', id, () => Promise.resolve({ checkpointId: 1 }));
  await settled();
  expect(operations.read('checkpoint', id)?.operation).toEqual({ checkpointId: 1 });
});

test('a command that throws at once fails the operation, not the trigger', async () => {
  const operations = new Operations({ clock: aManualClock().clock });
  const id = operations.begin('savepoint', undefined, () => {
    throw new Error('not running');
  });
  await settled();
  expect(operations.read('savepoint', id)?.operation).toMatchObject({
    'failure-cause': { 'stack-trace': 'Error: not running' },
  });
});

test('too many operations at once are refused with 503', () => {
  const operations = new Operations({ clock: aManualClock().clock, maxInProgress: 2 });
  const begin = () => operations.begin('checkpoint', undefined, () => new Promise(() => undefined));
  begin();
  begin();
  expect(begin).toThrow(expect.objectContaining({ status: 503, headers: { 'Retry-After': '1' } }));
});

test('a result that was forgotten unread holds nobody up', async () => {
  const { clock, fireAll, timers } = aManualClock();
  const operations = new Operations({ clock });
  operations.begin('savepoint', undefined, () => Promise.resolve({ location: 'x' }));
  await settled();
  const [forget] = timers;
  const read = operations.allRead(1_000);
  forget?.();
  expect(await read).toBe(true);
  fireAll();
});
