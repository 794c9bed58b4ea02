import { expect, test } from 'vitest';
import { answeredWith, notAnswered } from '../../src/kube/errors.ts';
import { pauseBeforeNextTry, retryAfterMs } from '../../src/kube/retry.ts';

const answered = (status: number, isWrite: boolean, asked?: number) =>
  answeredWith('patch a', status, {}, { isWrite, retryAfterMs: asked });
const lost = (wasSent: boolean, why: 'failed' | 'deadline' = 'failed') =>
  notAnswered('patch a', new Error('reset'), { isWrite: true, wasSent, why });
const pause = (
  error: ReturnType<typeof answered>,
  more: { isWrite?: boolean; tries?: number; remainingMs?: number; random?: number } = {},
) => pauseBeforeNextTry({ error, isWrite: true, tries: 1, remainingMs: 30_000, random: 0.5, ...more });

test('a write is repeated when it surely did not happen and may succeed, and in no other case', () => {
  expect(pause(answered(429, true))).toBe(100);
  expect(pause(lost(false))).toBe(100);
  const never = [
    answered(500, true),
    answered(503, true),
    answered(409, true),
    answered(422, true),
    lost(true),
    lost(false, 'deadline'),
  ];
  expect(never.map((error) => pause(error))).toEqual(never.map(() => undefined));
});

test('a read is repeated after whatever may pass', () => {
  expect([429, 500, 503, 504].map((status) => pause(answered(status, false), { isWrite: false }))).toEqual([
    100, 100, 100, 100,
  ]);
  expect([400, 403, 404, 410].map((status) => pause(answered(status, false), { isWrite: false }))).toEqual(
    Array(4).fill(undefined),
  );
});

test('pauses double, are spread by chance, and end with the fourth try', () => {
  expect([1, 2, 3, 4].map((tries) => pause(answered(429, true), { tries }))).toEqual([100, 200, 400, undefined]);
  expect([0, 1].map((random) => pause(answered(429, true), { random }))).toEqual([50, 150]);
});

test('what the server asks for is never cut short', () => {
  expect(pause(answered(429, true, 5_000))).toBe(5_000);
  expect(pause(answered(429, true, 5_000), { remainingMs: 4_000 })).toBeUndefined();
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('3', now)).toBe(3_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:10 GMT', now)).toBe(10_000);
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:10 GMT', now)).toBe(0);
  expect([retryAfterMs(undefined, now), retryAfterMs('', now), retryAfterMs('soon', now)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('what the server refuses is surely not applied; its own failures and silence leave it open', () => {
  const refusals = [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429];
  expect(refusals.map((status) => answered(status, true).outcome)).toEqual(refusals.map(() => 'notApplied'));
  const open = [408, 500, 502, 503, 504];
  expect(open.map((status) => answered(status, true).outcome)).toEqual(open.map(() => 'unknown'));
  expect([lost(true).outcome, lost(false).outcome]).toEqual(['unknown', 'notApplied']);
});
