import { expect, test } from 'vitest';
import {
  CHECKPOINT_NEVER_RETAINED,
  CHECKPOINT_RETAINED_ON_CANCELLATION,
  CHECKPOINT_RETAINED_ON_FAILURE,
  type CompletedCheckpoint,
  isDiscardedOnShutdown,
  retainedOrOne,
  SAVEPOINT,
  SYNCHRONOUS_SAVEPOINT,
  subsumed,
} from '../../src/ha/index.ts';

const named = (name: string, index: number): CompletedCheckpoint => ({
  checkpointId: index,
  epoch: 1,
  timestamp: 0,
  location: name,
  metadataSha256: '',
  bytes: 0,
  isSavepoint: !name.startsWith('cp'),
  properties: name.startsWith('stop')
    ? SYNCHRONOUS_SAVEPOINT
    : name.startsWith('sp')
      ? SAVEPOINT
      : CHECKPOINT_NEVER_RETAINED,
});

test.each([
  ['cp1 cp2 sp1 sp2 sp3', 1, 'cp2 sp3'],
  ['cp1 sp1 cp2', 1, 'cp2'],
  ['cp1 sp1 stop1', 1, 'stop1'],
  ['cp1 cp2', 1, 'cp2'],
  ['cp1 cp2 cp3', 2, 'cp2 cp3'],
  ['cp1 sp1', 1, 'cp1 sp1'],
  ['sp1 sp2', 1, 'sp2'],
  ['sp1 cp1 sp2', 2, 'cp1 sp2'],
  ['cp1', 3, 'cp1'],
])('of %s with %d retained stay %s', (all, maxRetained, staying) => {
  const checkpoints = all.split(' ').map(named);
  const gone = subsumed(checkpoints, maxRetained);
  expect(
    checkpoints
      .filter((checkpoint) => !gone.includes(checkpoint))
      .map(({ location }) => location)
      .join(' '),
  ).toBe(staying);
});

test.each([
  ['never retained', CHECKPOINT_NEVER_RETAINED, [true, true, true, true]],
  ['retained on failure', CHECKPOINT_RETAINED_ON_FAILURE, [true, true, false, true]],
  ['retained on cancellation', CHECKPOINT_RETAINED_ON_CANCELLATION, [true, false, false, false]],
  ['savepoint', SAVEPOINT, [false, false, false, false]],
] as const)(
  'data of a checkpoint that is %s goes with FINISHED, CANCELED, FAILED, SUSPENDED: %j',
  (_, properties, expected) => {
    const checkpoint = { ...named('cp1', 1), properties };
    const statuses = ['FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED'] as const;
    expect(statuses.map((status) => isDiscardedOnShutdown(checkpoint, status))).toEqual(expected);
  },
);

test.each([
  [10, 10],
  [0, 1],
  [-1, 1],
])('%d checkpoints configured to be retained means %d', (configured, retained) => {
  const warnings: string[] = [];
  expect(retainedOrOne(configured, (message) => warnings.push(message))).toBe(retained);
  expect(warnings).toHaveLength(configured >= 1 ? 0 : 1);
});
