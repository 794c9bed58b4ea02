import { SeededRandom, TestClock } from 'flinkjob/testing';
import { expect, test } from 'vitest';

test('stands still until it is moved, and never goes back', () => {
  const clock = new TestClock(1_000);
  expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
  clock.advanceBy(5);
  clock.advanceTo(3);
  expect([clock.now(), clock.monotonic()]).toEqual([1_005, 5]);
});

test('fires timers at their time, in order, also those that are set on the way', () => {
  const clock = new TestClock();
  const fired: string[] = [];
  const log = (name: string) => () => void fired.push(`${name} at ${clock.now()}`);
  clock.setTimer(20, log('second'));
  clock.setTimer(10, () => {
    log('first')();
    clock.setTimer(5, log('between'));
  });
  clock.setTimer(20, log('third'));
  clock.setTimer(15, log('cancelled'))();
  expect(clock.nextTimerAt).toBe(10);
  clock.advanceTo(20);
  expect(fired).toEqual(['first at 10', 'between at 15', 'second at 20', 'third at 20']);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('a seed repeats its choices; neighbouring seeds differ', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 100 }, () => random.between(1, 6));
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
  expect(new Set(draw(7))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});

test('a shuffle keeps everything', () => {
  const items = [1, 2, 3, 4, 5, 6, 7];
  const shuffled = new SeededRandom(3).shuffled(items);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted()).toEqual(items);
  expect(() => new SeededRandom(1).oneOf([])).toThrow('oneOf needs something to choose from');
});
