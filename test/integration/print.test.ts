/** What a job prints reaches whoever reads it, however slowly, and no reader makes a job that restarts for ever. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkplace } from '../builders/flinkjob-process.ts';

const RECORDS = 20_000;
const PRINTING = `import { Types } from 'flinkjob';
export const job = (env) => {
  env.fromSequence(1, ${RECORDS}).keyBy((n) => n % 10, Types.INT).map((n) => 'line ' + n, Types.STRING).print('out');
};
`;

/** Runs a line of shell in which `$FLINKJOB` is the command. */
function shell(line: string, cwd: string): Promise<string> {
  const env = { ...process.env, FLINKJOB: resolve('bin/flinkjob') };
  return new Promise((done) => execFile('sh', ['-c', line], { cwd, env }, (_error, stdout) => done(stdout)));
}

test('everything printed arrives at a reader that begins late', async () => {
  const at = aWorkplace();
  at.write('job.ts', PRINTING);
  const file = at.manifest('job', { typescript: { module: 'job.ts' }, parallelism: 2 });
  // The pipe holds a fraction of it; the reader begins when the job has been running for a while.
  const read = await shell(
    `{ "$FLINKJOB" run ${file} 2>said; } | { until grep -q 'running on' said; do sleep 0.05; done; sleep 0.5; sort -u | wc -l; }; cat said`,
    at.directory,
  );
  expect(read).toContain(`${RECORDS}\n`);
  expect(read).toContain('finished after 0 restarts');
});

test('a reader that goes away ends the job, with the reason and no restart', async () => {
  const at = aWorkplace();
  at.write('job.ts', PRINTING);
  const restart = { fixedDelay: { attempts: 5, delay: '10ms' } };
  const file = at.manifest('job', { typescript: { module: 'job.ts' }, restart });
  const said = await shell(
    `{ "$FLINKJOB" run ${file} 2>said; echo "code $?" >>said; } | head -1; cat said`,
    at.directory,
  );
  expect(said).toMatch(/^out> line \d+\n/);
  expect(said).toContain('cannot print to standard output: whoever read it is gone (EPIPE)');
  expect(said).toContain('code 11');
  expect(said).not.toMatch(/^\s+at /m);
  expect(said).not.toContain('restarting');
});
