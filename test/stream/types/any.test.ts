import { expect, test } from 'vitest';
import { DataInput, DataOutput, ShapeReader, ShapeWriter, Types } from '../../../src/stream/types/index.ts';
import { MAX_SHAPES } from '../../../src/stream/types/shapes.ts';

function alone(value: unknown): Uint8Array {
  const out = new DataOutput();
  Types.ANY.write(out, value);
  return out.toBytes();
}

function backAlone(value: unknown): unknown {
  return Types.ANY.read(new DataInput(alone(value)));
}

/** A writer and a reader that see the same stream. */
function stream() {
  const out = new DataOutput();
  out.shapes = new ShapeWriter();
  out.shapes.startSession();
  const shapes = new ShapeReader();
  let read = 0;
  return {
    out,
    send(value: unknown): number {
      const before = out.position;
      Types.ANY.write(out, value);
      return out.position - before;
    },
    receive(): unknown {
      const input = new DataInput(out.view());
      input.shapes = shapes;
      input.position = read;
      const value = Types.ANY.read(input);
      read = input.position;
      return value;
    },
  };
}

test('integers, floats and minus zero stay what they are', () => {
  for (const value of [0, -0, 1, -16, 111, 112, -17, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 0.5, Number.NaN, -Infinity]) {
    expect(Object.is(backAlone(value), value)).toBe(true);
  }
});

test('null, undefined and missing fields are three things', () => {
  expect(Object.entries(backAlone({ a: null, b: undefined }) as object)).toEqual([
    ['a', null],
    ['b', undefined],
  ]);
});

test('a field called __proto__ is a field and nothing else', () => {
  const record = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  const inFull = JSON.parse(
    `{${Array.from({ length: 300 }, (_, n) => `"f${n}": 1`)}, "__proto__": {"polluted": true}}`,
  );
  for (const value of [record, inFull]) {
    for (const made of [backAlone(value), Types.ANY.copy(value)]) {
      expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
      expect(Object.keys(made as object)).toEqual(Object.keys(value));
      expect((made as { polluted?: boolean }).polluted).toBeUndefined();
    }
  }
});

test('a Buffer comes back as a Uint8Array of its own', () => {
  const buffer = Buffer.from('bytes');
  const back = backAlone(buffer) as Uint8Array;
  expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype);
  expect([...back]).toEqual([...buffer]);
  expect(back.buffer.byteLength).toBe(5);
});

test('an array of another kind comes back from the part of the memory that it showed', () => {
  const whole = Float64Array.of(1, 2, 3, 4);
  expect(backAlone(whole.subarray(1, 3))).toEqual(Float64Array.of(2, 3));
});

test('values that stand alone can be read in any order, each by itself', () => {
  const values = [{ a: 1, b: 'x' }, { b: 'y', a: 2 }, { a: 3, b: 'z' }, { list: [{ a: 1 }, { a: 2 }] }];
  const bytes = values.map(alone);
  const order = [2, 0, 3, 1, 2, 2, 0];
  expect(order.map((index) => Types.ANY.read(new DataInput(bytes[index]!)))).toEqual(
    order.map((index) => values[index]),
  );
});

test('in a stream the names of a shape are written once', () => {
  const { send, receive } = stream();
  const first = send({ departure: 1, arrival: 2 });
  const second = send({ departure: 3, arrival: 4 });
  expect(first).toBeGreaterThan(20);
  expect(second).toBe(3);
  expect([receive(), receive()]).toEqual([
    { departure: 1, arrival: 2 },
    { departure: 3, arrival: 4 },
  ]);
});

test('in a value that stands alone the names of a shape are written once too', () => {
  const records = Array.from({ length: 100 }, (_, index) => ({ departure: index, arrival: index }));
  expect(alone(records).length).toBeLessThan(400);
});

test('records with the same fields in another order, or without prototype, are other shapes', () => {
  const { send, receive } = stream();
  const bare = Object.assign(Object.create(null), { a: 1, b: 2 });
  const values = [{ a: 1, b: 2 }, { b: 2, a: 1 }, bare, { a: 3, b: 4 }];
  for (const value of values) send(value);
  const back = values.map(() => receive() as object);
  expect(back.map((each) => Object.keys(each).join())).toEqual(['a,b', 'b,a', 'a,b', 'a,b']);
  expect(back.map((each) => Object.getPrototypeOf(each) === null)).toEqual([false, false, true, false]);
});

test('a stream of ever new shapes goes on beyond the number of shapes that are remembered', () => {
  const { send, receive } = stream();
  const values = Array.from({ length: MAX_SHAPES * 2 }, (_, index) => ({
    [`field-${index}`]: index,
    [`x${index}`]: 1,
  }));
  for (const value of [...values, ...values]) send(value);
  for (const value of [...values, ...values]) expect(receive()).toEqual(value);
});

test('a value is written right after the writer has given up its memory of names', () => {
  const out = new DataOutput();
  for (let index = 0; index < 40_000; index++) {
    out.reset();
    Types.ANY.write(out, { [`name-${index}`]: 1 });
  }
  const value = { 'name-5': 1, again: { again: 2 } };
  expect(backAlone(value)).toEqual(value);
});

test('a record that changes while it is written is refused', () => {
  const record = {
    get a() {
      Object.assign(this, { late: 1 });
      delete (this as { b?: number }).b;
      return 1;
    },
    b: 2,
  };
  expect(() => Types.ANY.write(new DataOutput(), record)).toThrow('changed while it was written');
});

test('a getter that writes another value in between does not disturb this one', () => {
  const other = new DataOutput();
  const record = {
    first: { x: 1 },
    get second() {
      Types.ANY.write(other, { y: { z: { x: 2 } } });
      return { x: 3 };
    },
    third: { x: 4 },
  };
  expect(backAlone(record)).toEqual({ first: { x: 1 }, second: { x: 3 }, third: { x: 4 } });
  expect(Types.ANY.read(new DataInput(other.view()))).toEqual({ y: { z: { x: 2 } } });
});

test('deep nesting in bytes is an IOException, not a full stack', () => {
  const bytes = new Uint8Array(100_000).fill(0x0a).map((byte, index) => (index % 2 === 0 ? byte : 1));
  expect(() => Types.ANY.read(new DataInput(bytes))).toThrow(expect.objectContaining({ code: 'IO' }));
});

test.each([
  ['a number of an undefined shape', [0x45]],
  ['a tag that does not exist', [0x1f]],
  ['a typed array of an unknown kind', [0x08, 99, 1, 0]],
  ['a typed array of half an element', [0x08, 8, 3, 0, 0, 0]],
  ['a shape with a name twice', [0x0d, 5, 0, 2, 97, 2, 97, 1, 1]],
  ['an array of more elements than there are bytes', [0x0a, 0xff, 0xff, 0xff, 0x7f]],
  ['a big integer without bytes', [0x06, 1]],
  ['a string longer than the data', [0x07, 0xfe, 0x0f, 1, 2, 3]],
])('%s is an IOException', (_, bytes) => {
  expect(() => Types.ANY.read(new DataInput(Uint8Array.from(bytes)))).toThrow(expect.objectContaining({ code: 'IO' }));
});

test('a copy shares nothing that can change', () => {
  const value = {
    list: [1, { deep: new Map([[{ key: 1 }, new Set([2])]]) }],
    at: new Date(5),
    bytes: Uint8Array.of(1),
  };
  const copy = Types.ANY.copy(value) as typeof value;
  expect(copy).toEqual(value);
  expect(copy.list).not.toBe(value.list);
  expect(copy.list[1]).not.toBe(value.list[1]);
  expect(copy.at).not.toBe(value.at);
  expect(copy.bytes.buffer).not.toBe(value.bytes.buffer);
});
