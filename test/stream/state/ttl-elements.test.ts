import { describe, expect, test } from 'vitest';
import { ManualClock, stringBackend } from './keyed-backends.ts';
import { listOf, mapOf, sumOf, totalOf } from './ttl-subjects.ts';

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
