import { expect, test } from 'vitest';
import { jobIdBegunWith } from '../../src/lib/derived-id.ts';
import {
  decodeStorageAnswer,
  decodeStorageOrder,
  encodeStorageAnswer,
  encodeStorageOrder,
  jobIdsOf,
  type StorageAnswer,
  type StorageOrder,
} from '../../src/lib/storage-work.ts';

const ADOPTED = 'a'.repeat(32);
const order: StorageOrder = { do: 'removeBytes', uid: 'uid', attempts: 3, jobIds: [ADOPTED], keep: ['savepoint-1'] };

test('an order is about every life that may have begun with an attempt, and about those that were taken over', () => {
  expect(jobIdsOf(order)).toEqual([...[1, 2, 3].map((attempt) => jobIdBegunWith('uid', attempt)), ADOPTED]);
  expect(jobIdsOf({ ...order, jobIds: [jobIdBegunWith('uid', 2)] })).toHaveLength(3);
});

test('an order and an answer are read as they were written', () => {
  expect(decodeStorageOrder(encodeStorageOrder(order))).toEqual(order);
  const answer: StorageAnswer = { did: 'removeBytes', isWhole: false, files: 2, bytes: 3, error: 'no' };
  expect(decodeStorageAnswer(encodeStorageAnswer(answer))).toEqual(answer);
});

test.each([
  '',
  'null',
  'Killed',
  '{"do":"another"}',
  JSON.stringify({ ...order, attempts: '3' }),
  JSON.stringify({ ...order, keep: [1] }),
  JSON.stringify({ ...order, jobIds: ['..'] }),
])('what is no order is not carried out: %s', (text) => {
  expect(decodeStorageOrder(text)).toBeUndefined();
});

test.each(['', '7', 'out of memory', '{"exitCode":0,"attempt":1}', '{"did":"removeBytes","isWhole":true}'])(
  'what is no answer is not taken for one: %s',
  (text) => {
    expect(decodeStorageAnswer(text)).toBeUndefined();
  },
);

test('an answer fits into a termination message, however long its error is', () => {
  const answer: StorageAnswer = { did: 'removeBytes', isWhole: false, files: 1, bytes: 1, error: 'é'.repeat(9_000) };
  expect(Buffer.byteLength(encodeStorageAnswer(answer))).toBeLessThan(4_000);
});
