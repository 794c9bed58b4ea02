/** Types made of other types: lists, sets, maps and optional values. None of them can be a key. */
import { IOException } from '../../lib/java-errors.ts';
import type { DataInput } from './data-input.ts';
import { inField, refuse } from './refusal.ts';
import type { TypeInformation } from './type-information.ts';

/** Arrays of one type of element. */
export function listOf<T>(element: TypeInformation<T>): TypeInformation<T[]> {
  return {
    schema: { kind: 'list', element: element.schema },
    immutable: false,
    column: 'object',
    write(out, value) {
      if (!Array.isArray(value)) refuse(value, 'LIST', 'arrays');
      out.writeVarint(value.length);
      let index = 0;
      try {
        for (; index < value.length; index++) element.write(out, value[index] as T);
      } catch (error) {
        throw inField(index, error);
      }
    },
    read(input) {
      // No size from the data is trusted: an array grows as its elements are found.
      const count = readSize(input);
      const list: T[] = [];
      for (let index = 0; index < count; index++) list.push(element.read(input));
      return list;
    },
    copy: (value) => (element.immutable ? value.slice() : value.map((each) => element.copy(each))),
  };
}

/** Sets; elements are the same as JavaScript sees it, by `SameValueZero`. */
export function setOf<T>(element: TypeInformation<T>): TypeInformation<Set<T>> {
  return {
    schema: { kind: 'set', element: element.schema },
    immutable: false,
    column: 'object',
    write(out, value) {
      if (!(value instanceof Set)) refuse(value, 'SET', 'sets');
      out.writeVarint(value.size);
      for (const each of value) element.write(out, each);
    },
    read(input) {
      const count = readSize(input);
      const set = new Set<T>();
      for (let index = 0; index < count; index++) set.add(element.read(input));
      return set;
    },
    copy(value) {
      if (element.immutable) return new Set(value);
      const set = new Set<T>();
      for (const each of value) set.add(element.copy(each));
      return set;
    },
  };
}

/** Maps, in insertion order; keys are the same as JavaScript sees it, by `SameValueZero`. */
export function mapOf<K, V>(key: TypeInformation<K>, value: TypeInformation<V>): TypeInformation<Map<K, V>> {
  return {
    schema: { kind: 'map', key: key.schema, element: value.schema },
    immutable: false,
    column: 'object',
    write(out, map) {
      if (!(map instanceof Map)) refuse(map, 'MAP', 'maps', 'Convert objects with new Map(Object.entries(value)).');
      out.writeVarint(map.size);
      for (const [mapKey, mapValue] of map) {
        key.write(out, mapKey);
        value.write(out, mapValue);
      }
    },
    read(input) {
      const count = readSize(input);
      const map = new Map<K, V>();
      for (let index = 0; index < count; index++) {
        const mapKey = key.read(input);
        map.set(mapKey, value.read(input));
      }
      return map;
    },
    copy(map) {
      if (key.immutable && value.immutable) return new Map(map);
      const copy = new Map<K, V>();
      for (const [mapKey, mapValue] of map) copy.set(key.copy(mapKey), value.copy(mapValue));
      return copy;
    },
  };
}

/** Values that may be null or undefined. */
export function optionalOf<T>(element: TypeInformation<T>): TypeInformation<T | null | undefined> {
  return {
    schema: { kind: 'optional', element: element.schema },
    immutable: element.immutable,
    column: 'object',
    write(out, value) {
      out.writeByte(value === null ? 0 : value === undefined ? 1 : 2);
      if (value !== null && value !== undefined) element.write(out, value);
    },
    read(input) {
      const byte = input.readByte();
      if (byte === 0) return null;
      if (byte === 1) return undefined;
      if (byte === 2) return element.read(input);
      throw new IOException(`byte ${input.position - 1} announces no optional value but ${byte}: the data is damaged`);
    },
    copy: (value) => (value === null || value === undefined ? value : element.copy(value)),
  };
}

/** How many elements without any bytes (VOID, empty tuples) a collection may announce. */
const MAX_ELEMENTS_WITHOUT_BYTES = 1 << 20;

/** The size of a collection, refused where the bytes left cannot hold it and memory would be spent on nothing. */
function readSize(input: DataInput): number {
  const count = input.readVarint();
  if (count > input.remaining && count > MAX_ELEMENTS_WITHOUT_BYTES) {
    throw new IOException(`${count} elements announced in ${input.remaining} bytes: the data is cut off or damaged`);
  }
  return count;
}
