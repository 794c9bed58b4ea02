import { expect, test } from 'vitest';
import { parseLeaseRecord, renderLeaseRecord } from '../../../src/flink/ha-data/lease-record.ts';

const record = (leaseDuration: string, acquireTime = '2020-10-20T04:06:31.431000Z') =>
  `{"holderIdentity":"me","leaseDuration":${leaseDuration},"acquireTime":"${acquireTime}","renewTime":"2020-10-22T08:51:36.843000Z","leaderTransitions":37981}`;

test.each([
  ['15.000000000', 15_000, 'seconds'],
  ['0.500000000', 500, 'seconds'],
  ['"PT15S"', 15_000, 'iso'],
  ['"PT1M30S"', 90_000, 'iso'],
  ['"PT1H"', 3_600_000, 'iso'],
  ['"PT2.5S"', 2_500, 'iso'],
])('a duration of %s is read and written alike', (duration, leaseDurationMs, durationForm) => {
  const read = parseLeaseRecord(record(duration));
  expect(read).toMatchObject({ leaseDurationMs, durationForm, holderIdentity: 'me', leaderTransitions: 37981 });
  expect(renderLeaseRecord(read!)).toBe(record(duration));
});

test('a whole number of seconds is read too', () => {
  expect(parseLeaseRecord(record('15'))).toMatchObject({ leaseDurationMs: 15_000, durationForm: 'seconds' });
});

test.each([
  ['a duration that is a text with a number', record('"15"')],
  ['an empty duration', record('"PT"')],
  ['a time with three fractional digits', record('15', '2020-10-20T04:06:31.431Z')],
  ['no duration', record('15').replace('leaseDuration', 'leaseDurationSeconds')],
  ['no holder', record('15').replace('"me"', 'null')],
  ['no JSON', 'me'],
  ['another JSON', '[1]'],
])('%s is no record', (_, text) => {
  expect(parseLeaseRecord(text)).toBeUndefined();
});
