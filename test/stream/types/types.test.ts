import { expect, expectTypeOf, test } from 'vitest';
import { DataInput, DataOutput, type TypeInformation, Types, typeFromSchema } from '../../../src/stream/types/index.ts';

function bytesOf<T>(type: TypeInformation<T>, value: T): Uint8Array {
  const out = new DataOutput();
  type.write(out, value);
  return out.toBytes();
}

test('declared types are the types of the values', () => {
  const order = Types.OBJECT({
    id: Types.SAFE_LONG,
    lines: Types.LIST(Types.TUPLE(Types.STRING, Types.INT)),
    note: Types.OPTIONAL(Types.STRING),
    paid: { type: Types.BOOLEAN, default: false },
  });
  expectTypeOf<ReturnType<typeof order.read>>().toEqualTypeOf<{
    id: number;
    lines: [string, number][];
    note: string | null | undefined;
    paid: boolean;
  }>();
});

test('an object keeps its declared fields and no others, and takes defaults for missing ones', () => {
  const type = Types.OBJECT({ a: Types.INT, b: { type: Types.STRING, default: 'none' } });
  const value = { a: 1, extra: 2 } as never;
  expect(type.read(new DataInput(bytesOf(type, value)))).toEqual({ a: 1, b: 'none' });
  expect(type.copy(value)).toEqual({ a: 1, b: 'none' });
});

test('an instance of a class with declared fields is read back as a plain object', () => {
  class Point {
    x = 1;
    y = 2;
  }
  const type = Types.OBJECT({ x: Types.INT, y: Types.INT });
  const back = type.read(new DataInput(bytesOf(type, new Point())));
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(back).toEqual({ x: 1, y: 2 });
});

test('__proto__ cannot be a declared field', () => {
  expect(() => Types.OBJECT({ ['__proto__']: Types.INT })).toThrow('__proto__ cannot be the name of a field.');
});

test('a default of any type survives the schema as JSON', () => {
  const fields = {
    plain: { type: Types.STRING, default: 'x' },
    nothing: { type: Types.OPTIONAL(Types.INT), default: null },
    big: { type: Types.LONG, default: 5n },
    list: { type: Types.LIST(Types.DATE), default: [new Date(7)] },
    minusZero: { type: Types.DOUBLE, default: -0 },
  };
  const type = Types.OBJECT(fields);
  const stored = typeFromSchema(JSON.parse(JSON.stringify(type.schema)));
  const defaults = stored.copy({}) as Record<string, unknown>;
  expect(defaults).toEqual({ plain: 'x', nothing: null, big: 5n, list: [new Date(7)], minusZero: -0 });
  expect(stored.schema).toEqual(type.schema);
});

test.each([
  [{ kind: 'holo' }, 'kind "holo", which this version does not know'],
  [{ kind: 'list' }, 'kind "list" without "element"'],
  [{ kind: 'map', element: { kind: 'int32' } }, 'kind "map" without "key"'],
  [{ kind: 'tuple' }, 'kind "tuple" without "fields"'],
])('a schema that cannot be understood is a StateMigrationException (%#)', (schema, message) => {
  expect(() => typeFromSchema(schema)).toThrow(
    expect.objectContaining({ code: 'STATE_MIGRATION', message: expect.stringContaining(message) }),
  );
});

test('tuples hash as in Flink, a null field as 0', () => {
  const pair = Types.TUPLE(Types.STRING, Types.INT);
  expect(pair.hash?.(['a', 2])).toBe(97 * 31 + 2);
  expect(pair.hash?.([null as never, 2])).toBe(2);
  expect(Types.TUPLE().hash?.([])).toBe(0);
});

test('keys are the same when Java says that they are equal', () => {
  const same = <T>(type: TypeInformation<T>, left: NoInfer<T>, right: NoInfer<T>) =>
    type.sameKey === undefined ? left === right : type.sameKey(left, right);
  expect(same(Types.DOUBLE, Number.NaN, Number.NaN)).toBe(true);
  expect(same(Types.DOUBLE, 0, -0)).toBe(false);
  expect(same(Types.DATE, new Date(5), new Date(5))).toBe(true);
  expect(same(Types.DATE, new Date(5), new Date(6))).toBe(false);
  expect(same(Types.BIG_DEC, { unscaled: 1250n, scale: 2 }, { unscaled: 1250n, scale: 2 })).toBe(true);
  expect(same(Types.BIG_DEC, { unscaled: 1250n, scale: 2 }, { unscaled: 125n, scale: 1 })).toBe(false);
  const nested = Types.TUPLE(Types.TUPLE(Types.DOUBLE), Types.STRING);
  expect(same(nested, [[Number.NaN], 'a'], [[Number.NaN], 'a'])).toBe(true);
  expect(same(nested, [[0], 'a'], [[-0], 'a'])).toBe(false);
  expect(same(nested, [null as never, 'a'], [null as never, 'a'])).toBe(true);
  expect(same(nested, [null as never, 'a'], [[0], 'a'])).toBe(false);
});

test('a tuple is a key type exactly when all its places are', () => {
  expect(Types.TUPLE(Types.INT, Types.TUPLE(Types.STRING)).hash).toBeDefined();
  expect(Types.TUPLE(Types.INT, Types.TUPLE(Types.ANY)).hash).toBeUndefined();
});

test('flat numbers lie in flat columns, everything else by reference', () => {
  const columns = Object.entries(Types).flatMap(([name, type]) => ('column' in type ? [[name, type.column]] : []));
  expect(columns.filter(([, column]) => column !== 'object')).toEqual([
    ['BYTE', 'int32'],
    ['SHORT', 'int32'],
    ['INT', 'int32'],
    ['SAFE_LONG', 'float64'],
    ['FLOAT', 'float64'],
    ['DOUBLE', 'float64'],
  ]);
});

test('LONG and SAFE_LONG store the same bytes', () => {
  for (const value of [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    expect(bytesOf(Types.SAFE_LONG, value)).toEqual(bytesOf(Types.LONG, BigInt(value)));
  }
  const beyond = new DataInput(bytesOf(Types.LONG, 2n ** 53n));
  expect(() => Types.SAFE_LONG.read(beyond)).toThrow('read it with Types.LONG');
});

test('bytes that were read do not change when the buffer is used again', () => {
  const buffer = bytesOf(Types.BYTES, Uint8Array.of(1, 2, 3));
  const back = Types.BYTES.read(new DataInput(buffer));
  buffer.fill(9);
  expect([...back]).toEqual([1, 2, 3]);
});

test('a collection that announces elements without bytes does not fill the memory', () => {
  const out = new DataOutput();
  out.writeVarint(2 ** 40);
  expect(() => Types.LIST(Types.VOID).read(new DataInput(out.view()))).toThrow(expect.objectContaining({ code: 'IO' }));
});
