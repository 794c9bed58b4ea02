import { expect, test } from 'vitest';
import { countersText } from '../../../src/cli/output/counters-text.ts';

test.each([
  [{}, ''],
  [{ numLateRecordsDropped: 0, invalid: 0 }, ''],
  [{ invalid: 12 }, 'invalid 12'],
  [{ numLateRecordsDropped: 1 }, '1 late record dropped (numLateRecordsDropped)'],
  [
    { invalid: 12, none: 0, numLateRecordsDropped: 3_588_000 },
    '3,588,000 late records dropped (numLateRecordsDropped), invalid 12',
  ],
])('of %j people read "%s"', (counters, text) => {
  expect(countersText(counters)).toBe(text);
});
