import { expect, test } from 'vitest';
import { highestEpochIn, staleNames } from '../../src/ha/index.ts';
import { AJob } from '../builders/ha.ts';

test('names tell their epoch; what has none, or is to be kept, is never stale', async () => {
  const names = ['j/chk-7-2-ab', 'j/chk-8-3-ab', 'j/chk-9-1-kept', 'j/savepoint-abc-1', 'j/shared', 'j/ha/state-1-ab'];
  expect(staleNames(names, 3, new Set(['j/chk-9-1-kept']))).toEqual(['j/chk-7-2-ab', 'j/ha/state-1-ab']);
  const job = new AJob();
  for (const name of names) await job.storage.write(`${name}/x`, new Uint8Array(1), { exclusive: true });
  expect(await highestEpochIn(job.storage, 'j')).toBe(3);
});
