import { expect, test } from 'vitest';
import { operatorIdOf } from '../../src/stream/operator-id.ts';

test.each([
  ['uid', '0e1febe90327d1cea326114660ec1de8'],
  ['source-id', 'bd9c186e89cc37a76d776844dfa8ccba'],
  ['mapper-id', 'c9cecfed5cae9d489451c50e442666e3'],
  ['broadcast-source-uid', '3a6f51704798c4f418be51bfb6813b77'],
  ['keyed-broadcast-process-uid', '413c1d6f88ee8627fe4b8bc533b4cf1b'],
  ['datagen-source-uid', '47aee94394d6ea26e2d544bef0a37bb5'],
])('the operator with uid %s has the id it has in Flink', (uid, id) => {
  expect(operatorIdOf(uid)).toBe(id);
});

test('a uid is hashed as UTF-8, so texts that differ only beyond ASCII have different ids', () => {
  expect(operatorIdOf('zähler')).not.toBe(operatorIdOf('zahler'));
  expect(operatorIdOf('zähler')).toMatch(/^[0-9a-f]{32}$/);
});
