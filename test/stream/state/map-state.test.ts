import { describe, expect, test } from 'vitest';
import { MapStateDescriptor } from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { PRICES } from './declared-states.ts';
import { restoredFrom, stringBackend } from './keyed-backends.ts';

describe('map state', () => {
  test('reads as empty, never null', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    expect([state.get('x'), state.contains('x'), state.isEmpty()]).toEqual([null, false, true]);
    expect([[...state.entries()], [...state.keys()], [...state.values()]]).toEqual([[], [], []]);
    state.remove('x');
    expect(backend.numStateEntries()).toBe(0);
  });

  test('puts, gets, contains and removes', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    state.put('x', 1);
    state.putAll(new Map([['y', 2]]));
    state.putAll([['x', 3]]);
    expect([...state.entries()]).toEqual([
      ['x', 3],
      ['y', 2],
    ]);
    expect([[...state.keys()], [...state.values()]]).toEqual([
      ['x', 'y'],
      [3, 2],
    ]);
    expect([state.get('x'), state.contains('y'), state.contains('z')]).toEqual([3, true, false]);
    state.remove('x');
    expect([state.get('x'), state.isEmpty()]).toEqual([null, false]);
    backend.setCurrentKey('b');
    expect(state.isEmpty()).toBe(true);
  });

  test('allows null values', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    state.put('x', null);
    const restored = restoredFrom(backend);
    const again = restored.getMapState(PRICES);
    restored.setCurrentKey('a');
    for (const map of [state, again]) {
      expect([map.get('x'), map.contains('x'), [...map.entries()]]).toEqual([null, true, [['x', null]]]);
    }
  });

  test('takes null keys as far as their type does', () => {
    const backend = stringBackend();
    backend.setCurrentKey('a');
    const strict = backend.getMapState(PRICES);
    expect(() => strict.put(null as never, 1)).toThrow('A key of map state "prices" is null');
    expect(() =>
      strict.putAll([
        ['x', 1],
        [null as never, 1],
      ]),
    ).toThrow('A key of map state "prices" is null');
    expect([strict.isEmpty(), backend.numStateEntries()]).toEqual([true, 0]);
    const optional = backend.getMapState(new MapStateDescriptor('o', Types.OPTIONAL(Types.STRING), Types.INT));
    optional.put(null, 1);
    optional.put('null', 2);
    expect([optional.get(null), optional.get('null')]).toEqual([1, 2]);
  });

  test('refuses putAll(null)', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    expect(() => state.putAll(null as never)).toThrow('putAll of map state "prices" was given null');
  });

  test('is removed with its last entry; putAll of nothing makes an empty map', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    state.put('x', 1);
    state.remove('x');
    expect(backend.numStateEntries()).toBe(0);
    state.putAll([]);
    expect([backend.numStateEntries(), state.isEmpty()]).toEqual([1, true]);
    const restored = restoredFrom(backend);
    restored.getMapState(PRICES);
    expect(restored.numStateEntries('prices')).toBe(1);
  });

  test('can be emptied while it is iterated over, in any interleaving of iterators', () => {
    const backend = stringBackend();
    const state = backend.getMapState(PRICES);
    backend.setCurrentKey('a');
    state.putAll([
      ['x', 1],
      ['y', 2],
      ['z', 3],
    ]);
    const keys = state.keys()[Symbol.iterator]();
    const values = state.values()[Symbol.iterator]();
    expect([keys.next().value, values.next().value, keys.next().value]).toEqual(['x', 1, 'y']);
    state.remove('y');
    expect([values.next().value, keys.next().value]).toEqual([3, 'z']);
    expect([keys.next().done, values.next().done]).toEqual([true, true]);
    for (const key of state.keys()) state.remove(key);
    expect([state.isEmpty(), backend.numStateEntries()]).toEqual([true, 0]);
  });

  test('compares user keys by content, as Java does', () => {
    const backend = stringBackend();
    backend.setCurrentKey('a');
    const tuples = backend.getMapState(
      new MapStateDescriptor('tuples', Types.TUPLE(Types.STRING, Types.INT), Types.INT),
    );
    tuples.put(['a', 1], 1);
    tuples.put(['a', 1], 2);
    expect([tuples.get(['a', 1]), [...tuples.keys()]]).toEqual([2, [['a', 1]]]);
    const dates = backend.getMapState(new MapStateDescriptor('dates', Types.DATE, Types.INT));
    dates.put(new Date(5), 1);
    expect([dates.get(new Date(5)), dates.contains(new Date(6))]).toEqual([1, false]);
    const doubles = backend.getMapState(new MapStateDescriptor('doubles', Types.DOUBLE, Types.STRING));
    doubles.putAll([
      [0, 'zero'],
      [-0, 'minus zero'],
      [Number.NaN, 'nan'],
    ]);
    expect([doubles.get(0), doubles.get(-0), doubles.get(Number.NaN)]).toEqual(['zero', 'minus zero', 'nan']);
  });
});
