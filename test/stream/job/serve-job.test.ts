import { expect, test } from 'vitest';
import { SuppressRestartsException } from '../../../src/lib/java-errors.ts';
import { StreamExecutionEnvironment } from '../../../src/stream/datastream/environment.ts';
import { buildJobGraph } from '../../../src/stream/graph/job-graph.ts';
import { InvalidJobError, JobExecutionError } from '../../../src/stream/job/errors.ts';
import { ExecutionGraph } from '../../../src/stream/job/execution-graph.ts';
import { jobControlOf } from '../../../src/stream/job/job-control.ts';
import { type JobFacts, jobViewOf } from '../../../src/stream/job/job-view-of.ts';
import { availabilityOf, type Situation } from '../../../src/stream/job/queryable-states.ts';
import { WorkerReportedError } from '../../../src/stream/job/worker-pool.ts';
import type { CheckpointView } from '../../../src/stream/rest/index.ts';
import type { SubtaskMetrics } from '../../../src/stream/task/worker-protocol.ts';
import { Types } from '../../../src/stream/types/index.ts';

const T0 = 1_700_000_000_000;

/** numbers (1) ─rebalance→ double (2) ─hash→ sums (2). */
function anExecution(): ExecutionGraph {
  const env = new StreamExecutionEnvironment({ parallelism: 2 });
  const doubled = env
    .fromCollection([1, 2, 3], Types.INT)
    .uid('numbers')
    .setParallelism(1)
    .map((value) => value * 2, Types.INT)
    .uid('double');
  doubled
    .keyBy((value) => value % 2, Types.INT)
    .reduce((left, right) => left + right)
    .uid('sums');
  return new ExecutionGraph(buildJobGraph(env.transformations(), { parallelism: 2, maxParallelism: undefined }));
}

function someFacts(more: Partial<JobFacts> = {}, options: Partial<JobFacts['options']> = {}): JobFacts {
  return {
    options: {
      jobId: 'a'.repeat(32),
      jobName: 'sums',
      attempt: 3,
      epoch: 5,
      storageUri: 's3://key:secret@bucket/flink?token=1',
      program: {
        module: { kind: 'file', path: 'job.ts' },
        workingDirectory: '/',
        args: ['--password=1'],
        parallelism: 2,
        maxParallelism: undefined,
      },
      checkpoints: {
        intervalMs: 1_000,
        timeoutMs: 60_000,
        minPauseMs: 10,
        tolerableFailures: 2,
        retained: 1,
        onCancel: 'Delete',
      },
      ...options,
    },
    state: 'RUNNING',
    since: { INITIALIZING: T0, RUNNING: T0 + 500 },
    startedAt: T0,
    outcome: undefined,
    execution: undefined,
    checkpoints: undefined,
    ...more,
  };
}

const [SOURCE, DOUBLE, SUMS] = anExecution().graph.vertices.map(({ id }) => id) as [string, string, string];

const counts = (vertexId: string, subtaskIndex: number, more: Partial<SubtaskMetrics> = {}): SubtaskMetrics => ({
  vertexId,
  subtaskIndex,
  recordsIn: 0,
  recordsOut: 0,
  state: 'running',
  user: {},
  ...more,
});

const failedWith = (error: Error): Partial<JobFacts> => ({
  state: 'FAILED',
  outcome: { outcome: 'failed', error },
  since: { INITIALIZING: T0, RUNNING: T0 + 500, FAILED: T0 + 900 },
});

test('vertices are shown with their operators, edges and subtasks on the workers that run them', () => {
  const { vertices, workers } = jobViewOf(someFacts({ execution: anExecution() }));
  expect(workers).toBe(2);
  expect(vertices.map(({ operators }) => operators.map(({ uid }) => uid))).toEqual([['numbers'], ['double'], ['sums']]);
  expect(vertices.map(({ inputs }) => inputs)).toEqual([
    [],
    [{ vertexId: SOURCE, shipStrategy: 'REBALANCE' }],
    [{ vertexId: DOUBLE, shipStrategy: 'HASH' }],
  ]);
  expect(vertices.map(({ subtasks }) => subtasks.map(({ worker, state }) => [worker, state]))).toEqual([
    [['worker-0', 'CREATED']],
    [
      ['worker-0', 'CREATED'],
      ['worker-1', 'CREATED'],
    ],
    [
      ['worker-0', 'CREATED'],
      ['worker-1', 'CREATED'],
    ],
  ]);
});

test('records and the use of time come from what subtasks report', () => {
  const execution = anExecution();
  execution.moveAll('RUNNING', T0);
  execution.report(counts(SUMS, 1), T0);
  execution.report(counts(SUMS, 1, { recordsIn: 6, state: 'idle' }), T0 + 100);
  execution.report(counts(SUMS, 1, { recordsIn: 9, recordsOut: 4, state: 'blocked' }), T0 + 400);
  const subtask = jobViewOf(someFacts({ execution })).vertices[2]?.subtasks[1];
  expect(subtask).toMatchObject({
    startTime: T0,
    recordsIn: 9,
    recordsOut: 4,
    idleMs: 100,
    backPressuredMs: 300,
    busyMs: 0,
  });
  expect(subtask?.backPressuredRatio).toBeCloseTo(0.761, 3);
  expect((subtask?.idleRatio ?? 0) + (subtask?.backPressuredRatio ?? 0)).toBeCloseTo(1);
});

test('the ratios forget what was long ago, the sums do not', () => {
  const execution = anExecution();
  execution.report(counts(DOUBLE, 0), T0);
  for (let s = 1; s <= 60; s++) execution.report(counts(DOUBLE, 0, { state: 'idle' }), T0 + s * 1_000);
  for (let s = 61; s <= 90; s++) execution.report(counts(DOUBLE, 0), T0 + s * 1_000);
  const subtask = jobViewOf(someFacts({ execution })).vertices[1]?.subtasks[0];
  expect(subtask?.busyRatio).toBeGreaterThan(0.99);
  expect(subtask).toMatchObject({ idleMs: 60_000, busyMs: 30_000 });
});

test('what functions count is summed over the subtasks of a vertex', () => {
  const execution = anExecution();
  execution.report(counts(DOUBLE, 0, { user: { odd: 2 } }), T0);
  execution.report(counts(DOUBLE, 1, { user: { odd: 3 } }), T0);
  expect(jobViewOf(someFacts({ execution })).metrics).toEqual({ 'Map.odd': 5 });
});

test('no secret of the storage or the arguments is shown', () => {
  const text = JSON.stringify(jobViewOf(someFacts({ execution: anExecution() })));
  expect(text).toContain('s3://bucket/flink');
  for (const secret of ['secret', 'token', 'password']) expect(text).not.toContain(secret);
});

test('checkpoints lie where the storage is, also the restored one', () => {
  const checkpoint: CheckpointView = {
    id: 7,
    status: 'COMPLETED',
    type: 'CHECKPOINT',
    triggerTime: T0,
    acks: {},
    location: 'x/chk-7-1-r',
  };
  const view = jobViewOf(
    someFacts({
      checkpoints: {
        counts: { restored: 1, inProgress: 0, completed: 1, failed: 0 },
        history: [checkpoint],
        latest: {
          completed: checkpoint,
          restored: { id: 6, time: T0, isSavepoint: true, location: 'file:///elsewhere/s' },
        },
      },
    }),
  ).checkpoints;
  expect([view.history[0]?.location, view.latest.completed?.location, view.latest.restored?.location]).toEqual([
    's3://bucket/flink/x/chk-7-1-r',
    's3://bucket/flink/x/chk-7-1-r',
    'file:///elsewhere/s',
  ]);
});

test('a job without periodic checkpoints has no interval', () => {
  const { checkpoints } = someFacts().options;
  const view = jobViewOf(someFacts({}, { checkpoints: { ...checkpoints, intervalMs: 0 } }));
  expect(view.checkpointConfig).toEqual({
    timeoutMs: 60_000,
    minPauseMs: 10,
    maxConcurrent: 1,
    tolerableFailures: 2,
    onCancel: 'Delete',
    storage: 's3://bucket/flink',
  });
});

test('a failure that a restart may mend is no end', () => {
  const view = jobViewOf(someFacts(failedWith(new JobExecutionError('JOB_FAILED', 'boom'))));
  expect([view.state, view.endTime, view.stateTimestamps.FAILING, view.stateTimestamps.FAILED]).toEqual([
    'FAILING',
    undefined,
    T0 + 900,
    undefined,
  ]);
});

test.each([
  ['suppressed restarts', new SuppressRestartsException(new Error('clash'))],
  ['an invalid job', new InvalidJobError('JOB_EMPTY', 'nothing to do')],
])('a failure by %s is the end of the job', (_what, error) => {
  const view = jobViewOf(someFacts(failedWith(error)));
  expect([view.state, view.endTime]).toEqual(['FAILED', T0 + 900]);
});

test('a failure is shown with its causes and the subtask it happened in', () => {
  const execution = anExecution();
  execution.move({ vertexId: SUMS, subtaskIndex: 1 }, 'FAILED', T0 + 900);
  const error = new WorkerReportedError(
    {
      name: 'TypeError',
      message: 'no delay',
      stack: '',
      code: undefined,
      unrecoverable: false,
      chain: ['TypeError: no delay', 'Error: bad record'],
    },
    'Keyed Reduce (2/2)',
  );
  expect(jobViewOf(someFacts({ ...failedWith(error), execution })).exceptions).toEqual([
    {
      name: 'TypeError',
      trace: 'TypeError: no delay\nCaused by: Error: bad record',
      time: T0 + 900,
      taskName: 'Keyed Reduce (2/2)',
      worker: 'worker-1',
    },
  ]);
});

const situation = (more: Partial<Situation>) =>
  ({ state: 'RUNNING', attempt: 1, outcome: undefined, isRescale: false, execution: 4, ...more }) as const;

test('only a running job answers queries; else the reason says what to wait for', () => {
  const failed = (error: Error): Partial<Situation> => ({ state: 'FAILED', outcome: { outcome: 'failed', error } });
  const reasonOf = (more: Partial<Situation>) => {
    const availability = availabilityOf(situation(more));
    return availability.status === 'unavailable' ? availability.reason : availability.execution;
  };
  expect(reasonOf({})).toBe(4);
  expect(reasonOf({ state: 'INITIALIZING' })).toBe('notReady');
  expect(reasonOf({ state: 'INITIALIZING', attempt: 2 })).toBe('restarting');
  expect(reasonOf({ state: 'INITIALIZING', attempt: 2, isRescale: true })).toBe('rescaling');
  expect(reasonOf(failed(new Error('boom')))).toBe('restarting');
  expect(reasonOf(failed(new SuppressRestartsException(new Error('clash'))))).toBe('terminated');
  expect(reasonOf({ state: 'SUSPENDED' })).toBe('restarting');
  for (const state of ['FINISHED', 'CANCELLING', 'CANCELED'] as const) expect(reasonOf({ state })).toBe('terminated');
});

test('cancel with savepoint cancels after the savepoint, and not when that failed', async () => {
  const calls: string[] = [];
  const control = (savepoint: () => Promise<string>) =>
    jobControlOf(
      {
        savepoint: (target) => {
          calls.push(`savepoint ${target}`);
          return savepoint();
        },
        cancel: () => calls.push('cancel'),
        checkpoint: async () => 1,
        stopWithSavepoint: async () => '',
      },
      { query: async () => ({ status: 'unknownState' }) },
      async () => undefined,
    );
  const command = { formatType: 'CANONICAL', targetDirectory: 'file:///s' } as const;
  const done = await control(async () => 'file:///s/1').cancelWithSavepoint(command);
  expect([done, calls]).toEqual([{ location: 'file:///s/1' }, ['savepoint file:///s', 'cancel']]);
  calls.length = 0;
  await expect(control(() => Promise.reject(new Error('full'))).cancelWithSavepoint(command)).rejects.toThrow('full');
  expect(calls).toEqual(['savepoint file:///s']);
});

test('a command that the job refuses at once rejects instead of throwing', async () => {
  const refuse = (): never => {
    throw new JobExecutionError('JOB_NOT_RUNNING', 'the job is INITIALIZING');
  };
  const control = jobControlOf(
    { savepoint: refuse, cancel: refuse, checkpoint: refuse, stopWithSavepoint: refuse },
    { query: refuse },
    refuse,
  );
  await expect(control.triggerSavepoint({ formatType: 'NATIVE' })).rejects.toThrow('INITIALIZING');
  await expect(control.triggerCheckpoint()).rejects.toThrow('INITIALIZING');
});
