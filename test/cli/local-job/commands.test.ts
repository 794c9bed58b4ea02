import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { makeJobPlace, openJobHome } from '../../../src/cli/run/job-home.ts';
import { lockSupervision } from '../../../src/cli/run/supervision-lock.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { flinkjob } from '../fake-io.ts';

/** A home with a job that was never started. */
function aHome(...names: string[]): string {
  const home = aTemporaryDirectory();
  for (const name of names) {
    const [own = '', namespace = 'default'] = name.split('/').reverse();
    openJobHome(makeJobPlace(home, namespace, own));
  }
  return home;
}

test.each(['status', 'savepoint', 'suspend', 'resume', 'checkpoints'])(
  '%s of a job that is not there names those that are',
  async (command) => {
    const home = aHome('one', 'team/two');
    expect(await flinkjob([command, '--home', home, 'three'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: there is no job three in ${home}. There are: one, team/two. Run one with flinkjob run, or name another directory with --home.\n`,
    });
  },
);

test.each(['../one', 'a/b/one', '', 'One'])('"%s" leads to no job', async (name) => {
  expect(await flinkjob(['status', '--home', aHome('one'), name])).toMatchObject({ code: 1, stdout: '' });
});

test('a home that does not exist has no jobs', async () => {
  const { stderr } = await flinkjob(['status', '--home', '/nowhere/at/all', 'x']);
  expect(stderr).toContain('there is no job x in /nowhere/at/all. There are no jobs there.');
});

test('a job that never started is shown as that', async () => {
  const home = aHome('team/job');
  const { code, stdout } = await flinkjob(['status', '-o', 'json', '--home', home, 'team/job']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'job',
    namespace: 'team',
    phase: 'Stopped',
    reason: 'it never started',
    restarts: { count: 0 },
    restartStrategy: { source: 'builtIn' },
  });
});

test.each([
  ['savepoint', ['job']],
  ['suspend', ['job']],
  ['query', ['job', 'counts', 'JFK']],
])('%s of a job that does not run says so, and how to go on', async (command, args) => {
  const ran = await flinkjob([command, '--home', aHome('job'), ...args]);
  expect(ran).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: job job is not running (Stopped: it never started). Run it from its file with flinkjob run.\n',
  });
});

test('a query of a job that is being started is unavailable, for machines too', async () => {
  const home = aHome('job');
  await lockSupervision(makeJobPlace(home, 'default', 'job'));
  const { code, stdout, stderr } = await flinkjob(['query', '-o', 'json', '--home', home, 'job', 'counts', 'JFK']);
  expect(JSON.parse(stdout)).toEqual({ status: 'unavailable', reason: 'restarting' });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('Try again when it runs') });
});

test('a job that was never run cannot be resumed', async () => {
  expect(await flinkjob(['resume', '--home', aHome('job'), 'job'])).toMatchObject({
    code: 1,
    stderr: 'error: it is not known how job job was run. Run it from its file with flinkjob run.\n',
  });
});

test('a damaged record is one message', async () => {
  const home = aHome('job');
  writeFileSync(join(home, 'default/job/job.json'), '{');
  const { code, stderr } = await flinkjob(['status', '--home', home, 'job']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .*job\.json cannot be read: .*\n$/);
});

test('any savepoint is shown from its manifest, and damage in its files is found', async () => {
  const savepoint = join(aTemporaryDirectory(), 'savepoint');
  cpSync(resolve('test/fixtures/state-v1'), savepoint, { recursive: true });
  const args = ['checkpoints', '--home', aHome('job'), '-o', 'json', '--show', join(savepoint, '_metadata')];
  const whole = await flinkjob([...args, '--verify', 'job']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(whole.stdout)).toMatchObject({
    kind: 'savepoint',
    checkpointId: 42,
    verified: 'sha256',
    damaged: [],
  });
  const file = '06e52d450511c3a5b3d87044a0efe24b-0.state';
  truncateSync(join(savepoint, file), 10);
  const damaged = await flinkjob([...args, 'job']);
  expect(damaged.code).toBe(1);
  expect(JSON.parse(damaged.stdout)).toMatchObject({ verified: 'size', damaged: [{ path: file }] });
  expect(damaged.stderr).toContain(`${file}: expected 4472 bytes, found 10. Restore from another checkpoint`);
  truncateSync(join(savepoint, '_metadata'), 10);
  expect(await flinkjob([...args, 'job'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error: checkpoint metadata .* is damaged/),
  });
});

test('a savepoint that no job removes is yours, and its size is that of all its files', async () => {
  const home = aHome('job');
  const directory = join(home, 'default/job');
  const manifest = JSON.parse(readFileSync('test/fixtures/state-v1/_metadata', 'utf8')) as { jobId: string };
  writeFileSync(
    join(directory, 'job.json'),
    JSON.stringify({ jobId: manifest.jobId, name: 'job', namespace: 'default' }),
  );
  const savepoint = join(directory, 'storage', `savepoint-${manifest.jobId.slice(0, 6)}-0011223344556677`);
  cpSync(resolve('test/fixtures/state-v1'), savepoint, { recursive: true });
  const files = readdirSync(savepoint).filter((name) => name === '_metadata' || name.endsWith('.state'));
  const bytes = files.reduce((sum, name) => sum + statSync(join(savepoint, name)).size, 0);
  const listed = await flinkjob(['checkpoints', '-o', 'json', '--home', home, 'job']);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ id: 42, kind: 'savepoint', retained: false, bytes }]);
  const { stdout } = await flinkjob(['checkpoints', '--home', home, 'job']);
  expect(stdout).toContain('42\tsavepoint\tyours\t');
});

test('a job without checkpoints says so, and one that is asked for is not there', async () => {
  const home = aHome('job');
  expect(await flinkjob(['checkpoints', '--home', home, 'job'])).toEqual({
    code: 0,
    stdout: 'no checkpoints and no savepoints\n',
    stderr: '',
  });
  const { code, stderr } = await flinkjob(['checkpoints', '--home', home, '--show', '7', 'job']);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'error: job job has no checkpoint or savepoint 7 that could be read: there is none. It has none at all.\n',
  });
});

test('a port that is none is wrong usage', async () => {
  expect(await flinkjob(['run', '--rest-port', '99999', 'x.yaml'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Write a number from 0 to 65535.'),
  });
});
