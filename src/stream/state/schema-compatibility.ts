/**
 * Whether values stored with one type can be read as another, and how. Pure. Accepted without loss:
 *
 *   - the same schema, read as it is
 *   - an object with fields added (they need a default, or an optional type) or removed (dropped)
 *   - wider numbers: int8 → int16 → int32 → int64, safeInt64, float64; float32 → float64; safeInt64 → int64
 *   - T → optional T
 *
 * each also inside objects, tuples, lists, sets, maps and optionals. Everything else is refused, with the paths.
 */
import { DataInput } from '../types/data-input.ts';
import { DataOutput } from '../types/data-output.ts';
import { defaultFromSchema, typeFromSchema } from '../types/type-from-schema.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';

/** Either a reader of stored bytes that gives declared values, or every place where the two differ. */
export type Compatibility<T> =
  | { readonly compatible: true; readonly migrates: boolean; readonly read: (input: DataInput) => T }
  | { readonly compatible: false; readonly differences: readonly string[] };

/** Compares a stored type with the declared one. `what` names the value as a whole in a difference. */
export function compatibleReader<T>(
  stored: TypeInformation<unknown>,
  declared: TypeInformation<T>,
  what = 'value',
): Compatibility<T> {
  if (sameSchema(stored.schema, declared.schema)) {
    return { compatible: true, migrates: false, read: (input) => declared.read(input) };
  }
  const differences: string[] = [];
  const convert = conversion(stored.schema, declared.schema, '', differences);
  if (differences.length > 0) {
    return { compatible: false, differences: differences.map((each) => (each.startsWith(':') ? what + each : each)) };
  }
  const scratch = new DataOutput(256);
  return {
    compatible: true,
    migrates: true,
    read(input) {
      // Through the declared type's own bytes: the value is exactly what that type reads, whatever it makes of it.
      const value = convert(stored.read(input));
      scratch.reset();
      declared.write(scratch, value as T);
      return declared.read(new DataInput(scratch.toBytes()));
    },
  };
}

/** Whether two schemas store values alike; defaults of fields do not matter. */
export function sameSchema(left: TypeSchema, right: TypeSchema): boolean {
  return (
    left.kind === right.kind &&
    samePart(left.element, right.element) &&
    samePart(left.key, right.key) &&
    sameFields(left.fields ?? [], right.fields ?? [])
  );
}

/** A schema as people read it: `{name: string, tags: list<string>}`. */
export function describeSchema(schema: TypeSchema): string {
  switch (schema.kind) {
    case 'object':
      return `{${(schema.fields ?? []).map(({ name, type }) => `${name}: ${describeSchema(type)}`).join(', ')}}`;
    case 'tuple':
      return `[${(schema.fields ?? []).map(({ type }) => describeSchema(type)).join(', ')}]`;
    case 'map':
      return `map<${describePart(schema.key)}, ${describePart(schema.element)}>`;
    case 'list':
    case 'set':
    case 'optional':
      return `${schema.kind}<${describePart(schema.element)}>`;
    default:
      return schema.kind;
  }
}

type Convert = (value: unknown) => unknown;
type Fields = NonNullable<TypeSchema['fields']>;

const UNCHANGED: Convert = (value) => value;
const TO_BIGINT: Convert = (value) => BigInt(value as number);

const FROM_INT32 = ['int64', 'safeInt64', 'float64'];
const WIDER: Readonly<Record<string, readonly string[]>> = {
  int8: ['int16', 'int32', 'float32', ...FROM_INT32],
  int16: ['int32', 'float32', ...FROM_INT32],
  int32: FROM_INT32,
  safeInt64: ['int64', 'float64'],
  float32: ['float64'],
};

function conversion(stored: TypeSchema, declared: TypeSchema, path: string, differences: string[]): Convert {
  if (sameSchema(stored, declared)) return UNCHANGED;
  if (stored.kind !== declared.kind) return betweenKinds(stored, declared, path, differences);
  switch (stored.kind) {
    case 'object':
      return objectConversion(stored.fields ?? [], declared.fields ?? [], path, differences);
    case 'tuple':
      return tupleConversion(stored, declared, path, differences);
    case 'list':
    case 'set':
    case 'optional':
    case 'map':
      return collectionConversion(stored, declared, path, differences);
    default:
      return refuse(stored, declared, path, differences);
  }
}

function betweenKinds(stored: TypeSchema, declared: TypeSchema, path: string, differences: string[]): Convert {
  if (declared.kind === 'optional' && declared.element !== undefined) {
    return conversion(stored, declared.element, path, differences);
  }
  if (WIDER[stored.kind]?.includes(declared.kind)) return declared.kind === 'int64' ? TO_BIGINT : UNCHANGED;
  return refuse(stored, declared, path, differences);
}

function refuse(stored: TypeSchema, declared: TypeSchema, path: string, differences: string[]): Convert {
  differences.push(`${path}: ${describeSchema(stored)} became ${describeSchema(declared)}`);
  return UNCHANGED;
}

function objectConversion(stored: Fields, declared: Fields, path: string, differences: string[]): Convert {
  const before = new Map(stored.map((field) => [field.name, field.type]));
  const fields = declared.map(({ name, type, defaultValue }) => {
    const place = path === '' ? name : `${path}.${name}`;
    const old = before.get(name);
    if (old !== undefined) {
      const convert = conversion(old, type, place, differences);
      return { name, from: (value: Readonly<Record<string, unknown>>) => convert(value[name]) };
    }
    if (defaultValue === undefined && type.kind !== 'optional') {
      differences.push(`${place}: was added without a default`);
    }
    // Made anew for every value, as it may be one that can be changed.
    return {
      name,
      from: () => (defaultValue === undefined ? null : defaultFromSchema(typeFromSchema(type), defaultValue)),
    };
  });
  return (value) => {
    const object: Record<string, unknown> = {};
    for (const { name, from } of fields) object[name] = from(value as Record<string, unknown>);
    return object;
  };
}

function tupleConversion(stored: TypeSchema, declared: TypeSchema, path: string, differences: string[]): Convert {
  const before = stored.fields ?? [];
  const now = declared.fields ?? [];
  if (before.length !== now.length) return refuse(stored, declared, path, differences);
  const places = now.map(({ type }, index) =>
    conversion(before[index]?.type ?? type, type, `${path}[${index}]`, differences),
  );
  return (value) => (value as unknown[]).map((each, index) => (each === null ? null : places[index]?.(each)));
}

function collectionConversion(stored: TypeSchema, declared: TypeSchema, path: string, differences: string[]): Convert {
  const element = partConversion(stored.element, declared.element, `${path}[]`, differences);
  const key = partConversion(stored.key, declared.key, `${path} key`.trimStart(), differences);
  switch (stored.kind) {
    case 'list':
      return (value) => (value as unknown[]).map(element);
    case 'set':
      return (value) => new Set(Array.from(value as Set<unknown>, element));
    case 'map':
      return (value) => new Map(Array.from(value as Map<unknown, unknown>, ([k, v]) => [key(k), element(v)]));
    default:
      return (value) => (value === null || value === undefined ? value : element(value));
  }
}

function partConversion(
  stored: TypeSchema | undefined,
  declared: TypeSchema | undefined,
  path: string,
  differences: string[],
): Convert {
  return stored === undefined || declared === undefined ? UNCHANGED : conversion(stored, declared, path, differences);
}

function samePart(left: TypeSchema | undefined, right: TypeSchema | undefined): boolean {
  return left === undefined || right === undefined ? left === right : sameSchema(left, right);
}

function sameFields(left: Fields, right: Fields): boolean {
  return (
    left.length === right.length &&
    left.every((field, index) => {
      const other = right[index];
      return other !== undefined && field.name === other.name && sameSchema(field.type, other.type);
    })
  );
}

function describePart(schema: TypeSchema | undefined): string {
  return schema === undefined ? '?' : describeSchema(schema);
}
