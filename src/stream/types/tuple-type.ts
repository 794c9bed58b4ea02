/**
 * Tuples: arrays of a fixed length whose places have types. Any place may be null, as in Flink's Tuple classes; the
 * bytes begin with one bit per place that says so.
 */

import type { DataInput } from './data-input.ts';
import type { DataOutput } from './data-output.ts';
import { inField, refuse } from './refusal.ts';
import { arrayOfNulls } from './short-array.ts';
import type { TypeInformation, TypeSchema } from './type-information.ts';

type Field = TypeInformation<unknown>;

/** The type of an array with these places. It is a key type when all places are; hashes as Flink's Tuple. */
export function tupleOf(fields: readonly Field[]): TypeInformation<unknown[]> {
  return fields.every((field) => field.hash !== undefined) ? new KeyTupleType(fields) : new TupleType(fields);
}

class TupleType implements TypeInformation<unknown[]> {
  readonly schema: TypeSchema;
  readonly immutable = false;
  readonly column = 'object';
  protected readonly fields: readonly Field[];
  readonly #maskBytes: number;

  constructor(fields: readonly Field[]) {
    this.fields = fields;
    this.#maskBytes = (fields.length + 7) >> 3;
    this.schema = {
      kind: 'tuple',
      fields: fields.map((field, index) => ({ name: String(index), type: field.schema })),
    };
  }

  write(out: DataOutput, value: unknown[]): void {
    const fields = this.fields;
    if (!Array.isArray(value) || value.length !== fields.length) this.refuse(value);
    const mask = out.position;
    out.reserve(this.#maskBytes);
    for (let byte = 0; byte < this.#maskBytes; byte++) out.buffer[mask + byte] = 0;
    out.position = mask + this.#maskBytes;
    let index = 0;
    try {
      for (; index < fields.length; index++) {
        const each = value[index];
        if (each === null)
          out.buffer[mask + (index >> 3)] = (out.buffer[mask + (index >> 3)] ?? 0) | (1 << (index & 7));
        else (fields[index] as Field).write(out, each);
      }
    } catch (error) {
      throw inField(index, error);
    }
  }

  read(input: DataInput): unknown[] {
    const fields = this.fields;
    const mask = input.position;
    input.skip(this.#maskBytes);
    if (fields.length === 2 && input.buffer[mask] === 0) {
      return [(fields[0] as Field).read(input), (fields[1] as Field).read(input)];
    }
    const value = arrayOfNulls(fields.length);
    for (let index = 0; index < fields.length; index++) {
      const isNull = ((input.buffer[mask + (index >> 3)] ?? 0) & (1 << (index & 7))) !== 0;
      if (!isNull) value[index] = (fields[index] as Field).read(input);
    }
    return value;
  }

  copy(value: unknown[]): unknown[] {
    const fields = this.fields;
    const copy = value.slice();
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index] as Field;
      if (!field.immutable && copy[index] !== null) copy[index] = field.copy(copy[index]);
    }
    return copy;
  }

  protected refuse(value: unknown): never {
    refuse(value, 'TUPLE', `arrays of ${this.fields.length}`);
  }
}

class KeyTupleType extends TupleType {
  readonly hash = (value: unknown[]): number => {
    const fields = this.fields;
    if (!Array.isArray(value) || value.length !== fields.length) this.refuse(value);
    let hash = 0;
    for (let index = 0; index < fields.length; index++) {
      const each = value[index];
      hash = (Math.imul(hash, 31) + (each === null ? 0 : hashOf(fields[index] as Field, each))) | 0;
    }
    return hash;
  };

  readonly sameKey = (left: unknown[], right: unknown[]): boolean => {
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) {
      if (!isSame(fields[index] as Field, left[index], right[index])) return false;
    }
    return true;
  };
}

function hashOf(field: Field, value: unknown): number {
  return field.hash === undefined ? 0 : field.hash(value);
}

function isSame(field: Field, left: unknown, right: unknown): boolean {
  if (field.sameKey === undefined || left === null || right === null) return left === right;
  return field.sameKey(left, right);
}
