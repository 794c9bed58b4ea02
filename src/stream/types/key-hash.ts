/**
 * Java's hash codes, one function per kind of key. The kind has to come from the declared type and never from the
 * value: the integer 1 and the double 1.0 are one value here and hash differently there.
 *
 * All of them return an int32 and allocate nothing, big numbers apart.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';

/** Hash of Integer, Short and Byte: the value. */
export function intHash(value: number): number {
  return value | 0;
}

/** Hash of a String, over its UTF-16 units. */
export function stringHash(value: string): number {
  let hash = 0;
  for (let index = 0; index < value.length; index++) hash = (Math.imul(hash, 31) + value.charCodeAt(index)) | 0;
  return hash;
}

/** Hash of a Character: its UTF-16 unit, the first one of a longer text. Throws IllegalArgumentException for an empty text. */
export function charHash(value: string): number {
  if (value.length === 0) throw new IllegalArgumentException('A character key must not be an empty text.');
  return value.charCodeAt(0);
}

/** Hash of a Long, from a bigint or a safe integer. Throws IllegalArgumentException for a number that is neither. */
export function longHash(value: bigint | number): number {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(32, value) ^ BigInt.asIntN(32, value >> 32n));
  const low = value | 0;
  if (low === value) return low ^ (low >> 31);
  if (!Number.isSafeInteger(value)) {
    throw new IllegalArgumentException(`${value} is not an exact integer. Give int64 keys beyond 2^53 as bigint.`);
  }
  return low ^ Math.floor(value / 4_294_967_296);
}

const DOUBLE = new Float64Array(1);
const DOUBLE_WORDS = new Int32Array(DOUBLE.buffer);
const FLOAT = new Float32Array(1);
const FLOAT_WORD = new Int32Array(FLOAT.buffer);

/** Hash of a Double: every NaN is the same, 0.0 and −0.0 are not. */
export function doubleHash(value: number): number {
  if (Number.isNaN(value)) return 0x7ff80000;
  DOUBLE[0] = value;
  // The order of the two words does not matter, and so neither does the byte order of the machine.
  return (DOUBLE_WORDS[0] ?? 0) ^ (DOUBLE_WORDS[1] ?? 0);
}

/** Hash of a Float, of the value rounded to single precision. */
export function floatHash(value: number): number {
  if (Number.isNaN(value)) return 0x7fc00000;
  FLOAT[0] = value;
  return FLOAT_WORD[0] ?? 0;
}

/** Hash of a Boolean. */
export function booleanHash(value: boolean): number {
  return value ? 1231 : 1237;
}

/** Hash of a UUID in its text form of 36 characters, in either case. Throws IllegalArgumentException for another text. */
export function uuidHash(value: string): number {
  // Hash of (most significant bits ^ least significant bits) as a Long: in the end the four words, xor-ed.
  let word = 0;
  let hash = 0;
  let digits = 0;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    const dashBelongsHere = index === 8 || index === 13 || index === 18 || index === 23;
    const digit = dashBelongsHere && unit === DASH ? 0 : hexDigit(unit);
    if (digit < 0 || dashBelongsHere !== (unit === DASH)) throw notAUuid(value);
    if (dashBelongsHere) continue;
    word = (word << 4) | digit;
    digits++;
    if ((digits & 7) === 0) hash ^= word;
  }
  if (digits !== 32) throw notAUuid(value);
  return hash;
}

/** Hash of a BigInteger of any size. */
export function bigIntegerHash(value: bigint): number {
  let rest = value < 0n ? -value : value;
  // Most significant word first is 31 to the power of its place, so the words can be taken from the other end.
  let hash = 0;
  for (let weight = 1; rest > 0n; rest >>= 32n) {
    hash = (hash + Math.imul(Number(BigInt.asIntN(32, rest)), weight)) | 0;
    weight = Math.imul(weight, 31);
  }
  return value < 0n ? -hash | 0 : hash;
}

/** A decimal number of any size: unscaled · 10^−scale. */
export interface BigDecimal {
  unscaled: bigint;
  scale: number;
}

/** Hash of a BigDecimal, from its parts or its text. The scale counts: 12.50 and 12.5 are two keys. */
export function bigDecimalHash(value: BigDecimal | string): number {
  const { unscaled, scale } = typeof value === 'string' ? parseBigDecimal(value) : value;
  return (Math.imul(31, bigIntegerHash(unscaled)) + scale) | 0;
}

/** The parts of a decimal text such as `-12.50` or `1.2E+3`. Throws IllegalArgumentException for another text. */
export function parseBigDecimal(text: string): BigDecimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole === '' && fraction === '') throw new IllegalArgumentException(`"${text}" is not a decimal number.`);
  const magnitude = BigInt(whole + fraction);
  return { unscaled: sign === '-' ? -magnitude : magnitude, scale: fraction.length - Number(exponent) };
}

/** Hash of a tuple from the hashes of its fields, null for a null field; 0 for the empty tuple. */
export function tupleHash(fieldHashes: readonly (number | null)[]): number {
  let hash = 0;
  for (let field = 0; field < fieldHashes.length; field++) hash = (Math.imul(hash, 31) + (fieldHashes[field] ?? 0)) | 0;
  return hash;
}

const DASH = 45;
const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;

function hexDigit(unit: number): number {
  if (unit >= 48 && unit <= 57) return unit - 48;
  const lower = unit | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function notAUuid(value: string): IllegalArgumentException {
  return new IllegalArgumentException(`"${value}" is not a UUID, such as 123e4567-e89b-12d3-a456-426614174000.`);
}
