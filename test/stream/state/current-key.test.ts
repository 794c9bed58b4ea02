import { describe, expect, test } from 'vitest';
import { assignToKeyGroup } from '../../../src/stream/key-groups.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { COUNT } from './declared-states.ts';
import { backendFor, restoredFrom, stringBackend } from './keyed-backends.ts';

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
