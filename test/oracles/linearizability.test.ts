import { expect, test } from 'vitest';
import { isLinearizable, type Operation } from './linearizability.ts';

const op = (kind: Operation['kind'], times: [number, number], rest: Partial<Operation> = {}): Operation => ({
  kind,
  outcome: 'done',
  calledAt: times[0],
  answeredAt: times[1],
  ...rest,
});

test('one after the other: what was added is seen, until it is removed', () => {
  const history = [
    op('add', [0, 1], { value: 'a' }),
    op('get', [2, 3], { value: 'a' }),
    op('remove', [4, 5]),
    op('get', [6, 7], { outcome: 'absent' }),
  ];
  expect(isLinearizable(history)).toBe(true);
});

test('a write that was acknowledged and is not seen is a lost one', () => {
  expect(isLinearizable([op('add', [0, 1], { value: 'a' }), op('get', [2, 3], { outcome: 'absent' })])).toBe(false);
});

test('of two adds at once only one may be told that it was done', () => {
  const both = (outcome: Operation['outcome']) => [
    op('add', [0, 5], { value: 'a' }),
    op('add', [1, 4], { value: 'b', outcome }),
  ];
  expect(isLinearizable(both('exists'))).toBe(true);
  expect(isLinearizable(both('done'))).toBe(false);
});

test('a write with an unknown outcome may show late, or never, but not come and go', () => {
  const add = op('add', [0, 1], { value: 'a', outcome: 'unknown' });
  const seen = (at: number) => op('get', [at, at + 1], { value: 'a' });
  const free = (at: number) => op('get', [at, at + 1], { outcome: 'absent' });
  expect(isLinearizable([add, free(10), seen(20)])).toBe(true);
  expect(isLinearizable([add, free(10), free(20)])).toBe(true);
  expect(isLinearizable([add, seen(10), free(20)])).toBe(false);
});

test('a reader may not see an older value after a newer one', () => {
  const history = [
    op('add', [0, 1], { value: 'a' }),
    op('replace', [2, 9], { value: 'b' }),
    op('get', [3, 4], { value: 'b' }),
    op('get', [5, 6], { value: 'a' }),
  ];
  expect(isLinearizable(history)).toBe(false);
  expect(isLinearizable([history[0]!, history[1]!, history[3]!, { ...history[2]!, calledAt: 7, answeredAt: 8 }])).toBe(
    true,
  );
});
