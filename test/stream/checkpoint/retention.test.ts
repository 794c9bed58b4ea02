import { expect, test } from 'vitest';
import {
  type CheckpointEnd,
  type CheckpointRetention,
  checkpointProperties,
  filesAreDeleted,
  retentionOnCancel,
} from '../../../src/stream/checkpoint/retention.ts';

const ENDS = ['FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED', 'subsumed'] as const satisfies CheckpointEnd[];

test.each<[CheckpointRetention, string]>([
  ['NO_EXTERNALIZED_CHECKPOINTS', 'delete delete delete delete delete'],
  ['DELETE_ON_CANCELLATION', 'delete delete keep delete delete'],
  ['RETAIN_ON_CANCELLATION', 'delete keep keep keep delete'],
])('%s: finished, cancelled, failed, suspended, subsumed: %s', (retention, expected) => {
  const properties = checkpointProperties('checkpoint', retention);
  expect(ENDS.map((end) => (filesAreDeleted(properties, end, false) ? 'delete' : 'keep')).join(' ')).toBe(expected);
});

test.each(['savepoint', 'stop-with-savepoint', 'stop-with-savepoint-drain'] as const)('a %s always stays', (kind) => {
  const properties = checkpointProperties(kind, 'NO_EXTERNALIZED_CHECKPOINTS');
  expect(ENDS.filter((end) => filesAreDeleted(properties, end, false))).toEqual([]);
  expect(properties.synchronous).toBe(kind !== 'savepoint');
});

test('a store that outlives the process deletes nothing on suspension', () => {
  const properties = checkpointProperties('checkpoint', 'NO_EXTERNALIZED_CHECKPOINTS');
  expect(ENDS.filter((end) => !filesAreDeleted(properties, end, true))).toEqual(['SUSPENDED']);
});

test('onCancel Delete keeps the checkpoints of a failed job', () => {
  const properties = checkpointProperties('checkpoint', retentionOnCancel('Delete'));
  expect(filesAreDeleted(properties, 'CANCELED', true)).toBe(true);
  expect(filesAreDeleted(properties, 'FAILED', true)).toBe(false);
  expect(retentionOnCancel('Retain')).toBe('RETAIN_ON_CANCELLATION');
});
