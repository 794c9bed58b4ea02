import { expect, test } from 'vitest';
import { Repeats } from '../../../src/reconcilers/flinkjob/repeats.ts';
import type { Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { T0 } from '../../builders/flinkjob-facts.ts';

const service: Step = { do: 'makeChildren', names: ['Service flights-rest'] };
const role: Step = { do: 'makeChildren', names: ['Role flights-pods'] };
const pods = (attempt: number): Step => ({ do: 'makePods', attempt, indexes: [0] });

/** A step is done as soon as it may be, so often; when that was. */
function doneAsSoonAsDue(repeats: Repeats, step: Step, times: number): number[] {
  const at: number[] = [];
  let now = T0;
  for (let time = 0; time < times; time++) {
    now = Math.max(now, repeats.dueAt(step, now));
    repeats.did(step, now);
    at.push((now - T0) / 1_000);
  }
  return at;
}

test.each([
  ['an object', service],
  ['pods', pods(3)],
  ['the finalizer', { do: 'addFinalizer' }],
] as const)('%s that somebody takes away is put back at once a few times, then later and later', (_, step) => {
  expect(doneAsSoonAsDue(new Repeats(), step as Step, 12)).toEqual([0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 123, 183]);
});

test('what is put back once an hour is put back at once', () => {
  const repeats = new Repeats();
  for (let hour = 0; hour < 20; hour++) {
    const now = T0 + hour * 3_600_000;
    expect(repeats.dueAt(service, now)).toBe(0);
    repeats.did(service, now);
  }
});

test('another object, the pods of another attempt, and what puts nothing back do not wait for it', () => {
  const repeats = new Repeats();
  doneAsSoonAsDue(repeats, service, 8);
  doneAsSoonAsDue(repeats, pods(1), 8);
  expect(repeats.dueAt(service, T0)).toBeGreaterThan(T0);
  expect(repeats.dueAt(role, T0)).toBe(0);
  expect(repeats.dueAt(pods(2), T0)).toBe(0);
  const deletion: Step = { do: 'deleteHandles', uid: 'u' };
  expect(doneAsSoonAsDue(repeats, deletion, 8).at(-1)).toBe(0);
});

test('a clock that is set back does not make it wait longer', () => {
  const repeats = new Repeats();
  doneAsSoonAsDue(repeats, service, 5);
  expect(repeats.dueAt(service, T0 - 300_000)).toBe(T0 - 300_000 + 2_000);
});
