import { expect, test } from 'vitest';
import { DataOutput, type TypeInformation, Types } from '../../../src/stream/types/index.ts';

class Flight {
  origin = 'SFO';
}

const NOT_A_KEY = undefined;

/** Type, value it must refuse, and what the message says first; hashing refuses it too where the type is a key. */
const cases: [string, TypeInformation<never>, unknown, string][] = [
  refused('BYTE', Types.BYTE, 128, 'the number 128'),
  refused('BYTE', Types.BYTE, -129, 'the number -129'),
  refused('SHORT', Types.SHORT, 32_768, 'the number 32768'),
  refused('INT', Types.INT, 1.5, 'the number 1.5'),
  refused('INT', Types.INT, 2 ** 31, 'the number 2147483648'),
  refused('INT', Types.INT, Number.NaN, 'the number NaN'),
  refused('INT', Types.INT, '7', 'the text "7"'),
  refused('INT', Types.INT, 7n, 'the bigint 7n'),
  refused('INT', Types.INT, null, 'null'),
  refused('INT', Types.INT, true, 'the boolean true'),
  refused('LONG', Types.LONG, 7, 'the number 7'),
  refused('LONG', Types.LONG, Number.NaN, 'the number NaN'),
  refused('LONG', Types.LONG, 2n ** 63n, 'the bigint 9223372036854775808n'),
  refused('SAFE_LONG', Types.SAFE_LONG, 2 ** 53, 'the number 9007199254740992'),
  refused('SAFE_LONG', Types.SAFE_LONG, 0.5, 'the number 0.5'),
  refused('SAFE_LONG', Types.SAFE_LONG, 5n, 'the bigint 5n'),
  refused('FLOAT', Types.FLOAT, 0.1, 'the number 0.1'),
  refused('DOUBLE', Types.DOUBLE, '0.1', 'the text "0.1"'),
  refused('BOOLEAN', Types.BOOLEAN, 1, 'the number 1'),
  refused('STRING', Types.STRING, 5, 'the number 5'),
  refused('STRING', Types.STRING, undefined, 'undefined'),
  refused('CHAR', Types.CHAR, 'ab', 'the text "ab"'),
  refused('CHAR', Types.CHAR, '', 'the text ""'),
  refused('UUID', Types.UUID, 'no', 'the text "no"'),
  refused('UUID', Types.UUID, '123E4567-e89b-12d3-a456-426614174000', 'the text "123E4567'),
  refused('BIG_INT', Types.BIG_INT, 1, 'the number 1'),
  refused('BIG_DEC', Types.BIG_DEC, { unscaled: 1, scale: 0 }, 'an object of class Object'),
  refused('BIG_DEC', Types.BIG_DEC, { unscaled: 1n, scale: 0.5 }, 'an object of class Object'),
  refused('DATE', Types.DATE, new Date(Number.NaN), 'an object of class Date'),
  refused('DATE', Types.DATE, 0, 'the number 0'),
  refused('BYTES', Types.BYTES, 'text', 'the text "text"'),
  refused('VOID', Types.VOID, 0, 'the number 0'),
  refused('LIST', Types.LIST(Types.INT), new Set([1]), 'an object of class Set'),
  refused('SET', Types.SET(Types.INT), [1], 'an array of 1'),
  refused('MAP', Types.MAP(Types.STRING, Types.INT), { a: 1 }, 'an object of class Object'),
  refused('TUPLE', Types.TUPLE(Types.INT, Types.INT), [1], 'an array of 1'),
  refused('TUPLE', Types.TUPLE(Types.INT), 5, 'the number 5'),
  refused('OBJECT', Types.OBJECT({ a: Types.INT }), 'text', 'the text "text"'),
];

function refused<T>(name: string, type: TypeInformation<T>, value: unknown, shown: string) {
  return [name, type as unknown as TypeInformation<never>, value, shown] as [
    string,
    TypeInformation<never>,
    unknown,
    string,
  ];
}

test.each(cases)('Types.%s does not write what it cannot hold (%#)', (name, type, value, shown) => {
  const out = new DataOutput();
  const refusal = expect.objectContaining({
    code: 'ILLEGAL_ARGUMENT',
    message: expect.stringContaining(`is not a value of Types.${name}, which holds `),
  });
  expect(() => type.write(out, value as never)).toThrow(refusal);
  expect(() => type.write(out, value as never)).toThrow(shown);
});

test.each(cases.filter(([, type]) => type.hash !== NOT_A_KEY))(
  'Types.%s does not hash what it cannot hold (%#)',
  (_, type, value, shown) => {
    expect(() => type.hash?.(value as never)).toThrow(shown);
  },
);

test('a refusal inside a structure says where', () => {
  const orders = Types.OBJECT({ lines: Types.LIST(Types.TUPLE(Types.STRING, Types.INT)) });
  const order = { lines: [['pen', 1] as [string, number], ['ink', 1.5] as [string, number]] };
  expect(() => orders.write(new DataOutput(), order)).toThrow(
    'field lines: field 1: field 1: the number 1.5 is not a value of Types.INT',
  );
});

test('a missing field is refused by name, unless it has a default', () => {
  const strict = Types.OBJECT({ id: Types.INT });
  expect(() => strict.write(new DataOutput(), {} as never)).toThrow('field id: undefined is not a value of Types.INT');
  expect(() =>
    Types.OBJECT({ id: { type: Types.INT, default: 1 } }).write(new DataOutput(), {} as never),
  ).not.toThrow();
});

test('a default that its type refuses is refused when the type is made', () => {
  expect(() => Types.OBJECT({ id: { type: Types.INT, default: 'none' } })).toThrow(
    'field id (its default): the text "none" is not a value of Types.INT',
  );
});

test('a long text is shown cut', () => {
  expect(() => Types.INT.write(new DataOutput(), 'x'.repeat(500) as never)).toThrow('… of 500 units');
});

test('an instance of a class is no data for ANY, and the message says what to do', () => {
  for (const value of [new Flight(), [new Flight()], { flight: new Flight() }, new Map([[1, new Flight()]])]) {
    for (const act of [() => Types.ANY.write(new DataOutput(), value), () => Types.ANY.copy(value)]) {
      expect(act).toThrow(
        'An object of class Flight is not a value of Types.ANY: what is read back would not be of that class. ' +
          'Use a plain object, or declare its fields with Types.OBJECT.',
      );
    }
  }
});

test.each([
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a promise', Promise.resolve()],
  ['an error', new Error('e')],
  ['a regular expression', /x/],
  ['a subclass of Map', new (class Sub extends Map {})()],
  ['a subclass of Array', new (class Sub extends Array {})()],
  ['a boxed number', new Number(1)],
  ['a WeakMap', new WeakMap()],
])('%s is no data for ANY', (_, value) => {
  for (const each of [value, [value], { field: value }]) {
    expect(() => Types.ANY.write(new DataOutput(), each)).toThrow('is not a value of Types.ANY');
    expect(() => Types.ANY.copy(each)).toThrow('is not a value of Types.ANY');
  }
});

test('a value that contains itself is refused by ANY', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = [cycle];
  expect(() => Types.ANY.write(new DataOutput(), cycle)).toThrow('nested more than 200 deep or contains itself');
  expect(() => Types.ANY.copy(cycle)).toThrow('nested more than 200 deep or contains itself');
});

test('a value 200 deep is written, one deeper is refused', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  expect(() => Types.ANY.write(new DataOutput(), nested(200))).not.toThrow();
  expect(() => Types.ANY.write(new DataOutput(), nested(201))).toThrow('nested more than 200 deep');
});
