import { expect, test } from 'vitest';
import { answerTo } from '../../../src/cli/program-check/answer.ts';
import type { ProgramOrder } from '../../../src/cli/program-check/messages.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { outlineOf } from '../../../src/stream/index.ts';
import { aManifest, anOperatorState } from '../../stream/checkpoint/builders.ts';

const JOB = `export const job = (env) => { env.fromSequence(1, 9).uid('numbers').map((n) => n).uid('doubled'); };`;

/** Holds a program against the state of operators with these uids. */
const answer = (source: string, uids: readonly string[] = ['numbers'], more: Partial<ProgramOrder> = {}) =>
  answerTo(
    {
      module: { kind: 'inline', source },
      workingDirectory: process.cwd(),
      args: [],
      parallelism: 2,
      jobId: 'a'.repeat(32),
      jobName: 'flights',
      state: outlineOf(aManifest(uids.map((uid) => anOperatorState(uid)))),
      from: 's3://bucket/chk-1',
      allowNonRestoredState: false,
      ...more,
    },
    systemClock,
  );

test('a program that has the operators of the state takes it up', async () => {
  expect(await answer(`import type { Job } from 'flinkjob'; ${JOB}`)).toEqual({
    is: 'checked',
    problems: [],
    unchecked: [expect.stringContaining('a source is not opened')],
    added: ['doubled'],
    dropped: [],
  });
});

test('state without a place is a problem, unless it may be dropped', async () => {
  expect(await answer(JOB, ['numbers', 'gone'])).toMatchObject({
    problems: [expect.stringContaining('(uid gone, ')],
    dropped: ['gone'],
  });
  const allowed = { allowNonRestoredState: true };
  expect(await answer(JOB, ['gone'], allowed)).toMatchObject({ problems: [], dropped: ['gone'] });
});

test('a parallelism above the stored maximum is a problem', async () => {
  expect(await answer(JOB, ['numbers'], { parallelism: 9, maxParallelism: 16 })).toMatchObject({
    problems: [expect.stringContaining('maximum parallelism (8)'), expect.any(String)],
  });
});

test.each([
  ['no job', 'export const other = 1;', 'exports no job'],
  ['no operators', 'export const job = () => {};', 'defines no operators'],
  ['syntax that needs a build', 'enum A { B } export const job = () => {};', 'stripping types cannot handle'],
])('a program with %s can run nowhere', async (_, source, why) => {
  expect(await answer(source)).toEqual({ is: 'invalid', why: expect.stringContaining(why) });
});

test.each([
  ['lacks a package', `import 'not-installed'; ${JOB}`, 'not-installed'],
  [
    'fails while it describes the job',
    `export const job = () => { throw new Error('no KAFKA_URL'); };`,
    'no KAFKA_URL',
  ],
])('a program that %s is not run here, which says nothing of elsewhere', async (_, source, why) => {
  expect(await answer(source)).toEqual({ is: 'notRun', why: expect.stringContaining(why) });
});
