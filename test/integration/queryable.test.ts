import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answerTo } from '../../src/cli/program-check/answer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { causeChain } from '../../src/lib/errors.ts';
import { type JobOutcome, outlineFrom } from '../../src/stream/index.ts';
import { eventually } from '../builders/eventually.ts';
import { aServedJob, JOB_ID } from '../builders/served-job.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';

const COUNTS = 'test/fixtures/jobs/queryable-counts.ts';
const CLASH = 'test/fixtures/jobs/queryable-clash.ts';

/** A job that has counted all its 100 orders. */
async function countedOrders(parallelism: number) {
  const job = await aServedJob({ module: COUNTS, parallelism });
  await job.running();
  const isCounted = async (state: string, key: string, count: number) =>
    (await job.query(state, key)).body.value === count;
  await eventually(() => isCounted('customer-count', 'customer-9', 10));
  await eventually(() => isCounted('order-count', String(2n ** 60n + 99n), 1));
  await eventually(() => isCounted('pair-count', '["customer-9", 0]', 4));
  return job;
}

test('every key of every kind is read from the subtask that owns it', async () => {
  const job = await countedOrders(2);
  for (let customer = 0; customer < 10; customer++) {
    const { status, body } = await job.query('customer-count', `customer-${customer}`);
    expect([status, body]).toEqual([200, { status: 'found', value: 10, source: 'live' }]);
  }
  for (let id = 0; id < 100; id++) {
    expect((await job.query('order-ids', String(2n ** 60n + BigInt(id)))).body.value).toEqual([id]);
  }
  const pairs = await Promise.all(
    ['["customer-3", 0]', '["customer-3", 1]', '["customer-3", "2"]'].map((key) => job.query('pair-count', key)),
  );
  expect(pairs.map(({ body }) => body.value)).toEqual([4, 3, 3]);
  expect((await job.query('customer-items', 'customer-4')).body.value).toEqual({ pen: 10 });
});

test('a process whose lease may have run out answers no query, and nothing about its job', async () => {
  let leads = true;
  const job = await aServedJob({ module: COUNTS, leads: () => leads });
  await job.running();
  await eventually(async () => (await job.query('customer-count', 'customer-1')).status === 200);
  leads = false;
  expect((await job.query('customer-count', 'customer-1')).status).toBe(503);
  expect((await job.get('')).status).toBe(503);
  leads = true;
  expect((await job.get('')).status).toBe(200);
});

test('a query by operator finds only the states of that operator', async () => {
  const job = await countedOrders(1);
  const read = async (uid: string) => (await job.get(`/operators/${uid}/state/customer-count?key=customer-1`)).status;
  expect([await read('by-customer'), await read('by-order'), await read('nobody')]).toEqual([200, 404, 404]);
});

test('what is not there is said to be not there, and what is wrong is said to be wrong', async () => {
  const job = await countedOrders(1);
  const unknownKey = await job.query('customer-count', 'stranger');
  expect([unknownKey.status, unknownKey.body]).toMatchObject([404, { status: 'notFound', default: 0 }]);
  const unknownState = await job.query('no-such-state', 'customer-1');
  expect([unknownState.status, unknownState.body.status]).toEqual([404, 'unknownState']);
  const otherJob = await fetch(`${job.server.url}/jobs/${'b'.repeat(32)}/state/customer-count?key=x`);
  expect([otherJob.status, await otherJob.json()]).toEqual([
    404,
    { errors: [`Job ${'b'.repeat(32)} not found`, `Could not find Flink job (${'b'.repeat(32)})`] },
  ]);
  for (const answer of [
    await job.query('order-count', 'twelve'),
    await job.query('order-count', '12', { keyKind: 'int32' }),
    await job.query('pair-count', '["customer-1"]'),
    await job.query('customer-count', 'customer-1', { namespace: 'tomorrow' }),
    await job.query('customer-count', 'customer-1', { namespace: '0,1000' }),
  ]) {
    expect([answer.status, answer.body.status]).toEqual([400, 'badRequest']);
  }
});

test('a query while the job is deployed is told to come back, and is answered then', async () => {
  const gate = join(aTemporaryDirectory(), 'open');
  const job = await aServedJob({ module: COUNTS, args: [gate] });
  await eventually(() => job.master.execution?.all().every(({ state }) => state === 'INITIALIZING') === true);
  const early = await job.query('customer-count', 'customer-1');
  expect([early.status, early.body]).toMatchObject([503, { status: 'unavailable', reason: 'notReady' }]);
  expect(early.headers.get('retry-after')).not.toBeNull();
  writeFileSync(gate, '');
  await eventually(async () => (await job.query('customer-count', 'customer-1')).body.value === 10);
});

test('a query after the end says that the job has ended', async () => {
  const job = await countedOrders(1);
  job.master.cancel();
  await job.ended;
  const late = await job.query('customer-count', 'customer-1');
  expect([late.status, late.body]).toMatchObject([503, { status: 'unavailable', reason: 'terminated' }]);
});

test.each([
  ['two vertices', 2, [], 'has already been registered by another operator'],
  ['two operators chained in one vertex', 1, [], 'has already been registered by another operator'],
  ['two states of one operator', 1, ['states'], 'States "first" and "second" of one operator'],
])('a name that %s claim ends the job for good', async (_who, parallelism, args, text) => {
  const job = await aServedJob({ module: CLASH, parallelism, args });
  const outcome = await job.ended;
  expect(codesAndTexts(outcome)).toContain('SUPPRESS_RESTARTS');
  expect(codesAndTexts(outcome)).toContain('Registration name clash.');
  expect(codesAndTexts(outcome)).toContain(text);
  expect((await job.get('')).body.state).toBe('FAILED');
  expect(JSON.stringify((await job.get('/exceptions')).body)).toContain('Registration name clash.');
});

test('the running job is shown: vertices, uids, states, records, checkpoints', async () => {
  const job = await countedOrders(2);
  const { body } = await job.get('');
  expect(body).toMatchObject({ jid: 'a'.repeat(32), name: 'orders', state: 'RUNNING' });
  const vertices = body.vertices as { name: string; status: string; parallelism: number }[];
  expect(vertices.map(({ parallelism, status }) => [parallelism, status])).toEqual([
    [1, 'RUNNING'],
    [2, 'RUNNING'],
    [2, 'RUNNING'],
    [2, 'RUNNING'],
  ]);
  const recordsRead = async () =>
    ((await job.get('')).body.vertices as { metrics: Record<string, number> }[]).map(
      (each) => each.metrics['read-records'],
    );
  await eventually(async () => (await recordsRead()).slice(1).every((read) => read === 100));
});

test('a checkpoint and a savepoint are taken on demand, and the job goes on', async () => {
  const job = await countedOrders(1);
  const checkpoint = await job.call('POST', '/checkpoints', {});
  expect(checkpoint.status).toBe(202);
  expect(await job.operation('checkpoints', checkpoint)).toMatchObject({ checkpointId: 1 });
  const savepoint = await job.operation('savepoints', await job.call('POST', '/savepoints', {}));
  expect(savepoint.location).toMatch(/^file:\/\/\/.*\/savepoint-aaaaaa-/);
  const { counts, latest } = (await job.get('/checkpoints')).body as {
    counts: object;
    latest: Record<string, { external_path: string }>;
  };
  expect(counts).toMatchObject({ completed: 2, failed: 0 });
  expect(latest.savepoint?.external_path).toBe(savepoint.location);
  expect(latest.completed?.external_path).toMatch(/^file:\/\/\/.*\/chk-1-/);
  expect((await job.query('customer-count', 'customer-1')).status).toBe(200);
});

test('a stop with savepoint can be asked after when the job has ended', async () => {
  const job = await countedOrders(1);
  const stop = await job.call('POST', '/stop', {});
  const outcome = await job.ended;
  expect(await job.server.resultsRead(0)).toBe(false);
  const { location } = await job.operation('savepoints', stop);
  expect(outcome).toEqual({ outcome: 'stoppedWithSavepoint', savepoint: location });
  expect(await job.server.resultsRead(0)).toBe(true);
});

function codesAndTexts(outcome: JobOutcome): string {
  if (outcome.outcome !== 'failed') return outcome.outcome;
  return causeChain(outcome.error)
    .map((each) => `${(each as { code?: string }).code ?? ''} ${(each as Error).message}`)
    .join('\n');
}

test('the newest checkpoint tells what it asks of a program, and the program that took it takes it up', async () => {
  const job = await countedOrders(2);
  expect((await job.get('/checkpoints/restore-point')).body).toEqual({ 'restore-point': null });
  await job.operation('checkpoints', await job.call('POST', '/checkpoints', {}));
  const { body } = await job.get('/checkpoints/restore-point');
  const state = outlineFrom(body['restore-point']);
  if (state === undefined) throw new Error(`no outline: ${JSON.stringify(body)}`);
  const program = { module: { kind: 'file', path: COUNTS }, workingDirectory: process.cwd(), args: [] } as const;
  const names = { jobId: JOB_ID, jobName: 'orders', from: 'file:///chk-1', allowNonRestoredState: false };
  expect(await answerTo({ ...program, ...names, parallelism: 2, state }, systemClock)).toMatchObject({
    is: 'checked',
    problems: [],
    added: [],
    dropped: [],
  });
  const renamed = state.operators.map((each) => ({ ...each, operatorId: each.operatorId.replace(/^./, 'f') }));
  expect(
    await answerTo({ ...program, ...names, parallelism: 2, state: { ...state, operators: renamed } }, systemClock),
  ).not.toMatchObject({ problems: [] });
});
