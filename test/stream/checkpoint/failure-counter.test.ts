import { expect, test } from 'vitest';
import {
  countFailure,
  countSuccess,
  noFailures,
  UNLIMITED_FAILURES,
} from '../../../src/stream/checkpoint/checkpoint-failure-counter.ts';
import {
  CHECKPOINT_FAILURE_REASONS,
  type CheckpointFailureReason,
  isCounted,
  reasonOf,
} from '../../../src/stream/checkpoint/failure-reasons.ts';

/** Plays a history and says how often the job would have failed. */
function callbacks(tolerable: number, ...history: [CheckpointFailureReason | 'success', number][]): number {
  let count = noFailures(tolerable);
  let failed = 0;
  for (const [what, id] of history) {
    if (what === 'success') count = countSuccess(count, id);
    else {
      const { next, exceeded } = countFailure(count, id, what);
      count = next;
      if (exceeded) failed++;
    }
  }
  return failed;
}

const declined = (id: number): [CheckpointFailureReason, number] => ['CHECKPOINT_DECLINED', id];
const neutral = (id: number): [CheckpointFailureReason, number] => ['CHECKPOINT_COORDINATOR_SHUTDOWN', id];

test('fail 1, 2, success 2, fail 1, 3, 4: the job lives', () => {
  expect(callbacks(2, declined(1), declined(2), ['success', 2], declined(1), declined(3), declined(4))).toBe(0);
});

test('declined 1, 2, neutral 3, declined 4: the job fails once', () => {
  expect(callbacks(2, declined(1), declined(2), neutral(3), declined(4))).toBe(1);
});

test('IO 1, declined 2, neutral 3, success 4, expired 5: the job lives', () => {
  expect(callbacks(2, ['IO_EXCEPTION', 1], declined(2), neutral(3), ['success', 4], ['CHECKPOINT_EXPIRED', 5])).toBe(0);
});

test('declined 1, 2, neutral 3, declined 2: the job lives, because one id counts once', () => {
  expect(callbacks(2, declined(1), declined(2), neutral(3), declined(2))).toBe(0);
});

test('tolerable 0, every reason once with id -2: five callbacks', () => {
  const history = CHECKPOINT_FAILURE_REASONS.map((reason): [CheckpointFailureReason, number] => [reason, -2]);
  expect(callbacks(0, ...history)).toBe(5);
  expect(CHECKPOINT_FAILURE_REASONS.filter(isCounted)).toEqual([
    'IO_EXCEPTION',
    'CHECKPOINT_ASYNC_EXCEPTION',
    'CHECKPOINT_EXPIRED',
    'CHECKPOINT_DECLINED',
    'FINALIZE_CHECKPOINT_FAILURE',
  ]);
});

test('failures without an id count each', () => {
  let count = noFailures(1);
  count = countFailure(count, undefined, 'IO_EXCEPTION').next;
  expect(countFailure(count, undefined, 'IO_EXCEPTION').exceeded).toBe(true);
});

test('after the threshold the count begins anew', () => {
  expect(callbacks(1, declined(1), declined(2), declined(3))).toBe(1);
  expect(callbacks(1, declined(1), declined(2), declined(3), declined(4))).toBe(2);
});

test('2147483647 tolerates any number', () => {
  const history = Array.from({ length: 1_000 }, (_, id) => declined(id));
  expect(callbacks(UNLIMITED_FAILURES, ...history)).toBe(0);
});

test('a negative number is refused', () => {
  expect(() => noFailures(-1)).toThrow('The tolerable failure checkpoint number must be non-negative.');
});

test('a reason that nobody knows is a plain decline', () => {
  expect(reasonOf('CHECKPOINT_DECLINED_SUBSUMED')).toBe('CHECKPOINT_DECLINED_SUBSUMED');
  expect(reasonOf('toString')).toBe('CHECKPOINT_DECLINED');
});
