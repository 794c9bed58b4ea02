/** Writes values of Types.ANY: data in, bytes out, and a clear refusal of everything that is more than data. */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import * as tag from './any-tags.ts';
import { writeBigInteger } from './big-number-types.ts';
import type { DataOutput } from './data-output.ts';
import { classOf, describe } from './refusal.ts';
import { ShapeWriter, type WrittenShape } from './shapes.ts';

/** Writes one value; alone, or as part of the stream whose shapes `out` carries. @throws IllegalArgumentException */
export function writeAny(out: DataOutput, value: unknown): void {
  if (typeof value !== 'object' || value === null) writePrimitive(out, value);
  else if (out.shapes !== undefined) writeObject(out, out.shapes, value, 0);
  else writeAlone(out, value);
}

function writeAlone(out: DataOutput, value: object): void {
  const shapes = takeShapes();
  try {
    shapes.startSession();
    writeObject(out, shapes, value, 0);
  } finally {
    spare = shapes;
  }
}

// Kept for the next value that stands alone: it nearly always has the shapes of this one.
let spare: ShapeWriter | undefined;

function takeShapes(): ShapeWriter {
  const shapes = spare ?? new ShapeWriter();
  spare = undefined;
  return shapes;
}

function writeValue(out: DataOutput, shapes: ShapeWriter, value: unknown, depth: number): void {
  if (typeof value === 'object' && value !== null) writeObject(out, shapes, value, depth);
  else writePrimitive(out, value);
}

function writePrimitive(out: DataOutput, value: unknown): void {
  if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'string') writeText(out, value);
  else if (typeof value === 'boolean') out.writeByte(value ? tag.TRUE : tag.FALSE);
  else if (value === undefined) out.writeByte(tag.UNDEFINED);
  else if (value === null) out.writeByte(tag.NULL);
  else if (typeof value === 'bigint') {
    out.writeByte(tag.BIG_INTEGER);
    writeBigInteger(out, value);
  } else throw notData(value);
}

function writeNumber(out: DataOutput, value: number): void {
  const int = value | 0;
  if (int === value && (int !== 0 || 1 / value > 0)) {
    if (int >= tag.SMALL_INT_MIN && int <= tag.SMALL_INT_MAX) {
      out.writeByte(tag.SMALL_INT + int - tag.SMALL_INT_MIN);
    } else {
      out.writeByte(tag.INT32);
      out.writeInt32(int);
    }
  } else {
    out.writeByte(tag.FLOAT64);
    out.writeFloat64(value);
  }
}

function writeText(out: DataOutput, value: string): void {
  const length = value.length;
  if (length < tag.SHORT_TEXT_LIMIT) {
    out.reserve(length + 1);
    const buffer = out.buffer;
    const start = out.position;
    let index = 0;
    for (; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0xff) break;
      buffer[start + 1 + index] = unit;
    }
    if (index === length) {
      buffer[start] = tag.SHORT_TEXT + length;
      out.position = start + 1 + length;
      return;
    }
  }
  out.writeByte(tag.TEXT);
  out.writeString(value);
}

function writeObject(out: DataOutput, shapes: ShapeWriter, value: object, depth: number): void {
  if (depth >= tag.MAX_DEPTH) throw tooDeep();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) writeRecord(out, shapes, value as Record<string, unknown>, false, depth);
  else if (prototype === null) writeRecord(out, shapes, value as Record<string, unknown>, true, depth);
  else if (prototype === Array.prototype) writeArray(out, shapes, value as unknown[], depth);
  else writeBuiltIn(out, shapes, value, depth);
}

function writeArray(out: DataOutput, shapes: ShapeWriter, value: unknown[], depth: number): void {
  out.writeByte(tag.ARRAY);
  out.writeVarint(value.length);
  for (let index = 0; index < value.length; index++) writeValue(out, shapes, value[index], depth + 1);
}

function writeRecord(
  out: DataOutput,
  shapes: ShapeWriter,
  record: Record<string, unknown>,
  withoutPrototype: boolean,
  depth: number,
): void {
  const shape = shapes.shapeOf(record, withoutPrototype);
  if (shape === undefined || !writeShape(out, shapes, shape)) {
    writeInFull(out, shapes, record, withoutPrototype, depth);
    return;
  }
  let fields = 0;
  for (const name in record) {
    writeValue(out, shapes, record[name], depth + 1);
    fields++;
  }
  // Only a getter can do that; what follows would be read as something else.
  if (fields !== shape.names.length) throw new IllegalArgumentException('A record changed while it was written.');
}

function writeShape(out: DataOutput, shapes: ShapeWriter, shape: WrittenShape): boolean {
  if (!shapes.isNumbered(shape)) {
    if (!shapes.assignNumber(shape)) return false;
    out.writeByte(tag.NEW_SHAPE);
    out.writeBytes(shape.definition);
  } else if (shape.number < tag.LOW_SHAPE_LIMIT) {
    out.writeByte(tag.LOW_SHAPE + shape.number);
  } else {
    out.writeByte(tag.SHAPE);
    out.writeVarint(shape.number);
  }
  return true;
}

function writeInFull(
  out: DataOutput,
  shapes: ShapeWriter,
  record: Record<string, unknown>,
  withoutPrototype: boolean,
  depth: number,
): void {
  const names = Object.keys(record);
  out.writeByte(tag.RECORD);
  out.writeByte(withoutPrototype ? 1 : 0);
  out.writeVarint(names.length);
  for (const name of names) {
    out.writeString(name);
    writeValue(out, shapes, record[name], depth + 1);
  }
}

function writeBuiltIn(out: DataOutput, shapes: ShapeWriter, value: object, depth: number): void {
  if (value instanceof Uint8Array) writeTyped(out, 0, value);
  else if (value instanceof Date && isExactly(value, Date)) {
    out.writeByte(tag.DATE);
    out.writeFloat64(value.getTime());
  } else if (value instanceof Map && isExactly(value, Map)) writeMap(out, shapes, value, depth);
  else if (value instanceof Set && isExactly(value, Set)) {
    out.writeByte(tag.SET);
    out.writeVarint(value.size);
    for (const each of value) writeValue(out, shapes, each, depth + 1);
  } else {
    const kind = tag.TYPED_ARRAYS.findIndex((each) => isExactly(value, each));
    if (kind < 0) throw notData(value);
    const array = value as Int8Array;
    writeTyped(out, kind, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
}

function writeMap(out: DataOutput, shapes: ShapeWriter, map: Map<unknown, unknown>, depth: number): void {
  out.writeByte(tag.MAP);
  out.writeVarint(map.size);
  for (const [key, each] of map) {
    writeValue(out, shapes, key, depth + 1);
    writeValue(out, shapes, each, depth + 1);
  }
}

function writeTyped(out: DataOutput, kind: number, bytes: Uint8Array): void {
  out.writeByte(tag.TYPED_ARRAY);
  out.writeByte(kind);
  out.writeBytes(bytes);
}

function isExactly(value: object, of: { readonly prototype: object }): boolean {
  return Object.getPrototypeOf(value) === of.prototype;
}

/** The refusal of something that is not data. */
export function notData(value: unknown): IllegalArgumentException {
  if (typeof value === 'object' && value !== null) {
    return new IllegalArgumentException(
      `An object of class ${classOf(value)} is not a value of Types.ANY: what is read back would not be of that class. ` +
        'Use a plain object, or declare its fields with Types.OBJECT.',
    );
  }
  return new IllegalArgumentException(`${describe(value)} is not a value of Types.ANY, which holds data only.`);
}

/** The refusal of what cannot be written to its end. */
export function tooDeep(): IllegalArgumentException {
  return new IllegalArgumentException(
    `A value of Types.ANY is nested more than ${tag.MAX_DEPTH} deep or contains itself. Give it a flat form.`,
  );
}
