/** The types of texts: strings, single characters and UUIDs. They hash as Java's String, Character and UUID do. */
import type { DataInput } from './data-input.ts';
import type { DataOutput } from './data-output.ts';
import { charHash, stringHash, uuidHash } from './key-hash.ts';
import { refuse } from './refusal.ts';
import type { TypeInformation } from './type-information.ts';

/** Any string, lone surrogates included. */
export const STRING: TypeInformation<string> = {
  schema: { kind: 'string' },
  immutable: true,
  column: 'object',
  write(out, value) {
    if (typeof value !== 'string') refuseString(value);
    out.writeString(value);
  },
  read: (input) => input.readString(),
  copy: itself,
  hash(value) {
    if (typeof value !== 'string') refuseString(value);
    return stringHash(value);
  },
};

/** A string of exactly one UTF-16 unit. Java's char. */
export const CHAR: TypeInformation<string> = {
  schema: { kind: 'char' },
  immutable: true,
  column: 'object',
  write(out, value) {
    if (typeof value !== 'string' || value.length !== 1) refuseChar(value);
    const unit = value.charCodeAt(0);
    out.writeByte(unit & 0xff);
    out.writeByte(unit >> 8);
  },
  read(input) {
    const low = input.readByte();
    return String.fromCharCode(low | (input.readByte() << 8));
  },
  copy: itself,
  hash(value) {
    if (typeof value !== 'string' || value.length !== 1) refuseChar(value);
    return charHash(value);
  },
};

/** A UUID in its text form of 36 characters, lower case as Java and `crypto.randomUUID` write it; 16 bytes stored. */
export const UUID: TypeInformation<string> = {
  schema: { kind: 'uuid' },
  immutable: true,
  column: 'object',
  write: writeUuid,
  read: readUuid,
  copy: itself,
  hash(value) {
    if (typeof value !== 'string' || !UUID_FORM.test(value)) refuseUuid(value);
    return uuidHash(value);
  },
};

// Lower case alone: two spellings of one UUID would be two keys with one hash.
const UUID_FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function writeUuid(out: DataOutput, value: string): void {
  if (typeof value !== 'string' || !UUID_FORM.test(value)) refuseUuid(value);
  out.writeRaw(Buffer.from(value.replaceAll('-', ''), 'hex'));
}

function readUuid(input: DataInput): string {
  const bytes = input.readRaw(16);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function itself<T>(value: T): T {
  return value;
}

function refuseString(value: unknown): never {
  refuse(value, 'STRING', 'strings');
}
function refuseChar(value: unknown): never {
  refuse(value, 'CHAR', 'strings of one UTF-16 unit', 'Declare Types.STRING for longer texts.');
}
function refuseUuid(value: unknown): never {
  const remedy = 'Convert it with toLowerCase(), or declare Types.STRING.';
  refuse(value, 'UUID', 'texts such as 123e4567-e89b-12d3-a456-426614174000, in lower case', remedy);
}
