import { expect, test } from 'vitest';
import { StringResourceVersion } from '../../src/ha/index.ts';
import { IllegalArgumentException } from '../../src/lib/java-errors.ts';

test('a version is text, and "-1" is only the one that does not exist', () => {
  expect(StringResourceVersion.valueOf('7').getValue()).toBe('7');
  expect(StringResourceVersion.valueOf('7').isExisting()).toBe(true);
  expect(StringResourceVersion.notExisting().isExisting()).toBe(false);
  expect(() => StringResourceVersion.valueOf('-1')).toThrow(IllegalArgumentException);
});
