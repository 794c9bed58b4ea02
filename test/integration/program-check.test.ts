/** A program in a process of its own: what it can reach there, and that whatever becomes of it is an answer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkProgram } from '../../src/cli/program-check/check-program.ts';
import type { ProgramOrder } from '../../src/cli/program-check/messages.ts';
import { outlineOf } from '../../src/stream/index.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { aManifest, anOperatorState } from '../stream/checkpoint/builders.ts';

const order = (source: string): ProgramOrder => ({
  module: { kind: 'inline', source },
  workingDirectory: aTemporaryDirectory(),
  args: [],
  parallelism: 2,
  jobId: 'a'.repeat(32),
  jobName: 'flights',
  state: outlineOf(aManifest([anOperatorState('numbers')])),
  from: 's3://bucket/chk-1',
  allowNonRestoredState: false,
});

test('it finds its packages, and has no environment, no other file, and nothing that it could change', async () => {
  process.env.SECRET_OF_THE_TEST = 'secret';
  onTestFinished(() => void delete process.env.SECRET_OF_THE_TEST);
  const outside = join(aTemporaryDirectory(), 'secret');
  writeFileSync(outside, 'secret');
  const project = aTemporaryDirectory();
  mkdirSync(join(project, 'node_modules/tries'), { recursive: true });
  mkdirSync(join(project, 'deploy'));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  writeFileSync(join(project, 'node_modules/tries/package.json'), '{"name":"tries","type":"module","main":"a.js"}');
  writeFileSync(
    join(project, 'node_modules/tries/a.js'),
    `import { spawnSync } from 'node:child_process';
    import { readFileSync, writeFileSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    export const tries = [
      () => process.env.SECRET_OF_THE_TEST ?? 'no-environment',
      () => readFileSync(${JSON.stringify(outside)}, 'utf8'),
      () => writeFileSync('written', 'x'),
      () => spawnSync('ls').status,
      () => new Worker('', { eval: true }),
    ];`,
  );
  writeFileSync(
    join(project, 'job.ts'),
    `import { tries } from 'tries';
    const attempt = (what) => { try { return String(what()); } catch (error) { return error.code; } };
    export const job = (env) => { env.fromSequence(1, 9).uid(tries.map(attempt).join(' ')); };`,
  );
  const module = { kind: 'file', path: '../job.ts' } as const;
  const answer = await checkProgram({ ...order(''), module, workingDirectory: join(project, 'deploy') });
  const denied = 'ERR_ACCESS_DENIED';
  expect(answer).toMatchObject({
    is: 'checked',
    problems: [expect.stringContaining('(uid numbers, ')],
    added: [`no-environment ${denied} ${denied} ${denied} ${denied}`],
    dropped: ['numbers'],
  });
});

test('one that ends its process is no answer', async () => {
  expect(await checkProgram(order('process.exit(3);'))).toEqual({
    is: 'notRun',
    why: 'its process ended (exit code 3)',
  });
});

test('one that never ends is ended', async () => {
  expect(await checkProgram(order('while (true) {}'), { timeoutMs: 500 })).toEqual({
    is: 'notRun',
    why: 'it was not done within 0.5 s',
  });
  const stopped = AbortSignal.abort();
  expect(await checkProgram(order('while (true) {}'), { signal: stopped })).toMatchObject({ is: 'notRun' });
});
