/**
 * The types of numbers. Each refuses what would come back as another value: a fraction for an integer, a number out of
 * range, a double for a float. Integers hash as Java's Byte, Short, Integer and Long do, the others as Float and Double.
 */
import { IOException } from '../../lib/java-errors.ts';
import type { DataInput } from './data-input.ts';
import type { DataOutput } from './data-output.ts';
import { doubleHash, floatHash, longHash } from './key-hash.ts';
import { refuse } from './refusal.ts';
import type { TypeInformation } from './type-information.ts';

const TWO_32 = 4_294_967_296;

/** Integers of 8 bits. Java's byte. */
export const BYTE: TypeInformation<number> = {
  schema: { kind: 'int8' },
  immutable: true,
  column: 'int32',
  write(out, value) {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value) refuseByte(value);
    out.writeByte(value & 0xff);
  },
  read: (input) => (input.readByte() << 24) >> 24,
  copy: itself,
  hash(value) {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value) refuseByte(value);
    return value | 0;
  },
};

/** Integers of 16 bits. Java's short. */
export const SHORT: TypeInformation<number> = {
  schema: { kind: 'int16' },
  immutable: true,
  column: 'int32',
  write(out, value) {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value) refuseShort(value);
    out.writeByte(value & 0xff);
    out.writeByte((value >> 8) & 0xff);
  },
  read(input) {
    const low = input.readByte();
    return ((low | (input.readByte() << 8)) << 16) >> 16;
  },
  copy: itself,
  hash(value) {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value) refuseShort(value);
    return value | 0;
  },
};

/** Integers of 32 bits. Java's int. −0 counts as 0. */
export const INT: TypeInformation<number> = {
  schema: { kind: 'int32' },
  immutable: true,
  column: 'int32',
  write(out, value) {
    if (typeof value !== 'number' || (value | 0) !== value) refuseInt(value);
    out.writeInt32(value);
  },
  read: (input) => input.readInt32(),
  copy: itself,
  hash(value) {
    if (typeof value !== 'number' || (value | 0) !== value) refuseInt(value);
    return value | 0;
  },
};

/** Integers of 64 bits as bigint. Java's long. */
export const LONG: TypeInformation<bigint> = {
  schema: { kind: 'int64' },
  immutable: true,
  column: 'object',
  write(out, value) {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) refuseLong(value);
    out.writeInt64(value);
  },
  read: (input) => input.readInt64(),
  copy: itself,
  hash(value) {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) refuseLong(value);
    return longHash(value);
  },
};

/** Integers up to ±(2^53 − 1) as number, stored and hashed as Java's long. −0 counts as 0. */
export const SAFE_LONG: TypeInformation<number> = {
  schema: { kind: 'safeInt64' },
  immutable: true,
  column: 'float64',
  write(out, value) {
    if (!Number.isSafeInteger(value)) refuseSafeLong(value);
    writeSafeLong(out, value);
  },
  read: readSafeLong,
  copy: itself,
  hash(value) {
    if (!Number.isSafeInteger(value)) refuseSafeLong(value);
    return longHash(value);
  },
};

/** Numbers of single precision: only those that `Math.fround` leaves as they are. Java's float. */
export const FLOAT: TypeInformation<number> = {
  schema: { kind: 'float32' },
  immutable: true,
  column: 'float64',
  write(out, value) {
    if (!isFloat(value)) refuseFloat(value);
    FLOAT_CELL[0] = value;
    out.writeInt32(FLOAT_BITS[0] ?? 0);
  },
  read(input) {
    FLOAT_BITS[0] = input.readInt32();
    return FLOAT_CELL[0] ?? 0;
  },
  copy: itself,
  hash(value) {
    if (!isFloat(value)) refuseFloat(value);
    return floatHash(value);
  },
  // As Float.equals: NaN is NaN, 0.0 is not −0.0.
  sameKey: Object.is,
};

/** Any number. Java's double. */
export const DOUBLE: TypeInformation<number> = {
  schema: { kind: 'float64' },
  immutable: true,
  column: 'float64',
  write(out, value) {
    if (typeof value !== 'number') refuseDouble(value);
    out.writeFloat64(value);
  },
  read: (input) => input.readFloat64(),
  copy: itself,
  hash(value) {
    if (typeof value !== 'number') refuseDouble(value);
    return doubleHash(value);
  },
  sameKey: Object.is,
};

/** Writes a safe integer as 8 bytes, without a bigint. */
export function writeSafeLong(out: DataOutput, value: number): void {
  const low = value | 0;
  out.writeInt32(low);
  out.writeInt32(low === value ? low >> 31 : Math.floor(value / TWO_32));
}

/** Reads 8 bytes as a safe integer. @throws IOException when the number needs a bigint */
export function readSafeLong(input: DataInput): number {
  const low = input.readInt32();
  const high = input.readInt32();
  if (high === low >> 31) return low;
  const value = high * TWO_32 + (low >>> 0);
  if (!Number.isSafeInteger(value)) {
    throw new IOException(`a 64-bit integer at byte ${input.position - 8} is beyond 2^53: read it with Types.LONG`);
  }
  return value;
}

const FLOAT_CELL = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT_CELL.buffer);

function itself<T>(value: T): T {
  return value;
}

function isFloat(value: unknown): boolean {
  return typeof value === 'number' && (Math.fround(value) === value || Number.isNaN(value));
}

function refuseByte(value: unknown): never {
  refuse(value, 'BYTE', 'integers from -128 to 127', 'Declare Types.INT or change the value.');
}
function refuseShort(value: unknown): never {
  refuse(value, 'SHORT', 'integers from -32768 to 32767', 'Declare Types.INT or change the value.');
}
function refuseInt(value: unknown): never {
  const remedy = 'Declare Types.SAFE_LONG for larger integers, Types.DOUBLE for fractions, or change the value.';
  refuse(value, 'INT', 'integers from -2147483648 to 2147483647', remedy);
}
function refuseLong(value: unknown): never {
  const remedy =
    typeof value === 'bigint'
      ? 'Declare Types.BIG_INT for larger ones.'
      : 'Declare Types.SAFE_LONG for integers that are numbers, or give a bigint.';
  refuse(value, 'LONG', 'bigints from -2^63 to 2^63 - 1', remedy);
}
function refuseSafeLong(value: unknown): never {
  const remedy = 'Declare Types.LONG for bigints, Types.DOUBLE for fractions, or change the value.';
  refuse(value, 'SAFE_LONG', 'integers from -(2^53 - 1) to 2^53 - 1', remedy);
}
function refuseFloat(value: unknown): never {
  const remedy = 'Declare Types.DOUBLE, or round the value with Math.fround.';
  refuse(value, 'FLOAT', 'numbers of single precision', remedy);
}
function refuseDouble(value: unknown): never {
  refuse(value, 'DOUBLE', 'numbers');
}
