import { describe, expect, test } from 'vitest';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { backendFor, CaptureInFlight, captureOf, restoredFor, restoredFrom, stringBackend } from './keyed-backends.ts';

interface Bag {
  items: number[];
}

const COUNT = new ValueStateDescriptor('count', Types.INT, 0);
const LIST = new ListStateDescriptor('list', Types.INT);
const MAP = new MapStateDescriptor('map', Types.STRING, Types.INT);
const SUM = new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.INT);
const bagState = (mutates: boolean): AggregatingStateDescriptor<number, Bag, number[]> =>
  new AggregatingStateDescriptor(
    'bag',
    {
      createAccumulator: () => ({ items: [] }),
      add: (value: number, bag: Bag) => {
        if (!mutates) return { items: [...bag.items, value] };
        bag.items.push(value);
        return bag;
      },
      getResult: ({ items }: Bag) => [...items],
      merge: (left: Bag, right: Bag) => {
        if (!mutates) return { items: [...left.items, ...right.items] };
        left.items.push(...right.items);
        return left;
      },
    },
    Types.OBJECT({ items: Types.LIST(Types.INT) }),
  );

const window = (start: number, size = 10): { start: number; end: number } => ({ start, end: start + size });

describe('states inside windows', () => {
  test('need a window', () => {
    const backend = stringBackend();
    const state = backend.getWindowState(COUNT);
    backend.setCurrentKey('a');
    expect(() => state.value()).toThrow('Provided namespace is null.');
    expect(() => state.setWindow(null as never, undefined as never)).toThrow('Provided namespace is null.');
  });

  test('keep keys and windows apart, also after the key changed', () => {
    const backend = backendFor(Types.INT);
    const sum = backend.getWindowReducingState(SUM);
    for (let round = 0; round < 2; round++) {
      for (let key = 0; key < 50; key++) {
        backend.setCurrentKey(key);
        for (let start = 0; start < 50; start += 10) {
          sum.setWindow(start, start + 10);
          sum.add(key * 1000 + start);
        }
      }
    }
    expect(backend.numStateEntries('sum')).toBe(250);
    sum.setWindow(20, 30);
    backend.setCurrentKey(7);
    expect(sum.get()).toBe(2 * 7020);
    backend.setCurrentKey(8);
    expect(sum.get()).toBe(2 * 8020);
  });

  test('keep windows of one start or one end apart, and windows far from zero', () => {
    const backend = stringBackend();
    const count = backend.getWindowState(COUNT);
    backend.setCurrentKey('a');
    const windows = [
      [0, 10],
      [0, 20],
      [10, 20],
      [-10, 0],
      [1_700_000_000_000, 1_700_000_060_000],
      [1_700_000_000_000 + 2 ** 32, 1_700_000_060_000 + 2 ** 32],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    ] as const;
    windows.forEach(([start, end], index) => {
      count.setWindow(start, end);
      expect(count.value()).toBe(0);
      count.update(index + 1);
    });
    const restored = restoredFrom(backend);
    const again = restored.getWindowState(COUNT);
    restored.setCurrentKey('a');
    windows.forEach(([start, end], index) => {
      count.setWindow(start, end);
      again.setWindow(start, end);
      expect([count.value(), again.value()]).toEqual([index + 1, index + 1]);
    });
  });

  test('have each a window of their own, and share the entry of a window', () => {
    const backend = stringBackend();
    const sum = backend.getWindowReducingState(SUM);
    const count = backend.getWindowState(COUNT);
    backend.setCurrentKey('a');
    sum.setWindow(0, 10);
    count.setWindow(10, 20);
    sum.add(1);
    count.update(5);
    count.setWindow(0, 10);
    expect(count.value()).toBe(0);
    // Made through one state and found through the other, cleared by both.
    count.update(6);
    sum.clear();
    expect([count.value(), sum.get()]).toEqual([6, null]);
    sum.add(2);
    count.clear();
    expect([count.value(), sum.get()]).toEqual([0, 2]);
    sum.clear();
    expect([count.value(), sum.get(), backend.numStateEntries()]).toEqual([0, null, 1]);
  });

  test('find what another state of the same window made after they had looked', () => {
    const backend = stringBackend();
    const [sum, count] = [backend.getWindowReducingState(SUM), backend.getWindowState(COUNT)];
    backend.setCurrentKey('a');
    sum.setWindow(0, 10);
    count.setWindow(0, 10);
    expect([sum.get(), count.value()]).toEqual([null, 0]);
    sum.add(1);
    count.update(2);
    sum.setWindow(0, 10);
    count.setWindow(0, 10);
    expect([sum.get(), count.value()]).toEqual([1, 2]);
  });

  test('live beside states of the whole key', () => {
    const backend = stringBackend();
    const whole = backend.getState(new ValueStateDescriptor('whole', Types.INT));
    const map = backend.getWindowMapState(MAP);
    const list = backend.getWindowListState(LIST);
    backend.setCurrentKey('a');
    whole.update(1);
    map.setWindow(0, 10);
    list.setWindow(0, 10);
    map.put('x', 1);
    list.add(1);
    map.setWindow(10, 20);
    expect([whole.value(), map.isEmpty(), [...list.get()]]).toEqual([1, true, [1]]);
    expect([...backend.keys('map')]).toEqual([]);
    const restored = restoredFrom(backend);
    const again = restored.getWindowMapState(MAP);
    restored.setCurrentKey('a');
    again.setWindow(0, 10);
    expect([...again.entries()]).toEqual([['x', 1]]);
  });

  test('go to the owner of their key when the parallelism changes', () => {
    const backend = backendFor(Types.INT);
    const sum = backend.getWindowReducingState(SUM);
    for (let key = 0; key < 100; key++) {
      backend.setCurrentKey(key);
      sum.setWindow(key, key + 10);
      sum.add(key);
    }
    const handle = captureOf(backend);
    const parts = [0, 1, 2].map((subtask) => restoredFor(Types.INT, [handle], { parallelism: 3, subtask }));
    const counts = parts.map((part) => {
      part.getWindowReducingState(SUM);
      return part.numStateEntries();
    });
    expect(counts.reduce((left, right) => left + right)).toBe(100);
    expect(Math.min(...counts)).toBeGreaterThan(20);
  });
});

describe('merging windows', () => {
  test('moves present sources into the target and skips absent ones', () => {
    for (const targetPresent of [false, true]) {
      const backend = stringBackend();
      const sum = backend.getWindowReducingState(SUM);
      const list = backend.getWindowListState(LIST);
      backend.setCurrentKey('a');
      const add = (start: number, value: number): void => {
        sum.setWindow(start, start + 10);
        sum.add(value);
        list.setWindow(start, start + 10);
        list.addAll([value, value]);
      };
      if (targetPresent) add(0, 1);
      add(10, 2);
      add(30, 4);
      const sources = [window(10), window(20), window(30)];
      sum.mergeWindows(window(0), sources);
      list.mergeWindows(window(0), sources);
      expect(backend.numStateEntries()).toBe(2);
      sum.setWindow(0, 10);
      list.setWindow(0, 10);
      expect(sum.get()).toBe(targetPresent ? 7 : 6);
      expect([...list.get()]).toEqual([...(targetPresent ? [1, 1] : []), 2, 2, 4, 4]);
      sum.setWindow(10, 20);
      expect(sum.get()).toBeNull();
    }
  });

  test('changes nothing when all sources are absent or are the target', () => {
    const backend = stringBackend();
    const sum = backend.getWindowReducingState(SUM);
    const list = backend.getWindowListState(LIST);
    backend.setCurrentKey('a');
    sum.mergeWindows(window(0), [window(10)]);
    list.mergeWindows(window(0), [window(10)]);
    expect(backend.numStateEntries()).toBe(0);
    sum.setWindow(0, 10);
    sum.add(1);
    list.setWindow(0, 10);
    list.add(1);
    sum.mergeWindows(window(0), [window(0), window(10)]);
    list.mergeWindows(window(0), [window(0), window(10)]);
    expect([sum.get(), [...list.get()]]).toEqual([1, [1]]);
  });

  test('leaves the window that was set, and other keys, as they are', () => {
    const backend = stringBackend();
    const sum = backend.getWindowReducingState(SUM);
    for (const key of ['a', 'b']) {
      backend.setCurrentKey(key);
      for (const start of [0, 10, 20]) {
        sum.setWindow(start, start + 10);
        sum.add(start + 1);
      }
    }
    sum.setWindow(20, 30);
    sum.mergeWindows(window(0), [window(10)]);
    expect(sum.get()).toBe(21);
    backend.setCurrentKey('a');
    sum.setWindow(10, 20);
    expect([sum.get(), backend.numStateEntries()]).toEqual([11, 5]);
  });

  test.each([
    ['changed in place', true],
    ['made anew', false],
  ])('merges accumulators that are %s, also while a capture shares them', (_, mutates) => {
    const backend = stringBackend();
    const descriptor = bagState(mutates);
    const bag = backend.getWindowAggregatingState(descriptor);
    backend.setCurrentKey('a');
    for (const start of [0, 10, 20]) {
      bag.setWindow(start, start + 10);
      bag.add(start);
      bag.add(start + 1);
    }
    const capture = new CaptureInFlight(backend as never);
    bag.mergeWindows(window(0), [window(10), window(20)]);
    bag.setWindow(0, 10);
    bag.add(99);
    expect(bag.get()).toEqual([0, 1, 10, 11, 20, 21, 99]);
    expect(backend.numStateEntries()).toBe(1);
    const restored = restoredFor(backend.keyType, [capture.finish()]);
    const again = restored.getWindowAggregatingState(descriptor);
    restored.setCurrentKey('a');
    const read = [0, 10, 20].map((start) => {
      again.setWindow(start, start + 10);
      return again.get();
    });
    expect(read).toEqual([
      [0, 1],
      [10, 11],
      [20, 21],
    ]);
  });

  test('moves list elements that a capture shares as copies', () => {
    const backend = stringBackend();
    const boxes = new ListStateDescriptor('boxes', Types.OBJECT({ n: Types.INT }));
    const list = backend.getWindowListState(boxes);
    backend.setCurrentKey('a');
    list.setWindow(0, 10);
    list.add({ n: 1 });
    const capture = new CaptureInFlight(backend as never);
    list.mergeWindows(window(10), [window(0)]);
    list.setWindow(10, 20);
    for (const box of list.get()) box.n = 2;
    expect([...list.get()]).toEqual([{ n: 2 }]);
    const restored = restoredFor(backend.keyType, [capture.finish()]);
    restored.getWindowListState(boxes);
    expect(restored.query('boxes', 'a', window(0))).toEqual([{ n: 1 }]);
  });

  test('is refused by value and map states', () => {
    const backend = stringBackend();
    backend.setCurrentKey('a');
    const states = [backend.getWindowState(COUNT), backend.getWindowMapState(MAP)] as unknown as {
      mergeWindows(target: object, sources: object[]): void;
    }[];
    expect(() => states[0]!.mergeWindows(window(0), [])).toThrow('The value state "count" cannot be merged');
    expect(() => states[1]!.mergeWindows(window(0), [])).toThrow('The map state "map" cannot be merged');
  });
});
