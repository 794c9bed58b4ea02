/**
 * The types that jobs declare: `Types.STRING`, `Types.TUPLE(Types.INT, Types.STRING)`, … Follows Flink's Types class.
 * The declared type, never the value, decides how a key hashes and how state is stored.
 */
import { ANY } from './any-type.ts';
import { BIG_DEC, BIG_INT } from './big-number-types.ts';
import { listOf, mapOf, optionalOf, setOf } from './collection-types.ts';
import type { DataInput } from './data-input.ts';
import { BYTE, DOUBLE, FLOAT, INT, LONG, SAFE_LONG, SHORT } from './number-types.ts';
import { type ObjectField, objectOf } from './object-type.ts';
import { BOOLEAN, BYTES, DATE, VOID } from './plain-types.ts';
import { CHAR, STRING, UUID } from './text-types.ts';
import { tupleOf } from './tuple-type.ts';
import type { TypeInformation } from './type-information.ts';

/** A type of whatever values. */
export interface AnyTypeInformation extends Omit<TypeInformation<never>, 'read' | 'copy'> {
  read(input: DataInput): unknown;
  copy(value: never): unknown;
}

/** The values of a type. */
export type TypeValue<I extends AnyTypeInformation> = ReturnType<I['read']>;

/** A field of `Types.OBJECT`: its type, or its type with what it is where a record or old state has nothing. */
export type FieldDeclaration = AnyTypeInformation | { readonly type: AnyTypeInformation; readonly default: unknown };

/** The objects that a declaration of fields describes. */
export type ObjectValue<F> = {
  -readonly [Name in keyof F]: F[Name] extends AnyTypeInformation
    ? TypeValue<F[Name]>
    : F[Name] extends { readonly type: infer I extends AnyTypeInformation }
      ? TypeValue<I>
      : never;
};

/** The arrays that a declaration of places describes. */
export type TupleValue<P extends readonly AnyTypeInformation[]> = {
  -readonly [Place in keyof P]: TypeValue<P[Place]>;
};

/** The catalogue of types. All are stateless and shared; compare them by their schema. */
export const Types = {
  /** Any string. Key: hashes as Java's String. */
  STRING,
  /** Integers of 8, 16 and 32 bits. Key: Java's Byte, Short, Integer. */
  BYTE,
  SHORT,
  INT,
  /** A string of one UTF-16 unit. Key: Java's Character. */
  CHAR,
  /** Bigints of 64 bits. Key: Java's Long. */
  LONG,
  /** Integers up to ±(2^53 − 1) as number. Key: Java's Long. */
  SAFE_LONG,
  /** Numbers of single precision. Key: Java's Float. */
  FLOAT,
  /** Any number. Key: Java's Double. */
  DOUBLE,
  BOOLEAN,
  /** A UUID as lower-case text. Key: Java's UUID. */
  UUID,
  /** Bigints of any size. Key: Java's BigInteger. */
  BIG_INT,
  /** `{unscaled: bigint, scale: number}`. Key: Java's BigDecimal, whose scale counts. */
  BIG_DEC,
  /** Uint8Array. Not a key. */
  BYTES,
  DATE,
  /** Null only. */
  VOID,
  /** Data of any kind, self-describing; see any-type.ts. Not a key. */
  ANY,

  LIST: <T>(element: TypeInformation<T>): TypeInformation<T[]> => listOf(element),
  SET: <T>(element: TypeInformation<T>): TypeInformation<Set<T>> => setOf(element),
  MAP: <K, V>(key: TypeInformation<K>, value: TypeInformation<V>): TypeInformation<Map<K, V>> => mapOf(key, value),
  /** Null and undefined beside the values of `element`. */
  OPTIONAL: <T>(element: TypeInformation<T>): TypeInformation<T | null | undefined> => optionalOf(element),
  /** Arrays of fixed length; a place may be null. Key, when all places are: Flink's Tuple. */
  TUPLE: <const P extends readonly AnyTypeInformation[]>(...places: P): TypeInformation<TupleValue<P>> =>
    tupleOf(places as unknown as TypeInformation<unknown>[]) as unknown as TypeInformation<TupleValue<P>>,
  /** Objects with these fields, and no others: what is not declared is not kept. */
  OBJECT: <const F extends Readonly<Record<string, FieldDeclaration>>>(fields: F): TypeInformation<ObjectValue<F>> =>
    objectOf(Object.entries(fields).map(toField)) as unknown as TypeInformation<ObjectValue<F>>,
} as const;

function toField([name, declared]: [string, FieldDeclaration]): ObjectField {
  if ('write' in declared) {
    return { name, type: declared as unknown as TypeInformation<unknown>, defaultValue: undefined };
  }
  return { name, type: declared.type as unknown as TypeInformation<unknown>, defaultValue: declared.default };
}
