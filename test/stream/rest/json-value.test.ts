import { expect, test } from 'vitest';
import { jsonValue } from '../../../src/stream/rest/index.ts';

const asText = (value: unknown) => JSON.stringify(jsonValue(value));

test.each([
  ['text', '"text"'],
  [1.5, '1.5'],
  [Number.NaN, '"NaN"'],
  [Number.NEGATIVE_INFINITY, '"-Infinity"'],
  [7n, '7'],
  [2n ** 53n, '"9007199254740992"'],
  [-(2n ** 63n), '"-9223372036854775808"'],
  [undefined, 'null'],
  [null, 'null'],
  [[], '[]'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [new Uint8Array([1, 2, 255]), '"AQL/"'],
  [new Float64Array([1, 2.5]), '[1,2.5]'],
  [new Set([1, 'a']), '[1,"a"]'],
  [new Map([['a', 1n]]), '{"a":1}'],
  [new Map([[7, 'seven']]), '{"7":"seven"}'],
  [new Map([[true, 1]]), '[[true,1]]'],
  [{ a: { b: [new Map([['c', Number.POSITIVE_INFINITY]])] } }, '{"a":{"b":[{"c":"Infinity"}]}}'],
])('%o becomes %s', (value, text) => {
  expect(asText(value)).toBe(text);
});

test('a view into a larger buffer gives only its own bytes', () => {
  expect(jsonValue(new Uint8Array([9, 1, 2, 9]).subarray(1, 3))).toBe('AQI=');
});

test('a key named __proto__ is a key like others', () => {
  expect(asText(new Map([['__proto__', { polluted: true }]]))).toBe('{"__proto__":{"polluted":true}}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
