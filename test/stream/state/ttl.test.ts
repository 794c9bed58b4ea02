import { describe, expect, test } from 'vitest';
import type { StateTtlConfig } from '../../../src/stream/state/descriptors.ts';
import { isExpired } from '../../../src/stream/state/ttl.ts';
import { CaptureInFlight, captureOf, ManualClock, restoredFor, stringBackend } from './keyed-backends.ts';
import { KINDS, listOf, NAMES, setUp, singleOf, subjectOf, sumOf, totalOf } from './ttl-subjects.ts';

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
