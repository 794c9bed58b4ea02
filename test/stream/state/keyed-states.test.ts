import { describe, expect, test } from 'vitest';
import {
  ListStateDescriptor,
  MapStateDescriptor,
  type StateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { COUNT, MEAN, POINT, PRICES, TAGS } from './declared-states.ts';
import { captureOf, stringBackend } from './keyed-backends.ts';

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
