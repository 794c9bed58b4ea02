import { expect, test } from 'vitest';
import { writesOfOldLeaders } from './single-writer.ts';

const written = (senders: string) =>
  [...senders].map((sender, index) => ({ sender, resourceVersion: index, epoch: index }));

test('leaders that follow each other are in order', () => {
  expect(writesOfOldLeaders(written('aaabbc'))).toEqual([]);
});

test('a write of a leader after the first one of the next is found', () => {
  expect(writesOfOldLeaders(written('aabab')).map(({ resourceVersion }) => resourceVersion)).toEqual([3]);
});
