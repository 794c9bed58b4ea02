/**
 * State values as JSON that means one thing: what JSON has no word for is written in a fixed, documented way. 64-bit
 * integers beyond 2^53 become decimal strings, bytes base64, dates ISO text, NaN and the infinities their names, sets
 * arrays, maps objects where all keys are strings or numbers and else arrays of pairs.
 */

/** What JSON can hold. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** The value as JSON. `undefined` and functions become null. */
export function jsonValue(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'object':
      return value === null ? null : jsonObject(value);
    default:
      return null;
  }
}

function jsonObject(value: object): JsonValue {
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) return [...(value as Iterable<unknown>)].map(jsonValue);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Set) return [...value].map(jsonValue);
  if (value instanceof Map) return jsonMap(value);
  return fromEntries(Object.entries(value));
}

function jsonMap(map: ReadonlyMap<unknown, unknown>): JsonValue {
  const plain = [...map.keys()].every((key) => typeof key === 'string' || typeof key === 'number');
  if (plain) return fromEntries([...map].map(([key, value]) => [String(key), value]));
  return [...map].map(([key, value]) => [jsonValue(key), jsonValue(value)]);
}

/** A key may be `__proto__`, so the object has no prototype to set. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): JsonValue {
  const object: { [key: string]: JsonValue } = Object.create(null);
  for (const [key, value] of entries) object[key] = jsonValue(value);
  return object;
}
