import { describe, expect, test } from 'vitest';
import { compatibleReader } from '../../../src/stream/state/schema-compatibility.ts';
import { DataInput, DataOutput, type TypeInformation, Types, typeFromSchema } from '../../../src/stream/types/index.ts';

type Any = TypeInformation<unknown>;

/** Writes with one type and reads with what fits of the other; the differences where it does not. */
function migrate(stored: unknown, declared: unknown, value: unknown): unknown {
  const out = new DataOutput();
  (stored as Any).write(out, value);
  const schema = JSON.parse(JSON.stringify((stored as Any).schema)) as Any['schema'];
  const verdict = compatibleReader(typeFromSchema(schema), declared as Any);
  if (!verdict.compatible) return verdict.differences;
  const input = new DataInput(out.toBytes());
  const read = verdict.read(input);
  expect(input.remaining).toBe(0);
  return read;
}

describe('the same schema', () => {
  test('is read by the declared type as it is', () => {
    const types: [Any, unknown][] = [
      [Types.STRING, 'x'],
      [Types.OBJECT({ a: Types.INT, b: Types.LIST(Types.LONG) }), { a: 1, b: [2n] }],
      [Types.TUPLE(Types.INT, Types.STRING), [1, null]],
      [Types.MAP(Types.STRING, Types.SET(Types.INT)), new Map([['x', new Set([1])]])],
      [Types.ANY, { any: ['thing'] }],
    ] as unknown as [Any, unknown][];
    for (const [type, value] of types) {
      expect(compatibleReader(type, type)).toMatchObject({ compatible: true, migrates: false });
      expect(migrate(type, type, value)).toEqual(value);
    }
  });

  test('does not depend on defaults', () => {
    const before = Types.OBJECT({ a: { type: Types.INT, default: 1 } });
    const now = Types.OBJECT({ a: { type: Types.INT, default: 2 } });
    expect(compatibleReader(before as Any, now)).toMatchObject({ compatible: true, migrates: false });
  });
});

describe('objects', () => {
  const before = Types.OBJECT({ name: Types.STRING, age: Types.INT });
  const value = { name: 'ada', age: 36 };

  test('may lose fields', () => {
    expect(migrate(before, Types.OBJECT({ age: Types.INT }), value)).toEqual({ age: 36 });
  });

  test('may gain fields that have a default, made anew for each value', () => {
    const now = Types.OBJECT({
      name: Types.STRING,
      city: { type: Types.STRING, default: 'London' },
      tags: { type: Types.LIST(Types.STRING), default: ['x'] },
      id: { type: Types.LONG, default: 5n },
      age: Types.INT,
    });
    const read = migrate(before, now, value) as { tags: string[] };
    expect(read).toEqual({ name: 'ada', city: 'London', tags: ['x'], id: 5n, age: 36 });
    read.tags.push('y');
    expect(migrate(before, now, value)).toMatchObject({ tags: ['x'] });
  });

  test('may gain optional fields', () => {
    const now = Types.OBJECT({ name: Types.STRING, age: Types.INT, city: Types.OPTIONAL(Types.STRING) });
    expect(migrate(before, now, value)).toEqual({ ...value, city: null });
  });

  test('are migrated one after the other by one reader', () => {
    const verdict = compatibleReader(before as Any, Types.OBJECT({ age: Types.LONG }));
    if (!verdict.compatible) throw new Error('they fit');
    const out = new DataOutput();
    for (const age of [1, 2]) before.write(out, { name: 'ada', age });
    const input = new DataInput(out.toBytes());
    expect([verdict.read(input), verdict.read(input)]).toEqual([{ age: 1n }, { age: 2n }]);
  });

  test('may reorder fields', () => {
    expect(migrate(before, Types.OBJECT({ age: Types.INT, name: Types.STRING }), value)).toEqual(value);
  });

  test('must not gain fields without a default, nor change the type of one: all paths are named', () => {
    const now = Types.OBJECT({ name: Types.INT, age: Types.INT, city: Types.STRING });
    expect(migrate(before, now, value)).toEqual(['name: string became int32', 'city: was added without a default']);
  });

  test('are compared inside each other', () => {
    const old = Types.OBJECT({ who: Types.OBJECT({ name: Types.STRING, gone: Types.INT }), n: Types.INT });
    const now = Types.OBJECT({ who: Types.OBJECT({ name: Types.STRING }), n: Types.LONG });
    expect(migrate(old, now, { who: { name: 'ada', gone: 1 }, n: 7 })).toEqual({ who: { name: 'ada' }, n: 7n });
    const wrong = Types.OBJECT({ who: Types.OBJECT({ name: Types.DATE }), n: Types.STRING });
    expect(migrate(old, wrong, { who: { name: 'ada', gone: 1 }, n: 7 })).toEqual([
      'who.name: string became date',
      'n: int32 became string',
    ]);
  });
});

describe('numbers', () => {
  test('may become wider', () => {
    const cases: [unknown, unknown, unknown, unknown][] = [
      [Types.INT, Types.LONG, -7, -7n],
      [Types.INT, Types.SAFE_LONG, -7, -7],
      [Types.INT, Types.DOUBLE, -7, -7],
      [Types.BYTE, Types.INT, -128, -128],
      [Types.BYTE, Types.FLOAT, -128, -128],
      [Types.SHORT, Types.LONG, 300, 300n],
      [Types.SAFE_LONG, Types.LONG, 2 ** 53 - 1, 2n ** 53n - 1n],
      [Types.FLOAT, Types.DOUBLE, Math.fround(0.1), Math.fround(0.1)],
    ];
    for (const [stored, declared, value, read] of cases) expect(migrate(stored, declared, value)).toBe(read);
  });

  test('must not become narrower, or of another kind', () => {
    const cases: [unknown, unknown, unknown, string][] = [
      [Types.LONG, Types.INT, 1n, 'value: int64 became int32'],
      [Types.DOUBLE, Types.INT, 1, 'value: float64 became int32'],
      [Types.INT, Types.FLOAT, 1, 'value: int32 became float32'],
      [Types.DOUBLE, Types.FLOAT, 1, 'value: float64 became float32'],
      [Types.INT, Types.STRING, 1, 'value: int32 became string'],
      [Types.LONG, Types.SAFE_LONG, 1n, 'value: int64 became safeInt64'],
      [Types.BOOLEAN, Types.INT, true, 'value: boolean became int32'],
      [Types.STRING, Types.ANY, 'x', 'value: string became any'],
    ];
    for (const [stored, declared, value, difference] of cases) {
      expect(migrate(stored, declared, value)).toEqual([difference]);
    }
  });
});

describe('collections', () => {
  test('migrate their elements', () => {
    const before = Types.OBJECT({ a: Types.INT });
    const now = Types.OBJECT({ a: Types.LONG });
    expect(migrate(Types.LIST(before), Types.LIST(now), [{ a: 1 }, { a: 2 }])).toEqual([{ a: 1n }, { a: 2n }]);
    expect(migrate(Types.SET(Types.INT), Types.SET(Types.LONG), new Set([1]))).toEqual(new Set([1n]));
    expect(migrate(Types.MAP(Types.INT, before), Types.MAP(Types.LONG, now), new Map([[1, { a: 1 }]]))).toEqual(
      new Map([[1n, { a: 1n }]]),
    );
    expect(migrate(Types.TUPLE(Types.INT, Types.STRING), Types.TUPLE(Types.LONG, Types.STRING), [null, 'x'])).toEqual([
      null,
      'x',
    ]);
    expect(migrate(Types.TUPLE(Types.INT, Types.STRING), Types.TUPLE(Types.LONG, Types.STRING), [1, 'x'])).toEqual([
      1n,
      'x',
    ]);
  });

  test('name the path of an element that does not fit', () => {
    const orders = (price: unknown): unknown =>
      Types.OBJECT({ orders: Types.LIST(Types.OBJECT({ price } as { price: TypeInformation<unknown> })) });
    expect(migrate(orders(Types.INT), orders(Types.STRING), { orders: [] })).toEqual([
      'orders[].price: int32 became string',
    ]);
    expect(migrate(Types.MAP(Types.STRING, Types.INT), Types.MAP(Types.INT, Types.INT), new Map())).toEqual([
      'key: string became int32',
    ]);
    expect(migrate(Types.TUPLE(Types.INT), Types.TUPLE(Types.INT, Types.INT), [1])).toEqual([
      'value: [int32] became [int32, int32]',
    ]);
    expect(migrate(Types.LIST(Types.INT), Types.SET(Types.INT), [])).toEqual(['value: list<int32> became set<int32>']);
  });

  test('a value may become optional, but not the other way', () => {
    expect(migrate(Types.INT, Types.OPTIONAL(Types.LONG), 1)).toBe(1n);
    expect(migrate(Types.OPTIONAL(Types.INT), Types.OPTIONAL(Types.LONG), null)).toBeNull();
    expect(migrate(Types.OPTIONAL(Types.INT), Types.INT, 1)).toEqual(['value: optional<int32> became int32']);
  });
});
