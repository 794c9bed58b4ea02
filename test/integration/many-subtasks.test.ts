/** Jobs of many more subtasks than the machine has cores: a few threads host them all, and nobody sees a difference. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { workersFor } from '../../src/stream/job/placement.ts';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type Workplace } from '../builders/flinkjob-process.ts';
import {
  committedFiles,
  committedRecords,
  differenceOf,
  disorderIn,
  pendingFiles,
} from '../oracles/committed-output.ts';

const PARALLELISM = 64;
const WORKERS = workersFor(PARALLELISM, availableParallelism());
const RECORDS = 60_000;

interface Run {
  readonly parallelism: number;
  readonly recordsPerSecond?: number;
  readonly failing?: number;
}

function aJob(at: Workplace, { parallelism, recordsPerSecond = 0, failing = -1 }: Run): string {
  const args = [join(at.directory, 'out/numbered'), RECORDS, recordsPerSecond, failing];
  return at.manifest('many', {
    typescript: { module: resolve('test/fixtures/jobs/many-subtasks.ts') },
    args: args.map(String),
    parallelism,
    maxParallelism: 1024,
    checkpoints: { interval: '200ms' },
    restart: { fixedDelay: { attempts: failing >= 0 ? 0 : 3, delay: '10ms' } },
  });
}

const out = (at: Workplace): string => join(at.directory, 'out');

test(`a job of parallelism ${PARALLELISM} that is killed commits what one of parallelism 1 does`, async () => {
  const plain = aWorkplace();
  expect(await plain.flinkjob('run', aJob(plain, { parallelism: 1 }))).toMatchObject({ code: 0 });
  const expected = committedRecords(out(plain));
  expect(expected).toHaveLength(RECORDS);

  const at = aWorkplace();
  const run = at.start('run', aJob(at, { parallelism: PARALLELISM, recordsPerSecond: 10_000 }));
  await run.says(`running on ${WORKERS} workers`);
  await eventually(() => new Set(committedFiles(out(at)).map(({ checkpoint }) => checkpoint)).size >= 2, 60_000);
  process.kill(Number(readFileSync(join(at.directory, 'pid'), 'utf8')), 'SIGKILL');
  const end = await run.ended;
  expect(end, end.stderr).toMatchObject({ code: 0 });
  expect(end.stderr).toContain('finished after 1 restart');
  expect(differenceOf(expected, committedRecords(out(at)))).toEqual([]);
  expect(disorderIn(committedFiles(out(at)), () => true)).toEqual([]);
  expect(pendingFiles(out(at))).toEqual([]);
  expect(new Set(committedFiles(out(at)).map(({ subtask }) => subtask)).size).toBe(PARALLELISM);
});

test('a failure names the subtask, whichever thread it was on', async () => {
  const at = aWorkplace();
  const end = await at.flinkjob('run', aJob(at, { parallelism: PARALLELISM, failing: 37 }));
  expect(end.code).not.toBe(0);
  expect(end.stderr).toContain('(38/64) failed: told to fail');
});

test('state is asked for at the subtask that has it', async () => {
  const at = aWorkplace();
  const module = resolve('test/fixtures/jobs/queryable-counts.ts');
  const run = at.start('run', at.manifest('counts', { typescript: { module }, parallelism: 20 }));
  await run.says('running on');
  const query = async (customer: string) =>
    (await at.flinkjob('query', 'counts', 'customer-count', customer)).stdout === '10\n';
  for (const customer of ['customer-0', 'customer-3', 'customer-9']) await eventually(() => query(customer), 30_000);
});

test('more channels than a process can have are refused, with the parallelism and the limit', async () => {
  const at = aWorkplace();
  const end = await at.flinkjob('run', aJob(at, { parallelism: 500 }));
  expect(end.code).toBe(13);
  expect(end.stderr).toMatch(
    /the job needs 500000 channels .* at most 400000: .* at parallelism 500 .* Lower spec\.parallelism/,
  );
});
