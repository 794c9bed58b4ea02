/** Integers and decimals of any size. They hash as Java's BigInteger and BigDecimal do. */
import { IOException } from '../../lib/java-errors.ts';
import type { DataInput } from './data-input.ts';
import type { DataOutput } from './data-output.ts';
import { type BigDecimal, bigDecimalHash, bigIntegerHash } from './key-hash.ts';
import { refuse } from './refusal.ts';
import type { TypeInformation } from './type-information.ts';

/** Bigints of any size. Java's BigInteger. */
export const BIG_INT: TypeInformation<bigint> = {
  schema: { kind: 'bigInteger' },
  immutable: true,
  column: 'object',
  write(out, value) {
    if (typeof value !== 'bigint') refuseBigInt(value);
    writeBigInteger(out, value);
  },
  read: readBigInteger,
  copy: (value) => value,
  hash(value) {
    if (typeof value !== 'bigint') refuseBigInt(value);
    return bigIntegerHash(value);
  },
};

/** Decimals of any size: unscaled · 10^−scale. Java's BigDecimal: 12.50 and 12.5 are two values, and two keys. */
export const BIG_DEC: TypeInformation<BigDecimal> = {
  schema: { kind: 'bigDecimal' },
  immutable: false,
  column: 'object',
  write(out, value) {
    if (!isBigDecimal(value)) refuseBigDec(value);
    out.writeInt32(value.scale);
    writeBigInteger(out, value.unscaled);
  },
  read(input) {
    const scale = input.readInt32();
    return { unscaled: readBigInteger(input), scale };
  },
  copy: (value) => ({ unscaled: value.unscaled, scale: value.scale }),
  hash(value) {
    if (!isBigDecimal(value)) refuseBigDec(value);
    return bigDecimalHash(value);
  },
  sameKey: (left, right) => left.unscaled === right.unscaled && left.scale === right.scale,
};

/** A bigint as its length and sign, then its magnitude, least significant byte first. */
export function writeBigInteger(out: DataOutput, value: bigint): void {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  if (magnitude === 0n) {
    out.writeVarint(0);
    return;
  }
  const hex = magnitude.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').reverse();
  out.writeVarint(bytes.length * 2 + (negative ? 1 : 0));
  out.writeRaw(bytes);
}

/** Reads what writeBigInteger wrote. */
export function readBigInteger(input: DataInput): bigint {
  const header = input.readVarint();
  if (header === 0) return 0n;
  const negative = header % 2 === 1;
  const size = (negative ? header - 1 : header) / 2;
  if (size === 0) throw new IOException(`a big integer without bytes at byte ${input.position}: the data is damaged`);
  const bytes = Buffer.from(input.readRaw(size)).reverse();
  const magnitude = BigInt(`0x${bytes.toString('hex')}`);
  return negative ? -magnitude : magnitude;
}

function isBigDecimal(value: unknown): value is BigDecimal {
  if (typeof value !== 'object' || value === null) return false;
  const { unscaled, scale } = value as Partial<BigDecimal>;
  return typeof unscaled === 'bigint' && typeof scale === 'number' && (scale | 0) === scale;
}

function refuseBigInt(value: unknown): never {
  refuse(value, 'BIG_INT', 'bigints', 'Convert integers with BigInt(value).');
}
function refuseBigDec(value: unknown): never {
  refuse(value, 'BIG_DEC', 'objects {unscaled: bigint, scale: integer}', '12.50 is {unscaled: 1250n, scale: 2}.');
}
