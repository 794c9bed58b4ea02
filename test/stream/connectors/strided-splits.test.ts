import { expect, test } from 'vitest';
import { freshStridedSplits, StridedCursor, type StridedSplit } from '../../../src/stream/connectors/strided-splits.ts';

function take(cursor: StridedCursor, count: number): number[] {
  return Array.from({ length: count }, () => cursor.take());
}

function fresh(subtaskIndex: number, parallelism: number): StridedSplit[] {
  return freshStridedSplits({ subtaskIndex, parallelism } as Parameters<typeof freshStridedSplits>[0]);
}

test('a subtask emits rising indexes also when a restore brought it splits that had come less far', () => {
  const fast = new StridedCursor(fresh(0, 2), 1_000);
  const slow = new StridedCursor(fresh(1, 2), 1_000);
  const emitted = [...take(fast, 300), ...take(slow, 17)];
  const restored = new StridedCursor([...fast.splits(), ...slow.splits()], 1_000);
  const rest: number[] = [];
  while (!restored.isAtEnd) rest.push(restored.take());
  expect(rest).toEqual([...rest].sort((left, right) => left - right));
  expect([...emitted, ...rest].sort((left, right) => left - right)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
});

test('splits that are behind stay known while they catch up', () => {
  const cursor = new StridedCursor(
    [
      { next: 40, stride: 2 },
      { next: 1, stride: 2 },
    ],
    100,
  );
  expect(take(cursor, 3)).toEqual([1, 3, 5]);
  expect(cursor.splits()).toContainEqual({ next: 7, stride: 2 });
  expect(cursor.splits()).toContainEqual({ next: 40, stride: 2 });
});
