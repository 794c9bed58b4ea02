import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideLease, heldRecord, microTime, releasedRecord } from '../../src/election/index.ts';

const decide = (record: Parameters<typeof decideLease>[0]['record'], unchangedMs = 0) =>
  decideLease({ record, me: 'me', unchangedMs, ownDurationMs: 15_000 });

test('a lease that nobody holds is taken', () => {
  expect(decide(undefined)).toEqual({ do: 'take' });
  expect(decide({})).toEqual({ do: 'take' });
  expect(decide({ holderIdentity: '', leaseDurationSeconds: 1 })).toEqual({ do: 'take' });
});

test('a lease that names me is renewed', () => {
  expect(decide({ holderIdentity: 'me', leaseDurationSeconds: 15 }, 99_000)).toEqual({ do: 'renew' });
});

test('a lease of another is waited for, for what its record says, from when it was last seen to change', () => {
  const record = { holderIdentity: 'other', leaseDurationSeconds: 15 };
  expect(decide(record, 4_000)).toEqual({ do: 'wait', ms: 11_001 });
  expect(decide(record, 15_000)).toEqual({ do: 'wait', ms: 1 });
  expect(decide(record, 15_001)).toEqual({ do: 'take' });
});

test('times of other clocks decide nothing', () => {
  const times = ['1970-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z', 'nonsense'];
  const decisions = times.map((renewTime) =>
    decide({ holderIdentity: 'other', leaseDurationSeconds: 15, renewTime }, 5_000),
  );
  expect(new Set(decisions.map((decision) => JSON.stringify(decision))).size).toBe(1);
});

test('a duration beyond reason is cut, and one that is missing is my own', () => {
  expect(decide({ holderIdentity: 'other', leaseDurationSeconds: 1e9 })).toEqual({ do: 'wait', ms: 60_001 });
  expect(decide({ holderIdentity: 'other' })).toEqual({ do: 'wait', ms: 15_001 });
});

test('the record is the one of client-go', () => {
  const now = Date.parse('2026-11-21T10:00:00.123Z');
  const facts = { me: 'me', now, ownDurationMs: 15_000, leastTransitions: 0 };
  const first = heldRecord(undefined, facts);
  expect(first).toEqual({
    holderIdentity: 'me',
    leaseDurationSeconds: 15,
    acquireTime: '2026-11-21T10:00:00.123000Z',
    renewTime: '2026-11-21T10:00:00.123000Z',
    leaseTransitions: 0,
  });
  const renewed = heldRecord(first, { ...facts, now: now + 5_000 });
  expect(renewed).toEqual({ ...first, renewTime: microTime(now + 5_000) });
  expect(releasedRecord(renewed, now + 6_000)).toEqual({
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: microTime(now + 6_000),
    renewTime: microTime(now + 6_000),
    leaseTransitions: 0,
  });
});

test('transitions grow with every change of hands and with nothing else', () => {
  const hands = fc.array(fc.constantFrom('a', 'b', ''), { maxLength: 30 });
  fc.assert(
    fc.property(hands, (holders) => {
      let record = heldRecord(undefined, { me: 'a', now: 0, ownDurationMs: 15_000, leastTransitions: 0 });
      for (const me of holders) {
        const before = record;
        const isChange = me !== '' && before.holderIdentity !== me;
        record =
          me === ''
            ? releasedRecord(before, 1)
            : heldRecord(before, { me, now: 1, ownDurationMs: 1, leastTransitions: 0 });
        expect(record.leaseTransitions).toBe(before.leaseTransitions + (isChange ? 1 : 0));
      }
    }),
    { seed: 11 },
  );
});

test('durations are rounded up to whole seconds', () => {
  const seconds = [1, 999, 1_000, 1_001, 15_000].map(
    (ownDurationMs) =>
      heldRecord(undefined, { me: 'a', now: 0, ownDurationMs, leastTransitions: 0 }).leaseDurationSeconds,
  );
  expect(seconds).toEqual([1, 1, 1, 2, 15]);
});

test('transitions stop at the highest number that the API server takes, or nobody could lead any more', () => {
  const before = { holderIdentity: '', leaseTransitions: 2_147_483_647 };
  const facts = { me: 'me', now: 0, ownDurationMs: 15_000, leastTransitions: 0 };
  expect(heldRecord(before, facts).leaseTransitions).toBe(2_147_483_647);
});
