import { expect, test } from 'vitest';
import type { StateAnswer } from '../../../src/flink/index.ts';
import { aControl, COUNT, JOB, serverOptions, startServer } from './builders.ts';
import { bytes, call, rawCall, started } from './calls.ts';

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
