/** The remaining types of single values: booleans, dates, bytes, and the one that has no value. */
import { IOException } from '../../lib/java-errors.ts';
import { booleanHash, longHash } from './key-hash.ts';
import { readSafeLong, writeSafeLong } from './number-types.ts';
import { refuse } from './refusal.ts';
import type { TypeInformation } from './type-information.ts';

/** true and false. */
export const BOOLEAN: TypeInformation<boolean> = {
  schema: { kind: 'boolean' },
  immutable: true,
  column: 'object',
  write(out, value) {
    if (typeof value !== 'boolean') refuseBoolean(value);
    out.writeByte(value ? 1 : 0);
  },
  read(input) {
    const byte = input.readByte();
    if (byte > 1) throw new IOException(`byte ${input.position - 1} is no boolean but ${byte}: the data is damaged`);
    return byte === 1;
  },
  copy: (value) => value,
  hash(value) {
    if (typeof value !== 'boolean') refuseBoolean(value);
    return booleanHash(value);
  },
};

/** JavaScript dates; as a key the same as another date of the same millisecond. Hashes as java.util.Date. */
export const DATE: TypeInformation<Date> = {
  schema: { kind: 'date' },
  immutable: false,
  column: 'object',
  write: (out, value) => writeSafeLong(out, timeOf(value)),
  read(input) {
    const time = readSafeLong(input);
    if (Math.abs(time) > MAX_TIME)
      throw new IOException(`${time} ms is beyond the range of dates: the data is damaged`);
    return new Date(time);
  },
  copy: (value) => new Date(value.getTime()),
  hash: (value) => longHash(timeOf(value)),
  sameKey: (left, right) => left.getTime() === right.getTime(),
};

/** Bytes. Given a Buffer, a Uint8Array comes back. Cannot be a key. */
export const BYTES: TypeInformation<Uint8Array> = {
  schema: { kind: 'bytes' },
  immutable: false,
  column: 'object',
  write(out, value) {
    if (!(value instanceof Uint8Array)) refuseBytes(value);
    out.writeBytes(value);
  },
  // A copy: the buffer that is read from is used again.
  read: (input) => new Uint8Array(input.readBytes()),
  copy: (value) => new Uint8Array(value),
};

/** Nothing but null. Follows Flink's Types.VOID. */
export const VOID: TypeInformation<null> = {
  schema: { kind: 'null' },
  immutable: true,
  column: 'object',
  write(_out, value) {
    if (value !== null && value !== undefined) refuse(value, 'VOID', 'null');
  },
  read: () => null,
  copy: () => null,
};

const MAX_TIME = 8.64e15;

function timeOf(value: unknown): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(time)) refuse(value, 'DATE', 'valid dates', 'Convert texts and milliseconds with new Date(value).');
  return time;
}

function refuseBoolean(value: unknown): never {
  refuse(value, 'BOOLEAN', 'true and false');
}
function refuseBytes(value: unknown): never {
  refuse(value, 'BYTES', 'Uint8Arrays', 'Convert texts with new TextEncoder().encode(value).');
}
