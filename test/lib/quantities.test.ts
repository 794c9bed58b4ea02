import { expect, test } from 'vitest';
import { parseQuantity } from '../../src/lib/quantities.ts';

const sameAs = (a: string | number, b: string | number) =>
  expect(parseQuantity(a), `${a} and ${b}`).toBe(parseQuantity(b));

test('the same amount in other words is equal', () => {
  sameAs('1', 1);
  sameAs('1000m', 1);
  sameAs('0.5', '500m');
  sameAs('.5', '500m');
  sameAs('1Gi', '1024Mi');
  sameAs('1Ki', 1024);
  sameAs('1k', '1e3');
  sameAs('1.5Gi', '1536Mi');
  sameAs('1E', '1e18');
  sameAs('100n', '0.1u');
});

test('amounts are ordered exactly, beyond what a double can tell apart', () => {
  expect(parseQuantity('1Gi')! > parseQuantity('1G')!).toBe(true);
  expect(parseQuantity('100000000000000.000000001')! > parseQuantity('100000000000000')!).toBe(true);
  expect(parseQuantity('1e-99')! > 0n).toBe(true);
  expect(parseQuantity('0')).toBe(0n);
});

test('what is no quantity has no amount', () => {
  for (const text of ['', 'x', '-1', '1GB', '1 Gi', '1.2.3', 'Gi', '1e100', 'NaN', '+1'])
    expect(parseQuantity(text), text).toBeUndefined();
});
