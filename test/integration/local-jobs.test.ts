import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type Workplace } from '../builders/flinkjob-process.ts';

const COUNTS = resolve('test/fixtures/jobs/queryable-counts.ts');

/** A job that counts 100 orders and then waits. */
function aCountingJob(at: Workplace): string {
  return at.manifest('counts', { typescript: { module: COUNTS }, checkpoints: { interval: '100ms', retained: 2 } });
}

const json = (text: string) => JSON.parse(text) as Record<string, unknown>;

test('a job is run, watched, queried, saved, suspended, resumed, killed, and found again each time', async () => {
  const at = aWorkplace();
  const file = aCountingJob(at);
  const first = at.start('run', file);
  await first.says('running on 1 worker');
  await eventually(
    async () => (await at.flinkjob('query', 'counts', 'customer-count', 'customer-3')).stdout === '10\n',
    30_000,
  );

  const running = json((await at.flinkjob('status', '-o', 'json', 'counts')).stdout);
  expect(running).toMatchObject({
    name: 'counts',
    namespace: 'default',
    phase: 'Running',
    attempt: { number: 1 },
    restarts: { count: 0 },
    maxParallelism: [128],
    restartStrategy: { text: 'no restarts', source: 'manifest' },
    vertices: [{ status: 'RUNNING', parallelism: 1, recordsOut: expect.any(Number), recordsInPerSecond: 0 }],
    checkpoint: { kind: 'checkpoint', id: expect.any(Number), bytes: expect.any(Number) },
  });

  const second = await at.flinkjob('run', file);
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: job counts is already run by process \d+/),
  });

  const saved = await at.flinkjob('savepoint', '--target', 'nightly', 'counts');
  expect(saved).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^file:\/\/\/.*\/nightly\/savepoint-/),
  });
  const outside = await at.flinkjob('savepoint', '--target', '/somewhere', 'counts');
  expect(outside.code).toBe(1);
  expect(outside.stderr).toMatch(
    /^error: savepoint of job \w+ failed: savepoints of this job lie below file:.* \(SAVEPOINT_TARGET_OUTSIDE_STORAGE\)\n$/,
  );
  const upwards = await at.flinkjob('savepoint', '--target', 'nightly/../../up', 'counts');
  expect(upwards).toMatchObject({ code: 1, stdout: '' });
  expect(upwards.stderr).toMatch(/^error: savepoint of job \w+ failed: (?!\w+(Exception|Error):).* \([A-Z_]+\)\n$/);

  const suspended = await at.flinkjob('suspend', 'counts');
  expect(suspended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^file:\/\/\/.*\/savepoint-/) });
  expect(await first.ended).toMatchObject({ code: 0, stderr: expect.stringContaining(suspended.stdout.trim()) });
  expect(await at.flinkjob('suspend', 'counts')).toMatchObject({ code: 0, stdout: suspended.stdout });
  const still = json((await at.flinkjob('status', '-o', 'json', 'counts')).stdout);
  expect(still).toMatchObject({ phase: 'Suspended', checkpoint: { kind: 'savepoint' }, maxParallelism: [128] });
  expect(still).toMatchObject({ attempt: { ended: { how: 'suspended' } } });
  expect(still.vertices).toBeUndefined();

  const again = at.start('resume', 'counts');
  await again.says(suspended.stdout.trim());
  await again.says('running on 1 worker');
  // Its source remembers nothing: the restored counts of 10 grow by another 10.
  await eventually(
    async () => (await at.flinkjob('query', 'counts', 'customer-count', 'customer-3')).stdout === '20\n',
    30_000,
  );
  again.kill('SIGKILL');
  await again.ended;
  const stopped = json((await at.flinkjob('status', '-o', 'json', 'counts')).stdout);
  expect(stopped).toMatchObject({ phase: 'Stopped', attempt: { number: 2 } });

  const listed = JSON.parse((await at.flinkjob('checkpoints', '--verify', '-o', 'json', 'counts')).stdout) as Record<
    string,
    unknown
  >[];
  expect(listed.every(({ problems }) => (problems as unknown[]).length === 0)).toBe(true);
  expect(listed.map(({ location }) => location)).toContain(saved.stdout.trim());
  expect(listed.filter(({ retained }) => retained)).toHaveLength(2);
  const shown = json(
    (await at.flinkjob('checkpoints', '--show', saved.stdout.trim(), '--verify', '-o', 'json', 'counts')).stdout,
  );
  expect(shown).toMatchObject({ kind: 'savepoint', jobName: 'counts', verified: 'sha256', damaged: [] });
  expect(shown.operators).toContainEqual(
    expect.objectContaining({
      uid: 'by-customer',
      keyed: expect.arrayContaining([
        expect.objectContaining({ name: 'items', kind: 'map', type: 'map<string, int32>', keyType: 'string' }),
      ]),
    }),
  );
});

test('a job takes savepoints by itself, keeps the newest two, and leaves those that were asked for', async () => {
  const at = aWorkplace();
  const storage = join(at.directory, '.flinkjob/default/counts/storage');
  const file = at.manifest('counts', {
    typescript: { module: COUNTS },
    checkpoints: { interval: '100ms' },
    savepoints: { interval: '1s', retained: 2 },
  });
  const automatic = new Set<string>();
  const looked = (): number => {
    const whole = readdirSync(storage).filter(
      (name) => /^savepoint-.*-auto/.test(name) && existsSync(join(storage, name, '_metadata')),
    );
    for (const name of whole) automatic.add(name);
    return whole.length;
  };
  const first = at.start('run', file);
  await first.says('took automatic savepoint');
  const manual = (await at.flinkjob('savepoint', 'counts')).stdout.trim();
  first.kill('SIGKILL');
  await first.ended;
  const second = at.start('run', file);
  await second.says('running on');
  const before = automatic.size;
  await eventually(() => looked() > 0 && automatic.size >= before + 4, 30_000);
  second.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(looked()).toBe(2);
  expect(existsSync(join(fileURLToPath(manual), '_metadata'))).toBe(true);
});
