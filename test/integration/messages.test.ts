/** What the commands say to people at the turns of a job's life, through the real command. */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkplace, type Workplace } from '../builders/flinkjob-process.ts';

const FINISHING = `import { CollectSink } from 'flinkjob';
export const job = (env) => {
  env.fromSequence(1, 9).filter(() => false).sinkTo(new CollectSink('none'));
};
`;

function aJob(at: Workplace, source: string, spec: Record<string, unknown> = {}): string {
  at.write('job.ts', source);
  return at.manifest('job', { typescript: { module: 'job.ts' }, ...spec });
}

test('a finished job is run again with --fresh, says every command, and that its output stays', async () => {
  const at = aWorkplace();
  const file = aJob(at, FINISHING);
  const first = await at.flinkjob('run', file);
  expect(first, first.stderr).toMatchObject({ code: 0 });
  expect(first.stderr).toContain('job: finished after 0 restarts\n');
  expect(first.stderr).not.toMatch(/checkpoint \d+ failed/);
  const stays =
    'Output that the job has written stays: remove it first. A file sink refuses to begin beside it, other sinks would write it twice.';
  for (const args of [
    ['savepoint', 'job'],
    ['suspend', 'job'],
    ['query', 'job', 'counts', 'a'],
  ]) {
    const { code, stderr } = await at.flinkjob(...args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'error: job job is not running (Finished). flinkjob run --fresh job.yaml runs it from nothing.\n',
    });
  }
  appendFileSync(join(at.directory, file), '# changed\n');
  const resumed = await at.flinkjob('resume', 'job');
  const before =
    /^job: job job has finished before, at \d{4}-\d\d-\d\dT[\d:.]+Z\. flinkjob run --fresh job\.yaml runs it again from nothing\. (.*)\n$/m;
  expect(resumed.code).toBe(0);
  expect(resumed.stderr.split('\n')[0]).toBe('job: job.yaml has changed since; flinkjob run job.yaml takes it up.');
  expect(before.exec(resumed.stderr)?.[1]).toBe(stays);
  const fresh = await at.flinkjob('run', '--fresh', file);
  expect(fresh.stderr).toContain(`job: begins from nothing. ${stays}\n`);
});

test('a job that is given up says so in plain words', async () => {
  const at = aWorkplace();
  const file = aJob(at, FINISHING.replace('() => false', "() => { throw new Error('no luck'); }"), {
    restart: { fixedDelay: { attempts: 1, delay: '1ms' } },
  });
  const { code, stderr } = await at.flinkjob('run', file);
  expect({ code, stderr }).toMatchObject({
    code: 10,
    stderr: expect.stringMatching(
      /^error: job job failed: .*no luck \(at .*job\.ts:3:\d+\)\. It gave up after 1 restart \(spec\.restart\.fixedDelay\)\. Its state is kept\.$/m,
    ),
  });
  const { stdout } = await at.flinkjob('status', 'job');
  expect(stdout).toContain('Phase\tFailed: gave up after 1 restart (spec.restart.fixedDelay)\n');
  const again = await at.flinkjob('run', file);
  expect(again.code).toBe(10);
  expect(again.stderr).toMatch(
    /^job: was given up at \d{4}-.*Z, after: .*no luck .*; it is tried once more\njob: attempt 3$/m,
  );
  expect(again.stderr).not.toContain('restarting');
});

test('a function that cannot be opened, and a sink that cannot commit, are named by vertex and subtask', async () => {
  const at = aWorkplace();
  const source = (functions: string) => `import { FileSink, ProcessFunction } from 'flinkjob';
class Opened extends ProcessFunction {
  open(context) { if (context.indexOfThisSubtask === 1) throw new Error('no licence'); }
  processElement(value, _context, out) { out.collect(value); }
}
class Failing extends FileSink {
  commit() { throw new Error('no commit'); }
}
export const job = (env) => {
  env.fromSequence(1, 9).rebalance()${functions};
};
`;
  const opened = aJob(
    at,
    source(".process(new Opened()).name('with a licence').addSink(new FileSink({ path: 'out' }))"),
    {
      parallelism: 2,
    },
  );
  const first = await at.flinkjob('run', opened);
  expect(first.stderr).toMatch(
    /^error: job job failed: with a licence.* \(2\/2\) failed: no licence \(at .*job\.ts:3:\d+\)/m,
  );
  const committing = aJob(at, source(".addSink(new Failing({ path: 'out' })).name('my sink')"), { parallelism: 1 });
  const second = await at.flinkjob('run', '--fresh', committing);
  expect(second.stderr).toMatch(/^error: job job failed: .*my sink \(1\/1\) failed: no commit \(at .*job\.ts:7:\d+\)/m);
});

test('late records that a window dropped are told at the end', async () => {
  const at = aWorkplace();
  const file = aJob(
    at,
    `import { CollectSink, TumblingEventTimeWindows, Types, WatermarkStrategy } from 'flinkjob';
export const job = (env) => {
  const strategy = WatermarkStrategy.forMonotonousTimestamps().withTimestampAssigner((value) => (value % 2 === 0 ? 1 : value * 1_000));
  env
    .fromSequence(1, 2_000_000)
    .assignTimestampsAndWatermarks(strategy)
    .keyBy(() => 'all', Types.STRING)
    .window(TumblingEventTimeWindows.of(3_600_000))
    .reduce((a) => a)
    .sinkTo(new CollectSink('late'));
};
`,
  );
  const { code, stderr } = await at.flinkjob('run', file);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/finished after 0 restarts; [\d,]+ late records? dropped \(numLateRecordsDropped\)\n/);
});

test('a job whose module does not exist, or that is a program, is refused before anything is made', async () => {
  const at = aWorkplace();
  const file = at.manifest('job', { typescript: { module: 'nowhere.ts' } });
  expect(await at.flinkjob('run', file)).toMatchObject({
    code: 13,
    stderr: expect.stringMatching(/^error: the job module .*nowhere\.ts does not exist\. Check spec/),
  });
  at.write('words.ts', FINISHING);
  expect(await at.flinkjob('run', 'words.ts')).toMatchObject({
    code: 13,
    stderr:
      'error: words.ts is a program; give the YAML file of the FlinkJob that names it in spec.typescript.module.\n',
  });
  expect(existsSync(join(at.directory, '.flinkjob'))).toBe(false);
});

test('a package that is missing is to be installed beside the module', async () => {
  const at = aWorkplace();
  const file = aJob(at, `import '@nobody/has-this';\n${FINISHING}`);
  const { code, stderr } = await at.flinkjob('plan', file);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /could not be loaded: Cannot find package '@nobody\/has-this'.*\. Run: npm install @nobody\/has-this in \S+\n$/,
  );
  expect(stderr).not.toContain('with node');
});
