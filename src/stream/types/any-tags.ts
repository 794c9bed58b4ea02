/**
 * The first byte of a value of Types.ANY. Small things need no more than this byte:
 *
 *     00-1f  a tag below       20-3f  a string of 0 to 31 one-byte units
 *     40-7f  a record of shape 0 to 63                     80-ff  an integer from -16 to 111
 */
export const NULL = 0x00;
export const UNDEFINED = 0x01;
export const FALSE = 0x02;
export const TRUE = 0x03;
/** 4 bytes. */
export const INT32 = 0x04;
export const FLOAT64 = 0x05;
export const BIG_INTEGER = 0x06;
export const TEXT = 0x07;
/** Kind of element, then the bytes. */
export const TYPED_ARRAY = 0x08;
export const DATE = 0x09;
export const ARRAY = 0x0a;
export const MAP = 0x0b;
export const SET = 0x0c;
/** A shape's definition, then the values. The shape takes the next number. */
export const NEW_SHAPE = 0x0d;
/** A shape's number, then the values. */
export const SHAPE = 0x0e;
/** Whether without prototype, a count, then names and values in turn. */
export const RECORD = 0x0f;

export const SHORT_TEXT = 0x20;
export const SHORT_TEXT_LIMIT = 0x20;
export const LOW_SHAPE = 0x40;
export const LOW_SHAPE_LIMIT = 0x40;
export const SMALL_INT = 0x80;
export const SMALL_INT_MIN = -16;
export const SMALL_INT_MAX = 111;

/** How deep values may be nested; a cycle is deeper than any limit. */
export const MAX_DEPTH = 200;

/** Kinds of typed arrays by number, as stored. New ones are added at the end. */
export const TYPED_ARRAYS = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;
