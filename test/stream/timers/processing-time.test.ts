import { expect, test } from 'vitest';
import { aTimerService } from './builders.ts';

test('processing-time timers fire when they are due, ascending, all up to now', () => {
  const service = aTimerService();
  for (const at of [30, 10, 20, 50]) service.processing('a', at);
  service.moveTo(9);
  expect(service.fired).toEqual([]);
  service.moveTo(35);
  expect(service.fired.map(({ at }) => at)).toEqual([10, 20, 30]);
  service.moveTo(50);
  expect(service.fired.map(({ at }) => at)).toEqual([10, 20, 30, 50]);
});

test('one physical timer stands for the earliest, and an earlier one replaces it', () => {
  const service = aTimerService();
  service.processing('a', 100);
  service.processing('b', 200);
  expect(service.processingTime.nextAt).toBe(100);
  service.processing('c', 50);
  expect(service.processingTime.nextAt).toBe(50);
  service.moveTo(50);
  expect(service.fired.map(({ key }) => key)).toEqual(['c']);
  expect(service.processingTime.nextAt).toBe(100);
});

test('a physical timer whose timer was deleted sets the next one', () => {
  const service = aTimerService();
  service.processing('a', 10);
  service.processing('b', 20);
  service.deleteProcessing('a', 10);
  service.moveTo(10);
  expect(service.fired).toEqual([]);
  service.moveTo(20);
  expect(service.fired.map(({ key }) => key)).toEqual(['b']);
});

test('a callback can register timers: those already due fire with the others, later ones wait', () => {
  const service = aTimerService();
  service.onFire = ({ at }) => {
    if (at !== 10) return;
    service.timers.registerProcessingTimeTimer(null, 12);
    service.timers.registerProcessingTimeTimer(null, 30);
  };
  service.processing('a', 10);
  service.moveTo(15);
  expect(service.fired.map(({ at }) => at)).toEqual([10, 12]);
  expect(service.processingTime.nextAt).toBe(30);
});

test('nothing fires before the service starts; what is overdue fires then', () => {
  const service = aTimerService({ started: false });
  service.processing('a', 10);
  service.moveTo(100);
  expect(service.fired).toEqual([]);
  service.timers.start();
  service.moveTo(100);
  expect(service.fired).toEqual([{ time: 'processing', key: 'a', at: 10 }]);
});

test('nothing fires after the service was closed', () => {
  const service = aTimerService();
  service.processing('a', 10);
  service.timers.close();
  service.moveTo(100);
  expect(service.fired).toEqual([]);
  expect(service.processingTime.nextAt).toBe(Number.POSITIVE_INFINITY);
});

test('closing inside a callback ends the firing', () => {
  const service = aTimerService();
  service.onFire = () => service.timers.close();
  service.processing('a', 10);
  service.processing('b', 11);
  service.moveTo(100);
  expect(service.fired).toHaveLength(1);
});

test('the current processing time is the clock', () => {
  const service = aTimerService({ now: 1_000 });
  expect(service.timers.currentProcessingTime()).toBe(1_000);
});
