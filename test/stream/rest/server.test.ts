import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { StateAnswer } from '../../../src/flink/index.ts';
import {
  aCheckpoint,
  aControl,
  aJob,
  anAck,
  aSubtask,
  aVertex,
  COUNT,
  JOB,
  type ServerOptions,
  SOURCE,
  serverOptions,
  startServer,
  T0,
  type TestServer,
} from './builders.ts';

const servers: TestServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

async function started(more: Parameters<typeof serverOptions>[0] = {}): Promise<TestServer> {
  const server = await startServer(serverOptions(more));
  servers.push(server);
  return server;
}

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not computed with
  body: any;
}

async function call(server: TestServer, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const post = (server: TestServer, path: string, body?: unknown) =>
  call(server, path, { method: 'POST', ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

/** A request with headers that fetch does not let one set. */
function rawCall(server: TestServer, path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: server.host, port: server.port, path, method, headers },
      (answer: IncomingMessage) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

/** Bytes over a bare socket; resolves with everything that comes back until the server closes. */
function bytes(server: TestServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.host, () => socket.write(text));
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk.toString();
    });
    socket.on('end', () => resolve(got));
    socket.on('error', reject);
  });
}

test('the server listens on loopback at a free port', async () => {
  const server = await started();
  expect(server.host).toBe('127.0.0.1');
  expect(server.port).toBeGreaterThan(0);
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
});

test('a port that is taken is an error', async () => {
  const server = await started();
  await expect(startServer(serverOptions({ port: server.port }))).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('every answer is JSON, not to be cached', async () => {
  const { headers } = await call(await started(), '/overview');
  expect(headers.get('content-type')).toBe('application/json; charset=UTF-8');
  expect(headers.get('cache-control')).toBe('no-store');
});

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

const someCheckpoints = () => {
  const failed = aCheckpoint(3, {
    status: 'FAILED',
    acks: { [SOURCE]: [null], [COUNT]: [anAck(), null] },
    failure: { time: T0 + 2_000, message: 'Checkpoint expired before completing.' },
  });
  const savepoint = aCheckpoint(2, { type: 'SAVEPOINT', savepointFormat: 'CANONICAL', location: 'file:///sp/2' });
  const completed = aCheckpoint(1);
  return aJob({
    checkpoints: {
      counts: { restored: 1, inProgress: 0, completed: 2, failed: 1 },
      history: [failed, savepoint, completed],
      latest: {
        completed,
        savepoint,
        failed,
        restored: { id: 9, time: T0, isSavepoint: true, location: 'file:///old/sp-9' },
      },
    },
  });
};

test('/jobs/:id/checkpoints gives counts, summary, the newest of each kind and the history', async () => {
  const { body } = await call(await started({ job: someCheckpoints() }), `/jobs/${JOB}/checkpoints`);
  expect(body.counts).toEqual({ restored: 1, total: 3, in_progress: 0, completed: 2, failed: 1 });
  expect(body.summary.end_to_end_duration).toMatchObject({ min: 50, max: 50, avg: 50, p99: 50 });
  expect(body.latest.completed).toMatchObject({
    className: 'completed',
    id: 1,
    status: 'COMPLETED',
    is_savepoint: false,
    checkpoint_type: 'CHECKPOINT',
    trigger_timestamp: T0 + 1_000,
    latest_ack_timestamp: T0 + 1_050,
    end_to_end_duration: 50,
    checkpointed_size: 300,
    state_size: 1_200,
    num_subtasks: 3,
    num_acknowledged_subtasks: 3,
    external_path: `file:///state/${JOB}/chk-1`,
    discarded: false,
  });
  expect(body.latest.savepoint).toMatchObject({
    id: 2,
    is_savepoint: true,
    savepointFormat: 'CANONICAL',
    external_path: 'file:///sp/2',
  });
  expect(body.latest.failed).toMatchObject({
    className: 'failed',
    num_acknowledged_subtasks: 1,
    failure_timestamp: T0 + 2_000,
    failure_message: 'Checkpoint expired before completing.',
  });
  expect(body.latest.restored).toEqual({
    id: 9,
    restore_timestamp: T0,
    is_savepoint: true,
    external_path: 'file:///old/sp-9',
  });
  expect(body.history.map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
});

test('a job without checkpoints has empty statistics, not missing ones', async () => {
  const { body } = await call(await started(), `/jobs/${JOB}/checkpoints`);
  expect(body.latest).toEqual({ completed: null, savepoint: null, failed: null, restored: null });
  expect(body.summary.state_size).toEqual({ min: 0, max: 0, avg: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0 });
  expect(body.history).toEqual([]);
});

test('/jobs/:id/checkpoints/details/:cp gives the parts of each vertex and subtask', async () => {
  const server = await started({ job: someCheckpoints() });
  const { body } = await call(server, `/jobs/${JOB}/checkpoints/details/3`);
  expect(body.tasks[COUNT]).toMatchObject({
    id: 3,
    status: 'FAILED',
    num_subtasks: 2,
    num_acknowledged_subtasks: 1,
    state_size: 400,
  });
  expect(body.tasks[SOURCE]).toMatchObject({
    num_subtasks: 1,
    num_acknowledged_subtasks: 0,
    latest_ack_timestamp: -1,
    end_to_end_duration: 0,
  });
  const parts = (await call(server, `/jobs/${JOB}/checkpoints/details/3/subtasks/${COUNT}`)).body;
  expect(parts.subtasks).toMatchObject([
    { className: 'completed', index: 0, ack_timestamp: T0 + 1_040, checkpoint: { sync: 2, async: 20 }, start_delay: 3 },
    { className: 'pending', index: 1, status: 'pending_or_failed' },
  ]);
  expect(parts.summary.checkpoint_duration.sync).toMatchObject({ min: 2, max: 2 });
  expect(await call(server, `/jobs/${JOB}/checkpoints/details/99`)).toMatchObject({
    status: 404,
    body: { errors: ['Could not find checkpointing statistics for checkpoint 99.'] },
  });
  expect((await call(server, `/jobs/${JOB}/checkpoints/details/x`)).status).toBe(400);
});

test('/jobs/:id/checkpoints/config is not taken for a trigger', async () => {
  const { body } = await call(await started(), `/jobs/${JOB}/checkpoints/config`);
  expect(body).toMatchObject({
    mode: 'exactly_once',
    interval: 10_000,
    timeout: 600_000,
    max_concurrent: 1,
    externalization: { enabled: true, delete_on_cancellation: false },
    checkpoint_storage: 'file:///state',
    tolerable_failed_checkpoints: 0,
  });
});

test('unlimited tolerated failures are a number JSON can hold', async () => {
  const job = aJob({ checkpointConfig: { ...aJob().checkpointConfig, tolerableFailures: Number.POSITIVE_INFINITY } });
  const { body } = await call(await started({ job }), `/jobs/${JOB}/checkpoints/config`);
  expect(body.tolerable_failed_checkpoints).toBe(2_147_483_647);
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

test("an unknown job is 404 with Flink's words", async () => {
  const other = 'b'.repeat(32);
  expect(await call(await started(), `/jobs/${other}`)).toMatchObject({
    status: 404,
    body: { errors: [`Job ${other} not found`, `Could not find Flink job (${other})`] },
  });
});

test('a job id that is none is 400', async () => {
  expect(await call(await started(), '/jobs/xyz')).toMatchObject({
    status: 400,
    body: { errors: ['Cannot resolve path parameter (jobid) from value "xyz".'] },
  });
});

test.each([
  ['/nothing/here', 404, 'Not found: /nothing/here'],
  [`/jobs/${JOB}/vertices/ffff`, 404, 'JobVertex ffff not found'],
  [`/jobs/${JOB}/vertices/${COUNT}/subtasks/7`, 404, `Invalid subtask index for vertex ${COUNT}: 7`],
  [`/jobs/${JOB}/vertices/${COUNT}/subtasks/-1`, 400, 'Cannot resolve path parameter (subtaskindex) from value "-1".'],
  ['/jobs/%E0%A4%A', 400, '"%E0%A4%A" in the path is not valid percent-encoding.'],
])('GET %s is %i', async (path, status, error) => {
  expect(await call(await started(), path)).toMatchObject({ status, body: { errors: [error] } });
});

test('another method is 405 and names those there are', async () => {
  const server = await started();
  const answer = await call(server, `/jobs/${JOB}`, { method: 'DELETE' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, PATCH']);
  expect((await call(server, '/config', { method: 'POST' })).status).toBe(405);
});

test.each([
  ['starting', 'The job is being loaded. Try again.'],
  ['notLeader', 'This process does not lead the job. Try again.'],
] as const)('a process that is %s answers 503 about jobs, and still /config', async (reason, error) => {
  const server = await started({ view: () => ({ status: 'unavailable', reason }) });
  for (const path of ['/overview', '/jobs', `/jobs/${JOB}`, `/jobs/${JOB}/state/sums?key=1`]) {
    const answer = await call(server, path);
    expect([answer.status, answer.headers.get('retry-after'), answer.body]).toEqual([503, '1', { errors: [error] }]);
  }
  expect((await call(server, '/config')).status).toBe(200);
});

test('an error of ours is 500 without its words, and is reported', async () => {
  const reported: string[] = [];
  const server = await started({
    view: () => {
      throw new Error('secret detail');
    },
    onError: (error, request) => reported.push(`${request}: ${(error as Error).message}`),
  });
  const { status, body } = await call(server, '/jobs');
  expect(status).toBe(500);
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(reported).toEqual(['GET /jobs: secret detail']);
});

// Limits -----------------------------------------------------------------------------------------------------------

test('a body above the limit is 413, with and without its length given', async () => {
  const server = await started({ maxBodyBytes: 1_000 });
  const path = `/jobs/${JOB}/savepoints`;
  const large = 'x'.repeat(100_000);
  expect((await call(server, path, { method: 'POST', body: large })).status).toBe(413);
  const body = new Blob([large]).stream();
  const streamed = await call(server, path, { method: 'POST', body, duplex: 'half' } as RequestInit);
  expect(streamed).toMatchObject({ status: 413, body: { errors: ['The request body is larger than 1000 bytes.'] } });
});

test('headers above the limit are 431', async () => {
  const server = await started({ limits: { maxHeaderBytes: 2_000 } });
  expect(await rawCall(server, '/jobs', { 'x-large': 'x'.repeat(4_000) })).toBe(431);
});

test('bytes that are no HTTP are 400, in the same form', async () => {
  const got = await bytes(await started(), 'hello\r\n\r\n');
  expect(got).toMatch(/^HTTP\/1\.1 400 /);
  expect(got.endsWith('{"errors":["Bad Request."]}')).toBe(true);
});

test('a request that does not arrive in time is cut off with 408', async () => {
  const server = await started({ limits: { requestTimeoutMs: 100 } });
  expect(await bytes(server, 'POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n')).toMatch(
    /^HTTP\/1\.1 408 /,
  );
});

// Callers ----------------------------------------------------------------------------------------------------------

test("on loopback, a foreign host name is refused, this machine's names are not", async () => {
  const server = await started();
  expect(await rawCall(server, '/jobs', { host: 'evil.example' })).toBe(403);
  expect(await rawCall(server, '/jobs', { host: `localhost:${server.port}` })).toBe(200);
  expect(await rawCall(server, '/jobs', { host: `[::1]:${server.port}` })).toBe(200);
});

test('a page of another origin cannot change anything', async () => {
  let cancelled = 0;
  const cancel = () => {
    cancelled++;
    return Promise.resolve();
  };
  const server = await started({ control: aControl({ cancel }) });
  const path = `/jobs/${JOB}?mode=cancel`;
  expect(await rawCall(server, path, { origin: 'http://evil.example' }, 'PATCH')).toBe(403);
  expect(await rawCall(server, path, { origin: `http://127.0.0.1:1` }, 'PATCH')).toBe(403);
  expect(await rawCall(server, path, { origin: 'null' }, 'PATCH')).toBe(403);
  expect(cancelled).toBe(0);
  expect(await rawCall(server, path, { origin: server.url }, 'PATCH')).toBe(202);
  expect(cancelled).toBe(1);
});

// Commands ---------------------------------------------------------------------------------------------------------

/** A savepoint that ends when told. */
function aPendingSavepoint() {
  const { promise, resolve, reject } = Promise.withResolvers<{ location: string }>();
  return { promise, resolve, reject };
}

async function outcome(server: TestServer, path: string): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const answer = await call(server, path);
    if (answer.body.status?.id !== 'IN_PROGRESS') return answer;
  }
  throw new Error(`${path} stayed in progress`);
}

test('a savepoint is begun by POST, in progress until it is there, then located', async () => {
  const pending = aPendingSavepoint();
  const asked: unknown[] = [];
  const control = aControl({
    triggerSavepoint: (command) => {
      asked.push(command);
      return pending.promise;
    },
  });
  const server = await started({ control });
  const begun = await post(server, `/jobs/${JOB}/savepoints`, {
    'target-directory': 'file:///sp',
    'cancel-job': false,
  });
  expect(begun.status).toBe(202);
  const id = begun.body['request-id'];
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const path = `/jobs/${JOB}/savepoints/${id}`;
  expect(await call(server, path)).toMatchObject({
    status: 200,
    body: { status: { id: 'IN_PROGRESS' }, operation: null },
  });
  pending.resolve({ location: 'file:///sp/1' });
  expect((await outcome(server, path)).body).toEqual({
    status: { id: 'COMPLETED' },
    operation: { location: 'file:///sp/1' },
  });
  expect(asked).toEqual([{ targetDirectory: 'file:///sp', formatType: 'CANONICAL' }]);
});

test('a savepoint that fails completes with its cause', async () => {
  const triggerSavepoint = () => Promise.reject(new Error('disk full', { cause: new RangeError('ENOSPC') }));
  const server = await started({ control: aControl({ triggerSavepoint }) });
  const { body } = await post(server, `/jobs/${JOB}/savepoints`);
  expect((await outcome(server, `/jobs/${JOB}/savepoints/${body['request-id']}`)).body).toEqual({
    status: { id: 'COMPLETED' },
    operation: {
      'failure-cause': {
        class: 'Error',
        'stack-trace': 'Error: disk full\nCaused by: RangeError: ENOSPC',
        'serialized-throwable': null,
      },
    },
  });
});

test('a trigger id of the caller begins one operation however often it is sent', async () => {
  let taken = 0;
  const triggerSavepoint = () => Promise.resolve({ location: `file:///sp/${++taken}` });
  const server = await started({ control: aControl({ triggerSavepoint }) });
  const triggerId = '1'.repeat(32);
  for (let i = 0; i < 3; i++) {
    expect((await post(server, `/jobs/${JOB}/savepoints`, { triggerId })).body).toEqual({ 'request-id': triggerId });
  }
  expect((await outcome(server, `/jobs/${JOB}/savepoints/${triggerId}`)).body.operation).toEqual({
    location: 'file:///sp/1',
  });
  expect(taken).toBe(1);
});

test('cancel-job asks for a savepoint that ends the job', async () => {
  const cancelWithSavepoint = () => Promise.resolve({ location: 'file:///last' });
  const server = await started({ control: aControl({ cancelWithSavepoint }) });
  const { body } = await post(server, `/jobs/${JOB}/savepoints`, { 'cancel-job': true, formatType: 'NATIVE' });
  expect((await outcome(server, `/jobs/${JOB}/savepoints/${body['request-id']}`)).body.operation).toEqual({
    location: 'file:///last',
  });
});

test('stop-with-savepoint is asked after where savepoints are', async () => {
  const asked: unknown[] = [];
  const stopWithSavepoint = (command: unknown) => {
    asked.push(command);
    return Promise.resolve({ location: 'file:///stop' });
  };
  const server = await started({ control: aControl({ stopWithSavepoint }) });
  const { status, body } = await post(server, `/jobs/${JOB}/stop`, { targetDirectory: null, drain: true });
  expect(status).toBe(202);
  expect((await outcome(server, `/jobs/${JOB}/savepoints/${body['request-id']}`)).body.operation).toEqual({
    location: 'file:///stop',
  });
  expect(asked).toEqual([{ formatType: 'CANONICAL', drain: true }]);
});

test('a checkpoint by hand answers its id', async () => {
  const server = await started({
    control: aControl({ triggerCheckpoint: () => Promise.resolve({ checkpointId: 42 }) }),
  });
  const { status, body } = await post(server, `/jobs/${JOB}/checkpoints`, { checkpointType: 'FULL' });
  expect(status).toBe(202);
  expect((await outcome(server, `/jobs/${JOB}/checkpoints/${body['request-id']}`)).body).toEqual({
    status: { id: 'COMPLETED' },
    operation: { checkpointId: 42 },
  });
});

test('an unknown trigger is 404, a malformed one 400', async () => {
  const server = await started();
  const unknown = '2'.repeat(32);
  expect(await call(server, `/jobs/${JOB}/savepoints/${unknown}`)).toMatchObject({
    status: 404,
    body: { errors: [`Operation not found under key: ${unknown}`] },
  });
  expect((await call(server, `/jobs/${JOB}/savepoints/zzz`)).status).toBe(400);
});

test.each([
  ['{', ['The request body is not JSON']],
  ['[1]', ['The request body must be a JSON object.']],
  [
    '{"drain":"yes","formatType":"TAR","triggerId":"1","color":1}',
    [
      'Field "drain" must be true or false.',
      'Field "formatType" must be one of CANONICAL, NATIVE.',
      'Field "triggerId" must be 32 lower-case hexadecimal digits.',
      'Unknown field "color"; known are targetDirectory, drain, formatType, triggerId.',
    ],
  ],
])('the body %s is 400 and every mistake is named', async (body, errors) => {
  const answer = await call(await started(), `/jobs/${JOB}/stop`, { method: 'POST', body });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toHaveLength(errors.length);
  for (const [i, error] of errors.entries()) expect(answer.body.errors[i]).toContain(error);
});

test('cancel is 202; of a cancelled job too; of one that ended otherwise 409; another mode 400', async () => {
  let cancelled = 0;
  const cancel = () => {
    cancelled++;
    return Promise.resolve();
  };
  const patch = async (more: Partial<ServerOptions> & { job?: ReturnType<typeof aJob> }, mode = '?mode=cancel') => {
    const server = await started({ control: aControl({ cancel }), ...more });
    return (await call(server, `/jobs/${JOB}${mode}`, { method: 'PATCH' })).status;
  };
  expect(await patch({})).toBe(202);
  expect(await patch({}, '')).toBe(202);
  expect(cancelled).toBe(2);
  expect(await patch({ job: aJob({ state: 'CANCELED' }) })).toBe(202);
  expect(await patch({ job: aJob({ state: 'FINISHED' }) })).toBe(409);
  expect(await patch({}, '?mode=stop')).toBe(400);
  expect(cancelled).toBe(2);
});

test('a process that ends waits until its last savepoint was asked for', async () => {
  const server = await started({
    control: aControl({ stopWithSavepoint: () => Promise.resolve({ location: 'file:///s' }) }),
  });
  expect(await server.resultsRead(0)).toBe(true);
  const { body } = await post(server, `/jobs/${JOB}/stop`);
  expect(await server.resultsRead(1)).toBe(false);
  const read = server.resultsRead(10_000);
  await outcome(server, `/jobs/${JOB}/savepoints/${body['request-id']}`);
  expect(await read).toBe(true);
});

test('closing ends although a client keeps its connection', async () => {
  const server = await startServer(serverOptions());
  await call(server, '/jobs');
  await server.close(0);
  await expect(fetch(`${server.url}/jobs`)).rejects.toThrow();
});

test('closing cuts a request that does not end within the grace', async () => {
  const { promise: began, resolve: begin } = Promise.withResolvers<void>();
  const query = () => {
    begin();
    return new Promise<StateAnswer>(() => undefined);
  };
  const server = await startServer(serverOptions({ control: aControl({ query }) }));
  const asked = fetch(`${server.url}/jobs/${JOB}/state/sums?key=1`).then(
    () => 'answered',
    () => 'cut',
  );
  await began;
  await server.close(1);
  expect(await asked).toBe('cut');
});

// Queryable state --------------------------------------------------------------------------------------------------

const answering = (answer: StateAnswer) => {
  const asked: unknown[] = [];
  const query = (command: unknown) => {
    asked.push(command);
    return Promise.resolve(answer);
  };
  return { asked, control: aControl({ query }) };
};

test('a value is answered as JSON and says that it is live', async () => {
  const { asked, control } = answering({
    status: 'found',
    value: { flights: 3n, delays: [1.5, Number.NaN] },
    source: 'live',
  });
  const { status, body } = await call(
    await started({ control }),
    `/jobs/${JOB}/state/per%2Fairport?key=SFO&keyKind=string`,
  );
  expect(status).toBe(200);
  expect(body).toEqual({ status: 'found', value: { flights: 3, delays: [1.5, 'NaN'] }, source: 'live' });
  expect(asked).toEqual([{ stateName: 'per/airport', key: 'SFO', keyKind: 'string' }]);
});

test('an operator uid and a namespace are handed on', async () => {
  const { asked, control } = answering({ status: 'notFound' });
  await call(await started({ control }), `/jobs/${JOB}/operators/count-uid/state/sums?key=&namespace=w1`);
  expect(asked).toEqual([{ stateName: 'sums', key: '', namespace: 'w1', operatorUid: 'count-uid' }]);
});

test.each([
  [{ status: 'notFound' }, 404, { status: 'notFound', errors: ['No state for the specified key/namespace.'] }],
  [{ status: 'notFound', default: 42 }, 404, { status: 'notFound', default: 42 }],
  [
    { status: 'unknownState' },
    404,
    { status: 'unknownState', errors: ["No KvStateLocation found for KvState instance with name 'sums'."] },
  ],
  [
    { status: 'badRequest', message: 'key must be int32' },
    400,
    { status: 'badRequest', errors: ['key must be int32'] },
  ],
  [
    { status: 'failed', cause: 'boom' },
    500,
    { status: 'failed', errors: [`State 'sums' of job ${JOB} could not be read: boom`] },
  ],
] as const)('the answer %j is %i', async (answer, status, body) => {
  const { control } = answering(answer);
  expect(await call(await started({ control }), `/jobs/${JOB}/state/sums?key=1`)).toMatchObject({ status, body });
});

test.each(['restarting', 'rescaling', 'notReady', 'unreachable', 'notLeader', 'terminated'] as const)(
  'a state that is unavailable because the job is %s is 503 and says when to come again',
  async (reason) => {
    const { control } = answering({ status: 'unavailable', reason });
    const answer = await call(await started({ control }), `/jobs/${JOB}/state/sums?key=1`);
    expect(answer).toMatchObject({ status: 503, body: { status: 'unavailable', reason } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.body.errors[0]).toContain(`State 'sums' of job ${JOB} cannot be read now: `);
  },
);

test.each(['', '?keys=1', '?key=1&key=2'])('a query with the parameters "%s" is 400', async (parameters) => {
  expect((await call(await started(), `/jobs/${JOB}/state/sums${parameters}`)).status).toBe(400);
});

test('a caller that goes away ends its query', async () => {
  const { promise: began, resolve: begin } = Promise.withResolvers<AbortSignal>();
  const query = (_: unknown, signal: AbortSignal) => {
    begin(signal);
    return new Promise<StateAnswer>(() => undefined);
  };
  const server = await started({ control: aControl({ query }) });
  const caller = new AbortController();
  const asked = fetch(`${server.url}/jobs/${JOB}/state/sums?key=1`, { signal: caller.signal }).catch(() => undefined);
  const signal = await began;
  const gone = new Promise((resolve) => signal.addEventListener('abort', resolve));
  caller.abort();
  await gone;
  await asked;
});
