import { expect, test } from 'vitest';
import { keyGroupOf } from '../../../src/stream/key-groups.ts';
import type { RestoredKeyedState } from '../../../src/stream/state/backend.ts';
import { Types } from '../../../src/stream/types/index.ts';
import type { TypeInformation } from '../../../src/stream/types/type-information.ts';
import { encodeKeyed } from '../../builders/operator-harness.ts';
import { aTimerService, MAX_PARALLELISM } from './builders.ts';

const KEYS = Array.from({ length: 200 }, (_, index) => `key-${index}`);

function capturedTimers(): RestoredKeyedState {
  const service = aTimerService();
  KEYS.forEach((key, index) => {
    service.event(key, index);
    service.event(key, index + 1_000);
    service.processing(key, index);
  });
  service.deleteEvent('key-7', 7);
  return service.capture()!;
}

test('timers are stored per key group and restored at another parallelism, each once', () => {
  const captured = capturedTimers();
  for (const parallelism of [1, 2, 3, 16]) {
    const subtasks = Array.from({ length: parallelism }, (_, subtask) =>
      aTimerService({ subtask, parallelism, restore: [captured] }),
    );
    for (const { timers } of subtasks) timers.advanceWatermark(999);
    const fired = subtasks.flatMap((subtask) => subtask.fired.map(({ key, at }) => `${key}@${at}`));
    const expected = KEYS.map((key, index) => `${key}@${index}`).filter((id) => id !== 'key-7@7');
    expect(fired.sort()).toEqual(expected.sort());
    expect(subtasks.reduce((sum, { timers }) => sum + timers.numEventTimeTimers(), 0)).toBe(KEYS.length);
  }
});

test('timers of several subtasks are restored into one', () => {
  const captured = capturedTimers();
  const parts = [0, 1, 2].map((subtask) => aTimerService({ subtask, parallelism: 3, restore: [captured] }).capture()!);
  const whole = aTimerService({ restore: parts });
  expect(whole.timers.numEventTimeTimers()).toBe(2 * KEYS.length - 1);
  expect(whole.timers.numProcessingTimeTimers()).toBe(KEYS.length);
});

test('the blocks of a capture hold only the timers of their key group', () => {
  const { blocks, states } = capturedTimers();
  const groups = [...blocks].map(({ keyGroup }) => keyGroup);
  expect(states.map(({ name, kind }) => [name, kind])).toEqual([['timers', 'timers']]);
  expect(groups).toEqual(
    [...new Set(KEYS.map((key) => keyGroupOf(Types.STRING.hash!(key), MAX_PARALLELISM)))].sort(
      (left, right) => left - right,
    ),
  );
});

test('a capture does not see later registrations, deletions and firings', () => {
  const service = aTimerService();
  for (let at = 50; at > 0; at--) service.event(`key-${at}`, at);
  const snapshot = service.backend.snapshot(1)!;
  service.timers.advanceWatermark(25);
  service.deleteEvent('key-40', 40);
  for (let at = 100; at < 120; at++) service.event(`later-${at}`, at);
  const restored = aTimerService({ restore: [encodeKeyed(snapshot)] });
  restored.timers.advanceWatermark(1_000);
  expect(restored.fired.map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, index) => `key-${index + 1}`));
});

test('processing-time timers that became due while nothing ran fire when processing starts', () => {
  const service = aTimerService();
  service.processing('a', 100);
  service.processing('b', 5_000);
  const restored = aTimerService({ restore: [service.capture()!], now: 1_000, started: false });
  restored.moveTo(1_000);
  expect(restored.fired).toEqual([]);
  restored.timers.start();
  restored.moveTo(1_000);
  expect(restored.fired).toEqual([{ time: 'processing', key: 'a', at: 100 }]);
  restored.moveTo(5_000);
  expect(restored.fired).toHaveLength(2);
});

test('windows of timers come back', () => {
  const service = aTimerService({ namespace: 'window' });
  service.event('a', 9, { start: 0, end: 10 });
  service.processing('a', 19, { start: -10, end: 20 });
  const restored = aTimerService({ namespace: 'window', restore: [service.capture()!] });
  restored.timers.advanceWatermark(9);
  restored.moveTo(19);
  expect(restored.fired).toEqual([
    { time: 'event', key: 'a', at: 9, window: { start: 0, end: 10 } },
    { time: 'processing', key: 'a', at: 19, window: { start: -10, end: 20 } },
  ]);
});

test('keys of every kind come back', () => {
  const kinds: [TypeInformation<never>, unknown][] = [
    [Types.INT as never, -5],
    [Types.LONG as never, 2n ** 60n],
    [Types.DOUBLE as never, 0.5],
    [Types.BOOLEAN as never, true],
    [Types.TUPLE(Types.INT, Types.STRING) as never, [1, 'é']],
  ];
  for (const [keyType, key] of kinds) {
    const service = aTimerService({ keyType });
    service.event(key, 10);
    const restored = aTimerService({ keyType, restore: [service.capture()!] });
    restored.timers.advanceWatermark(10);
    expect(restored.fired.map((fired) => fired.key)).toEqual([key]);
  }
});

test('no timers leave nothing to store', () => {
  const service = aTimerService();
  service.event('a', 10);
  service.timers.advanceWatermark(10);
  expect(service.capture()).toBeUndefined();
});

test('another key type is refused', () => {
  const service = aTimerService();
  service.event('a', 10);
  const captured = service.capture()!;
  expect(() => aTimerService({ keyType: Types.INT as never, restore: [captured] })).toThrow('keys of type');
});

test('timers with windows cannot become timers without, nor the other way round', () => {
  const service = aTimerService();
  service.event('a', 10);
  const captured = service.capture()!;
  expect(() => aTimerService({ namespace: 'window', restore: [captured] })).toThrow(
    'Timers of "timers" were stored without windows and are now used with them.',
  );
});

test('a damaged block is refused, never half believed', () => {
  const service = aTimerService();
  service.event('a', 10);
  const captured = service.capture()!;
  const [block] = [...captured.blocks];
  const damaged = (bytes: Uint8Array, keyGroup = block!.keyGroup) => ({
    ...captured,
    blocks: [{ ...block!, keyGroup, bytes }],
  });
  const cut = damaged(block!.bytes.subarray(0, block!.bytes.length - 1));
  expect(() => aTimerService({ restore: [cut] })).toThrow('cut off or damaged');
  const longer = damaged(Uint8Array.from([...block!.bytes, 0]));
  expect(() => aTimerService({ restore: [longer] })).toThrow('1 bytes are left over');
  const elsewhere = damaged(block!.bytes, (block!.keyGroup + 1) % MAX_PARALLELISM);
  expect(() => aTimerService({ restore: [elsewhere] })).toThrow('belongs to key group');
});

test('the bytes of a block are those that later versions must read', () => {
  const service = aTimerService({ namespace: 'window', keyType: Types.INT as never });
  service.event(1, 9, { start: 0, end: 10 });
  const [block] = [...service.capture()!.blocks];
  expect(Buffer.from(block!.bytes).toString('hex')).toBe(
    '01' + '01' + '01000000' + '0000000000002240' + '0000000000000000' + '0000000000002440' + '00',
  );
});
