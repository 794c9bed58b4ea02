import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Types } from '../../../src/stream/types/index.ts';
import { aTimerService } from './builders.ts';

test('a watermark fires all timers at or below it, ascending', () => {
  const service = aTimerService();
  for (const at of [30, 10, 20, 41, 40]) service.event('a', at);
  service.timers.advanceWatermark(40);
  expect(service.fired.map(({ at }) => at)).toEqual([10, 20, 30, 40]);
  expect(service.timers.numEventTimeTimers()).toBe(1);
});

test('the key of a timer is current during its callback', () => {
  const service = aTimerService();
  service.event('a', 2);
  service.event('b', 1);
  service.backend.setCurrentKey('c');
  service.timers.advanceWatermark(5);
  expect(service.fired).toEqual([
    { time: 'event', key: 'b', at: 1 },
    { time: 'event', key: 'a', at: 2 },
  ]);
});

test('registering a timer again does nothing', () => {
  const service = aTimerService();
  service.event('a', 10);
  service.event('a', 10);
  expect(service.timers.numEventTimeTimers()).toBe(1);
  service.timers.advanceWatermark(10);
  expect(service.fired).toHaveLength(1);
});

test('a timer is identified by key, window and timestamp together', () => {
  const service = aTimerService({ namespace: 'window' });
  const windows = [
    { start: 0, end: 10 },
    { start: 0, end: 20 },
    { start: 10, end: 20 },
  ];
  for (const key of ['a', 'b']) {
    for (const window of windows) for (const at of [19, 29]) service.event(key, at, window);
  }
  expect(service.timers.numEventTimeTimers()).toBe(12);
  service.deleteEvent('a', 19, { start: 0, end: 20 });
  service.timers.advanceWatermark(19);
  expect(service.fired.filter(({ key }) => key === 'a').map(({ window }) => window)).toEqual([windows[0], windows[2]]);
  expect(service.fired.filter(({ key }) => key === 'b')).toHaveLength(3);
});

test('a deleted timer does not fire, and deleting one that is not there does nothing', () => {
  const service = aTimerService();
  service.event('a', 10);
  service.event('b', 10);
  service.deleteEvent('a', 10);
  service.deleteEvent('a', 10);
  service.deleteEvent('b', 11);
  service.timers.advanceWatermark(100);
  expect(service.fired.map(({ key }) => key)).toEqual(['b']);
});

test('event-time and processing-time timers are separate sets', () => {
  const service = aTimerService();
  service.event('a', 10);
  service.processing('a', 10);
  service.deleteProcessing('a', 10);
  service.moveTo(100);
  expect(service.fired).toEqual([]);
  service.timers.advanceWatermark(10);
  expect(service.fired).toEqual([{ time: 'event', key: 'a', at: 10 }]);
});

test('a timer at or below the current watermark fires at the next advance', () => {
  const service = aTimerService();
  service.timers.advanceWatermark(100);
  service.event('a', 50);
  service.event('a', 100);
  expect(service.fired).toEqual([]);
  service.timers.advanceWatermark(101);
  expect(service.fired.map(({ at }) => at)).toEqual([50, 100]);
});

test('a timer that its callback registers again at or below the watermark fires in the same advance', () => {
  const service = aTimerService();
  service.onFire = ({ at }) => {
    if (at < 40) service.timers.registerEventTimeTimer(null, at + 10);
  };
  service.event('a', 10);
  service.timers.advanceWatermark(35);
  expect(service.fired.map(({ at }) => at)).toEqual([10, 20, 30]);
  expect(service.timers.numEventTimeTimers()).toBe(1);
});

test('a timer is removed before its callback, which can register the very same one again', () => {
  const service = aTimerService();
  const seen: number[] = [];
  service.onFire = () => {
    seen.push(service.timers.numEventTimeTimers());
    if (seen.length === 1) service.timers.registerEventTimeTimer(null, 10);
  };
  service.event('a', 10);
  service.timers.advanceWatermark(10);
  expect(seen).toEqual([0, 0]);
});

test('the watermark is the new one during callbacks and never goes back', () => {
  const service = aTimerService();
  let during: number | undefined;
  service.onFire = () => {
    during = service.timers.currentWatermark();
  };
  expect(service.timers.currentWatermark()).toBe(Number.MIN_SAFE_INTEGER);
  service.event('a', 10);
  service.timers.advanceWatermark(25);
  service.timers.advanceWatermark(20);
  expect([during, service.timers.currentWatermark()]).toEqual([25, 25]);
});

test('a timestamp that is not a number is refused', () => {
  const service = aTimerService();
  expect(() => service.event('a', Number.NaN)).toThrow('A timer needs a timestamp in milliseconds, not NaN.');
  expect(() => service.event('a', undefined as never)).toThrow('not undefined');
});

test('a timer without a current key is refused', () => {
  const service = aTimerService();
  expect(() => service.timers.registerEventTimeTimer(null, 1)).toThrow('No key set');
});

test('what a key object held when it was registered counts, not what it became', () => {
  const service = aTimerService({ keyType: Types.TUPLE(Types.INT, Types.STRING) as never });
  const key = [1, 'a'];
  service.event(key, 10);
  key[1] = 'b';
  service.event(key, 10);
  service.event([1, 'a'], 10);
  service.deleteEvent([1, 'b'], 10);
  service.timers.advanceWatermark(10);
  expect(service.fired.map((fired) => fired.key)).toEqual([[1, 'a']]);
});

test('keys that JavaScript holds equal and Java does not have timers of their own', () => {
  const service = aTimerService({ keyType: Types.DOUBLE as never });
  for (const key of [0, -0, Number.NaN, Number.NaN]) service.event(key, 10);
  service.timers.advanceWatermark(10);
  expect(service.fired.map(({ key }) => (Object.is(key, -0) ? '-0' : String(key))).sort()).toEqual(['-0', '0', 'NaN']);
});

test('any sequence of registering, deleting and advancing fires what a plain list would', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: fc.nat(7), at: fc.nat(60), end: fc.nat(3) }),
    fc.record({ do: fc.constant('delete' as const), key: fc.nat(7), at: fc.nat(60), end: fc.nat(3) }),
    fc.record({ do: fc.constant('advance' as const), at: fc.nat(70) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
      const service = aTimerService({ namespace: 'window', keyType: Types.INT as never });
      const model = new Map<string, { key: number; at: number; end: number }>();
      let watermark = 0;
      for (const each of actions) {
        if (each.do === 'advance') {
          watermark = Math.max(watermark, each.at);
          const due = [...model].filter(([, { at }]) => at <= watermark);
          for (const [id] of due) model.delete(id);
          service.fired.length = 0;
          service.timers.advanceWatermark(watermark);
          const times = service.fired.map(({ at }) => at);
          expect(times).toEqual([...times].sort((left, right) => left - right));
          const ids = service.fired.map(({ key, at, window }) => `${key}/${at}/${window!.end}`);
          expect(ids.sort()).toEqual(due.map(([id]) => id).sort());
        } else {
          const id = `${each.key}/${each.at}/${each.end}`;
          if (each.do === 'add') {
            model.set(id, each);
            service.event(each.key, each.at, { start: 0, end: each.end });
          } else {
            model.delete(id);
            service.deleteEvent(each.key, each.at, { start: 0, end: each.end });
          }
        }
        expect(service.timers.numEventTimeTimers()).toBe(model.size);
      }
    }),
    { numRuns: 200, seed: 1234 },
  );
});

test('a hundred thousand timers of as many keys fire in order', () => {
  const service = aTimerService({ keyType: Types.INT as never });
  for (let key = 0; key < 100_000; key++) service.event(key, (key * 7919) % 100_003);
  for (let key = 0; key < 100_000; key += 3) service.deleteEvent(key, (key * 7919) % 100_003);
  service.timers.advanceWatermark(200_000);
  const times = service.fired.map(({ at }) => at);
  expect(times).toHaveLength(66_666);
  expect(times.every((at, index) => index === 0 || at >= times[index - 1]!)).toBe(true);
});
