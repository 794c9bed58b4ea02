/** What `flinkjob status` would say, asked again and again while a job comes to its end. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { findLocalJob } from '../../src/cli/local-job/find-local-job.ts';
import { type JobStatusReport, jobStatus } from '../../src/cli/local-job/job-status.ts';
import { aWorkplace, type FlinkjobProcess, type Workplace } from '../builders/flinkjob-process.ts';

function aJob(at: Workplace, spec: Record<string, unknown> = {}): FlinkjobProcess {
  const file = at.manifest('job', {
    typescript: { module: resolve('test/fixtures/jobs/gated-numbers.ts') },
    args: [join(at.directory, 'gate'), join(at.directory, 'out'), '100'],
    maxParallelism: 64,
    checkpoints: { interval: '50ms' },
    ...spec,
  });
  return at.start('run', file);
}

/** The phases seen from before the end was begun until the command had ended, each once in a row, and the last report. */
async function watched(
  at: Workplace,
  run: FlinkjobProcess,
  beginEnd: () => void,
): Promise<{ phases: string[]; last: JobStatusReport }> {
  let hasEnded = false;
  const ended = run.ended.then(() => {
    hasEnded = true;
  });
  const phases: string[] = [];
  for (;;) {
    const isLast = hasEnded;
    const job = await findLocalJob('job', join(at.directory, '.flinkjob'));
    if (job.is === 'notFound') throw new Error('the job is gone');
    const last = await jobStatus(job, { now: Date.now, sleep: async () => {} });
    if (phases.length === 0) beginEnd();
    if (phases.at(-1) !== last.phase) phases.push(last.phase);
    if (isLast) return ended.then(() => ({ phases, last }));
  }
}

test('a job that finishes is running and then finished, and nothing in between', async () => {
  const at = aWorkplace();
  const run = aJob(at);
  await run.says('running on');
  const { phases, last } = await watched(at, run, () => writeFileSync(join(at.directory, 'gate'), ''));
  expect(phases).toEqual(['Running', 'Finished']);
  expect(last).toMatchObject({
    maxParallelism: [64],
    lastCheckpoint: { id: expect.any(Number), bytes: expect.any(Number) },
  });
  expect(last.checkpoint).toBeUndefined();
});

test('a job that is stopped with a savepoint is running and then suspended, and nothing in between', async () => {
  const at = aWorkplace();
  const run = aJob(at);
  await run.says('running on');
  expect((await watched(at, run, () => run.kill('SIGTERM'))).phases).toEqual(['Running', 'Suspended']);
});

test('a job that fails for good is running and then failed, and nothing in between', async () => {
  const at = aWorkplace();
  at.write(
    'job.ts',
    `import { existsSync } from 'node:fs';
import { CollectSink, GeneratorSource } from 'flinkjob';
export const job = (env) => {
  env
    .fromSource(new GeneratorSource({ generate: (index) => index, recordsPerSecond: 1_000 }))
    .map((value) => { if (existsSync('gate')) throw new Error('no luck'); return value; })
    .sinkTo(new CollectSink('none'));
};
`,
  );
  const run = aJob(at, { typescript: { module: 'job.ts' } });
  await run.says('running on');
  const { phases } = await watched(at, run, () => writeFileSync(join(at.directory, 'gate'), ''));
  expect(phases.filter((phase) => phase !== 'Restarting')).toEqual(['Running', 'Failed']);
});
