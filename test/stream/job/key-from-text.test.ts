import { expect, test } from 'vitest';
import { keyFromText, windowFromText } from '../../../src/stream/job/key-from-text.ts';
import type { TypeInformation } from '../../../src/stream/types/index.ts';
import { Types } from '../../../src/stream/types/index.ts';

const read = (type: unknown, text: string) => keyFromText(type as TypeInformation<unknown>, text);
const TUPLE = Types.TUPLE(Types.STRING, Types.LONG, Types.BOOLEAN);

test.each([
  [Types.STRING, '12', '12'],
  [Types.STRING, '', ''],
  [Types.CHAR, 'x', 'x'],
  [Types.BYTE, '-128', -128],
  [Types.SHORT, '+7', 7],
  [Types.INT, '-0', 0],
  [Types.SAFE_LONG, '9007199254740991', 9_007_199_254_740_991],
  [Types.LONG, '-9223372036854775808', -(2n ** 63n)],
  [Types.FLOAT, '0.1', Math.fround(0.1)],
  [Types.DOUBLE, '-2.5e-3', -0.0025],
  [Types.DOUBLE, 'NaN', Number.NaN],
  [Types.DOUBLE, '-Infinity', Number.NEGATIVE_INFINITY],
  [Types.BOOLEAN, 'false', false],
  [Types.UUID, '123E4567-E89B-12D3-A456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
  [Types.BIG_INT, '123456789012345678901234567890', 123_456_789_012_345_678_901_234_567_890n],
  [Types.BIG_DEC, '12.50', { unscaled: 1_250n, scale: 2 }],
  [TUPLE, '["JFK", 9223372036854775807, true]', ['JFK', 9_223_372_036_854_775_807n, true]],
  [TUPLE, '["JFK", "-5", null]', ['JFK', -5n, null]],
  [Types.TUPLE(Types.TUPLE(Types.DOUBLE), Types.CHAR), '[[1.5], "x"]', [[1.5], 'x']],
])('a text is read by the declared type of the key: %o %s', (type, text, key) => {
  expect(read(type, text)).toEqual({ value: key });
});

test.each([
  [Types.CHAR, 'xy'],
  [Types.BYTE, '128'],
  [Types.INT, '1.0'],
  [Types.INT, ' 1'],
  [Types.INT, '2147483648'],
  [Types.INT, '0x10'],
  [Types.INT, ''],
  [Types.SAFE_LONG, '9007199254740993'],
  [Types.LONG, '9223372036854775808'],
  [Types.FLOAT, '1e39'],
  [Types.DOUBLE, '1e309'],
  [Types.DOUBLE, 'one'],
  [Types.DOUBLE, ''],
  [Types.BOOLEAN, 'TRUE'],
  [Types.UUID, '123e4567'],
  [Types.BIG_DEC, '1,5'],
  [Types.BIG_DEC, '1e99999999999'],
  [TUPLE, 'JFK'],
  [TUPLE, '["JFK", 1]'],
  [TUPLE, '{"0": "JFK", "1": 1, "2": true}'],
  [TUPLE, '[1, 1, true]'],
  [TUPLE, '["JFK", 1.5, true]'],
  [TUPLE, '["JFK", 1, 0]'],
  [TUPLE, '["JFK", [1], true]'],
  [Types.ANY, '1'],
])('a text that is no key of the type is refused with a reason: %o %s', (type, text) => {
  expect(read(type, text)).toEqual({ problem: expect.stringMatching(/.{20}/) });
});

test('a number in a tuple is read in its own digits, not through a double', () => {
  expect(read(Types.TUPLE(Types.LONG), '[9007199254740993]')).toEqual({ value: [9_007_199_254_740_993n] });
});

test('a long text is not repeated in full', () => {
  const answer = read(Types.INT, 'x'.repeat(10_000));
  expect('problem' in answer && answer.problem.length).toBeLessThan(200);
});

test('a window is start and end in milliseconds', () => {
  expect(windowFromText('-1000,0')).toEqual({ value: { start: -1_000, end: 0 } });
  for (const text of ['', '5', '5,5', '10,5', '1,2,3', 'a,b', '1.5,2']) {
    expect(windowFromText(text)).toEqual({ problem: expect.stringContaining('START,END') });
  }
});
