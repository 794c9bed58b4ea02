import { expect, test } from 'vitest';
import { aCheckpoint, aJob, aSubtask, aVertex, COUNT, JOB, SOURCE, T0 } from './builders.ts';
import { call, started } from './calls.ts';

test('/config and /overview say what runs here', async () => {
  const server = await started();
  expect((await call(server, '/config')).body).toMatchObject({
    'flink-version': '0.1.0',
    'flink-revision': 'abcdef0',
    'timezone-offset': 0,
  });
  expect((await call(server, '/overview')).body).toEqual({
    taskmanagers: 2,
    'slots-total': 2,
    'slots-available': 0,
    'jobs-running': 1,
    'jobs-finished': 0,
    'jobs-cancelled': 0,
    'jobs-failed': 0,
    'flink-version': '0.1.0',
    'flink-commit': 'abcdef0',
  });
});

test('/jobs lists the job, also under /v1', async () => {
  const server = await started();
  const listed = { jobs: [{ id: JOB, status: 'RUNNING' }] };
  expect((await call(server, '/jobs')).body).toEqual(listed);
  expect((await call(server, '/v1/jobs')).body).toEqual(listed);
});

test('/jobs/overview counts subtasks by state', async () => {
  const job = aJob({ vertices: [aVertex({ subtasks: [aSubtask(), aSubtask({ state: 'FINISHED' })] })] });
  const { body } = await call(await started({ job }), '/jobs/overview');
  expect(body.jobs[0]).toEqual({
    jid: JOB,
    name: 'flight delays',
    state: 'RUNNING',
    'start-time': T0,
    'end-time': -1,
    duration: 10_000,
    'last-modification': T0 + 500,
    tasks: {
      total: 2,
      created: 0,
      scheduled: 0,
      deploying: 0,
      running: 1,
      finished: 1,
      canceling: 0,
      canceled: 0,
      failed: 0,
      reconciling: 0,
      initializing: 0,
    },
  });
});

test('/jobs/:id shows state, times, vertices and plan', async () => {
  const { body } = await call(await started(), `/jobs/${JOB}`);
  expect(body).toMatchObject({
    jid: JOB,
    state: 'RUNNING',
    'job-type': 'STREAMING',
    'start-time': T0,
    'end-time': -1,
    now: T0 + 10_000,
    maxParallelism: 128,
    timestamps: { CREATED: T0, RUNNING: T0 + 500, FAILED: 0 },
    'status-counts': { RUNNING: 2, FINISHED: 0 },
  });
  expect(body.vertices[1]).toMatchObject({
    id: COUNT,
    name: 'count',
    parallelism: 2,
    maxParallelism: 128,
    status: 'RUNNING',
    'start-time': T0 + 100,
    'end-time': -1,
    duration: 9_900,
    tasks: { RUNNING: 2 },
    metrics: {
      'read-records': 40,
      'write-records': 10,
      'read-bytes': 2_000,
      'read-records-complete': true,
      'accumulated-busy-time': 60,
    },
  });
  expect(body.plan.nodes[1]).toMatchObject({
    id: COUNT,
    parallelism: 2,
    description: 'count (count-uid)',
    inputs: [{ num: 0, id: SOURCE, ship_strategy: 'HASH', exchange: 'pipelined_bounded' }],
  });
});

test('a vertex has an end only when each subtask has', async () => {
  const ended = (endTime: number) => aSubtask({ state: 'FINISHED', endTime: T0 + endTime });
  const { startTime: _, ...waiting } = aSubtask({ state: 'CREATED' });
  const job = aJob({
    vertices: [
      aVertex({ subtasks: [aSubtask(), ended(700)] }),
      aVertex({ subtasks: [ended(900), ended(700)] }),
      aVertex({ subtasks: [waiting] }),
    ],
  });
  const { body } = await call(await started({ job }), `/jobs/${JOB}`);
  const shown = body.vertices.map((vertex: Record<string, unknown>) => [
    vertex.status,
    vertex['start-time'],
    vertex['end-time'],
    vertex.duration,
  ]);
  expect(shown).toEqual([
    ['RUNNING', T0 + 100, -1, 9_900],
    ['FINISHED', T0 + 100, T0 + 900, 800],
    ['CREATED', -1, -1, -1],
  ]);
});

test('a job id in capitals is the same job', async () => {
  expect((await call(await started(), `/jobs/${JOB.toUpperCase()}`)).status).toBe(200);
});

test('/jobs/:id/status, /plan, /config and /accumulators', async () => {
  const server = await started();
  expect((await call(server, `/jobs/${JOB}/status`)).body).toEqual({ status: 'RUNNING' });
  expect((await call(server, `/jobs/${JOB}/plan`)).body.plan.nodes).toHaveLength(2);
  expect((await call(server, `/jobs/${JOB}/config`)).body['execution-config']).toMatchObject({
    'restart-strategy': 'fixed delay (3 attempts, 10s)',
    'job-parallelism': 2,
    'user-config': { 'checkpoints.interval': '10s' },
  });
  expect((await call(server, `/jobs/${JOB}/accumulators`)).body['user-task-accumulators']).toEqual([]);
});

test('/jobs/:id/vertices/:vid and one subtask of it', async () => {
  const server = await started();
  const { body } = await call(server, `/jobs/${JOB}/vertices/${COUNT}`);
  expect(body).toMatchObject({ id: COUNT, name: 'count', parallelism: 2, maxParallelism: 128 });
  const second = { subtask: 1, status: 'RUNNING', endpoint: 'worker-1', host: 'worker-1', duration: 9_900 };
  expect(body.subtasks[1]).toMatchObject(second);
  expect((await call(server, `/jobs/${JOB}/vertices/${COUNT}/subtasks/1`)).body).toMatchObject(second);
});

test('backpressure is ok up to a tenth, low up to a half, then high', async () => {
  const at = (backPressuredRatio: number) => aSubtask({ backPressuredRatio });
  const job = aJob({ vertices: [aVertex({ subtasks: [at(0.1), at(0.5), at(0.51)] })] });
  const { body } = await call(await started({ job }), `/jobs/${JOB}/vertices/${COUNT}/backpressure`);
  expect(body).toMatchObject({ status: 'ok', 'backpressure-level': 'high' });
  expect(body.subtasks.map((one: { [level: string]: unknown }) => one['backpressure-level'])).toEqual([
    'ok',
    'low',
    'high',
  ]);
});

test('/jobs/:id/exceptions shows the newest first, as many as asked for', async () => {
  const failure = (n: number) => ({ name: 'TypeError', trace: `TypeError: ${n}`, time: T0 + n });
  const job = aJob({ exceptions: [{ ...failure(2), taskName: 'count (1/2)', worker: 'worker-0' }, failure(1)] });
  const server = await started({ job });
  expect((await call(server, `/jobs/${JOB}/exceptions`)).body).toEqual({
    'root-exception': 'TypeError: 2',
    timestamp: T0 + 2,
    'all-exceptions': [
      { exception: 'TypeError: 2', task: 'count (1/2)', location: 'worker-0', timestamp: T0 + 2 },
      { exception: 'TypeError: 1', task: '(unassigned)', location: '(unassigned)', timestamp: T0 + 1 },
    ],
    truncated: false,
    exceptionHistory: {
      entries: [
        {
          exceptionName: 'TypeError',
          stacktrace: 'TypeError: 2',
          timestamp: T0 + 2,
          failureLabels: {},
          taskName: 'count (1/2)',
          endpoint: 'worker-0',
          taskManagerId: 'worker-0',
          concurrentExceptions: [],
        },
        {
          exceptionName: 'TypeError',
          stacktrace: 'TypeError: 1',
          timestamp: T0 + 1,
          failureLabels: {},
          concurrentExceptions: [],
        },
      ],
      truncated: false,
    },
  });
  const { body } = await call(server, `/jobs/${JOB}/exceptions?maxExceptions=1`);
  expect([body.exceptionHistory.entries.length, body.exceptionHistory.truncated]).toEqual([1, true]);
  expect((await call(server, `/jobs/${JOB}/exceptions?maxExceptions=many`)).status).toBe(400);
});

test('/jobs/:id/metrics lists names, and values of those asked for', async () => {
  const job = aJob({
    restarts: 3,
    checkpoints: {
      counts: { restored: 1, inProgress: 1, completed: 7, failed: 2 },
      history: [],
      latest: { completed: aCheckpoint(7) },
    },
  });
  const server = await started({ job });
  const names = (await call(server, `/jobs/${JOB}/metrics`)).body;
  expect(names).toContainEqual({ id: 'numberOfCompletedCheckpoints' });
  const asked =
    'numRestarts,fullRestarts,numberOfCompletedCheckpoints,lastCheckpointSize,lastCheckpointDuration,unknown,__proto__';
  expect((await call(server, `/jobs/${JOB}/metrics?get=${asked}`)).body).toEqual([
    { id: 'numRestarts', value: '3' },
    { id: 'fullRestarts', value: '3' },
    { id: 'numberOfCompletedCheckpoints', value: '7' },
    { id: 'lastCheckpointSize', value: '300' },
    { id: 'lastCheckpointDuration', value: '50' },
  ]);
});

test('metrics of a vertex are given by subtask, and aggregated', async () => {
  const server = await started();
  const vertex = `/jobs/${JOB}/vertices/${COUNT}`;
  expect((await call(server, `${vertex}/metrics?get=0.numRecordsIn,1.numRecordsIn`)).body).toEqual([
    { id: '0.numRecordsIn', value: '10' },
    { id: '1.numRecordsIn', value: '30' },
  ]);
  expect((await call(server, `${vertex}/subtasks/1/metrics?get=numRecordsIn`)).body).toEqual([
    { id: 'numRecordsIn', value: '30' },
  ]);
  expect((await call(server, `${vertex}/subtasks/metrics?get=numRecordsIn`)).body).toEqual([
    { id: 'numRecordsIn', min: 10, max: 30, avg: 20, sum: 40 },
  ]);
  expect((await call(server, `${vertex}/subtasks/metrics?get=numRecordsIn&agg=max`)).body).toEqual([
    { id: 'numRecordsIn', max: 30 },
  ]);
});

test('/jobs/:id/execution-result is in progress until the job has ended', async () => {
  const running = await started();
  expect((await call(running, `/jobs/${JOB}/execution-result`)).body).toEqual({
    status: { id: 'IN_PROGRESS' },
    'job-execution-result': null,
  });
  const failed = await started({
    job: aJob({
      state: 'FAILED',
      endTime: T0 + 900,
      exceptions: [{ name: 'Error', trace: 'Error: boom', time: T0 + 900 }],
    }),
  });
  expect((await call(failed, `/jobs/${JOB}/execution-result`)).body).toMatchObject({
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: JOB,
      'application-status': 'FAILED',
      'net-runtime': 900,
      'failure-cause': { class: 'Error', 'stack-trace': 'Error: boom' },
    },
  });
});

// Errors -----------------------------------------------------------------------------------------------------------
