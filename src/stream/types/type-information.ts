/**
 * What the runtime must know of a type of record, key or state: how to write, read and copy its values, and, for keys,
 * how to hash them as Flink does. Follows Flink's TypeInformation and TypeSerializer in one.
 */
import type { DataInput } from './data-input.ts';
import type { DataOutput } from './data-output.ts';

/** The kinds a key may have. The kind decides the hash (1 and 1.0 differ), so it comes from the type, never from a value. */
export type KeyKind =
  | 'string'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'char'
  | 'int64'
  | 'safeInt64'
  | 'float32'
  | 'float64'
  | 'boolean'
  | 'uuid'
  | 'bigInteger'
  | 'bigDecimal'
  | 'tuple';

/**
 * A type as stored with the state: plain JSON, compared on restore. `kind` is a KeyKind or one of
 * `object`, `list`, `map`, `set`, `bytes`, `date`, `optional`, `any`, `null`.
 */
export interface TypeSchema {
  readonly kind: string;
  /** Fields of an object in declaration order, or of a tuple by position. */
  readonly fields?: readonly { readonly name: string; readonly type: TypeSchema; readonly defaultValue?: unknown }[];
  /** Element of a list, set or optional; value of a map. */
  readonly element?: TypeSchema;
  /** Key of a map. */
  readonly key?: TypeSchema;
}

/** How values lie in a keyed backend: flat numbers where the type allows it, else references. */
export type ColumnKind = 'int32' | 'float64' | 'object';

/** A type of values. Instances are stateless and shared. */
export interface TypeInformation<T> {
  readonly schema: TypeSchema;
  /** True when values cannot be changed in place, so that a copy is the value itself. */
  readonly immutable: boolean;
  readonly column: ColumnKind;
  write(out: DataOutput, value: T): void;
  read(input: DataInput): T;
  /** An equal value that shares nothing mutable with the first. */
  copy(value: T): T;
  /** Java's hashCode of the value; absent where the type cannot be a key. */
  readonly hash?: (value: T) => number;
  /** Whether two keys are the same key; absent where `===` decides. */
  readonly sameKey?: (left: T, right: T) => boolean;
}
