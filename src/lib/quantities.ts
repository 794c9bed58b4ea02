/** Kubernetes quantities (`500m`, `2Gi`, `1e3`), compared exactly. */

/** A quantity that is not negative. RE2-safe. */
export const QUANTITY_PATTERN =
  '^([0-9]{1,15}([.][0-9]{0,9})?|[.][0-9]{1,9})([KMGTPE]i|[munkMGTPE]|[eE][+-]?[0-9]{1,2})?$';

const PARTS = /^([0-9]*)(?:[.]([0-9]*))?(.*)$/;
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
// Fine enough for the smallest quantity the pattern allows: 9 decimals of 1e-99, and of nano.
const SCALE = 108;

/** The quantity as an integer that can be compared with others, or undefined when the text is not a quantity. */
export function parseQuantity(value: string | number): bigint | undefined {
  const text = String(value);
  if (!new RegExp(QUANTITY_PATTERN).test(text)) return undefined;
  const [, whole = '', fraction = '', suffix = ''] = PARTS.exec(text) ?? [];
  const digits = BigInt(`${whole}${fraction}` || '0');
  const power = BINARY.indexOf(suffix) + 1;
  const factor = power > 0 ? 1024n ** BigInt(power) : 1n;
  const exponent = power > 0 ? 0 : (DECIMAL_EXPONENT[suffix] ?? Number(suffix.slice(1)));
  return digits * factor * 10n ** BigInt(SCALE + exponent - fraction.length);
}
