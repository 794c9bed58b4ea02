/** Jobs that do not end as they are told to, and jobs that end as they must not. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { VersionedFile } from '../../src/ha/index.ts';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type FlinkjobProcess, type Workplace } from '../builders/flinkjob-process.ts';

/** A worker that never comes back from the code of the job once there is a gate; the main thread answers as ever. */
const BLOCKED = `import { existsSync, writeFileSync } from 'node:fs';
import { GeneratorSource, KeyedProcessFunction, Types, ValueStateDescriptor } from 'flinkjob';

class Blocking extends KeyedProcessFunction {
  open(context) {
    this.last = context.getState(new ValueStateDescriptor('last', Types.INT).setQueryable('last'));
  }
  processElement(value) {
    this.last.update(value);
    if (!existsSync('gate')) return;
    writeFileSync('stuck', String(process.pid));
    for (;;);
  }
}

export const job = (env) =>
  void env
    .fromSource(new GeneratorSource({ generate: (index) => index, recordsPerSecond: 100 }))
    .uid('numbers')
    .keyBy(() => 1, Types.INT)
    .process(new Blocking())
    .uid('blocking');
`;

/** Its main thread answers nothing any more once there is a gate, and writes down its process id before. */
const STUCK = `import { existsSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { CollectSink, GeneratorSource } from 'flinkjob';

function block() {
  if (!existsSync('gate')) return;
  writeFileSync('stuck', String(process.pid));
  for (;;);
}

export const job = (env) => {
  if (isMainThread) setInterval(block, 5);
  env.fromSource(new GeneratorSource({ generate: (index) => index, recordsPerSecond: 100 })).sinkTo(new CollectSink('none'));
};
`;

async function aStuckJob(
  at: Workplace,
  deletion: object,
  source = STUCK,
): Promise<{ run: FlinkjobProcess; pid: number }> {
  at.write('job.ts', source);
  const run = at.start('run', at.manifest('job', { typescript: { module: 'job.ts' }, deletion }));
  await run.says('running on');
  writeFileSync(join(at.directory, 'gate'), '');
  await eventually(() => existsSync(join(at.directory, 'stuck')), 30_000);
  const pid = Number(readFileSync(join(at.directory, 'stuck'), 'utf8'));
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return { run, pid };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a job that does not answer is killed after its grace, and the command ends in order', async () => {
  const at = aWorkplace();
  const { run, pid } = await aStuckJob(at, { mode: 'Savepoint', timeout: '1s' });
  const startedAt = performance.now();
  run.kill('SIGTERM');
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('stopping without a savepoint');
  expect(stderr).toContain('stopped; the job goes on from its newest checkpoint');
  expect(isAlive(pid)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  expect((await at.flinkjob('status', 'job')).stdout).toContain('Phase\tStopped');
});

test('a job whose code never returns is queried in vain, soon, and stopped without a savepoint, which is said once', async () => {
  const at = aWorkplace();
  const { run, pid } = await aStuckJob(at, { mode: 'Savepoint', timeout: '1s' }, BLOCKED);
  const askedAt = performance.now();
  expect(await at.flinkjob('query', 'job', 'last', '1')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'error: the state of job job cannot be read now: it did not answer; code of the job may keep it busy. Ask again in a moment; flinkjob status job shows how it goes.\n',
  });
  expect(performance.now() - askedAt).toBeLessThan(15_000);
  run.kill('SIGTERM');
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(
    'job: no savepoint came about within 1s (spec.deletion.timeout); stopping without a savepoint, the newest checkpoint stays\n',
  );
  expect(stderr).not.toContain('it goes on under trigger');
  expect(isAlive(pid)).toBe(false);
});

test('a second signal ends the job at once, and nobody holds it afterwards', async () => {
  const at = aWorkplace();
  const { run, pid } = await aStuckJob(at, { mode: 'Savepoint', timeout: '1h' });
  run.kill('SIGTERM');
  await run.says('stopping with a savepoint');
  run.kill('SIGINT');
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(130);
  expect(stderr).toContain('killed; the job goes on from its newest checkpoint');
  expect(stderr).not.toContain('stopping without a savepoint');
  expect(isAlive(pid)).toBe(false);
  expect(await supervisorLock(at)).toMatchObject({ term: '' });
});

async function supervisorLock(at: Workplace): Promise<unknown> {
  const directory = join(at.directory, '.flinkjob/default/job/supervisor');
  const file = new VersionedFile<unknown>({ directory, parse: (json) => json, newId: () => '', durable: false });
  return (await file.read())?.value;
}

test.each([
  ['its main thread', 'if (isMainThread) setTimeout(() => process.exit(0), 50);', '', 'before the job had finished'],
  ['a worker', '', 'if (!isMainThread) process.exit(0);', 'worker 0 ended with code 0'],
])('a job that ends its process with code 0 from %s has crashed, not finished', async (_where, inMain, inMap, says) => {
  const at = aWorkplace();
  at.write(
    'job.ts',
    `import { isMainThread } from 'node:worker_threads';
import { CollectSink, GeneratorSource } from 'flinkjob';
export const job = (env) => {
  ${inMain}
  env
    .fromSource(new GeneratorSource({ generate: (index) => index, recordsPerSecond: 100 }))
    .map((value) => { ${inMap} return value; })
    .sinkTo(new CollectSink('none'));
};
`,
  );
  const file = at.manifest('job', {
    typescript: { module: 'job.ts' },
    restart: { fixedDelay: { attempts: 1, delay: '1ms' } },
  });
  const { code, stderr } = await at.flinkjob('run', file);
  expect(code, stderr).toBe(10);
  expect(stderr).toContain(says);
  expect(stderr).toContain('gave up after 1 restart');
  const status = await at.flinkjob('status', 'job');
  expect(status.stdout).toContain('Phase\tFailed: gave up after 1 restart (spec.restart.fixedDelay)\n');
  expect(status.stdout).toContain('Restart strategy\t1 restart, each after 1ms (from spec.restart)\n');
});

test('a port that somebody takes between two attempts does not end the job, which serves on another one', async () => {
  const at = aWorkplace();
  at.write(
    'job.ts',
    `import { existsSync, writeFileSync } from 'node:fs';
import { CollectSink, GeneratorSource } from 'flinkjob';
function failOnce(value) {
  if (existsSync('failed')) return value;
  writeFileSync('failed', '');
  throw new Error('once');
}
export const job = (env) =>
  void env.fromSource(new GeneratorSource({ generate: (index) => index, count: 5 })).map(failOnce).sinkTo(new CollectSink('none'));
`,
  );
  const port = await aFreePort();
  const run = at.start(
    'run',
    '--rest-port',
    String(port),
    at.manifest('job', {
      typescript: { module: 'job.ts' },
      restart: { fixedDelay: { attempts: 1, delay: '1s' } },
    }),
  );
  await run.says('attempt 1 failed');
  const other = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(`warning: --rest-port ${port} cannot be used on 127.0.0.1: another process listens there`);
  expect(stderr).toContain('finished after 1 restart');
});

async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
