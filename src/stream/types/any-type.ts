/**
 * Types.ANY: data that describes itself. Null, undefined, booleans, numbers, bigints, strings, typed arrays, dates,
 * arrays, maps, sets and plain objects of these, nested at most 200 deep. Instances of classes are refused, as what is
 * read back would not be of the class. Follows the place of Flink's generic types, without ever running code from data.
 */

import { readAny } from './any-reader.ts';
import { MAX_DEPTH, TYPED_ARRAYS } from './any-tags.ts';
import { notData, tooDeep, writeAny } from './any-writer.ts';
import type { TypeInformation } from './type-information.ts';

export const ANY: TypeInformation<unknown> = {
  schema: { kind: 'any' },
  immutable: false,
  column: 'object',
  write: writeAny,
  read: readAny,
  copy: (value) => (typeof value === 'object' && value !== null ? copyObject(value, 0) : copyPrimitive(value)),
};

function copyValue(value: unknown, depth: number): unknown {
  return typeof value === 'object' && value !== null ? copyObject(value, depth) : copyPrimitive(value);
}

function copyPrimitive(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw notData(value);
  return value;
}

function copyObject(value: object, depth: number): object {
  if (depth >= MAX_DEPTH) throw tooDeep();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return copyFields({ ...value }, depth);
  if (prototype === null) return copyFields(Object.assign(Object.create(null), value), depth);
  if (prototype === Array.prototype) return Array.from(value as unknown[], (each) => copyValue(each, depth + 1));
  return copyBuiltIn(value, depth);
}

/** Replaces what is shared in a shallow copy; its fields exist already, `__proto__` included. */
function copyFields(record: Record<string, unknown>, depth: number): object {
  for (const name in record) {
    const value = record[name];
    if (typeof value === 'object' ? value !== null : typeof value === 'function' || typeof value === 'symbol') {
      record[name] = copyValue(value, depth + 1);
    }
  }
  return record;
}

function copyBuiltIn(value: object, depth: number): object {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) return new Date((value as Date).getTime());
  if (prototype === Map.prototype) {
    const copy = new Map<unknown, unknown>();
    for (const [key, each] of value as Map<unknown, unknown>) {
      copy.set(copyValue(key, depth + 1), copyValue(each, depth + 1));
    }
    return copy;
  }
  if (prototype === Set.prototype) {
    const copy = new Set<unknown>();
    for (const each of value as Set<unknown>) copy.add(copyValue(each, depth + 1));
    return copy;
  }
  if (TYPED_ARRAYS.some((each) => prototype === each.prototype)) return (value as Int8Array).slice();
  throw notData(value);
}
