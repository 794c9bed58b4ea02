import { describe, expect, test } from 'vitest';
import { assignToKeyGroup } from '../../../src/stream/key-groups.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  type StateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { backendFor, captureOf, restoredFrom, stringBackend } from './keyed-backends.ts';

const COUNT = new ValueStateDescriptor('count', Types.DOUBLE);
const TAGS = new ListStateDescriptor('tags', Types.STRING);
const PRICES = new MapStateDescriptor('prices', Types.STRING, Types.OPTIONAL(Types.DOUBLE));
const SUM = new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.DOUBLE);
const POINT = Types.OBJECT({ x: Types.INT });

/** A mean: the accumulator is changed in place. */
const MEAN = new AggregatingStateDescriptor(
  'mean',
  {
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add: (value: number, accumulator: { sum: number; count: number }) => {
      accumulator.sum += value;
      accumulator.count++;
      return accumulator;
    },
    getResult: ({ sum, count }: { sum: number; count: number }) => sum / count,
    merge: (left: { sum: number; count: number }, right: { sum: number; count: number }) => ({
      sum: left.sum + right.sum,
      count: left.count + right.count,
    }),
  },
  Types.OBJECT({ sum: Types.DOUBLE, count: Types.INT }),
);

describe('the current key', () => {
  test('must be set before state is read or written', () => {
    const backend = stringBackend();
    const state = backend.getState(COUNT);
    const message = 'No key set. This method should not be called outside of a keyed context.';
    expect(() => state.value()).toThrow(message);
    expect(() => state.update(1)).toThrow(message);
    expect(() => state.clear()).toThrow(message);
    expect(() => backend.getCurrentKey()).toThrow(message);
    expect(() => backend.getCurrentKeyGroup()).toThrow(message);
  });

  test('must not be null', () => {
    for (const type of [Types.STRING, Types.INT, Types.TUPLE(Types.INT)] as TypeInformation<unknown>[]) {
      expect(() => backendFor(type).setCurrentKey(null)).toThrow('Assigned key must not be null!');
      expect(() => backendFor(type).setCurrentKey(undefined)).toThrow('Assigned key must not be null!');
    }
  });

  test('must be of the declared kind', () => {
    expect(() => backendFor(Types.INT).setCurrentKey(1.5)).toThrow('is not a value of Types.INT');
    expect(() => backendFor(Types.INT).setCurrentKey('1' as never)).toThrow('is not a value of Types.INT');
    expect(() => stringBackend().setCurrentKey(1 as never)).toThrow('is not a value of Types.STRING');
  });

  test('must belong to the key groups of the subtask', () => {
    // Integer 1 is in group 86 of 128, which the third of four subtasks owns.
    const backend = backendFor(Types.INT, { parallelism: 4, subtask: 0 });
    expect(() => backend.setCurrentKey(1)).toThrow(
      "Key group 86 is not in KeyGroupRange{startKeyGroup=0, endKeyGroup=31}. Unless you're directly using low level " +
        'state access APIs, this is most likely caused by non-deterministic shuffle key (hashCode and equals implementation).',
    );
    const owner = backendFor(Types.INT, { parallelism: 4, subtask: 2 });
    owner.setCurrentKey(1);
    expect([owner.getCurrentKey(), owner.getCurrentKeyGroup()]).toEqual([1, 86]);
  });

  test('that was refused leaves the key before it current', () => {
    const backend = backendFor(Types.INT);
    const state = backend.getState(COUNT);
    backend.setCurrentKey(1);
    expect(() => backend.setCurrentKey(0.5)).toThrow();
    state.update(7);
    expect([backend.getCurrentKey(), backend.query('count', 1)]).toEqual([1, 7]);
  });

  test('may be of every kind that hashes, and is found again', () => {
    const samples: [TypeInformation<unknown>, unknown[]][] = [
      [Types.STRING, ['', 'Aa', 'BB', 'polygenelubricants', 'ü😀', '\ud800']],
      [Types.INT, [0, -1, 2_147_483_647, -2_147_483_648]],
      [Types.BYTE, [-128, 0, 127]],
      [Types.SHORT, [-32_768, 0, 32_767]],
      [Types.CHAR, ['a', '\u0000']],
      [Types.LONG, [0n, -1n, 2n ** 63n - 1n]],
      [Types.SAFE_LONG, [0, -1, Number.MAX_SAFE_INTEGER]],
      [Types.FLOAT, [0, -0, 1.5, Number.NaN]],
      [Types.DOUBLE, [0, -0, 0.1, Number.NaN, Number.POSITIVE_INFINITY]],
      [Types.BOOLEAN, [true, false]],
      [Types.UUID, ['123e4567-e89b-12d3-a456-426614174000', '00000000-0000-0000-0000-000000000000']],
      [Types.BIG_INT, [0n, 2n ** 100n, -(2n ** 100n)]],
      [
        Types.BIG_DEC,
        [
          { unscaled: 1250n, scale: 2 },
          { unscaled: 125n, scale: 1 },
        ],
      ],
      [
        Types.TUPLE(Types.STRING, Types.INT),
        [
          ['a', 1],
          ['a', null],
          [null, null],
          ['b', 1],
        ],
      ],
    ] as unknown as [TypeInformation<unknown>, unknown[]][];
    for (const [type, keys] of samples) {
      const backend = backendFor(type);
      const state = backend.getState(COUNT);
      keys.forEach((key, index) => {
        backend.setCurrentKey(key);
        expect(state.value()).toBeNull();
        state.update(index);
      });
      const restored = restoredFrom(backend);
      const readBack = restored.getState(COUNT);
      keys.forEach((key, index) => {
        const equal = type.copy(key as never);
        backend.setCurrentKey(equal);
        restored.setCurrentKey(equal);
        expect([type.schema.kind, state.value(), readBack.value()]).toEqual([type.schema.kind, index, index]);
        expect(restored.getCurrentKeyGroup()).toBe(assignToKeyGroup(equal, type.hash!, 128));
      });
      expect([...restored.keys('count')]).toHaveLength(keys.length);
    }
  });

  test('may be changed afterwards by whoever gave it', () => {
    const backend = backendFor(Types.TUPLE(Types.STRING, Types.INT));
    const key: [string, number] = ['a', 1];
    backend.setCurrentKey(key);
    backend.getState(COUNT).update(1);
    key[1] = 2;
    expect([...backend.keys('count')]).toEqual([['a', 1]]);
    expect(backend.query('count', ['a', 1])).toBe(1);
  });

  test('cannot be of a type without a hash', () => {
    expect(() => backendFor(Types.ANY)).toThrow('cannot be used as key');
    expect(() => backendFor(Types.LIST(Types.INT))).toThrow('Type (list<int32>) cannot be used as key.');
  });
});

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

describe('list state', () => {
  test('reads as an empty iterable, never null', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    expect([...state.get()]).toEqual([]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('adds, adds all and replaces', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.add('x');
    state.addAll(new Set(['y', 'z']));
    expect([...state.get()]).toEqual(['x', 'y', 'z']);
    state.update(['w']);
    expect([...state.get()]).toEqual(['w']);
  });

  test('is removed by update([]); addAll([]) does nothing', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.addAll([]);
    expect(backend.numStateEntries()).toBe(0);
    state.add('x');
    state.addAll([]);
    expect([...state.get()]).toEqual(['x']);
    state.update([]);
    expect([[...state.get()], backend.numStateEntries()]).toEqual([[], 0]);
    state.update([]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('refuses null and keeps the old list', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    const refused = 'You cannot add null to a ListState.';
    backend.setCurrentKey('a');
    expect(() => state.add(null as never)).toThrow(refused);
    expect(backend.numStateEntries()).toBe(0);
    state.add('old');
    expect(() => state.add(undefined as never)).toThrow(refused);
    expect(() => state.addAll(null as never)).toThrow(refused);
    expect(() => state.addAll(['new', null as never])).toThrow(refused);
    expect(() => state.update(null as never)).toThrow(refused);
    expect(() => state.update(['new', null as never])).toThrow(refused);
    expect([...state.get()]).toEqual(['old']);
  });

  test('gives an iterable that can be gone through twice and while adding', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.addAll(['x', 'y']);
    const read = state.get();
    for (const tag of read) state.add(`${tag}!`);
    expect([...read]).toEqual(['x', 'y']);
    expect([...state.get()]).toEqual(['x', 'y', 'x!', 'y!']);
  });

  test('does not keep the array it was given', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    const given = ['x'];
    state.update(given);
    given.push('y');
    expect([...state.get()]).toEqual(['x']);
  });
});

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

describe('descriptors', () => {
  test('give the same object for an equal descriptor', () => {
    const backend = stringBackend();
    expect(backend.getState(COUNT)).toBe(backend.getState(new ValueStateDescriptor('count', Types.DOUBLE)));
    expect(backend.getMapState(PRICES)).toBe(backend.getMapState(PRICES));
  });

  test('of one name that differ are refused at once, with what differs', () => {
    const ttl = { ttlMs: 10 };
    const cases: [string, StateDescriptor, StateDescriptor][] = [
      ['kind: value and list', COUNT, new ListStateDescriptor('count', Types.DOUBLE)],
      ['type: float64 and string', COUNT, new ValueStateDescriptor('count', Types.STRING)],
      [
        'type: {x: int32} and {x: int32, y: int32}',
        new ValueStateDescriptor('p', POINT),
        new ValueStateDescriptor('p', Types.OBJECT({ x: Types.INT, y: Types.INT })),
      ],
      ['key type: string and int32', PRICES, new MapStateDescriptor('prices', Types.INT, Types.OPTIONAL(Types.DOUBLE))],
      [
        'TTL: none and 10 ms (OnCreateAndWrite, NeverReturnExpired)',
        COUNT,
        new ValueStateDescriptor('count', Types.DOUBLE).enableTimeToLive(ttl),
      ],
      [
        'TTL: 10 ms (OnCreateAndWrite, NeverReturnExpired) and 10 ms (OnReadAndWrite, NeverReturnExpired)',
        new ValueStateDescriptor('t', Types.DOUBLE).enableTimeToLive(ttl),
        new ValueStateDescriptor('t', Types.DOUBLE).enableTimeToLive({ ...ttl, updateType: 'OnReadAndWrite' }),
      ],
    ];
    const ask = (backend: ReturnType<typeof stringBackend>, descriptor: StateDescriptor): unknown => {
      if (descriptor instanceof ListStateDescriptor) return backend.getListState(descriptor);
      if (descriptor instanceof MapStateDescriptor) return backend.getMapState(descriptor);
      return backend.getState(descriptor as ValueStateDescriptor<unknown>);
    };
    for (const [difference, first, second] of cases) {
      const backend = stringBackend();
      ask(backend, first);
      expect(() => ask(backend, second)).toThrow(
        `State "${first.name}" is asked for twice in one operator, by descriptors that differ in ${difference}`,
      );
    }
  });

  test('of one name inside and outside windows are refused', () => {
    const backend = stringBackend();
    backend.getState(COUNT);
    expect(() => backend.getWindowState(COUNT)).toThrow('namespace: void and window');
  });

  test('with a TTL of update type Disabled are as without', () => {
    const backend = stringBackend();
    const disabled = new ValueStateDescriptor('count', Types.DOUBLE).enableTimeToLive({
      ttlMs: 0,
      updateType: 'Disabled',
    });
    expect(backend.getState(COUNT)).toBe(backend.getState(disabled));
    expect(captureOf(backend).states[0]?.ttl).toBe(false);
  });

  test('refuse two queryable names, and queryable with TTL', () => {
    const queryable = new ValueStateDescriptor('count', Types.DOUBLE).setQueryable('counts');
    expect(() => queryable.setQueryable('again')).toThrow('Queryable state name already set');
    const message = 'Queryable state is currently not supported with TTL';
    expect(() => queryable.enableTimeToLive({ ttlMs: 1 })).toThrow(message);
    expect(() => new ValueStateDescriptor('c', Types.INT).enableTimeToLive({ ttlMs: 1 }).setQueryable('x')).toThrow(
      message,
    );
  });

  test('tell once when a queryable state is made', () => {
    const backend = stringBackend();
    const told: string[] = [];
    backend.onQueryable = (name, descriptor, namespace) => told.push(`${name} = ${descriptor.name}, ${namespace}`);
    const descriptor = new ValueStateDescriptor('count', Types.DOUBLE).setQueryable('counts');
    backend.getState(descriptor);
    backend.getState(descriptor);
    backend.getState(new ValueStateDescriptor('hidden', Types.DOUBLE));
    backend.getWindowState(new ValueStateDescriptor('w', Types.DOUBLE).setQueryable('windows'));
    expect(told).toEqual(['counts = count, void', 'windows = w, window']);
  });
});

describe('queries', () => {
  test('read any key, without touching the current one, as copies in plain values', () => {
    const backend = stringBackend();
    const point = backend.getState(new ValueStateDescriptor('point', POINT));
    const tags = backend.getListState(TAGS);
    const prices = backend.getMapState(PRICES);
    const mean = backend.getAggregatingState(MEAN);
    backend.setCurrentKey('a');
    point.update({ x: 1 });
    tags.addAll(['x', 'y']);
    prices.put('p', null);
    mean.add(1);
    mean.add(2);
    backend.setCurrentKey('b');
    expect(backend.query('point', 'a')).toEqual({ x: 1 });
    expect(backend.query('tags', 'a')).toEqual(['x', 'y']);
    expect(backend.query('prices', 'a')).toEqual(new Map([['p', null]]));
    expect(backend.query('mean', 'a')).toBe(1.5);
    (backend.query('point', 'a') as { x: number }).x = 9;
    expect(backend.query('point', 'a')).toEqual({ x: 1 });
    expect([backend.getCurrentKey(), point.value()]).toEqual(['b', null]);
    const points = backend.getMapState(new MapStateDescriptor('points', Types.STRING, POINT));
    points.put('p', { x: 1 });
    (backend.query('points', 'b') as Map<string, { x: number }>).get('p')!.x = 9;
    expect(points.get('p')).toEqual({ x: 1 });
  });

  test('read a state inside windows for one window, any other without', () => {
    const backend = stringBackend();
    const inside = backend.getWindowState(COUNT);
    const outside = backend.getState(new ValueStateDescriptor('whole', Types.DOUBLE));
    backend.setCurrentKey('a');
    inside.setWindow(0, 10);
    inside.update(1);
    outside.update(2);
    expect(backend.query('count', 'a', { start: 0, end: 10 })).toBe(1);
    expect(backend.query('count', 'a', { start: 0, end: 20 })).toBeUndefined();
    expect(backend.query('count', 'a')).toBeUndefined();
    expect([backend.query('whole', 'a'), backend.query('whole', 'a', { start: 0, end: 10 })]).toEqual([2, undefined]);
  });

  test('give undefined where there is no entry or no such state', () => {
    const backend = stringBackend();
    backend.getState(new ValueStateDescriptor('count', Types.DOUBLE, 42));
    expect([backend.query('count', 'a'), backend.query('nothing', 'a')]).toEqual([undefined, undefined]);
  });
});

describe('counting', () => {
  test('numStateEntries falls on clear, keys go with it', () => {
    const backend = stringBackend();
    const count = backend.getState(COUNT);
    const tags = backend.getListState(TAGS);
    for (const key of ['a', 'b', 'c']) {
      backend.setCurrentKey(key);
      count.update(1);
      if (key !== 'c') tags.add('t');
    }
    expect([backend.numStateEntries(), backend.numStateEntries('count'), backend.numStateEntries('tags')]).toEqual([
      5, 3, 2,
    ]);
    backend.setCurrentKey('a');
    count.clear();
    expect([...backend.keys('count')].sort()).toEqual(['b', 'c']);
    expect([...backend.keys('tags')].sort()).toEqual(['a', 'b']);
    expect([...backend.keys('nothing')]).toEqual([]);
    tags.clear();
    expect(backend.numStateEntries()).toBe(3);
  });

  test('a backend that was disposed of holds nothing and makes nothing', () => {
    const backend = stringBackend();
    backend.getState(COUNT);
    backend.dispose();
    expect(() => backend.getState(COUNT)).toThrow('The keyed state backend was disposed of.');
    expect(() => backend.snapshot(1)).toThrow('The keyed state backend was disposed of.');
    expect(backend.numStateEntries()).toBe(0);
  });
});
