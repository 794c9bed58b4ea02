import { expect, test } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { steadyClock } from '../../src/lib/steady-clock.ts';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-11-21T10:00:00Z');

/** A machine whose clock can be set. */
function aMachine() {
  const time = { passed: 0, set: 0 };
  const clock: Clock = {
    now: () => T0 + time.passed + time.set,
    monotonic: () => 77 + time.passed,
    setTimer: () => () => {},
  };
  return { time, clock };
}

test('it is the clock of the machine, as long as that goes as time passes', () => {
  const { time, clock } = aMachine();
  const steady = steadyClock(clock);
  for (const passed of [0, 1, 500, 90_000, 86_400_000]) {
    time.passed = passed;
    expect(steady.now()).toBe(T0 + passed);
  }
});

test.each([HOUR, -HOUR])('a clock that is set by %s ms makes a minute a tenth longer or shorter at most', (set) => {
  const { time, clock } = aMachine();
  const steady = steadyClock(clock);
  time.set = set;
  expect(steady.now()).toBe(T0);
  for (time.passed = 0; time.passed < 60_000; time.passed += 250) steady.now();
  expect(Math.abs(steady.now() - T0 - 60_000)).toBeLessThanOrEqual(6_000);
});

test('after ten times the jump it is the clock of the machine again, and it has never gone back', () => {
  const { time, clock } = aMachine();
  const steady = steadyClock(clock);
  time.set = -HOUR;
  let before = steady.now();
  for (time.passed = 0; time.passed <= 11 * HOUR; time.passed += 60_000) {
    expect(steady.now()).toBeGreaterThanOrEqual(before);
    before = steady.now();
  }
  expect(steady.now()).toBe(clock.now());
});
