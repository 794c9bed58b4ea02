import { expect, test } from 'vitest';
import { eventName, eventTime, fittingWords, kindOfEvent } from '../../src/kube/event.ts';
import { DEFAULT_EVENT_LIMITS, EventBudget } from '../../src/kube/event-budget.ts';

const A_JOB = { kind: 'FlinkJob', namespace: 'flights', name: 'delays', uid: 'u-1' };
const words = (note: string) =>
  ({ regarding: A_JOB, type: 'Warning', reason: 'JobFailed', action: 'Restart', note }) as const;

test('a note is cut to what the server takes, in whole characters, and says that it was cut', () => {
  expect(fittingWords(words('short')).note).toBe('short');
  const { note } = fittingWords(words('é'.repeat(600)));
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note).toBe(`${'é'.repeat(510)}…`);
  expect(fittingWords(words('x'.repeat(1_024))).note).toBe('x'.repeat(1_024));
});

test('what is said decides what an event is called, and nothing else', () => {
  const later = { ...A_JOB, resourceVersion: '7' };
  expect(kindOfEvent({ ...words('a'), regarding: later })).toBe(kindOfEvent(words('b')));
  expect(kindOfEvent({ ...words('a'), regarding: { ...A_JOB, uid: 'u-2' } })).not.toBe(kindOfEvent(words('a')));
  expect(eventName(A_JOB, 'one')).toMatch(/^delays\.[0-9a-f]{16}$/);
  expect(eventName(A_JOB, 'one')).not.toBe(eventName(A_JOB, 'two'));
  expect(eventName({ name: 'n'.repeat(253) }, 'one').length).toBeLessThanOrEqual(253);
});

test('times have six digits of a second', () => {
  expect(eventTime(1_700_000_000_123)).toBe('2023-11-14T22:13:20.123000Z');
});

test('an object has a handful of events at once, and then one now and then', () => {
  const budget = new EventBudget({ ...DEFAULT_EVENT_LIMITS, burst: 2, refillMs: 1_000 });
  const allows = (object: string, now: number) => budget.allows(object, 'Submit', now);
  expect([0, 0, 0].map((now) => allows('a', now))).toEqual([true, true, false]);
  expect(allows('b', 0)).toBe(true);
  expect([999, 1_000, 1_001, 2_000].map((now) => allows('a', now))).toEqual([false, true, false, true]);
  // However long nothing was said: no more than a handful is saved up.
  expect([90_000, 90_000, 90_000].map((now) => allows('a', now))).toEqual([true, true, false]);
});

test('the first event of a reason about an object is told, whatever there was before', () => {
  const budget = new EventBudget({ ...DEFAULT_EVENT_LIMITS, burst: 1 });
  const allows = (reason: string) => budget.allows('a', reason, 0);
  expect(['Submit', 'Submit', 'Cleanup', 'Cleanup', 'Submit'].map(allows)).toEqual([true, false, true, false, false]);
});

test('events that differ in their note alone are told together from some number on, for a while', () => {
  const budget = new EventBudget({ ...DEFAULT_EVENT_LIMITS, mostAlike: 2, alikeMs: 1_000 });
  const isOneOfMany = (note: string, now: number) => budget.isOneOfMany('kind', note, now);
  expect([isOneOfMany('a', 0), isOneOfMany('b', 0), isOneOfMany('c', 0)]).toEqual([false, false, true]);
  expect(isOneOfMany('a', 1)).toBe(false);
  expect(isOneOfMany('d', 999)).toBe(true);
  expect(isOneOfMany('e', 1_000)).toBe(false);
  expect(budget.isOneOfMany('other kind', 'c', 0)).toBe(false);
});

test('what is remembered is bounded', () => {
  const budget = new EventBudget({ ...DEFAULT_EVENT_LIMITS, burst: 1, mostRemembered: 2 });
  const allows = (object: string) => budget.allows(object, 'Submit', 0);
  for (const object of ['a', 'b', 'c']) allows(object);
  // Forgotten, and so allowed once more.
  expect(['c', 'a'].map(allows)).toEqual([false, true]);
});
