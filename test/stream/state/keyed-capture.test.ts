import { describe, expect, test } from 'vitest';
import type { KeyedStateBackend, TimerSnapshotSource } from '../../../src/stream/state/backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { DataInput, DataOutput, Types } from '../../../src/stream/types/index.ts';
import {
  BlockCollector,
  backendFor,
  CaptureInFlight,
  captureOf,
  ManualClock,
  restoredFor,
  restoredFrom,
  stringBackend,
} from './keyed-backends.ts';

const POINT = Types.OBJECT({ x: Types.INT });
const COUNT = new ValueStateDescriptor('count', Types.DOUBLE);
const VALUE = new ValueStateDescriptor('value', POINT);
const LIST = new ListStateDescriptor('list', POINT);
const MAP = new MapStateDescriptor('map', Types.STRING, POINT);
const SUM = new ReducingStateDescriptor(
  'sum',
  (left: { x: number }, right: { x: number }) => {
    left.x += right.x;
    return left;
  },
  POINT,
);
const TOTAL = new AggregatingStateDescriptor(
  'total',
  {
    createAccumulator: () => ({ x: 0 }),
    add: (value: number, accumulator: { x: number }) => {
      accumulator.x += value;
      return accumulator;
    },
    getResult: ({ x }: { x: number }) => x,
    merge: (left: { x: number }) => left,
  },
  POINT,
);

type Backend = KeyedStateBackend<string>;

function allStates(backend: Backend) {
  return {
    count: backend.getState(COUNT),
    value: backend.getState(VALUE),
    list: backend.getListState(LIST),
    map: backend.getMapState(MAP),
    sum: backend.getReducingState(SUM),
    total: backend.getAggregatingState(TOTAL),
  };
}

/** Everything under one key, as plain data. */
function readAll(backend: Backend, key: string): unknown {
  return Object.fromEntries(
    ['count', 'value', 'list', 'map', 'sum', 'total'].map((name) => [name, backend.query(name, key)]),
  );
}

function fill(backend: Backend, keys: readonly string[], x: number): void {
  const { count, value, list, map, sum, total } = allStates(backend);
  for (const key of keys) {
    backend.setCurrentKey(key);
    count.update(x);
    value.update({ x });
    list.update([{ x }, { x: x + 1 }]);
    map.putAll([
      ['p', { x }],
      ['q', { x: x + 1 }],
    ]);
    sum.add({ x });
    total.add(x);
  }
}

/** Everything a function may do to the objects it is given. */
function changeInPlace(backend: Backend, key: string): void {
  const { value, list, map, sum, total } = allStates(backend);
  backend.setCurrentKey(key);
  value.value()!.x = 100;
  for (const each of list.get()) each.x = 100;
  list.add({ x: 101 });
  map.get('p')!.x = 100;
  for (const [, each] of map.entries()) each.x += 1;
  map.put('r', { x: 1 });
  map.remove('q');
  sum.add({ x: 100 });
  total.add(100);
}

function restoredStates(handle: ReturnType<typeof captureOf>): Backend {
  const restored = restoredFor(Types.STRING, [handle]);
  allStates(restored);
  return restored;
}

describe('a capture', () => {
  test('does not see later writes, of whatever kind', () => {
    const backend = stringBackend();
    fill(backend, ['a', 'b'], 1);
    const before = readAll(backend, 'a');
    const capture = new CaptureInFlight(backend as never);
    changeInPlace(backend, 'a');
    expect(readAll(backend, 'a')).not.toEqual(before);
    changeInPlace(backend, 'a');
    const restored = restoredStates(capture.finish());
    expect(readAll(restored, 'a')).toEqual(before);
    expect(readAll(restored, 'b')).toEqual(before);
  });

  test('does not see replacements, removals, new keys and growth', () => {
    const backend = stringBackend();
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
    fill(backend, keys, 1);
    const before = readAll(backend, 'key 0');
    const capture = new CaptureInFlight(backend as never);
    fill(backend, ['key 0', 'key 1'], 5);
    const states = allStates(backend);
    for (const key of keys.slice(2)) {
      backend.setCurrentKey(key);
      for (const state of Object.values(states)) state.clear();
    }
    fill(
      backend,
      Array.from({ length: 500 }, (_, index) => `new ${index}`),
      9,
    );
    const restored = restoredStates(capture.finish());
    for (const key of keys) expect(readAll(restored, key)).toEqual(before);
    expect([...restored.keys('count')]).toHaveLength(50);
  });

  test('is one of several, each of its own time', () => {
    const backend = stringBackend();
    fill(backend, ['a'], 1);
    const times = [readAll(backend, 'a')];
    const captures = [new CaptureInFlight(backend as never, 1)];
    for (let id = 2; id <= 4; id++) {
      changeInPlace(backend, 'a');
      allStates(backend).map.put('q', { x: id });
      times.push(readAll(backend, 'a'));
      captures.push(new CaptureInFlight(backend as never, id));
    }
    changeInPlace(backend, 'a');
    // Finished in an order of their own.
    for (const index of [2, 0, 3, 1]) {
      const handle = captures[index]!.finish();
      changeInPlace(backend, 'a');
      allStates(backend).map.put('q', { x: 0 });
      expect(readAll(restoredStates(handle), 'a')).toEqual(times[index]);
    }
  });

  test('stays protected when another one ends', () => {
    for (const ended of [0, 1]) {
      const backend = stringBackend();
      fill(backend, ['a'], 1);
      const before = readAll(backend, 'a');
      const captures = [new CaptureInFlight(backend as never, 1), new CaptureInFlight(backend as never, 2)];
      captures[ended]!.snapshot.release();
      changeInPlace(backend, 'a');
      expect(readAll(restoredStates(captures[1 - ended]!.finish()), 'a')).toEqual(before);
    }
  });

  test('copies an object once, and nothing when no capture is in flight', () => {
    const backend = stringBackend();
    fill(backend, ['a'], 1);
    const { value, map } = allStates(backend);
    backend.setCurrentKey('a');
    const before = [value.value(), map.get('p')];
    expect([value.value(), map.get('p')]).toEqual(before);
    expect(value.value()).toBe(before[0]);
    const capture = new CaptureInFlight(backend as never);
    const own = [value.value(), map.get('p')];
    expect(own[0]).not.toBe(before[0]);
    expect(own[1]).not.toBe(before[1]);
    expect(value.value()).toBe(own[0]);
    expect(map.get('p')).toBe(own[1]);
    capture.snapshot.release();
    const released = map.get('q');
    expect(map.get('q')).toBe(released);
  });

  test('that was abandoned half written closes, and the next one is whole', () => {
    const backend = stringBackend({ clock: Object.assign(new ManualClock(), { tick: 1 }) });
    fill(
      backend,
      Array.from({ length: 300 }, (_, index) => `key ${index}`),
      1,
    );
    const abandoned = new CaptureInFlight(backend as never);
    expect(abandoned.step()).toBe(false);
    abandoned.snapshot.release();
    changeInPlace(backend, 'key 0');
    const now = readAll(backend, 'key 0');
    expect(readAll(restoredStates(captureOf(backend)), 'key 0')).toEqual(now);
  });

  test('cannot be written once it is released', () => {
    const backend = stringBackend();
    fill(backend, ['a'], 1);
    const { snapshot } = new CaptureInFlight(backend as never);
    snapshot.release();
    expect(() => [...snapshot.write(new BlockCollector())]).toThrow('The capture was released before it was written.');
  });

  test('pauses while it is written, so that records flow', () => {
    const clock = Object.assign(new ManualClock(), { tick: 0.3 });
    const backend = stringBackend({ clock });
    fill(
      backend,
      Array.from({ length: 2000 }, (_, index) => `key ${index}`),
      1,
    );
    const capture = new CaptureInFlight(backend as never);
    const slices: number[] = [];
    for (let startedAt = clock.monotonic(); !capture.step(); startedAt = clock.monotonic())
      slices.push(clock.monotonic() - startedAt);
    expect(slices.length).toBeGreaterThan(20);
    expect(Math.max(...slices)).toBeLessThan(6);
  });

  test('pauses also where the clock stands still', () => {
    const backend = stringBackend();
    fill(
      backend,
      Array.from({ length: 40_000 }, (_, index) => `key ${index}`),
      1,
    );
    const capture = new CaptureInFlight(backend as never);
    let pauses = 0;
    while (!capture.step()) pauses++;
    expect(pauses).toBeGreaterThan(1);
  });

  test('writes each state once per key group, states in order and key groups ascending, nothing empty', () => {
    const backend = backendFor(Types.INT);
    const [first, second] = [backend.getState(COUNT), backend.getState(VALUE)];
    for (let key = 0; key < 40; key++) {
      backend.setCurrentKey(key);
      first.update(key);
      if (key < 3) second.update({ x: key });
    }
    const { blocks, states } = captureOf(backend);
    expect(states.map(({ name }) => name)).toEqual(['count', 'value']);
    const places = [...blocks].map(({ stateIndex, keyGroup }) => stateIndex * 1000 + keyGroup);
    expect(places).toEqual([...new Set(places)].sort((left, right) => left - right));
    expect([...blocks].filter(({ stateIndex }) => stateIndex === 1)).toHaveLength(3);
    const counts = [...blocks].map(({ bytes }) => new DataInput(bytes).readVarint());
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(counts.reduce((left, right) => left + right)).toBe(43);
  });

  test('writes the same bytes by the fast paths for ints as by the codecs', () => {
    const ints = [-5, 1, -2_147_483_647];
    const longs = [...ints, 2 ** 32, -(2 ** 32) - 1, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    const valuesOf = new Map([
      [Types.INT, ints],
      [Types.SAFE_LONG, longs],
      [Types.DOUBLE, [...longs, 0.5, Number.NaN]],
    ]);
    for (const [type, values] of valuesOf) {
      const backend = backendFor(Types.INT, { maxParallelism: 1 });
      const state = backend.getState(new ValueStateDescriptor('v', type));
      for (const [index, value] of values.entries()) {
        backend.setCurrentKey(index * 1_000_003);
        state.update(value);
      }
      const written = [...captureOf(backend).blocks][0]!.bytes;
      const expected = new DataOutput(64);
      expected.writeVarint(values.length);
      for (const [index, value] of values.entries()) {
        Types.INT.write(expected, index * 1_000_003);
        type.write(expected, value);
      }
      expect(Buffer.from(written)).toEqual(Buffer.from(expected.toBytes()));
    }
  });

  test('of a backend without state is none', () => {
    expect(stringBackend().snapshot(1)).toBeUndefined();
    const backend = stringBackend();
    backend.setCurrentKey('a');
    expect(backend.snapshot(1)).toBeUndefined();
  });

  test('of a state without entries says that the state exists', () => {
    const backend = stringBackend();
    backend.getState(COUNT);
    const { states, blocks } = captureOf(backend);
    expect(states).toEqual([
      { name: 'count', kind: 'value', namespace: 'void', type: { kind: 'float64' }, ttl: false },
    ]);
    expect([...blocks]).toEqual([]);
  });

  test('names the state and the key of a value that cannot be written', () => {
    const backend = stringBackend();
    const state = backend.getState(new ValueStateDescriptor('text', Types.STRING));
    backend.setCurrentKey('a');
    state.update(5 as never);
    expect(() => captureOf(backend)).toThrow(
      'State "text" of key a cannot be written: the number 5 is not a value of Types.STRING',
    );
  });
});

describe('timers', () => {
  /** Timers by key group: a number each. */
  class Timers implements TimerSnapshotSource {
    readonly name: string;
    readonly byGroup = new Map<number, number>();
    constructor(name: string) {
      this.name = name;
    }
    snapshot() {
      const captured = new Map(this.byGroup);
      return {
        keyGroups: captured.keys(),
        write: (keyGroup: number, out: { writeVarint(value: number): void }) =>
          out.writeVarint(captured.get(keyGroup)!),
      };
    }
    restore(keyGroup: number, bytes: Uint8Array): void {
      this.byGroup.set(keyGroup, new DataInput(bytes).readVarint());
    }
  }

  test('are captured with the state and come back to the service of their name', () => {
    const backend = stringBackend();
    const timers = new Timers('user-timers');
    backend.registerTimers(timers);
    timers.byGroup.set(7, 70).set(3, 30);
    fill(backend, ['a'], 1);
    const handle = captureOf(backend);
    timers.byGroup.clear();
    expect(handle.states.at(-1)).toEqual({ name: 'user-timers', kind: 'timers', namespace: 'void', ttl: false });
    const restored = new Timers('user-timers');
    const other = new Timers('others');
    const target = stringBackend();
    target.registerTimers(restored);
    target.registerTimers(other);
    target.restore([handle]);
    expect([[...restored.byGroup], [...other.byGroup]]).toEqual([
      [
        [3, 30],
        [7, 70],
      ],
      [],
    ]);
  });

  test('registered after the restore get theirs too', () => {
    const backend = stringBackend();
    const timers = new Timers('t');
    timers.byGroup.set(3, 30);
    backend.registerTimers(timers);
    const target = restoredFrom(backend);
    const late = new Timers('t');
    target.registerTimers(late);
    expect([...late.byGroup]).toEqual([[3, 30]]);
  });

  test('of a service that is gone stay in the captures', () => {
    const backend = stringBackend();
    const timers = new Timers('t');
    timers.byGroup.set(3, 30);
    backend.registerTimers(timers);
    const target = restoredFrom(restoredFrom(backend));
    const late = new Timers('t');
    target.registerTimers(late);
    expect([...late.byGroup]).toEqual([[3, 30]]);
  });

  test('of one name are registered once', () => {
    const backend = stringBackend();
    backend.registerTimers(new Timers('t'));
    expect(() => backend.registerTimers(new Timers('t'))).toThrow('The timer service "t" is registered twice');
  });

  test('may have the name of a state', () => {
    const backend = stringBackend();
    const timers = new Timers('count');
    timers.byGroup.set(3, 30);
    backend.registerTimers(timers);
    fill(backend, ['a'], 1);
    const target = restoredFrom(backend);
    const again = new Timers('count');
    target.registerTimers(again);
    allStates(target);
    expect([[...again.byGroup], target.query('count', 'a')]).toEqual([[[3, 30]], 1]);
  });

  test('alone, and none of them, are no state', () => {
    const backend = stringBackend();
    backend.registerTimers(new Timers('t'));
    expect(backend.snapshot(1)).toBeUndefined();
  });
});
