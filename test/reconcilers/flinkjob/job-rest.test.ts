import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { RestAnswer } from '../../../src/reconcilers/flinkjob/facts.ts';
import { JobRest, runsWell } from '../../../src/reconcilers/flinkjob/job-rest.ts';

const signal = new AbortController().signal;
const JOB_ID = 'a'.repeat(32);
const address = { podIp: '127.0.0.1', jobId: JOB_ID };

/** A job that answers with its state and how many checkpoints it has completed, and what it was asked. */
async function aJobThatAnswers() {
  const now = { state: 'RUNNING', completed: 0, latest: {} };
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    const what = url.endsWith('/checkpoints') ? 'checkpoints' : 'job';
    asked.push(what);
    const vertex = { parallelism: 1, tasks: { RUNNING: now.state === 'RUNNING' ? 1 : 0, FINISHED: 0 } };
    const job = { jid: JOB_ID, name: 'flights', state: now.state, vertices: [vertex] };
    const checkpoints = {
      counts: { completed: now.completed, failed: 0 },
      latest: { completed: null, ...now.latest },
      history: [],
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(what === 'job' ? job : checkpoints));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  let time = 0;
  const rest = new JobRest({ port, timeoutMs: 5_000, now: () => ++time });
  return { now, asked, rest };
}

test('a job is asked whether it runs, and then for its checkpoints', async () => {
  const { now, asked, rest } = await aJobThatAnswers();
  now.state = 'CREATED';
  const before = await rest.look(address, 1, { is: 'notAsked' }, signal);
  expect(before).toMatchObject({ is: 'answered', state: 'CREATED', runningSince: undefined });
  expect(asked).toEqual(['job']);
  now.state = 'RUNNING';
  const running = await rest.look(address, 1, before, signal);
  expect(running).toMatchObject({ state: 'RUNNING', runningSince: 2, tasksRunning: 1 });
  expect(asked).toEqual(['job', 'job', 'checkpoints']);
  expect(runsWell(running, 1)).toBe(false);
});

test('a job that runs well is asked one thing at a time, in turn, and what was not asked stays known', async () => {
  const { now, asked, rest } = await aJobThatAnswers();
  now.completed = 1;
  let seen = await rest.look(address, 1, { is: 'notAsked' }, signal);
  const again = async () => {
    if (!runsWell(seen, 1)) throw new Error('it does not run well');
    seen = await rest.lookAgain(address, seen, signal);
    return seen;
  };
  now.completed = 2;
  expect(await again()).toMatchObject({ at: 2, runningSince: 1, completed: 1 });
  expect(await again()).toMatchObject({ at: 3, runningSince: 1, completed: 2, state: 'RUNNING' });
  now.state = 'FAILING';
  expect(await again()).toMatchObject({ state: 'FAILING', runningSince: undefined, completed: 0 });
  expect(asked).toEqual(['job', 'checkpoints', 'job', 'checkpoints', 'job']);
});

test('a job that does not answer is silent since the first question that it left unanswered', async () => {
  const { rest } = await aJobThatAnswers();
  const nobody = { ...address, podIp: '127.0.0.2' };
  const first = await rest.look(nobody, 1, { is: 'notAsked' }, signal);
  expect(first).toEqual({ is: 'silent', attempt: 1, at: 1, since: 1 });
  expect(await rest.look(nobody, 1, first, signal)).toEqual({ is: 'silent', attempt: 1, at: 2, since: 1 });
});

const COMPLETED = {
  id: 7,
  external_path: 's3://bucket/chk-7',
  state_size: 1,
  end_to_end_duration: 1,
  latest_ack_timestamp: 1,
};

test.each([
  ['an instant that no date can hold', { latest: { completed: { ...COMPLETED, latest_ack_timestamp: 1e300 } } }],
  ['an instant in words', { latest: { completed: { ...COMPLETED, latest_ack_timestamp: 'now' } } }],
  ['a size beyond counting', { latest: { completed: { ...COMPLETED, state_size: 1e300 } } }],
  ['a number as text', { latest: { completed: { ...COMPLETED, id: '7' } } }],
  ['a place that is no text', { latest: { completed: { ...COMPLETED, external_path: 5 } } }],
  ['a place too long for status', { latest: { completed: { ...COMPLETED, external_path: 'x'.repeat(5_000) } } }],
  ['a beginning nowhere', { latest: { restored: { external_path: {}, restore_timestamp: 1 } } }],
  ['a failure without words', { latest: { failed: { id: 8, failure_message: { why: 'no' } } } }],
  ['a count that is none', { completed: 'many' as unknown as number }],
  ['a state that there is none of', { state: 'DANCING' }],
])('a job that answers nonsense does not answer: %s', async (_, answers) => {
  const { now, rest } = await aJobThatAnswers();
  now.latest = { completed: COMPLETED };
  expect(await rest.look(address, 1, { is: 'notAsked' }, signal)).toMatchObject({ is: 'answered' });
  Object.assign(now, answers);
  expect(await rest.look(address, 1, { is: 'notAsked' }, signal)).toMatchObject({ is: 'silent' });
});

test('what it began from, and why its newest checkpoint failed, are told with its checkpoints', async () => {
  const { now, rest } = await aJobThatAnswers();
  now.latest = {
    failed: { id: 8, failure_message: 'disk full' },
    restored: { id: 6, restore_timestamp: 17, is_savepoint: false, external_path: 's3://a' },
  };
  const told = { lastFailure: { id: 8, cause: 'disk full' }, restored: { uri: 's3://a', at: 17 } };
  now.completed = 1;
  const seen = await rest.look(address, 1, { is: 'notAsked' }, signal);
  expect(seen).toMatchObject(told);
  if (!runsWell(seen, 1)) throw new Error('it does not run well');
  expect(await rest.lookAgain(address, await again(rest, seen), signal)).toMatchObject(told);
});

async function again(rest: JobRest, seen: RestAnswer): Promise<RestAnswer> {
  const next = await rest.lookAgain(address, seen, signal);
  if (!runsWell(next, 1)) throw new Error('it does not run well');
  return next;
}
