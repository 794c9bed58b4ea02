import { expect, test } from 'vitest';
import { SliceQueue } from '../../../src/stream/task/slice-queue.ts';

const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes so many slices, and notes each. */
async function take(queue: SliceQueue, name: string, slices: number, log: string[]): Promise<void> {
  for (let slice = 0; slice < slices; slice++) {
    await queue.next();
    log.push(name);
  }
}

test('one that is alone has a slice each time the event loop comes round', async () => {
  const log: string[] = [];
  const done = take(new SliceQueue(), 'a', 3, log);
  await nextRound();
  expect(log).toEqual(['a']);
  await done;
  expect(log).toEqual(['a', 'a', 'a']);
});

test('many take turns, one slice between two turns of the records', async () => {
  const [queue, log] = [new SliceQueue(), [] as string[]];
  const all = Promise.all(['a', 'b', 'c'].map((name) => take(queue, name, 3, log)));
  await nextRound();
  expect(log.length).toBeLessThanOrEqual(1);
  await nextRound();
  expect(log.length).toBeLessThanOrEqual(2);
  await all;
  expect(log.join('')).toBe('abcabcabc');
});
