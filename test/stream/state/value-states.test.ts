import { describe, expect, test } from 'vitest';
import { ReducingStateDescriptor, ValueStateDescriptor } from '../../../src/stream/state/descriptors.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { COUNT, MEAN, POINT, SUM } from './declared-states.ts';
import { backendFor, restoredFrom, stringBackend } from './keyed-backends.ts';

describe('value state', () => {
  test('keeps values per key and per name', () => {
    const backend = stringBackend();
    const first = backend.getState(COUNT);
    const second = backend.getState(new ValueStateDescriptor('other', Types.STRING));
    backend.setCurrentKey('a');
    first.update(1);
    second.update('x');
    backend.setCurrentKey('b');
    expect([first.value(), second.value()]).toEqual([null, null]);
    first.update(2);
    backend.setCurrentKey('a');
    expect([first.value(), second.value()]).toEqual([1, 'x']);
  });

  test('reads null where only another state has a value, of whatever type and after what', () => {
    for (const type of [Types.DOUBLE, Types.INT, Types.SAFE_LONG]) {
      const backend = stringBackend();
      const other = backend.getState(COUNT);
      backend.setCurrentKey('a');
      other.update(1);
      const state = backend.getState(new ValueStateDescriptor('state', type));
      expect(state.value()).toBeNull();
      state.update(5);
      state.clear();
      expect([state.value(), other.value(), backend.numStateEntries()]).toEqual([null, 1, 1]);
      state.update(6);
      other.clear();
      expect([state.value(), other.value(), backend.numStateEntries()]).toEqual([6, null, 1]);
    }
  });

  test('reads the default while there is no value, and again after update(null)', () => {
    const backend = backendFor(Types.INT);
    const descriptor = new ValueStateDescriptor('answer', Types.DOUBLE, 42);
    const state = backend.getState(descriptor);
    backend.setCurrentKey(1);
    expect(state.value()).toBe(42);
    state.update(1);
    expect(state.value()).toBe(1);
    state.update(null);
    expect(state.value()).toBe(42);
    const restored = restoredFrom(backend);
    const again = restored.getState(descriptor);
    restored.setCurrentKey(1);
    expect(again.value()).toBe(42);
  });

  test('gives a new copy of a default each time, and does not store it', () => {
    const backend = backendFor(Types.INT);
    const given = { x: 1 };
    const state = backend.getState(new ValueStateDescriptor('point', POINT, given));
    backend.setCurrentKey(1);
    const read = state.value()!;
    read.x = 99;
    expect(state.value()).toEqual({ x: 1 });
    expect(state.value()).not.toBe(given);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('is removed by clear and by update(null)', () => {
    const backend = stringBackend();
    const state = backend.getState(COUNT);
    for (const remove of [() => state.clear(), () => state.update(null), () => state.update(undefined as never)]) {
      backend.setCurrentKey('a');
      state.update(0);
      expect(backend.numStateEntries('count')).toBe(1);
      remove();
      expect([state.value(), backend.numStateEntries('count')]).toEqual([null, 0]);
    }
  });

  test('inserts nothing by reading', () => {
    const backend = stringBackend();
    const state = backend.getState(COUNT);
    for (let key = 0; key < 100; key++) {
      backend.setCurrentKey(`key ${key}`);
      state.value();
      state.clear();
    }
    expect([backend.numStateEntries(), [...backend.keys('count')]]).toEqual([0, []]);
  });

  test('holds zero, empty texts and false like any other value', () => {
    const values: [TypeInformation<unknown>, unknown][] = [
      [Types.DOUBLE, 0],
      [Types.DOUBLE, Number.NaN],
      [Types.DOUBLE, -0],
      [Types.INT, 0],
      [Types.STRING, ''],
      [Types.BOOLEAN, false],
      [Types.LONG, 0n],
    ] as unknown as [TypeInformation<unknown>, unknown][];
    for (const [type, value] of values) {
      const backend = stringBackend();
      const descriptor = new ValueStateDescriptor('v', type);
      const state = backend.getState(descriptor);
      backend.setCurrentKey('a');
      state.update(value);
      const restored = restoredFrom(backend);
      const again = restored.getState(descriptor);
      restored.setCurrentKey('a');
      expect([state.value(), again.value()]).toEqual([value, value]);
    }
  });

  test('refuses a number that its type does not hold, and keeps the old one', () => {
    const cases: [TypeInformation<number>, unknown][] = [
      [Types.INT, 1.5],
      [Types.INT, '1'],
      [Types.BYTE, 200],
      [Types.SAFE_LONG, 2 ** 60],
      [Types.FLOAT, 0.1],
      [Types.DOUBLE, '1'],
      [Types.DOUBLE, 1n],
    ];
    for (const [type, wrong] of cases) {
      const backend = stringBackend();
      const state = backend.getState(new ValueStateDescriptor('v', type));
      backend.setCurrentKey('new');
      expect(() => state.update(wrong as never)).toThrow('is not a value of Types.');
      expect([state.value(), backend.numStateEntries()]).toEqual([null, 0]);
      state.update(1);
      expect(() => state.update(wrong as never)).toThrow('is not a value of Types.');
      expect(state.value()).toBe(1);
    }
  });

  test('hands out live objects', () => {
    const backend = stringBackend();
    const state = backend.getState(new ValueStateDescriptor('point', POINT));
    backend.setCurrentKey('a');
    state.update({ x: 1 });
    state.value()!.x = 2;
    expect(state.value()).toEqual({ x: 2 });
  });
});

describe('reducing state', () => {
  test('reads null, stores the first value as it is and reduces the others', () => {
    const backend = stringBackend();
    const calls: [number, number][] = [];
    const descriptor = new ReducingStateDescriptor(
      'sum',
      (left: number, right: number) => {
        calls.push([left, right]);
        return left + right;
      },
      Types.DOUBLE,
    );
    const state = backend.getReducingState(descriptor);
    backend.setCurrentKey('a');
    expect(state.get()).toBeNull();
    state.add(1);
    expect([state.get(), calls]).toEqual([1, []]);
    state.add(2);
    state.add(4);
    expect([state.get(), calls]).toEqual([
      7,
      [
        [1, 2],
        [3, 4],
      ],
    ]);
  });

  test('is cleared by add(null)', () => {
    const backend = stringBackend();
    const state = backend.getReducingState(SUM);
    backend.setCurrentKey('a');
    state.add(1);
    state.add(null);
    expect([state.get(), backend.numStateEntries()]).toEqual([null, 0]);
  });

  test('sums over several keys', () => {
    const backend = backendFor(Types.INT);
    const state = backend.getReducingState(SUM);
    for (let value = 0; value < 300; value++) {
      backend.setCurrentKey(value % 3);
      state.add(value);
    }
    const sums = [0, 1, 2].map((key) => backend.query('sum', key));
    expect(sums).toEqual([14_850, 14_950, 15_050]);
  });

  test('names a function that forgot to return', () => {
    const backend = stringBackend();
    const state = backend.getReducingState(
      new ReducingStateDescriptor('sum', (() => undefined) as never, Types.DOUBLE),
    );
    backend.setCurrentKey('a');
    state.add(1);
    expect(() => state.add(2)).toThrow('The ReduceFunction of state "sum" returned undefined.');
  });

  test('refuses a rich function', () => {
    expect(() => new ReducingStateDescriptor('sum', { reduce: () => 1 } as never, Types.DOUBLE)).toThrow(
      'ReduceFunction of ReducingState can not be a RichFunction.',
    );
  });
});

describe('aggregating state', () => {
  test('reads null, makes its accumulator with the first value, gives the result', () => {
    const backend = stringBackend();
    const state = backend.getAggregatingState(MEAN);
    backend.setCurrentKey('a');
    expect(state.get()).toBeNull();
    expect(backend.numStateEntries()).toBe(0);
    state.add(1);
    state.add(2);
    expect(state.get()).toBe(1.5);
    state.add(null);
    expect([state.get(), backend.numStateEntries()]).toEqual([null, 0]);
  });
});
