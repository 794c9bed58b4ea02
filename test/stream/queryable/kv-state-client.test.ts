import { expect, test } from 'vitest';
import {
  answerKvStateRequest,
  FlinkJobNotFoundException,
  type JobAvailability,
  JobMasterKvStateGateway,
  KvStateClient,
  type KvStateClientDeps,
  type KvStateRegistration,
  KvStateRegistry,
  type KvStateRequest,
  type KvStateResponse,
  KvStateServerUnreachableException,
} from '../../../src/stream/queryable/index.ts';
import { thrownBy } from '../../builders/failure-of.ts';
import { anEventQueue, anImpatientClock, aRegistry, aState, at, idsInOrder, JOB, range } from './builders.ts';

/** A job of two subtasks with 16 key groups; subtask i is served at port i. Key k has hash k and value `subtask:k`. */
function aJob(options: Partial<KvStateClientDeps> = {}) {
  const registry = aRegistry({ v: 16 }).registry;
  const gateway = new JobMasterKvStateGateway({ jobId: JOB, eventQueue: anEventQueue(), registry: () => registry });
  const tasks = [0, 1].map((subtask) => new KvStateRegistry(idsInOrder(`task${subtask}`)));
  const clock = anImpatientClock();
  const job = { availability: { status: 'running', execution: 1 } as JobAvailability, asked: 0, clock };
  const send = (address: { port: number }, request: KvStateRequest): Promise<KvStateResponse> => {
    job.asked++;
    const task = tasks[address.port];
    if (task === undefined) return Promise.reject(new KvStateServerUnreachableException('connection refused'));
    return Promise.resolve(answerKvStateRequest(task, request, 'client'));
  };
  const client = new KvStateClient({
    jobId: JOB,
    assignToKeyGroup: (hash, maxParallelism) => hash % maxParallelism,
    availability: () => job.availability,
    send,
    clock,
    ...options,
  });
  client.setOracle(gateway);

  /** Lets a subtask serve its half of the key groups. */
  const serve = (
    subtask: 0 | 1,
    more: Partial<KvStateRegistration> = {},
    absent: (key: number) => boolean = () => false,
  ) => {
    const keyGroupRange = range(subtask * 8, subtask * 8 + 7);
    const place = { jobId: JOB, jobVertexId: 'v', keyGroupRange, registrationName: 'sums' };
    const state = aState((key) =>
      absent(key as number) ? { found: false } : { found: true, value: `${subtask}:${key}` },
    );
    const handle = tasks[subtask]!.registerKvState({ ...place, state });
    registry.notifyKvStateRegistered({ ...handle, address: at(subtask), ...more });
    return handle;
  };
  const query = (key: number, more: Record<string, unknown> = {}) =>
    client.query({ stateName: 'sums', key, keyHash: key, ...more });
  return { job, client, registry, tasks, serve, query, gateway };
}

test('a key is answered by the subtask that owns its key group', async () => {
  const { serve, query } = aJob();
  serve(0);
  serve(1);
  expect(await query(7)).toEqual({ status: 'found', value: '0:7', source: 'live' });
  expect(await query(8)).toEqual({ status: 'found', value: '1:8', source: 'live' });
  expect(await query(16 + 3)).toEqual({ status: 'found', value: '0:19', source: 'live' });
});

test('256 keys become visible', async () => {
  const { serve, query } = aJob();
  serve(0);
  serve(1);
  const answers = await Promise.all(Array.from({ length: 256 }, (_, key) => query(key)));
  expect(answers.map((answer) => (answer.status === 'found' ? answer.value : answer))).toEqual(
    Array.from({ length: 256 }, (_, key) => `${key % 16 < 8 ? 0 : 1}:${key}`),
  );
});

test('a query before the start eventually answers', async () => {
  const { serve, query, job } = aJob();
  job.availability = { status: 'unavailable', reason: 'notReady' };
  const answer = query(3);
  job.clock.setTimer(50, () => {
    job.availability = { status: 'running', execution: 1 };
    serve(0);
  });
  expect(await answer).toEqual({ status: 'found', value: '0:3', source: 'live' });
});

test('a key without an entry is notFound, at once', async () => {
  const { serve, query, job } = aJob();
  serve(0, {}, (key) => key === 3);
  expect(await query(3)).toEqual({ status: 'notFound' });
  expect([job.asked, job.clock.slept]).toEqual([1, []]);
});

test('a name nobody registered is unknownState, at once', async () => {
  const { query, job } = aJob();
  expect(await query(3)).toEqual({ status: 'unknownState' });
  expect([job.asked, job.clock.slept]).toEqual([0, []]);
});

test('a state that was unknown is found once it is registered', async () => {
  const { query, serve } = aJob();
  expect(await query(3)).toEqual({ status: 'unknownState' });
  serve(0);
  expect(await query(3)).toMatchObject({ status: 'found' });
});

test('a location from another execution of the job is not used again', async () => {
  const { query, serve, job, client, gateway } = aJob();
  serve(0);
  let lookups = 0;
  client.setOracle({
    requestKvStateLocation: (jobId, name) => {
      lookups++;
      return gateway.requestKvStateLocation(jobId, name);
    },
  });
  await query(3);
  job.availability = { status: 'running', execution: 2 };
  await query(3);
  expect(lookups).toBe(2);
});

test('a stale location is replaced by what the oracle says at the next try', async () => {
  const { query, serve, client, gateway, job } = aJob();
  const { registry: before } = aRegistry({ v: 16 });
  before.notifyKvStateRegistered({
    jobVertexId: 'v',
    keyGroupRange: range(0, 15),
    registrationName: 'sums',
    kvStateId: 'long gone',
    address: at(0),
  });
  serve(0);
  let asked = 0;
  client.setOracle({
    requestKvStateLocation: (jobId, name) =>
      asked++ === 0 ? Promise.resolve(before.getKvStateLocation(name)!) : gateway.requestKvStateLocation(jobId, name),
  });
  expect(await query(3)).toEqual({ status: 'found', value: '0:3', source: 'live' });
  expect([asked, job.clock.slept]).toEqual([2, [50]]);
});

test('a state of another operator is unknownState when the operator is named', async () => {
  const { serve, query } = aJob();
  serve(0, { operatorId: 'op-1' });
  expect(await query(3, { operatorId: 'op-2' })).toEqual({ status: 'unknownState' });
  expect(await query(3, { operatorId: 'op-1' })).toMatchObject({ status: 'found' });
});

test('a key group nobody serves is unavailable after 10 tries, 50 ms doubling to 2 s', async () => {
  const { serve, query, job } = aJob();
  serve(0);
  expect(await query(8)).toEqual({ status: 'unavailable', reason: 'notReady' });
  expect(job.clock.slept).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  expect(job.asked).toBe(0);
});

test('an owner that does not serve the id any more is looked up again', async () => {
  const { serve, query, tasks, job } = aJob();
  const first = serve(0);
  expect(await query(3)).toMatchObject({ status: 'found' });
  tasks[0]!.unregisterKvState(first);
  job.clock.setTimer(0, () => serve(0));
  expect(await query(3)).toEqual({ status: 'found', value: '0:3', source: 'live' });
});

test('a refused connection is tried again, and then unavailable', async () => {
  const { serve, query, job } = aJob();
  serve(0, { address: at(99) });
  expect(await query(3)).toEqual({ status: 'unavailable', reason: 'unreachable' });
  expect(job.asked).toBe(10);
});

test('an owner that never answers is given up after the time of a try', async () => {
  const { serve, query } = aJob({
    send: () => new Promise(() => undefined),
    retry: { maxTries: 2 },
    tryTimeoutMs: 1_234,
  });
  serve(0);
  expect(await query(3)).toEqual({ status: 'unavailable', reason: 'unreachable' });
});

test('an owner that stays silent, busy in code of the job, is waited for twice and not for half a minute', async () => {
  let asked = 0;
  const silent = (): Promise<KvStateResponse> => {
    asked++;
    return new Promise(() => {});
  };
  const { serve, query, job } = aJob({ send: silent });
  serve(0);
  expect(await query(3)).toEqual({ status: 'unavailable', reason: 'unreachable' });
  expect(asked).toBe(2);
  expect(job.clock.slept).toEqual([2_000, 50, 2_000]);
});

test('a state that fails is the answer failed, not tried again', async () => {
  const { query, serve } = aJob({ send: () => Promise.resolve({ kind: 'failed', cause: 'boom' }) });
  serve(0);
  expect(await query(3)).toEqual({ status: 'failed', cause: 'boom' });
});

test.each(['restarting', 'rescaling', 'notReady'] as const)(
  'a job that is %s stays unavailable for that reason',
  async (reason) => {
    const { serve, query, job } = aJob();
    serve(0);
    job.availability = { status: 'unavailable', reason };
    expect(await query(3)).toEqual({ status: 'unavailable', reason });
    expect(job.asked).toBe(0);
  },
);

test.each(['notLeader', 'terminated'] as const)('a process that is %s says so without waiting', async (reason) => {
  const { serve, query, job } = aJob();
  serve(0);
  job.availability = { status: 'unavailable', reason };
  expect(await query(3)).toEqual({ status: 'unavailable', reason });
  expect(job.clock.slept).toEqual([]);
});

test('an answer that crossed a restart does not count', async () => {
  const rig = aJob({
    send: () => {
      rig.job.asked++;
      // The job restarts while the old owner answers; the first answer is of the old execution.
      if (rig.job.asked === 1) rig.job.availability = { status: 'running', execution: 2 };
      return Promise.resolve({ kind: 'found', value: `answer ${rig.job.asked}` });
    },
  });
  rig.serve(0);
  expect(await rig.query(3)).toEqual({ status: 'found', value: 'answer 2', source: 'live' });
});

test('an answer that comes when the job rescales is unavailable, never the old value', async () => {
  const rig = aJob({
    send: () => {
      rig.job.availability = { status: 'unavailable', reason: 'rescaling' };
      return Promise.resolve({ kind: 'found', value: 'stale' });
    },
  });
  rig.serve(0);
  expect(await rig.query(3)).toEqual({ status: 'unavailable', reason: 'rescaling' });
});

test('a name that vanishes while the job restarts is not called unknown', async () => {
  const rig = aJob();
  rig.client.setOracle({
    requestKvStateLocation: (job, name) => {
      rig.job.availability = { status: 'unavailable', reason: 'restarting' };
      return rig.gateway.requestKvStateLocation(job, name);
    },
  });
  expect(await rig.query(3)).toEqual({ status: 'unavailable', reason: 'restarting' });
});

test('without a JobMaster the location cannot be had, and the job is not ready', async () => {
  const { client, query } = aJob();
  client.setOracle(undefined);
  expect(await query(3)).toEqual({ status: 'unavailable', reason: 'notReady' });
});

test('a JobMaster of another job is an error, and the lookup is not kept', async () => {
  const rig = aJob();
  rig.serve(0);
  rig.client.setOracle({ requestKvStateLocation: () => Promise.reject(new FlinkJobNotFoundException(JOB)) });
  expect(await thrownBy(() => rig.query(3))).toBeInstanceOf(FlinkJobNotFoundException);
  rig.client.setOracle(rig.gateway);
  expect(await rig.query(3)).toMatchObject({ status: 'found' });
});

test('a location is asked for once and reused', async () => {
  const rig = aJob();
  rig.serve(0);
  let lookups = 0;
  rig.client.setOracle({
    requestKvStateLocation: (job, name) => {
      lookups++;
      return rig.gateway.requestKvStateLocation(job, name);
    },
  });
  for (let i = 0; i < 5; i++) await rig.query(3);
  expect(lookups).toBe(1);
});

test('a caller that gives up ends the tries', async () => {
  const { query: _, client, job } = aJob();
  job.availability = { status: 'unavailable', reason: 'restarting' };
  const answer = await client.query({ stateName: 'sums', key: 1, keyHash: 1 }, AbortSignal.abort());
  expect(answer).toEqual({ status: 'unavailable', reason: 'restarting' });
  expect(job.clock.slept).toEqual([]);
});
