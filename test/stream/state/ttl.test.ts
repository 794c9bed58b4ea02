import { describe, expect, test } from 'vitest';
import type { KeyedStateBackend } from '../../../src/stream/state/backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  type StateTtlConfig,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { isExpired } from '../../../src/stream/state/ttl.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { CaptureInFlight, captureOf, ManualClock, restoredFor, stringBackend } from './keyed-backends.ts';

/** One kind of state seen as one number that can be written and read. */
interface Subject {
  write(value: number): void;
  read(): number | null;
}

type Kind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';
const KINDS: readonly Kind[] = ['value', 'list', 'map', 'reducing', 'aggregating'];

function singleOf(ttl: StateTtlConfig, name = 'value'): ValueStateDescriptor<number> {
  return new ValueStateDescriptor(name, Types.INT).enableTimeToLive(ttl);
}
function listOf(ttl: StateTtlConfig): ListStateDescriptor<number> {
  return new ListStateDescriptor('list', Types.INT).enableTimeToLive(ttl);
}
function mapOf(ttl: StateTtlConfig): MapStateDescriptor<string, number> {
  return new MapStateDescriptor('map', Types.STRING, Types.INT).enableTimeToLive(ttl);
}
function sumOf(ttl: StateTtlConfig): ReducingStateDescriptor<number> {
  return new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.INT).enableTimeToLive(
    ttl,
  );
}
function totalOf(ttl: StateTtlConfig): AggregatingStateDescriptor<number, { sum: number }, number> {
  return new AggregatingStateDescriptor(
    'total',
    {
      createAccumulator: () => ({ sum: 0 }),
      add: (value: number, { sum }: { sum: number }) => ({ sum: sum + value }),
      getResult: ({ sum }: { sum: number }) => sum,
      merge: (left: { sum: number }, right: { sum: number }) => ({ sum: left.sum + right.sum }),
    },
    Types.OBJECT({ sum: Types.INT }),
  ).enableTimeToLive(ttl);
}

const NAMES: Readonly<Record<Kind, string>> = {
  value: 'value',
  list: 'list',
  map: 'map',
  reducing: 'sum',
  aggregating: 'total',
};

function subjectOf(kind: Kind, backend: KeyedStateBackend<string>, ttl: StateTtlConfig): Subject {
  switch (kind) {
    case 'value': {
      const state = backend.getState(singleOf(ttl));
      return { write: (value) => state.update(value), read: () => state.value() };
    }
    case 'list': {
      const state = backend.getListState(listOf(ttl));
      return { write: (value) => state.update([value]), read: () => [...state.get()][0] ?? null };
    }
    case 'map': {
      const state = backend.getMapState(mapOf(ttl));
      return { write: (value) => state.put('x', value), read: () => state.get('x') };
    }
    case 'reducing': {
      const state = backend.getReducingState(sumOf(ttl));
      return { write: (value) => state.add(value), read: () => state.get() };
    }
    case 'aggregating': {
      const state = backend.getAggregatingState(totalOf(ttl));
      return { write: (value) => state.add(value), read: () => state.get() };
    }
  }
}

function setUp(
  kind: Kind,
  ttl: StateTtlConfig,
): { clock: ManualClock; backend: KeyedStateBackend<string>; subject: Subject } {
  const clock = new ManualClock();
  const backend = stringBackend({ clock });
  const subject = subjectOf(kind, backend, ttl);
  backend.setCurrentKey('a');
  return { clock, backend, subject };
}

describe.each(KINDS)('a %s state with TTL 100', (kind) => {
  test('expires 100 ms after the last write, and is removed by the read', () => {
    const { clock, backend, subject } = setUp(kind, { ttlMs: 100 });
    const at = (time: number): number | null => {
      clock.time = time;
      return subject.read();
    };
    subject.write(1);
    expect(at(20)).toBe(1);
    clock.time = 50;
    subject.write(1);
    expect(at(120)).toBe(kind === 'reducing' || kind === 'aggregating' ? 2 : 1);
    clock.time = 170;
    subject.write(5);
    // The accumulator of 50 was gone at 150.
    expect(at(220)).toBe(5);
    expect(at(269)).toBe(5);
    expect(backend.numStateEntries(NAMES[kind])).toBe(1);
    expect(at(300)).toBeNull();
    expect(backend.numStateEntries(NAMES[kind])).toBe(0);
  });

  test('is gone at exactly its time', () => {
    const { clock, subject } = setUp(kind, { ttlMs: 100 });
    subject.write(1);
    clock.time = 99;
    expect(subject.read()).toBe(1);
    clock.time = 100;
    expect(subject.read()).toBeNull();
  });

  test('that may return what expired does so once', () => {
    const { clock, backend, subject } = setUp(kind, { ttlMs: 100, visibility: 'ReturnExpiredIfNotCleanedUp' });
    subject.write(1);
    clock.time = 120;
    expect([subject.read(), subject.read()]).toEqual([1, null]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('that reading refreshes lives on from the read', () => {
    const { clock, subject } = setUp(kind, { ttlMs: 100, updateType: 'OnReadAndWrite' });
    subject.write(1);
    clock.time = 50;
    expect(subject.read()).toBe(1);
    clock.time = 120;
    expect(subject.read()).toBe(1);
    clock.time = 250;
    expect(subject.read()).toBeNull();
  });

  test('that reading refreshes and that may return what expired does both', () => {
    const { clock, subject } = setUp(kind, {
      ttlMs: 100,
      updateType: 'OnReadAndWrite',
      visibility: 'ReturnExpiredIfNotCleanedUp',
    });
    subject.write(1);
    clock.time = 50;
    expect(subject.read()).toBe(1);
    clock.time = 170;
    expect([subject.read(), subject.read()]).toEqual([1, null]);
  });

  test('with the largest TTL never expires', () => {
    for (const ttlMs of [Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      const { clock, subject } = setUp(kind, { ttlMs });
      clock.time = 1_000;
      subject.write(1);
      clock.time = 8.64e15;
      expect(subject.read()).toBe(1);
    }
  });

  test('keeps its times over a restore', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100 });
    clock.time = 50;
    subject.write(1);
    const restored = restoredFor(backend.keyType, [captureOf(backend)], { clock });
    const again = subjectOf(kind, restored, { ttlMs: 100 });
    restored.setCurrentKey('a');
    clock.time = 149;
    expect(again.read()).toBe(1);
    clock.time = 150;
    expect(again.read()).toBeNull();
  });

  test('takes a changed TTL after a restore', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100 });
    subject.write(1);
    const restored = restoredFor(backend.keyType, [captureOf(backend)], { clock });
    const again = subjectOf(kind, restored, { ttlMs: 200 });
    restored.setCurrentKey('a');
    clock.time = 150;
    expect(again.read()).toBe(1);
    clock.time = 200;
    expect(again.read()).toBeNull();
  });

  test('cannot be switched on or off by a restore', () => {
    const { backend, subject } = setUp(kind, { ttlMs: 100 });
    subject.write(1);
    const off = restoredFor(backend.keyType, [captureOf(backend)]);
    const disabled: StateTtlConfig = { ttlMs: 100, updateType: 'Disabled' };
    expect(() => subjectOf(kind, off, disabled)).toThrow('TTL: on before and off now');
    const plain = setUp(kind, disabled);
    plain.subject.write(1);
    const on = restoredFor(plain.backend.keyType, [captureOf(plain.backend)]);
    expect(() => subjectOf(kind, on, { ttlMs: 100 })).toThrow('TTL: off before and on now');
  });

  test('leaves what expired out of full captures only where asked, and stays as it is itself', () => {
    for (const cleanupInFullSnapshot of [false, true]) {
      const { backend, subject, clock } = setUp(kind, { ttlMs: 100, cleanupInFullSnapshot });
      subject.write(1);
      backend.setCurrentKey('b');
      clock.time = 60;
      subject.write(2);
      clock.time = 100;
      const handle = captureOf(backend);
      expect(backend.numStateEntries()).toBe(2);
      const restored = restoredFor(backend.keyType, [handle], { clock });
      subjectOf(kind, restored, { ttlMs: 100, cleanupInFullSnapshot });
      expect(restored.numStateEntries()).toBe(cleanupInFullSnapshot ? 1 : 2);
    }
  });

  test('is cleaned up as a whole by accesses to one key', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100 });
    for (let key = 0; key < 500; key++) {
      backend.setCurrentKey(`old ${key}`);
      subject.write(1);
    }
    clock.time = 100;
    backend.setCurrentKey('live');
    const before = backend.numStateEntries();
    subject.write(1);
    expect(before + 1 - backend.numStateEntries()).toBe(5);
    for (let access = 0; access < 110; access++) subject.read();
    expect([...backend.keys(NAMES[kind])]).toEqual(['live']);
    expect(subject.read()).toBe(1);
  });

  test('is not cleaned up step by step where that is switched off', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100, incrementalCleanupSize: 0 });
    for (const key of ['x', 'y', 'z']) {
      backend.setCurrentKey(key);
      subject.write(1);
    }
    clock.time = 100;
    backend.setCurrentKey('live');
    for (let access = 0; access < 10; access++) subject.read();
    expect(backend.numStateEntries()).toBe(3);
  });

  test('keeps keys and states apart', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100 });
    const other = backend.getState(singleOf({ ttlMs: 200 }, 'other'));
    subject.write(1);
    other.update(10);
    clock.time = 60;
    backend.setCurrentKey('b');
    subject.write(2);
    clock.time = 110;
    expect(subject.read()).toBe(2);
    backend.setCurrentKey('a');
    expect([subject.read(), other.value()]).toEqual([null, 10]);
    clock.time = 200;
    expect(other.value()).toBeNull();
  });

  test('is queried without what expired, and without a change', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100, updateType: 'OnReadAndWrite' });
    subject.write(1);
    clock.time = 99;
    expect(backend.query(NAMES[kind], 'a')).not.toBeUndefined();
    clock.time = 100;
    expect(backend.query(NAMES[kind], 'a')).toBeUndefined();
    expect(backend.numStateEntries()).toBe(1);
  });

  test('is captured as it was while it expires and is cleaned up', () => {
    const { backend, subject, clock } = setUp(kind, { ttlMs: 100 });
    for (const key of ['a', 'b', 'c']) {
      backend.setCurrentKey(key);
      subject.write(1);
    }
    const capture = new CaptureInFlight(backend as never);
    clock.time = 100;
    backend.setCurrentKey('d');
    subject.write(4);
    subject.read();
    expect(backend.numStateEntries()).toBe(1);
    clock.time = 99;
    const restored = restoredFor(backend.keyType, [capture.finish()], { clock });
    const again = subjectOf(kind, restored, { ttlMs: 100 });
    const read = ['a', 'b', 'c', 'd'].map((key) => {
      restored.setCurrentKey(key);
      return again.read();
    });
    expect(read).toEqual([1, 1, 1, null]);
  });
});

test('expiry does not overflow, and equality is expired', () => {
  expect(isExpired(0, 100, 99)).toBe(false);
  expect(isExpired(0, 100, 100)).toBe(true);
  expect(isExpired(Number.MAX_VALUE, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER)).toBe(false);
  expect(isExpired(-50, 100, 49)).toBe(false);
  expect(isExpired(-50, 100, 50)).toBe(true);
});

test('TTL must be above 0', () => {
  for (const ttlMs of [0, -1, Number.NaN]) expect(() => singleOf({ ttlMs })).toThrow('TTL is expected to be positive.');
});

describe('list elements', () => {
  test('expire one by one', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const list = backend.getListState(listOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    list.addAll([1, 2]);
    clock.time = 60;
    list.add(3);
    clock.time = 100;
    expect([...list.get()]).toEqual([3]);
    list.addAll([4]);
    clock.time = 160;
    expect([...list.get()]).toEqual([4]);
    list.update([]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('that are live are all refreshed by a read, and only they', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const list = backend.getListState(
      listOf({ ttlMs: 100, updateType: 'OnReadAndWrite', visibility: 'ReturnExpiredIfNotCleanedUp' }),
    );
    backend.setCurrentKey('a');
    list.add(1);
    clock.time = 60;
    list.add(2);
    clock.time = 100;
    expect([...list.get()]).toEqual([1, 2]);
    clock.time = 199;
    expect([...list.get()]).toEqual([2]);
    clock.time = 299;
    expect([...list.get()]).toEqual([2]);
    expect([...list.get()]).toEqual([]);
  });

  test('that are null are refused as without TTL', () => {
    const backend = stringBackend();
    const list = backend.getListState(listOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    list.add(1);
    const refused = 'You cannot add null to a ListState.';
    expect(() => list.add(null as never)).toThrow(refused);
    expect(() => list.addAll([2, null as never])).toThrow(refused);
    expect(() => list.update([2, null as never])).toThrow(refused);
    list.addAll([]);
    expect([...list.get()]).toEqual([1]);
    list.clear();
    expect(backend.numStateEntries()).toBe(0);
  });
});

describe('map entries', () => {
  test('expire one by one', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const map = backend.getMapState(mapOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    map.put('x', 1);
    clock.time = 60;
    map.put('y', 2);
    clock.time = 100;
    expect([map.contains('x'), map.get('y')]).toEqual([false, 2]);
    expect([[...map.keys()], [...map.values()], [...map.entries()]]).toEqual([['y'], [2], [['y', 2]]]);
    clock.time = 160;
    expect([[...map.entries()], backend.numStateEntries()]).toEqual([[], 0]);
  });

  test('count for isEmpty also when expired', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const map = backend.getMapState(mapOf({ ttlMs: 100, incrementalCleanupSize: 0 }));
    backend.setCurrentKey('a');
    map.put('x', 1);
    clock.time = 100;
    expect([map.isEmpty(), map.contains('x'), map.isEmpty()]).toEqual([false, false, true]);
  });

  test('are refreshed one by one by get and contains, all by an iteration', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const map = backend.getMapState(mapOf({ ttlMs: 100, updateType: 'OnReadAndWrite' }));
    backend.setCurrentKey('a');
    map.putAll([
      ['x', 1],
      ['y', 2],
      ['z', 3],
    ]);
    clock.time = 50;
    map.get('x');
    map.contains('y');
    clock.time = 120;
    expect([...map.keys()]).toEqual(['x', 'y']);
    clock.time = 219;
    expect([...map.entries()]).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
    clock.time = 319;
    expect(map.get('x')).toBeNull();
  });

  test('putAll(null) is ignored', () => {
    const backend = stringBackend();
    const map = backend.getMapState(mapOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    map.put('x', 1);
    map.putAll(null as never);
    expect([...map.entries()]).toEqual([['x', 1]]);
    map.remove('x');
    expect(backend.numStateEntries()).toBe(0);
  });
});

describe('an expired accumulator', () => {
  test('is treated as absent by add', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const sum = backend.getReducingState(sumOf({ ttlMs: 100 }));
    const total = backend.getAggregatingState(totalOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    sum.add(1);
    total.add(1);
    clock.time = 100;
    sum.add(5);
    total.add(5);
    expect([sum.get(), total.get()]).toEqual([5, 5]);
    sum.add(null);
    total.add(null);
    expect(backend.numStateEntries()).toBe(0);
  });
});

describe('inside windows', () => {
  test('every window has its own time', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const sum = backend.getWindowReducingState(sumOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    sum.setWindow(0, 10);
    sum.add(1);
    clock.time = 60;
    sum.setWindow(10, 20);
    sum.add(2);
    clock.time = 100;
    sum.setWindow(0, 10);
    expect(sum.get()).toBeNull();
    sum.setWindow(10, 20);
    expect(sum.get()).toBe(2);
  });

  test('windows that expired take no part in a merge; what is merged counts as written now', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const sum = backend.getWindowReducingState(sumOf({ ttlMs: 100, incrementalCleanupSize: 0 }));
    const total = backend.getWindowAggregatingState(totalOf({ ttlMs: 100, incrementalCleanupSize: 0 }));
    backend.setCurrentKey('a');
    const add = (start: number, value: number): void => {
      for (const state of [sum, total]) {
        state.setWindow(start, start + 10);
        state.add(value);
      }
    };
    add(0, 1);
    clock.time = 60;
    add(10, 2);
    add(20, 4);
    clock.time = 100;
    for (const state of [sum, total]) {
      state.mergeWindows({ start: 10, end: 20 }, [
        { start: 0, end: 10 },
        { start: 20, end: 30 },
        { start: 30, end: 40 },
      ]);
      state.setWindow(10, 20);
    }
    clock.time = 199;
    expect([sum.get(), total.get(), backend.numStateEntries()]).toEqual([6, 6, 2]);
    clock.time = 200;
    expect([sum.get(), total.get(), backend.numStateEntries()]).toEqual([null, null, 0]);
  });

  test('a single value that moves keeps its time, and so do list elements', () => {
    const clock = new ManualClock();
    const backend = stringBackend({ clock });
    const sum = backend.getWindowReducingState(sumOf({ ttlMs: 100 }));
    const list = backend.getWindowListState(listOf({ ttlMs: 100 }));
    backend.setCurrentKey('a');
    sum.setWindow(0, 10);
    sum.add(1);
    list.setWindow(0, 10);
    list.add(1);
    clock.time = 60;
    list.setWindow(0, 20);
    list.add(2);
    sum.mergeWindows({ start: 0, end: 20 }, [{ start: 0, end: 10 }]);
    list.mergeWindows({ start: 0, end: 20 }, [{ start: 0, end: 10 }]);
    sum.setWindow(0, 20);
    expect([sum.get(), [...list.get()]]).toEqual([1, [2, 1]]);
    clock.time = 100;
    expect([sum.get(), [...list.get()]]).toEqual([null, [2]]);
  });
});

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
