import { describe, expect, test } from 'vitest';
import { assignToKeyGroup, keyGroupRange } from '../../../src/stream/key-groups.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { backendFor, captureOf, restoredFor, restoredFrom, stringBackend } from './keyed-backends.ts';

const COUNT = new ValueStateDescriptor('count', Types.INT);

function stateOf(kind: string, type: TypeInformation<unknown>): Parameters<typeof register>[1] {
  switch (kind) {
    case 'value':
      return new ValueStateDescriptor('s', type);
    case 'list':
      return new ListStateDescriptor('s', type);
    case 'map':
      return new MapStateDescriptor('s', Types.STRING, type);
    case 'reducing':
      return new ReducingStateDescriptor('s', (left: unknown) => left, type);
    default:
      return new AggregatingStateDescriptor(
        's',
        {
          createAccumulator: () => 1,
          add: (value: unknown) => value,
          getResult: (value: unknown) => value,
          merge: (left: unknown) => left,
        },
        type,
      );
  }
}

/** Registers a state and gives what writes one value into it. */
function register(
  backend: ReturnType<typeof stringBackend>,
  descriptor:
    | ValueStateDescriptor<unknown>
    | ListStateDescriptor<unknown>
    | MapStateDescriptor<string, unknown>
    | ReducingStateDescriptor<unknown>
    | AggregatingStateDescriptor<unknown, unknown, unknown>,
): (value: unknown) => void {
  switch (descriptor.kind) {
    case 'value': {
      const state = backend.getState(descriptor);
      return (value) => state.update(value);
    }
    case 'list': {
      const state = backend.getListState(descriptor);
      return (value) => state.add(value);
    }
    case 'map': {
      const state = backend.getMapState(descriptor);
      return (value) => state.put('x', value);
    }
    case 'reducing': {
      const state = backend.getReducingState(descriptor);
      return (value) => state.add(value);
    }
    case 'aggregating': {
      const state = backend.getAggregatingState(descriptor);
      return (value) => state.add(value);
    }
  }
}

const KINDS = ['value', 'list', 'map', 'reducing', 'aggregating'] as const;
const PLAIN: Readonly<Record<string, (value: unknown) => unknown>> = {
  value: (value) => value,
  list: (value) => [value],
  map: (value) => new Map([['x', value]]),
  reducing: (value) => value,
  aggregating: (value) => value,
};

describe.each(KINDS)('a restored %s state', (kind) => {
  const point = Types.OBJECT({ x: Types.INT }) as TypeInformation<unknown>;

  function stored(type: TypeInformation<unknown>, value: unknown) {
    const backend = stringBackend();
    const write = register(backend, stateOf(kind, type));
    backend.setCurrentKey('a');
    write(value);
    return captureOf(backend);
  }

  test('that nobody asks for is in the next capture', () => {
    const untouched = restoredFor(Types.STRING, [stored(point, { x: 1 })]);
    untouched.getState(COUNT);
    const target = restoredFrom(restoredFrom(untouched));
    register(target, stateOf(kind, point));
    expect(target.query('s', 'a')).toEqual(PLAIN[kind]!({ x: 1 }));
    target.getState(COUNT);
    expect(
      captureOf(target)
        .states.map(({ name }) => name)
        .sort(),
    ).toEqual(['count', 's']);
  });

  test('is read by a type with more and wider fields', () => {
    const target = restoredFor(Types.STRING, [stored(point, { x: 1 })]);
    const wider = Types.OBJECT({ x: Types.LONG, y: { type: Types.STRING, default: '?' } }) as TypeInformation<unknown>;
    register(target, stateOf(kind, wider));
    expect(target.query('s', 'a')).toEqual(PLAIN[kind]!({ x: 1n, y: '?' }));
    const again = restoredFrom(target);
    register(again, stateOf(kind, wider));
    expect(again.query('s', 'a')).toEqual(PLAIN[kind]!({ x: 1n, y: '?' }));
  });

  test('is refused to another type, with the paths', () => {
    const target = restoredFor(Types.STRING, [stored(point, { x: 1 })]);
    const wrong = Types.OBJECT({ x: Types.STRING, z: Types.INT }) as TypeInformation<unknown>;
    expect(() => register(target, stateOf(kind, wrong))).toThrow(
      'State "s" was stored in a way that its descriptor cannot read: x: int32 became string; z: was added without a default.',
    );
  });

  test('is refused to another kind of state', () => {
    for (const other of KINDS.filter((each) => each !== kind)) {
      const target = restoredFor(Types.STRING, [stored(point, { x: 1 })]);
      expect(() => register(target, stateOf(other, point))).toThrow(`kind: ${kind} and ${other}`);
    }
  });

  test('that was refused is still there for the right descriptor', () => {
    const target = restoredFor(Types.STRING, [stored(point, { x: 1 })]);
    expect(() => register(target, stateOf(kind, Types.STRING as TypeInformation<unknown>))).toThrow('State "s"');
    register(target, stateOf(kind, point));
    expect(target.query('s', 'a')).toEqual(PLAIN[kind]!({ x: 1 }));
  });

  test('is refused to each wrong type of values', () => {
    const right: [unknown, unknown][] = [
      [Types.STRING, 'x'],
      [Types.INT, 1],
      [Types.LONG, 1n],
      [Types.DOUBLE, 1],
      [Types.BOOLEAN, true],
      [Types.UUID, '123e4567-e89b-12d3-a456-426614174000'],
      [Types.BYTES, new Uint8Array([1])],
      [Types.DATE, new Date(1)],
      [Types.TUPLE(Types.INT), [1]],
      [Types.LIST(Types.INT), [1]],
      [Types.ANY, { a: 1 }],
    ];
    for (const [type, value] of right) {
      const handle = stored(type as TypeInformation<unknown>, value);
      const wrong = type === Types.CHAR ? Types.STRING : Types.CHAR;
      expect(() =>
        register(restoredFor(Types.STRING, [handle]), stateOf(kind, wrong as TypeInformation<unknown>)),
      ).toThrow('cannot read: value: ');
    }
  });
});

describe('restored state', () => {
  test('is refused to another type of keys, for each type', () => {
    const types = [
      Types.STRING,
      Types.INT,
      Types.LONG,
      Types.DOUBLE,
      Types.TUPLE(Types.INT),
      Types.TUPLE(Types.STRING),
    ];
    for (const stored of types as TypeInformation<unknown>[]) {
      const backend = backendFor(stored);
      backend.getState(COUNT);
      const handle = captureOf(backend);
      for (const declared of types as TypeInformation<unknown>[]) {
        const restore = (): unknown => backendFor(declared).restore([handle]);
        if (declared === stored) expect(restore).not.toThrow();
        else expect(restore).toThrow('The key type cannot change: restore with the stored type.');
      }
    }
  });

  test('is refused to another type of user keys of a map', () => {
    const backend = stringBackend();
    backend.getMapState(new MapStateDescriptor('m', Types.STRING, Types.INT));
    const target = restoredFrom(backend);
    expect(() => target.getMapState(new MapStateDescriptor('m', Types.DATE, Types.INT))).toThrow(
      'State "m" was stored in a way that its descriptor cannot read: map key: string became date.',
    );
  });

  test('is refused inside windows where it was outside, and the other way', () => {
    const outside = stringBackend();
    outside.getState(COUNT);
    expect(() => restoredFrom(outside).getWindowState(COUNT)).toThrow('namespace: void and window');
    const inside = stringBackend();
    inside.getWindowState(COUNT);
    expect(() => restoredFrom(inside).getState(COUNT)).toThrow('namespace: window and void');
  });

  test('is visible under the key that is current when it is asked for', () => {
    const backend = stringBackend();
    const count = backend.getState(COUNT);
    backend.setCurrentKey('a');
    count.update(1);
    const target = restoredFrom(backend);
    const other = target.getState(new ValueStateDescriptor('other', Types.INT));
    target.setCurrentKey('a');
    expect(other.value()).toBeNull();
    expect(target.getState(COUNT).value()).toBe(1);
    other.update(2);
    expect([other.value(), target.getState(COUNT).value()]).toEqual([2, 1]);
  });

  test.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 3],
    [3, 2],
    [5, 4],
    [4, 128],
    [7, 5],
  ])('goes from parallelism %i to %i: every key is readable exactly on its owner', (before, after) => {
    const keys = Array.from({ length: 600 }, (_, index) => `key ${index}`);
    const groupOf = (key: string): number => assignToKeyGroup(key, Types.STRING.hash!, 128);
    const owns = (subtask: number, parallelism: number) => (key: string) =>
      keyGroupRange(subtask, parallelism, 128).contains(groupOf(key));
    const handles = Array.from({ length: before }, (_, subtask) => {
      const backend = stringBackend({ parallelism: before, subtask });
      const count = backend.getState(COUNT);
      for (const key of keys.filter(owns(subtask, before))) {
        backend.setCurrentKey(key);
        count.update(Number(key.slice(4)));
      }
      return captureOf(backend);
    });
    for (let subtask = 0; subtask < after; subtask++) {
      const backend = restoredFor(Types.STRING, handles, { parallelism: after, subtask });
      const count = backend.getState(COUNT);
      const owned = keys.filter(owns(subtask, after));
      for (const key of owned) {
        backend.setCurrentKey(key);
        expect(count.value()).toBe(Number(key.slice(4)));
      }
      expect([...backend.keys('count')].sort()).toEqual(owned.sort());
    }
  });

  test('of several subtasks is captured again as one', () => {
    const handles = [0, 1].map((subtask) => {
      const backend = stringBackend({ parallelism: 2, subtask });
      const count = backend.getState(COUNT);
      for (let key = 0; key < 50; key++) {
        if (assignToKeyGroup(`k${key}`, Types.STRING.hash!, 128) >> 6 !== subtask) continue;
        backend.setCurrentKey(`k${key}`);
        count.update(key);
      }
      return captureOf(backend);
    });
    const handle = captureOf(restoredFor(Types.STRING, handles.reverse()));
    expect(handle.states).toHaveLength(1);
    const groups = [...handle.blocks].map(({ keyGroup }) => keyGroup);
    expect(groups).toEqual([...groups].sort((left, right) => left - right));
    const target = restoredFor(Types.STRING, [handle]);
    target.getState(COUNT);
    expect(target.numStateEntries('count')).toBe(50);
  });

  test('that is damaged is refused, never read as something else', () => {
    const backend = stringBackend({ maxParallelism: 1 });
    const count = backend.getState(new ValueStateDescriptor('count', Types.STRING));
    for (const key of ['a', 'b', 'c']) {
      backend.setCurrentKey(key);
      count.update(`value of ${key}`);
    }
    const handle = captureOf(backend);
    const [block] = [...handle.blocks];
    const restore = (bytes: Uint8Array, keyGroup = 0) => {
      const target = stringBackend({ maxParallelism: 1 });
      target.restore([{ ...handle, blocks: [{ ...block!, bytes, keyGroup }] }]);
      return () => target.getState(new ValueStateDescriptor('count', Types.STRING));
    };
    for (let length = 0; length < block!.bytes.length; length++) {
      expect(restore(block!.bytes.slice(0, length))).toThrow('State "count" of key group 0 cannot be read');
    }
    expect(restore(Uint8Array.from([...block!.bytes, 0]))).toThrow('1 bytes are left over');
    expect(restore(Uint8Array.from([255, 255, 255, 255, 127, 1]))).toThrow('Restore from an earlier checkpoint.');
    const misplaced = stringBackend({ maxParallelism: 128 });
    misplaced.restore([handle]);
    expect(() => misplaced.getState(new ValueStateDescriptor('count', Types.STRING))).toThrow(
      'a key is not of key group 0',
    );
  });
});
