/** Savepoints that take longer than `spec.savepoints.timeout`: they are given up, and the job goes on. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkplace } from '../builders/flinkjob-process.ts';

/** The subtasks behind the exchange capture for as long as there is a file `slow`; those before it have captured by then. */
const SLOW_CAPTURES = `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileSink, GeneratorSource, MapFunction, Types } from 'flinkjob';

class Slow extends MapFunction {
  map(value) { return value; }
  initializeState() {}
  async snapshotState() { while (existsSync('slow')) await sleep(5); }
}

export const job = (env) =>
  void env
    .fromSource(new GeneratorSource({ generate: (index) => index, count: 3000, recordsPerSecond: 500 }))
    .uid('numbers')
    .keyBy((value) => value % 10, Types.INT)
    .map(new Slow())
    .uid('slow')
    .addSink(new FileSink({ path: 'out' }))
    .uid('out');
`;

test('a savepoint that takes too long is given up with words, and the job goes on exactly where it was', async () => {
  const at = aWorkplace();
  at.write('job.ts', SLOW_CAPTURES);
  const file = at.manifest('job', {
    typescript: { module: 'job.ts' },
    parallelism: 2,
    checkpoints: { interval: '100ms' },
    savepoints: { timeout: '1s' },
  });
  const run = at.start('run', file);
  await run.says('running on');
  writeFileSync(join(at.directory, 'slow'), '');
  const saved = await at.flinkjob('savepoint', 'job');
  const suspended = await at.flinkjob('suspend', 'job');
  for (const { code, stdout, stderr } of [saved, suspended]) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*It took longer than 1s, which spec\.savepoints\.timeout allows\..*\n$/);
  }
  rmSync(join(at.directory, 'slow'));
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('finished after 0 restarts');
  const out = join(at.directory, 'out');
  const lines = readdirSync(out).flatMap((name) => readFileSync(join(out, name), 'utf8').trim().split('\n'));
  expect(lines.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, index) => index));
});

test('automatic savepoints that take too long are told of, and the job goes on', async () => {
  const at = aWorkplace();
  at.write('job.ts', SLOW_CAPTURES);
  writeFileSync(join(at.directory, 'slow'), '');
  const run = at.start(
    'run',
    at.manifest('job', {
      typescript: { module: 'job.ts' },
      checkpoints: { interval: '0s' },
      savepoints: { interval: '1s', timeout: '1s' },
    }),
  );
  await run.says('an automatic savepoint was not taken');
  await run.says('which spec.savepoints.timeout allows');
  rmSync(join(at.directory, 'slow'));
  await run.says('took automatic savepoint');
  expect(await run.ended).toMatchObject({ code: 0 });
});
