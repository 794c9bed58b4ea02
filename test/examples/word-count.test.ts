import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runJob } from 'flinkjob/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { job, type WordCount, wordsOf } from '../../examples/word-count.ts';

let out = '';

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'word-count-'));
});

afterEach(() => rm(out, { recursive: true, force: true }));

/** Files whose names do not begin with a dot are committed. */
function committed(): string[] {
  return readdirSync(out)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(out, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as WordCount)
    .map(({ from, word, count }) => `${from} ${word} ${count}`)
    .sort();
}

test('counts the words of each ten seconds exactly once, also when the job is killed on the way', async () => {
  const args = [resolve('examples/words.ndjson'), out];
  await runJob(job, { args, parallelism: 2, crashes: [4, 9], rescaleTo: [3, 1] });
  expect(committed()).toEqual([
    '0 brown 1',
    '0 dog 1',
    '0 end 1',
    '0 fox 1',
    '0 jumps 1',
    '0 lazy 1',
    '0 over 1',
    '0 quick 1',
    '0 the 3',
    '10000 dog 1',
    '10000 sleeps 1',
    '10000 the 1',
  ]);
});

test('words are letters, whatever their case', () => {
  expect(wordsOf({ at: 0, text: 'The cat — THE café!' })).toEqual(['the', 'cat', 'the', 'café']);
});
