import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { supervisorOf } from '../../src/cli/run/supervision-lock.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';

const CONTENDERS = 4;
const ROUNDS = 80;

async function aContender(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'supervision-contender.ts'), { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

async function answerTo(child: ChildProcess, order: { readonly directory: string; readonly atMs: number }) {
  const answered = once(child, 'message');
  child.send(order);
  const [answer] = await answered;
  return answer as string;
}

test('of several supervisors that find a dead one’s lock at the same instant, exactly one takes the job', async () => {
  const root = aTemporaryDirectory();
  const directories = Array.from({ length: ROUNDS }, (_, round) => join(root, String(round)));
  const dying = await aContender();
  for (const directory of directories) {
    mkdirSync(directory);
    expect(await answerTo(dying, { directory, atMs: 0 })).toBe('taken');
  }
  const gone = once(dying, 'exit');
  dying.kill('SIGKILL');
  await gone;

  const contenders = await Promise.all(Array.from({ length: CONTENDERS }, aContender));
  const wrong: string[] = [];
  for (const directory of directories) {
    const atMs = Date.now() + 3;
    const answers = await Promise.all(contenders.map((each) => answerTo(each, { directory, atMs })));
    const winner = contenders[answers.indexOf('taken')];
    const isOne = answers.filter((answer) => answer === 'taken').length === 1 && !answers.some((a) => /error/i.test(a));
    const holder = await supervisorOf({ directory, name: 'job', namespace: 'default' });
    if (!isOne || holder?.pid !== winner?.pid)
      wrong.push(`${directory}: ${answers.join(', ')}; held by ${holder?.pid}`);
  }
  expect(wrong).toEqual([]);
});
