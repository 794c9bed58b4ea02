import { expect, test } from 'vitest';
import { aControl, aJob, JOB, type ServerOptions, type TestServer } from './builders.ts';
import { type Answer, call, post, started } from './calls.ts';

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
