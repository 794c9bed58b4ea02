/**
 * Types of records, keys and state: how values are written, read, copied, hashed and compared. What a type writes it
 * reads back as an equal value, and it refuses what would come back as another; bytes that were cut or changed give an
 * IOException. Nothing in the bytes is ever run or looked up. Hashes are Java's, so that keys lie where Flink puts them.
 */
export { DataInput } from './data-input.ts';
export { DataOutput } from './data-output.ts';
export type { BigDecimal } from './key-hash.ts';
export { ShapeReader, ShapeWriter } from './shapes.ts';
export { defaultFromSchema, typeFromSchema } from './type-from-schema.ts';
export type { ColumnKind, KeyKind, TypeInformation, TypeSchema } from './type-information.ts';
export {
  type AnyTypeInformation,
  type FieldDeclaration,
  type ObjectValue,
  type TupleValue,
  Types,
  type TypeValue,
} from './types.ts';
