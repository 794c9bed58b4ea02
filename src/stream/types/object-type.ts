/**
 * Objects with declared fields. Only the values are stored, in the order of declaration; what is read back is a plain
 * object with exactly the declared fields. Fields that are not declared are not kept.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { DataInput } from './data-input.ts';
import { DataOutput } from './data-output.ts';
import { inField, refuse } from './refusal.ts';
import type { TypeInformation, TypeSchema } from './type-information.ts';

/** A declared field: its type, and what it is where the record has nothing. */
export interface ObjectField {
  readonly name: string;
  readonly type: TypeInformation<unknown>;
  readonly defaultValue: unknown;
}

/** The type of objects with these fields. @throws IllegalArgumentException for a default that its type refuses */
export function objectOf(fields: readonly ObjectField[]): TypeInformation<Record<string, unknown>> {
  for (const field of fields) checkField(field);
  return new ObjectType(fields);
}

class ObjectType implements TypeInformation<Record<string, unknown>> {
  readonly schema: TypeSchema;
  readonly immutable = false;
  readonly column = 'object';
  readonly #names: readonly string[];
  readonly #types: readonly TypeInformation<unknown>[];
  readonly #defaults: readonly unknown[];

  constructor(fields: readonly ObjectField[]) {
    this.#names = fields.map((field) => field.name);
    this.#types = fields.map((field) => field.type);
    this.#defaults = fields.map((field) => field.defaultValue);
    this.schema = { kind: 'object', fields: fields.map(fieldSchema) };
  }

  write(out: DataOutput, value: Record<string, unknown>): void {
    if (typeof value !== 'object' || value === null) refuse(value, 'OBJECT', `objects with ${this.#names.join(', ')}`);
    const names = this.#names;
    let index = 0;
    try {
      for (; index < names.length; index++) {
        const field = value[names[index] as string];
        const type = this.#types[index] as TypeInformation<unknown>;
        type.write(out, field === undefined ? this.#defaults[index] : field);
      }
    } catch (error) {
      throw inField(names[index] as string, error);
    }
  }

  read(input: DataInput): Record<string, unknown> {
    const names = this.#names;
    const value: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      value[names[index] as string] = (this.#types[index] as TypeInformation<unknown>).read(input);
    }
    return value;
  }

  copy(value: Record<string, unknown>): Record<string, unknown> {
    const names = this.#names;
    const copy: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const type = this.#types[index] as TypeInformation<unknown>;
      const field = value[name] === undefined ? this.#defaults[index] : value[name];
      copy[name] = field === undefined ? undefined : type.copy(field);
    }
    return copy;
  }
}

/** Fails now rather than at the first record that lacks the field. */
function checkField(field: ObjectField): void {
  if (field.name === '__proto__') throw new IllegalArgumentException('__proto__ cannot be the name of a field.');
  if (field.defaultValue === undefined) return;
  try {
    field.type.write(new DataOutput(64), field.defaultValue);
  } catch (error) {
    throw inField(`${field.name} (its default)`, error);
  }
}

function fieldSchema({ name, type, defaultValue }: ObjectField): {
  name: string;
  type: TypeSchema;
  defaultValue?: unknown;
} {
  if (defaultValue === undefined) return { name, type: type.schema };
  return { name, type: type.schema, defaultValue: storedDefault(type, defaultValue) };
}

/** A default as JSON: as it is where JSON keeps it, else the bytes of its type as `{base64}`. */
function storedDefault(type: TypeInformation<unknown>, value: unknown): unknown {
  const plain = value === null || typeof value === 'string' || typeof value === 'boolean' || isJsonNumber(value);
  if (plain) return value;
  const out = new DataOutput(64);
  type.write(out, value);
  return { base64: Buffer.from(out.view()).toString('base64') };
}

function isJsonNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0);
}
