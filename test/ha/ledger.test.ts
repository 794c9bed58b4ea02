import { expect, test } from 'vitest';
import {
  closeAttempt,
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  type FailureEntry,
  forgetFailures,
  forgetStopping,
  giveUp,
  HaObjectCorruptException,
  LEDGER_LIMIT_BYTES,
  type Ledger,
  nextAttemptAt,
  noteBegun,
  noteRestartStrategyInCode,
  noteStopping,
  openAttempt,
  openAttemptOf,
  recordFailure,
  reportFailure,
  waitAnew,
} from '../../src/ha/index.ts';
import { IllegalStateException } from '../../src/lib/java-errors.ts';

const failed = (at: number, cause = 'out of memory') => ({ how: 'failed', at, cause, code: 'OOM' }) as const;
const entry = (time: number, more: Partial<FailureEntry> = {}): FailureEntry => ({
  time,
  cause: 'out of memory',
  isNew: true,
  delayMs: 1_000,
  nextAt: time + 1_000,
  counters: { attempt: 1 },
  ...more,
});
const afterFailures = (count: number, make = entry): Ledger => {
  let ledger = EMPTY_LEDGER;
  for (let i = 1; i <= count; i += 1) {
    ledger = openAttempt(ledger, { at: i * 1_000, epoch: 2 * i });
    ledger = recordFailure(closeAttempt(ledger, failed(i * 1_000 + 500)), make(i * 1_000 + 500));
  }
  return ledger;
};

test('attempts are numbered from 1, and only one is open', () => {
  const first = openAttempt(EMPTY_LEDGER, { at: 10, epoch: 1 });
  expect(openAttemptOf(first)).toEqual({ number: 1, epoch: 1, startedAt: 10, failures: [] });
  expect(() => openAttempt(first, { at: 20, epoch: 2 })).toThrow(IllegalStateException);
  const second = openAttempt(closeAttempt(first, failed(15)), { at: 20, epoch: 3 });
  expect(openAttemptOf(second)?.number).toBe(2);
  expect(second.attempts[0]?.end).toEqual(failed(15));
});

test('closing needs an open attempt, recording a closed one', () => {
  expect(() => closeAttempt(EMPTY_LEDGER, failed(1))).toThrow(IllegalStateException);
  expect(() => recordFailure(EMPTY_LEDGER, entry(1))).toThrow(IllegalStateException);
  expect(() => recordFailure(openAttempt(EMPTY_LEDGER, { at: 1, epoch: 1 }), entry(1))).toThrow(IllegalStateException);
});

test('a failure leaves the counters, the time of the next attempt, and one restart more when it is new', () => {
  const ledger = afterFailures(2);
  expect(ledger).toMatchObject({ restarts: 2, restartCounters: { attempt: 1 } });
  expect(nextAttemptAt(ledger)).toBe(3_500);
  const merged = recordFailure(ledger, entry(2_600, { isNew: false, counters: { attempt: 9 } }));
  expect(merged).toMatchObject({ restarts: 2, restartCounters: { attempt: 9 } });
  expect(merged.attempts.at(-1)?.failures).toHaveLength(2);
});

test('the first report of an attempt counts, and only of the open one', () => {
  const open = openAttempt(EMPTY_LEDGER, { at: 1, epoch: 1 });
  const report = { at: 5, epoch: 2, cause: 'bad record', code: 'JOB', suppressRestarts: true };
  const reported = reportFailure(open, 1, report);
  expect(openAttemptOf(reported)?.reported).toEqual(report);
  expect(reportFailure(reported, 1, { ...report, cause: 'later' })).toBe(reported);
  expect(reportFailure(open, 2, report)).toBe(open);
});

test('giving up leaves no next attempt; opening one takes it back', () => {
  const over = giveUp(afterFailures(1), { at: 9, reason: 'restarts exhausted', counters: { attempt: 2 } });
  expect(over).toMatchObject({ gaveUp: { at: 9, reason: 'restarts exhausted' }, restartCounters: { attempt: 2 } });
  expect(nextAttemptAt(over)).toBeUndefined();
  expect(openAttempt(over, { at: 10, epoch: 9 }).gaveUp).toBeUndefined();
});

test('the strategy found in the code is noted, and its absence too', () => {
  const noted = noteRestartStrategyInCode(EMPTY_LEDGER, { type: 'fixed-delay', attempts: 3, delayMs: 10 });
  expect(noted.restartStrategyInCode).toMatchObject({ attempts: 3 });
  expect(noteRestartStrategyInCode(noted, undefined)).toEqual(EMPTY_LEDGER);
});

test('that a job has begun stays noted, whatever becomes of its attempts', () => {
  const begun = noteBegun(openAttempt(EMPTY_LEDGER, { at: 1, epoch: 1 }));
  const ended = closeAttempt(begun, { how: 'crashed', at: 2, cause: 'killed' });
  const over = giveUp(ended, { at: 3, reason: 'no restarts' });
  const again = openAttempt(over, { at: 4, epoch: 2 });
  expect([EMPTY_LEDGER, begun, ended, over, again].map(({ hasBegun }) => hasBegun === true)).toEqual([
    false,
    true,
    true,
    true,
    true,
  ]);
});

test('a ledger is read back as it was written, no text is an empty one, anything else is an error', () => {
  const ledger = afterFailures(3);
  expect(decodeLedger(encodeLedger(ledger), 'store')).toEqual(ledger);
  expect(decodeLedger(undefined, 'store')).toBe(EMPTY_LEDGER);
  for (const text of ['{', 'null', '{}', '{"version":2,"attempts":[],"restarts":0}']) {
    expect(() => decodeLedger(text, 'the store')).toThrow(HaObjectCorruptException);
  }
});

const LIFE = { jobId: 'a'.repeat(32), since: '2026-11-21T10:00:00Z' };
const ATTEMPT = { number: 1, epoch: 1, startedAt: 1, failures: [] };
const END = { how: 'replaced', at: 1, cause: 'the spec has changed' };

test.each([
  ['no attempt', { attempts: [null] }],
  ['an attempt without a number', { attempts: [{ ...ATTEMPT, number: 'one' }] }],
  ['an attempt with a number that none reaches', { attempts: [{ ...ATTEMPT, number: 9_007_199_254_740_991 }] }],
  ['an attempt without failures', { attempts: [{ ...ATTEMPT, failures: undefined }] }],
  ['an instant that is none', { attempts: [{ ...ATTEMPT, startedAt: 1e300 }] }],
  ['an instant in a year that status has no room for', { attempts: [{ ...ATTEMPT, startedAt: 8e15 }] }],
  ['an end without a cause', { attempts: [{ ...ATTEMPT, end: { how: 'failed', at: 1 } }] }],
  ['an end of another kind', { attempts: [{ ...ATTEMPT, end: { ...END, how: 'bored' } }] }],
  ['a failure that is none', { attempts: [{ ...ATTEMPT, end: END, failures: [null] }] }],
  ['a stop for no reason', { attempts: [{ ...ATTEMPT, stopping: { why: '', since: 1, triggerId: 'a' } }] }],
  ['a life that is a path', { life: { ...LIFE, jobId: '../../etc' } }],
  ['a life that began at no time', { life: { ...LIFE, since: 'never' } }],
  ['restarts below nothing', { restarts: -1 }],
  ['triggers that no counter reaches', { handled: { savepoint: 1e300 } }],
  ['a revision whose name no object can have', { attempts: [{ ...ATTEMPT, revision: 'x'.repeat(254) }] }],
  ['revisions without names', { revisions: { stable: {} } }],
  ['a strategy that there is none of', { restartStrategyInCode: { type: 'hope' } }],
  ['no reason for giving up', { gaveUp: 7 }],
])('a ledger that somebody has edited is no ledger: %s', (_, edited) => {
  const sound = { ...EMPTY_LEDGER, attempts: [ATTEMPT], life: LIFE };
  expect(decodeLedger(JSON.stringify(sound), 'the store')).toEqual(sound);
  const text = JSON.stringify({ ...sound, ...edited });
  expect(() => decodeLedger(text, 'the store')).toThrow(HaObjectCorruptException);
});

test('restarts are counted as far as there are numbers to count by', () => {
  const most = { ...afterFailures(1), restarts: Number.MAX_SAFE_INTEGER };
  const next = recordFailure(
    closeAttempt(openAttempt(most, { at: 9, epoch: 9 }), { how: 'failed', at: 9, cause: 'x' }),
    entry(9),
  );
  expect(decodeLedger(encodeLedger(next), 'store').restarts).toBe(Number.MAX_SAFE_INTEGER);
});

test('after a thousand failures with long causes it is within its limit, and what decides is still there', () => {
  const ledger = afterFailures(1_000, (time) =>
    entry(time, { cause: 'x'.repeat(5_000), counters: { times: Array.from({ length: 20 }, (_, i) => time + i) } }),
  );
  expect(Buffer.byteLength(encodeLedger(ledger))).toBeLessThanOrEqual(LEDGER_LIMIT_BYTES);
  expect(ledger.restarts).toBe(1_000);
  expect(ledger.attempts.at(-1)).toMatchObject({ number: 1_000, end: { how: 'failed' } });
  expect(ledger.restartCounters).toMatchObject({ times: expect.arrayContaining([1_000_500]) });
  expect(nextAttemptAt(ledger)).toBe(1_001_500);
  expect(openAttempt(ledger, { at: 1, epoch: 1 }).attempts.at(-1)?.number).toBe(1_001);
});

test('many merged failures of one attempt are within the limit too', () => {
  let ledger = closeAttempt(openAttempt(EMPTY_LEDGER, { at: 1, epoch: 1 }), failed(2));
  for (let i = 0; i < 200; i += 1) ledger = recordFailure(ledger, entry(i, { isNew: false, cause: 'y'.repeat(500) }));
  expect(Buffer.byteLength(encodeLedger(ledger))).toBeLessThanOrEqual(LEDGER_LIMIT_BYTES);
  expect(nextAttemptAt(ledger)).toBe(1_199);
});

test('a stop that was noted is forgotten without a trace', () => {
  const open = openAttempt(EMPTY_LEDGER, { at: 1, epoch: 1 });
  const stopping = noteStopping(open, { why: 'upgrade', since: 2, triggerId: 'f'.repeat(32) });
  expect(openAttemptOf(stopping)?.stopping?.why).toBe('upgrade');
  expect(forgetStopping(stopping)).toEqual(open);
  expect(forgetStopping(EMPTY_LEDGER)).toEqual(EMPTY_LEDGER);
});

test('failures are forgotten by the strategy, and still told of', () => {
  const ledger = afterFailures(2);
  expect(forgetFailures(ledger)).not.toHaveProperty('restartCounters');
  expect(forgetFailures(ledger)).toMatchObject({ restarts: 2, attempts: ledger.attempts });
});

test('a wait that begins again is as long as it was', () => {
  const anew = waitAnew(afterFailures(2), 100);
  expect(nextAttemptAt(anew)).toBe(1_100);
  expect(anew.attempts[0]).toEqual(afterFailures(2).attempts[0]);
  const crashed = recordFailure(afterFailures(1), entry(9_000));
  expect(waitAnew(crashed, 100).attempts[0]?.failures.map(({ nextAt }) => nextAt)).toEqual([2_500, 1_100]);
});
