/**
 * Files that somebody moved away or deleted between two runs of a job: it is said what is missing and what to do, once, and
 * nothing is written twice.
 */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type Workplace } from '../builders/flinkjob-process.ts';
import { committedFiles, committedRecords } from '../oracles/committed-output.ts';

const HOME = '.flinkjob/default/job';
/** More than are written while the gate is closed, so that each stop finds some pending. */
const NUMBERS = 10_000;

/** Numbers into files, slowly while there is no gate. What fails is restarted a hundred times, if it may. */
function aJob(at: Workplace): string {
  return at.manifest('job', {
    typescript: { module: resolve('test/fixtures/jobs/gated-numbers.ts') },
    args: [join(at.directory, 'gate'), join(at.directory, 'out/numbers'), String(NUMBERS)],
    checkpoints: { interval: '50ms', retained: 2 },
    restart: { fixedDelay: { attempts: 100, delay: '10ms' } },
  });
}

const out = (at: Workplace): string => join(at.directory, 'out');
const openGate = (at: Workplace): void => writeFileSync(join(at.directory, 'gate'), '');
const everyNumberOnce = Array.from({ length: NUMBERS }, (_, number) => `numbers ${number}`).sort();

/** Runs the job until something is committed, then suspends it. */
async function aSuspendedJob(at: Workplace): Promise<void> {
  const run = at.start('run', aJob(at));
  await run.says('running on');
  await eventually(() => committedFiles(out(at)).length >= 2, 30_000);
  const suspended = await at.flinkjob('suspend', 'job');
  expect(suspended, suspended.stderr).toMatchObject({ code: 0 });
  await run.ended;
}

test('output that was moved away before its commit was known to be whole is missed, once, and may be put back empty', async () => {
  const at = aWorkplace();
  await aSuspendedJob(at);
  const last = committedFiles(out(at))
    .sort((a, b) => a.checkpoint - b.checkpoint)
    .at(-1)!;
  const path = join(out(at), 'numbers', last.name);
  const taken = join(at.directory, 'taken');
  renameSync(path, taken);
  openGate(at);
  const refused = await at.flinkjob('resume', 'job');
  expect(refused.code, refused.stderr).toBe(11);
  expect(refused.stderr.match(/^error: /gm)).toHaveLength(1);
  expect(refused.stderr).toContain(`cannot commit ${path}`);
  expect(refused.stderr).toContain('an empty file of that name will do');
  expect(refused.stderr).not.toContain('restarting');

  writeFileSync(path, '');
  const resumed = await at.flinkjob('resume', 'job');
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  renameSync(taken, path);
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
});

test('records of checkpoints that were deleted are missed, once, with what to do', async () => {
  const at = aWorkplace();
  await aSuspendedJob(at);
  const storage = join(at.directory, HOME, 'storage');
  const [jobId = ''] = readdirSync(storage).filter((name) => /^[0-9a-f]{32}$/.test(name));
  renameSync(join(storage, jobId), join(at.directory, 'elsewhere'));
  openGate(at);
  const refused = await at.flinkjob('resume', 'job');
  expect(refused.code, refused.stderr).toBe(11);
  expect(refused.stderr).toContain(jobId);
  expect(refused.stderr).toContain('Put it back');
  expect(refused.stderr).toContain('--fresh --restore-from');
  expect(refused.stderr).not.toContain('restarting');

  renameSync(join(at.directory, 'elsewhere'), join(storage, jobId));
  const resumed = await at.flinkjob('resume', 'job');
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
});

test('a job that has finished and whose pointers were deleted is not run again', async () => {
  const at = aWorkplace();
  openGate(at);
  expect(await at.flinkjob('run', aJob(at))).toMatchObject({ code: 0 });
  const files = readdirSync(join(out(at), 'numbers'));
  rmSync(join(at.directory, HOME, 'ha'), { recursive: true });
  for (const command of [
    ['run', 'job.yaml'],
    ['resume', 'job'],
  ]) {
    const again = await at.flinkjob(...command);
    expect(again, again.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('finished before') });
    expect(readdirSync(join(out(at), 'numbers'))).toEqual(files);
  }
  expect((await at.flinkjob('status', 'job')).stdout).toContain('Phase\tFinished');
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
});

test('a suspended job whose pointers were deleted goes on from its savepoint and writes nothing twice', async () => {
  const at = aWorkplace();
  await aSuspendedJob(at);
  rmSync(join(at.directory, HOME, 'ha'), { recursive: true });
  openGate(at);
  const resumed = await at.flinkjob('resume', 'job');
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  expect(resumed.stderr).toContain('no handles to them; the newest whole one is restored');
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
});

test('a job that was killed before its first checkpoint goes on, though another job has written into its directory since', async () => {
  const at = aWorkplace();
  const args = [join(at.directory, 'gate'), join(at.directory, 'out/numbers'), String(NUMBERS)];
  const typescript = { module: resolve('test/fixtures/jobs/gated-numbers.ts') };
  const first = at.manifest('first', { typescript, args, checkpoints: { interval: '0s' } });
  const run = at.start('run', first);
  await run.says('running on');
  run.kill('SIGKILL');
  await run.ended;
  await eventually(async () => (await at.flinkjob('status', 'first')).stdout.includes('Stopped'), 30_000);

  openGate(at);
  const second = at.manifest('second', { typescript, args });
  expect(await at.flinkjob('run', second)).toMatchObject({ code: 0 });
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
  const again = await at.flinkjob('run', first);
  expect(again, again.stderr).toMatchObject({ code: 0 });
  expect(again.stderr).not.toContain('restoring');
  expect(committedRecords(out(at))).toEqual([...everyNumberOnce, ...everyNumberOnce].sort());

  // One that was refused has not begun: trying again makes no difference.
  const third = at.manifest('third', { typescript, args });
  for (const attempt of [1, 2]) {
    const refused = await at.flinkjob('run', third);
    expect({ attempt, code: refused.code }, refused.stderr).toEqual({ attempt, code: 11 });
    expect(refused.stderr).toContain('holds output of another job or an earlier run');
  }
});

test('a job that begins from nothing is refused where its old output stands, and runs once that is gone', async () => {
  const at = aWorkplace();
  openGate(at);
  const file = aJob(at);
  expect(await at.flinkjob('run', file)).toMatchObject({ code: 0 });
  for (const args of [['--fresh'], ['--home', 'another']]) {
    const refused = await at.flinkjob('run', ...args, file);
    expect(refused.code, refused.stderr).toBe(11);
    expect(refused.stderr).toContain(`the output directory ${join(out(at), 'numbers')} holds output`);
    expect(refused.stderr).not.toContain('restarting');
  }
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
  rmSync(out(at), { recursive: true });
  const fresh = await at.flinkjob('run', '--fresh', file);
  expect(fresh, fresh.stderr).toMatchObject({ code: 0 });
  expect(committedRecords(out(at))).toEqual(everyNumberOnce);
});
