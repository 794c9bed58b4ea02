import { expect, test } from 'vitest';
import { highestEpochIn, type JobResult, keepResult, keptResult } from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { memoryStorage } from '../../src/storage/index.ts';

const JOB = '0123456789abcdef0123456789abcdef';
const result: JobResult = { id: JOB, 'application-status': 'SUCCEEDED', 'net-runtime': 7 };
const by = { epoch: 5, newId: () => 'abc' };

test('a result that was kept is found again, and a new object of the job begins above its epoch', async () => {
  const storage = memoryStorage({ clock: systemClock });
  expect(await keptResult(storage, JOB)).toBeUndefined();
  await keepResult(storage, result, by);
  expect(await keptResult(storage, JOB)).toEqual(result);
  expect(await highestEpochIn(storage, JOB)).toBe(5);
});

test('keeping it twice keeps it once, whoever comes second', async () => {
  const storage = memoryStorage({ clock: systemClock });
  await keepResult(storage, result, by);
  await keepResult(storage, { ...result, 'net-runtime': 8 }, { epoch: 6, newId: () => 'def' });
  expect(await storage.list(JOB)).toEqual([`${JOB}/ha/jobResult-5-abc`]);
});

test.each([
  '',
  '{',
  'null',
  JSON.stringify({ version: 2, result }),
  JSON.stringify({ version: 1, result: { id: 'x' } }),
])('a file with %j says nothing', async (text) => {
  const storage = memoryStorage({ clock: systemClock });
  await storage.write(`${JOB}/ha/jobResult-1-x`, new TextEncoder().encode(text), { exclusive: true });
  expect(await keptResult(storage, JOB)).toBeUndefined();
});
