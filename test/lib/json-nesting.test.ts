import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nestsDeeperThan } from '../../src/lib/json-nesting.ts';

/** How deep a value is, by looking at the value. */
function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

test('levels are those of objects and lists, whatever stands in texts', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6, noUnicodeString: false }), fc.nat(8), (value, most) => {
      expect(nestsDeeperThan(JSON.stringify(value), most)).toBe(levelsOf(value) > most);
    }),
  );
});

test('text that is no JSON is looked at to its end and no further', () => {
  expect(nestsDeeperThan('["', 1)).toBe(false);
  expect(nestsDeeperThan('["\\', 1)).toBe(false);
  expect(nestsDeeperThan(']]]][', 1)).toBe(false);
  expect(nestsDeeperThan('['.repeat(1_000_000), 999_999)).toBe(true);
});
