import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  FlinkClient,
  type FlinkClientOptions,
  FlinkOperationFailedError,
  FlinkOperationTimeoutError,
  FlinkResponseError,
  FlinkRestError,
  FlinkUnreachableError,
} from '../../src/flink/index.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { thrownBy } from '../builders/failure-of.ts';

const JOB = 'a'.repeat(32);
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function aServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers each request by `method path` with a status and body, in order; remembers bodies that were sent. */
async function aScript(answers: Record<string, [number, unknown][]>, options: FlinkClientOptions = {}) {
  const sent: { call: string; body: string }[] = [];
  const url = await aServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const call = `${request.method} ${request.url}`;
      sent.push({ call, body });
      const [path = ''] = call.split('?');
      const script = answers[call] ?? answers[path] ?? answers[path.replace(/[0-9a-f]{32}$/, ':id')] ?? [];
      const [status, answer] = (script.length > 1 ? script.shift() : script[0]) ?? [404, { errors: [`no ${call}`] }];
      response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  return { client: new FlinkClient(url, options), sent, url };
}

const impatient: Clock = { ...systemClock, setTimer: (_, callback) => systemClock.setTimer(0, callback) };

test('reads come back as they were sent', async () => {
  const job = { jid: JOB, name: 'job', state: 'RUNNING', vertices: [] };
  const { client } = await aScript({
    [`GET /jobs/${JOB}`]: [[200, job]],
    'GET /overview': [[200, { 'jobs-running': 1 }]],
  });
  expect(await client.job(JOB)).toEqual(job);
  expect(await client.overview()).toEqual({ 'jobs-running': 1 });
});

test('a refusal carries status and words, and says whether to try again', async () => {
  const { client, url } = await aScript({
    [`GET /jobs/${JOB}`]: [[404, { errors: [`Job ${JOB} not found`] }]],
    'GET /overview': [[503, 'busy']],
  });
  const error = (await thrownBy(() => client.job(JOB))) as FlinkRestError;
  expect(error).toBeInstanceOf(FlinkRestError);
  expect(error).toMatchObject({ status: 404, errors: [`Job ${JOB} not found`], retryable: false });
  expect(error.message).toBe(`job ${JOB} was answered 404 by ${url}/jobs/${JOB}: Job ${JOB} not found`);
});

test('nobody listening is FlinkUnreachableError with the reason', async () => {
  const url = await aServer(() => undefined);
  servers.at(-1)!.close();
  const error = await thrownBy(() => new FlinkClient(url).overview());
  expect(error).toBeInstanceOf(FlinkUnreachableError);
  expect(error.message).toMatch(/ECONNREFUSED/);
  expect(error).toMatchObject({ retryable: true });
});

test('a server that stalls, before or within its answer, is given up in time', async () => {
  const silent = await aServer(() => undefined);
  const stalling = await aServer((_, response) => {
    response.writeHead(200);
    response.write('{"jobs-');
  });
  for (const url of [silent, stalling]) {
    const error = await thrownBy(() => new FlinkClient(url, { timeoutMs: 50 }).overview());
    expect(error).toBeInstanceOf(FlinkUnreachableError);
    expect(error.message).toContain('no answer within 50 ms');
  }
});

test('an answer above the limit is not read to its end', async () => {
  let written = 0;
  const url = await aServer((_, response) => {
    const chunk = 'x'.repeat(65_536);
    const write = (): void => {
      while (!response.destroyed && written < 200_000_000) {
        written += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', write);
          return;
        }
      }
    };
    write();
  });
  const error = await thrownBy(() => new FlinkClient(url, { maxBodyBytes: 1_000_000 }).overview());
  expect(error).toBeInstanceOf(FlinkResponseError);
  expect(error.message).toContain('larger than 1000000 bytes');
  expect(written).toBeLessThan(50_000_000);
});

test.each([
  ['<html>', 'not JSON'],
  ['[]', 'field "jobs-running" is undefined, not number'],
  ['null', 'it is not an object'],
  ['{"jobs-running":"1"}', 'field "jobs-running" is string, not number'],
  ['', 'it is not an object'],
])('the answer %j cannot be used', async (body, reason) => {
  const { client } = await aScript({ 'GET /overview': [[200, body]] });
  const error = await thrownBy(() => client.overview());
  expect(error).toBeInstanceOf(FlinkResponseError);
  expect(error.message).toContain(reason);
});

test('a redirect is not followed', async () => {
  let followed = false;
  const elsewhere = await aServer((_, response) => {
    followed = true;
    response.end('{"jobs-running":1}');
  });
  const url = await aServer((_, response) => response.writeHead(302, { location: elsewhere }).end());
  expect(await thrownBy(() => new FlinkClient(url).overview())).toMatchObject({ status: 302 });
  expect(followed).toBe(false);
});

const IN_PROGRESS = { status: { id: 'IN_PROGRESS' }, operation: null };
const completed = (operation: object) => ({ status: { id: 'COMPLETED' }, operation });

test('a savepoint is polled to its end under an id of our own', async () => {
  const { client, sent } = await aScript(
    {
      [`POST /jobs/${JOB}/savepoints`]: [[202, { 'request-id': 'ignored' }]],
      [`GET /jobs/${JOB}/savepoints/:id`]: [
        [200, IN_PROGRESS],
        [200, IN_PROGRESS],
        [200, completed({ location: 'file:///sp' })],
      ],
    },
    { clock: impatient },
  );
  expect(await client.triggerSavepoint(JOB, { targetDirectory: 'file:///here', formatType: 'NATIVE' })).toBe(
    'file:///sp',
  );
  const { triggerId, ...body } = JSON.parse(sent[0]!.body);
  expect(body).toEqual({ 'target-directory': 'file:///here', formatType: 'NATIVE' });
  expect(triggerId).toMatch(/^[0-9a-f]{32}$/);
  expect(sent.slice(1).map(({ call }) => call)).toEqual(Array(3).fill(`GET /jobs/${JOB}/savepoints/${triggerId}`));
});

test('a trigger whose answer got lost is sent again under the same id', async () => {
  const ids: string[] = [];
  const url = await aServer((request, response) => {
    if (request.method === 'GET') {
      response.end(JSON.stringify(completed({ location: 'file:///sp' })));
      return;
    }
    request.on('data', (chunk) => ids.push(JSON.parse(String(chunk)).triggerId));
    request.on('end', () => (ids.length === 1 ? request.socket.destroy() : response.writeHead(202).end('{}')));
  });
  expect(await new FlinkClient(url).triggerSavepoint(JOB)).toBe('file:///sp');
  expect(ids).toHaveLength(2);
  expect(ids[0]).toBe(ids[1]);
});

test('a savepoint that fails gives its cause', async () => {
  const cause = { class: 'E', 'stack-trace': 'E: disk full', 'serialized-throwable': null };
  const { client } = await aScript({
    [`POST /jobs/${JOB}/savepoints`]: [[202, {}]],
    [`GET /jobs/${JOB}/savepoints/:id`]: [[200, completed({ 'failure-cause': cause })]],
  });
  const error = await thrownBy(() => client.triggerSavepoint(JOB));
  expect(error).toBeInstanceOf(FlinkOperationFailedError);
  expect(error.message).toBe(`savepoint of job ${JOB} failed: disk full`);
});

test('a savepoint that takes too long can be asked after by its id', async () => {
  const { client } = await aScript({
    [`POST /jobs/${JOB}/stop`]: [[202, {}]],
    [`GET /jobs/${JOB}/savepoints/:id`]: [[200, IN_PROGRESS]],
  });
  const triggerId = '5'.repeat(32);
  const error = await thrownBy(() =>
    client.stopWithSavepoint(JOB, { drain: true }, { timeoutMs: 20, pollMs: 5, triggerId }),
  );
  expect(error).toBeInstanceOf(FlinkOperationTimeoutError);
  expect(error).toMatchObject({ triggerId });
});

test('cancel is a PATCH', async () => {
  const { client, sent } = await aScript({ [`PATCH /jobs/${JOB}`]: [[202, {}]] });
  await client.cancel(JOB);
  expect(sent.map(({ call }) => call)).toEqual([`PATCH /jobs/${JOB}?mode=cancel`]);
});

test('a query gives the answer of the server without its words', async () => {
  const { client, sent } = await aScript({
    [`GET /jobs/${JOB}/state/a%2Fb`]: [[200, { status: 'found', value: [1], source: 'live' }]],
    [`GET /jobs/${JOB}/operators/uid/state/s`]: [[404, { status: 'unknownState', errors: ['none'] }]],
  });
  expect(await client.query(JOB, { stateName: 'a/b', key: 'ä&=', keyKind: 'string' })).toEqual({
    status: 'found',
    value: [1],
    source: 'live',
  });
  expect(sent[0]!.call).toBe(`GET /jobs/${JOB}/state/a%2Fb?key=%C3%A4%26%3D&keyKind=string`);
  expect(await client.query(JOB, { stateName: 's', key: '1', operatorUid: 'uid' })).toEqual({ status: 'unknownState' });
});

test('a process that is gone, or not ready, is an answer to a query', async () => {
  const { client, url } = await aScript({ [`GET /jobs/${JOB}/state/s`]: [[503, { errors: ['loading'] }]] });
  const query = { stateName: 's', key: '1' };
  expect(await client.query(JOB, query)).toEqual({ status: 'unavailable', reason: 'notReady' });
  servers.at(-1)!.close();
  servers.at(-1)!.closeAllConnections();
  expect(await new FlinkClient(url).query(JOB, query)).toEqual({ status: 'unavailable', reason: 'unreachable' });
});

test('a query of an unknown job is refused', async () => {
  const { client } = await aScript({});
  expect(await thrownBy(() => client.query(JOB, { stateName: 's', key: '1' }))).toMatchObject({ status: 404 });
});
