/**
 * Reads values of Types.ANY. Whatever the bytes are, the result is data or an IOException: no name in them is looked up
 * anywhere, no prototype is set, and no more memory is taken than the bytes there are can fill.
 */
import { IOException } from '../../lib/java-errors.ts';
import * as tag from './any-tags.ts';
import { readBigInteger } from './big-number-types.ts';
import type { DataInput } from './data-input.ts';
import { type ReadShape, ShapeReader } from './shapes.ts';
import { arrayOfNulls, SHORT_ARRAY_MAX } from './short-array.ts';

/** Reads one value that writeAny wrote, alone or in a stream as it was written. @throws IOException */
export function readAny(input: DataInput): unknown {
  if (input.shapes !== undefined) return readValue(input, input.shapes, 0);
  spare.startSession();
  return readValue(input, spare, 0);
}

// Reading calls nothing from outside, so that one is enough for all values that stand alone.
const spare = new ShapeReader();

function readValue(input: DataInput, shapes: ShapeReader, depth: number): unknown {
  const first = input.readByte();
  if (first >= tag.SMALL_INT) return first - tag.SMALL_INT + tag.SMALL_INT_MIN;
  if (first >= tag.LOW_SHAPE) return readRecord(input, shapes, shapes.get(first - tag.LOW_SHAPE), depth);
  if (first >= tag.SHORT_TEXT) return input.readLatin1(first - tag.SHORT_TEXT);
  return readTagged(input, shapes, first, depth);
}

function readTagged(input: DataInput, shapes: ShapeReader, first: number, depth: number): unknown {
  switch (first) {
    case tag.INT32:
      return input.readInt32();
    case tag.FLOAT64:
      return input.readFloat64();
    case tag.TEXT:
      return input.readString();
    case tag.NULL:
      return null;
    case tag.UNDEFINED:
      return undefined;
    case tag.FALSE:
      return false;
    case tag.TRUE:
      return true;
    case tag.BIG_INTEGER:
      return readBigInteger(input);
    case tag.DATE:
      return new Date(input.readFloat64());
    case tag.TYPED_ARRAY:
      return readTyped(input);
    default:
      return readContainer(input, shapes, first, depth);
  }
}

function readContainer(input: DataInput, shapes: ShapeReader, first: number, depth: number): unknown {
  switch (first) {
    case tag.NEW_SHAPE:
      return readRecord(input, shapes, shapes.define(input), depth);
    case tag.SHAPE:
      return readRecord(input, shapes, shapes.get(input.readVarint()), depth);
    case tag.RECORD:
      return readInFull(input, shapes, depth);
    case tag.ARRAY:
      return readArray(input, shapes, depth);
    case tag.MAP:
      return readMap(input, shapes, depth);
    case tag.SET:
      return readSet(input, shapes, depth);
    default:
      throw new IOException(`byte ${input.position - 1} announces no value but ${first}: the data is damaged`);
  }
}

function readRecord(input: DataInput, shapes: ShapeReader, shape: ReadShape, depth: number): object {
  checkDepth(depth);
  const names = shape.names;
  const record: Record<string, unknown> = shape.withoutPrototype ? Object.create(null) : {};
  if (shape.hasProto) {
    for (const name of names) defineField(record, name, readValue(input, shapes, depth + 1));
    return record;
  }
  for (let index = 0; index < names.length; index++) {
    record[names[index] as string] = readValue(input, shapes, depth + 1);
  }
  return record;
}

function readInFull(input: DataInput, shapes: ShapeReader, depth: number): object {
  checkDepth(depth);
  const flags = input.readByte();
  if (flags > 1) throw new IOException(`a record begins with ${flags}: the data is damaged`);
  const record: Record<string, unknown> = flags === 1 ? Object.create(null) : {};
  const count = input.readCount(2);
  for (let index = 0; index < count; index++) {
    const name = input.readString();
    defineField(record, name, readValue(input, shapes, depth + 1));
  }
  return record;
}

/** Makes a field of that name whatever the name is: assigning to `__proto__` would change the prototype instead. */
function defineField(record: object, name: string, value: unknown): void {
  Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}

function readArray(input: DataInput, shapes: ShapeReader, depth: number): unknown[] {
  checkDepth(depth);
  const count = input.readCount();
  if (count <= SHORT_ARRAY_MAX) return readShortArray(input, shapes, count, depth);
  const array: unknown[] = [];
  for (let index = 0; index < count; index++) array.push(readValue(input, shapes, depth + 1));
  return array;
}

function readShortArray(input: DataInput, shapes: ShapeReader, count: number, depth: number): unknown[] {
  const array = arrayOfNulls(count);
  for (let index = 0; index < count; index++) array[index] = readValue(input, shapes, depth + 1);
  return array;
}

function readMap(input: DataInput, shapes: ShapeReader, depth: number): Map<unknown, unknown> {
  checkDepth(depth);
  const count = input.readCount(2);
  const map = new Map<unknown, unknown>();
  for (let index = 0; index < count; index++) {
    const key = readValue(input, shapes, depth + 1);
    map.set(key, readValue(input, shapes, depth + 1));
  }
  return map;
}

function readSet(input: DataInput, shapes: ShapeReader, depth: number): Set<unknown> {
  checkDepth(depth);
  const count = input.readCount();
  const set = new Set<unknown>();
  for (let index = 0; index < count; index++) set.add(readValue(input, shapes, depth + 1));
  return set;
}

function readTyped(input: DataInput): unknown {
  const kind = input.readByte();
  const array = tag.TYPED_ARRAYS[kind];
  if (array === undefined) throw new IOException(`a typed array of unknown kind ${kind}: the data is damaged`);
  const bytes = new Uint8Array(input.readBytes());
  if (bytes.length % array.BYTES_PER_ELEMENT !== 0) {
    throw new IOException(`${bytes.length} bytes do not make a ${array.name}: the data is damaged`);
  }
  return kind === 0 ? bytes : new array(bytes.buffer);
}

function checkDepth(depth: number): void {
  if (depth >= tag.MAX_DEPTH) {
    throw new IOException(`values nested more than ${tag.MAX_DEPTH} deep: the data is damaged`);
  }
}
