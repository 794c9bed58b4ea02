import { expect, test } from 'vitest';
import {
  ListStateDescriptor,
  MapStateDescriptor,
  type StateTtlConfig,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { CaptureInFlight, ManualClock, restoredFor, stringBackend } from './keyed-backends.ts';
import { mapOf } from './ttl-subjects.ts';

test('objects in expiring states are protected from changes while a capture is in flight', () => {
  const clock = new ManualClock();
  const point = Types.OBJECT({ x: Types.INT });
  const ttl: StateTtlConfig = { ttlMs: 100, updateType: 'OnReadAndWrite' };
  const value = new ValueStateDescriptor('v', point).enableTimeToLive(ttl);
  const list = new ListStateDescriptor('l', point).enableTimeToLive(ttl);
  const map = new MapStateDescriptor('m', Types.STRING, point).enableTimeToLive(ttl);
  const backend = stringBackend({ clock });
  const [v, l, m] = [backend.getState(value), backend.getListState(list), backend.getMapState(map)];
  backend.setCurrentKey('a');
  v.update({ x: 1 });
  l.add({ x: 1 });
  m.put('p', { x: 1 });
  m.put('q', { x: 1 });
  const capture = new CaptureInFlight(backend as never);
  clock.time = 50;
  v.value()!.x = 2;
  for (const each of l.get()) each.x = 2;
  l.add({ x: 3 });
  m.get('p')!.x = 2;
  for (const each of m.values()) each.x++;
  expect([v.value(), [...l.get()], [...m.entries()]]).toEqual([
    { x: 2 },
    [{ x: 2 }, { x: 3 }],
    [
      ['p', { x: 3 }],
      ['q', { x: 2 }],
    ],
  ]);
  const restored = restoredFor(backend.keyType, [capture.finish()], { clock });
  const [v2, l2, m2] = [restored.getState(value), restored.getListState(list), restored.getMapState(map)];
  restored.setCurrentKey('a');
  clock.time = 99;
  expect([v2.value(), [...l2.get()], [...m2.entries()]]).toEqual([
    { x: 1 },
    [{ x: 1 }],
    [
      ['p', { x: 1 }],
      ['q', { x: 1 }],
    ],
  ]);
});

test('elements that outlive others are not shared with a capture that still holds them all', () => {
  const clock = new ManualClock();
  const descriptor = new ListStateDescriptor('l', Types.OBJECT({ n: Types.INT })).enableTimeToLive({ ttlMs: 100 });
  const backend = stringBackend({ clock });
  const list = backend.getListState(descriptor);
  backend.setCurrentKey('a');
  list.add({ n: 1 });
  clock.time = 50;
  list.add({ n: 2 });
  const capture = new CaptureInFlight(backend as never);
  clock.time = 100;
  // An access to another key removes the first element.
  backend.setCurrentKey('b');
  list.get();
  backend.setCurrentKey('a');
  for (const each of list.get()) each.n = 3;
  expect([...list.get()]).toEqual([{ n: 3 }]);
  clock.time = 99;
  const restored = restoredFor(backend.keyType, [capture.finish()], { clock });
  restored.getListState(descriptor);
  expect(restored.query('l', 'a')).toEqual([{ n: 1 }, { n: 2 }]);
});

test('a capture keeps the times of map entries that are refreshed while it is in flight', () => {
  const clock = new ManualClock();
  const descriptor = mapOf({ ttlMs: 100, updateType: 'OnReadAndWrite' });
  const backend = stringBackend({ clock });
  const map = backend.getMapState(descriptor);
  backend.setCurrentKey('a');
  map.put('x', 1);
  const capture = new CaptureInFlight(backend as never);
  clock.time = 50;
  expect(map.get('x')).toBe(1);
  const restored = restoredFor(backend.keyType, [capture.finish()], { clock });
  const again = restored.getMapState(descriptor);
  restored.setCurrentKey('a');
  clock.time = 100;
  expect([again.get('x'), map.get('x')]).toEqual([null, 1]);
});
