import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataInput, DataOutput, type TypeInformation, Types, typeFromSchema } from '../../../src/stream/types/index.ts';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const safe = fc.maxSafeInteger();
const text = fc.string({ unit: 'binary' });
const bigDecimal = fc.record({ unscaled: fc.bigInt(), scale: int }, { noNullPrototype: true });
const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
  withSparseArray: false,
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '0', 'toString')),
});

/** Every type with values of it. */
const cases: [string, TypeInformation<never>, fc.Arbitrary<unknown>][] = [
  row('STRING', Types.STRING, fc.oneof(text, fc.string({ unit: fc.constantFrom('\ud800', 'é', '漢', 'a') }))),
  row('BYTE', Types.BYTE, fc.integer({ min: -128, max: 127 })),
  row('SHORT', Types.SHORT, fc.integer({ min: -32_768, max: 32_767 })),
  row('INT', Types.INT, int),
  row(
    'CHAR',
    Types.CHAR,
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
  row('LONG', Types.LONG, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  row('SAFE_LONG', Types.SAFE_LONG, fc.oneof(safe, int)),
  row('FLOAT', Types.FLOAT, fc.float()),
  row('DOUBLE', Types.DOUBLE, fc.double()),
  row('BOOLEAN', Types.BOOLEAN, fc.boolean()),
  row('UUID', Types.UUID, fc.uuid()),
  row('BIG_INT', Types.BIG_INT, fc.bigInt()),
  row('BIG_DEC', Types.BIG_DEC, bigDecimal),
  row('BYTES', Types.BYTES, fc.uint8Array()),
  row('DATE', Types.DATE, fc.date({ noInvalidDate: true })),
  row('VOID', Types.VOID, fc.constant(null)),
  row('LIST', Types.LIST(Types.STRING), fc.array(text)),
  row(
    'SET',
    Types.SET(Types.INT),
    fc.array(int).map((list) => new Set(list)),
  ),
  row(
    'MAP',
    Types.MAP(Types.STRING, Types.LIST(Types.DOUBLE)),
    fc.array(fc.tuple(text, fc.array(fc.double()))).map((entries) => new Map(entries)),
  ),
  row('OPTIONAL', Types.OPTIONAL(Types.INT), fc.oneof(int, fc.constantFrom(null, undefined))),
  row('TUPLE', Types.TUPLE(Types.INT, Types.STRING), fc.tuple(fc.option(int), fc.option(text))),
  row('TUPLE of none', Types.TUPLE(), fc.constant([])),
  row(
    'TUPLE of ten',
    Types.TUPLE(...Array.from({ length: 10 }, () => Types.BYTE)),
    fc.array(fc.option(fc.integer({ min: -128, max: 127 })), { minLength: 10, maxLength: 10 }),
  ),
  row(
    'OBJECT',
    Types.OBJECT({ id: Types.INT, tags: Types.LIST(Types.STRING), at: { type: Types.DATE, default: new Date(0) } }),
    fc.record({ id: int, tags: fc.array(text), at: fc.date({ noInvalidDate: true }) }, { noNullPrototype: true }),
  ),
  row('ANY', Types.ANY, anyValue),
];

function row<T>(name: string, type: TypeInformation<T>, values: fc.Arbitrary<unknown>) {
  return [name, type as unknown as TypeInformation<never>, values] as [
    string,
    TypeInformation<never>,
    fc.Arbitrary<unknown>,
  ];
}

function throughBytes(type: TypeInformation<never>, values: readonly unknown[]): unknown[] {
  const out = new DataOutput(1);
  for (const value of values) type.write(out, value as never);
  const input = new DataInput(out.toBytes());
  const back = values.map(() => type.read(input) as unknown);
  expect(input.remaining).toBe(0);
  return back;
}

test.each(cases)('a value of %s is read back as it was written', (_, type, values) => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 4 }), (written) => {
      expectEqual(throughBytes(type, written), written);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test.each(cases)('the type that the schema of %s describes, after JSON, reads the same bytes', (_, type, values) => {
  const stored = typeFromSchema(JSON.parse(JSON.stringify(type.schema)));
  expect(stored.schema).toEqual(type.schema);
  fc.assert(
    fc.property(values, (value) => {
      const out = new DataOutput();
      type.write(out, value as never);
      expectEqual(stored.read(new DataInput(out.toBytes())), value);
    }),
    { seed: 8, numRuns: 50 },
  );
});

test.each(cases)('a copy of %s equals the value and is not the value where that could change', (_, type, values) => {
  fc.assert(
    fc.property(values, (value) => {
      const copy: unknown = type.copy(value as never);
      expectEqual(copy, value);
      if (!type.immutable && typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
    }),
    { seed: 9, numRuns: 100 },
  );
});

test.each(cases)('damaged bytes of %s give a value or an IOException, nothing else', (_, type, values) => {
  const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat() });
  fc.assert(
    fc.property(fc.array(values, { maxLength: 3 }), fc.array(change, { maxLength: 3 }), (written, changes) => {
      const out = new DataOutput();
      for (const value of written) type.write(out, value as never);
      const bytes = out.toBytes();
      for (const { at, to } of changes) bytes[at % Math.max(1, bytes.length)] = to;
      const cut = bytes.subarray(0, bytes.length - ((changes[0]?.cut ?? 0) % (bytes.length + 1)));
      expectValueOrIOException(type, cut);
    }),
    { seed: 10, numRuns: 300 },
  );
});

test.each(cases)('random bytes for %s give a value or an IOException, nothing else', (_, type) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => expectValueOrIOException(type, bytes)),
    { seed: 11, numRuns: 500 },
  );
});

function expectValueOrIOException(type: TypeInformation<never>, bytes: Uint8Array): void {
  const input = new DataInput(bytes);
  try {
    for (let round = 0; input.remaining > 0 && round < 100; round++) type.read(input);
  } catch (error) {
    expect(error).toMatchObject({ code: 'IO' });
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}

/** Equal in everything, prototypes, −0 and names such as `constructor` included. */
function expectEqual(left: unknown, right: unknown): void {
  if (!isDeepStrictEqual(left, right))
    expect.fail(`${inspect(left, { depth: 9 })} is not ${inspect(right, { depth: 9 })}`);
}
