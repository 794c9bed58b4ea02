import { expect, test } from 'vitest';
import type { StateAnswer } from '../../../src/flink/index.ts';
import { aControl, JOB } from './builders.ts';
import { call, started } from './calls.ts';

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
