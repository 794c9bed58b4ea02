import { expect, test } from 'vitest';
import {
  bigDecimalHash,
  bigIntegerHash,
  booleanHash,
  charHash,
  doubleHash,
  floatHash,
  intHash,
  longHash,
  parseBigDecimal,
  stringHash,
  tupleHash,
  uuidHash,
} from '../../../src/stream/types/key-hash.ts';

test('a string is hashed over UTF-16 units, so a surrogate pair counts twice', () => {
  expect(stringHash('😀')).toBe(0xd83d * 31 + 0xde00);
});

test('known collisions and extremes of string hashes', () => {
  expect(stringHash('polygenelubricants')).toBe(-2_147_483_648);
  expect([stringHash('Aa'), stringHash('BB')]).toEqual([2_112, 2_112]);
});

test('the integer 1 and the double 1.0 hash differently', () => {
  expect([intHash(1), longHash(1), doubleHash(1)]).toEqual([1, 1, 1_072_693_248]);
});

test.each([0, -0, 1, -1, 2_147_483_647, -2_147_483_648, 2_147_483_648, -2_147_483_649, 2 ** 53 - 1, -(2 ** 53 - 1)])(
  'the long %d hashes the same as number and as bigint',
  (value) => {
    expect(longHash(value)).toBe(longHash(BigInt(value)));
  },
);

test('longs beyond 2^53 keep their last bit', () => {
  expect(longHash(9_007_199_254_740_993n)).toBe(2_097_153);
  expect([longHash(-9_223_372_036_854_775_808n), longHash(9_223_372_036_854_775_807n)]).toEqual([
    -2_147_483_648, -2_147_483_648,
  ]);
});

test.each([1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('%d is not an exact integer', (value) => {
  expect(() => longHash(value)).toThrow('Give int64 keys beyond 2^53 as bigint.');
});

test('zero has two hashes, NaN has one', () => {
  const otherNaN = new Float64Array(new BigUint64Array([0xfff8000000000123n]).buffer)[0]!;
  expect([doubleHash(0), doubleHash(-0)]).toEqual([0, -2_147_483_648]);
  expect([doubleHash(Number.NaN), doubleHash(otherNaN)]).toEqual([0x7ff80000, 0x7ff80000]);
  expect([floatHash(0), floatHash(-0), floatHash(Number.NaN)]).toEqual([0, -2_147_483_648, 0x7fc00000]);
});

test('a float is hashed in single precision', () => {
  expect(floatHash(0.1)).toBe(floatHash(Math.fround(0.1)));
  expect(floatHash(1.5)).toBe(1_069_547_520);
});

test('booleans and characters', () => {
  expect([booleanHash(true), booleanHash(false), charHash('x')]).toEqual([1_231, 1_237, 120]);
  expect(() => charHash('')).toThrow('must not be an empty text');
});

test('a UUID hashes the same in either case', () => {
  expect(uuidHash('123e4567-e89b-12d3-a456-426614174000')).toBe(1_256_478_162);
  expect(uuidHash('123E4567-E89B-12D3-A456-426614174000')).toBe(1_256_478_162);
});

test.each([
  '',
  '123e4567',
  '123e4567e89b12d3a456426614174000',
  '123e4567-e89b-12d3-a456-4266141740001',
  '123e4567-e89b-12d3-a456-42661417400g',
  '123e456-7e89b-12d3-a456-426614174000',
  '123e4567-e89b-12d3-a456-426614174-00',
])('"%s" is not a UUID', (text) => {
  expect(() => uuidHash(text)).toThrow('is not a UUID');
});

test('a big integer hashes word by word with its sign', () => {
  expect(bigIntegerHash(0n)).toBe(0);
  expect(bigIntegerHash((5n << 64n) | (6n << 32n) | 7n)).toBe((5 * 31 + 6) * 31 + 7);
  expect(bigIntegerHash(-((5n << 64n) | (6n << 32n) | 7n))).toBe(-((5 * 31 + 6) * 31 + 7));
  // 2^31 has no positive int: its hash is the smallest int with either sign.
  expect([bigIntegerHash(2n ** 31n), bigIntegerHash(-(2n ** 31n))]).toEqual([-2_147_483_648, -2_147_483_648]);
});

test('the scale of a decimal is part of the key', () => {
  expect([bigDecimalHash('12.50'), bigDecimalHash('12.5')]).toEqual([38_752, 3_876]);
  expect(bigDecimalHash({ unscaled: 1250n, scale: 2 })).toBe(38_752);
  expect(bigDecimalHash('-12.5')).toBe(-125 * 31 + 1);
});

test('decimals beyond 64 bits hash like their unscaled integer', () => {
  const unscaled = 123456789012345678901234567890n;
  expect(bigDecimalHash({ unscaled, scale: 3 })).toBe((Math.imul(31, bigIntegerHash(unscaled)) + 3) | 0);
});

test('decimal texts with and without exponent', () => {
  expect(parseBigDecimal('1.2E+3')).toEqual({ unscaled: 12n, scale: -2 });
  expect(parseBigDecimal('-.5')).toEqual({ unscaled: -5n, scale: 1 });
  expect(parseBigDecimal('7e-2')).toEqual({ unscaled: 7n, scale: 2 });
});

test.each(['', '.', 'abc', '1e', '0x1'])('"%s" is not a decimal number', (text) => {
  expect(() => parseBigDecimal(text)).toThrow('is not a decimal number');
});

test('a tuple combines its fields, null fields count 0, the empty one is 0', () => {
  expect([tupleHash([]), tupleHash([97]), tupleHash([97, 1]), tupleHash([97, null])]).toEqual([0, 97, 3_008, 3_007]);
});
