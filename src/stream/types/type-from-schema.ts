/** The type that a stored schema describes: what old state is read with, whatever the job declares now. */
import { StateMigrationException } from '../../lib/java-errors.ts';
import { DataInput } from './data-input.ts';
import { objectOf } from './object-type.ts';
import { tupleOf } from './tuple-type.ts';
import type { TypeInformation, TypeSchema } from './type-information.ts';
import { Types } from './types.ts';

const SIMPLE: ReadonlyMap<string, TypeInformation<unknown>> = new Map(
  [
    Types.STRING,
    Types.BYTE,
    Types.SHORT,
    Types.INT,
    Types.CHAR,
    Types.LONG,
    Types.SAFE_LONG,
    Types.FLOAT,
    Types.DOUBLE,
    Types.BOOLEAN,
    Types.UUID,
    Types.BIG_INT,
    Types.BIG_DEC,
    Types.BYTES,
    Types.DATE,
    Types.VOID,
    Types.ANY,
  ].map((type) => [type.schema.kind, type as unknown as TypeInformation<unknown>]),
);

/** Makes the type of a schema. @throws StateMigrationException for a schema that this version does not know */
export function typeFromSchema(schema: TypeSchema): TypeInformation<unknown> {
  const simple = SIMPLE.get(schema.kind);
  if (simple !== undefined) return simple;
  switch (schema.kind) {
    case 'list':
      return Types.LIST(part(schema, 'element')) as unknown as TypeInformation<unknown>;
    case 'set':
      return Types.SET(part(schema, 'element')) as unknown as TypeInformation<unknown>;
    case 'optional':
      return Types.OPTIONAL(part(schema, 'element'));
    case 'map':
      return Types.MAP(part(schema, 'key'), part(schema, 'element')) as unknown as TypeInformation<unknown>;
    case 'tuple':
      return tupleOf(fieldsOf(schema).map((field) => field.type)) as unknown as TypeInformation<unknown>;
    case 'object':
      return objectOf(fieldsOf(schema)) as unknown as TypeInformation<unknown>;
    default:
      throw new StateMigrationException(
        `The stored state has a type of kind "${schema.kind}", which this version does not know. ` +
          'Use the version that wrote it, or a later one.',
      );
  }
}

/** The default of a field as a value; undefined where the schema has none. The inverse of how the schema stores it. */
export function defaultFromSchema(type: TypeInformation<unknown>, stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null || !('base64' in stored)) return stored;
  return type.read(new DataInput(Buffer.from(String(stored.base64), 'base64')));
}

function part(schema: TypeSchema, name: 'element' | 'key'): TypeInformation<unknown> {
  const inner = schema[name];
  if (inner === undefined) throw incomplete(schema, name);
  return typeFromSchema(inner);
}

function fieldsOf(schema: TypeSchema): { name: string; type: TypeInformation<unknown>; defaultValue: unknown }[] {
  if (schema.fields === undefined) throw incomplete(schema, 'fields');
  return schema.fields.map((field) => {
    const type = typeFromSchema(field.type);
    return { name: field.name, type, defaultValue: defaultFromSchema(type, field.defaultValue) };
  });
}

function incomplete(schema: TypeSchema, missing: string): StateMigrationException {
  return new StateMigrationException(`The stored state has a type of kind "${schema.kind}" without "${missing}".`);
}
