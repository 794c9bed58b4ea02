/** What is sent for a step: each write such that a stale one, or one sent twice, changes nothing. */
import { expect, test } from 'vitest';
import type { TrackedClient } from '../../../src/controller/index.ts';
import { beginningOf, EMPTY_LEDGER, type Ledger, openAttempt } from '../../../src/ha/index.ts';
import { newObject } from '../../../src/ha/kubernetes/config-map-object.ts';
import { ApiError, type KubeObject } from '../../../src/kube/index.ts';
import { type Acting, act } from '../../../src/reconcilers/flinkjob/act.ts';
import { saysTerminating } from '../../../src/reconcilers/flinkjob/create-owned.ts';
import { JobMemory } from '../../../src/reconcilers/flinkjob/memory.ts';
import { nothingDone } from '../../../src/reconcilers/flinkjob/observe.ts';
import type { Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { aJob, aPod, JOB_ID, type JobStory, UID } from '../../builders/flinkjob-facts.ts';

type Doing = Exclude<Step, { do: 'rest' }>;

/** An API server that knows a few objects, refuses what it is told to, and writes down what it is asked. */
class Server {
  readonly asked: (readonly [verb: string, name: string, what: unknown])[] = [];
  private readonly objects: Readonly<Record<string, KubeObject>>;
  private readonly refusals: Readonly<Record<string, number | typeof TERMINATING>>;

  constructor(
    objects: Readonly<Record<string, KubeObject>> = {},
    refusals: Readonly<Record<string, number | typeof TERMINATING>> = {},
  ) {
    this.objects = objects;
    this.refusals = refusals;
  }

  client(): TrackedClient {
    const answer = async (verb: string, name: string, what?: unknown): Promise<unknown> => {
      this.asked.push([verb, name, what]);
      const refused = this.refusals[verb];
      if (refused !== undefined) throw refused === TERMINATING ? terminating() : refusal(refused);
      return what;
    };
    const byName = (verb: string) => (_: unknown, ref: { name: string }, what: unknown) => answer(verb, ref.name, what);
    const bodily = (verb: string) => (_: unknown, object: KubeObject) =>
      answer(verb, object.metadata?.name ?? '', object);
    const client = {
      get: async (_: unknown, { name }: { name: string }) => this.objects[name],
      create: async (_: unknown, object: KubeObject) => {
        const name = object.metadata?.name ?? '';
        await answer('create', name, object);
        if (this.objects[name] !== undefined) throw refusal(409);
        return object;
      },
      apply: bodily('apply'),
      delete: byName('delete'),
      mergePatch: async (_: unknown, { name }: { name: string }, what: KubeObject) => {
        await answer('mergePatch', name, what);
        return { ...what, metadata: { ...what.metadata, resourceVersion: '8' } };
      },
      jsonPatch: byName('jsonPatch'),
      deleteCollection: (_: unknown, which: { labelSelector: string }) =>
        answer('deleteCollection', which.labelSelector),
      untracked: {
        client: {
          create: bodily('tryCreate'),
          get: async (_: unknown, { name }: { name: string }) => this.objects[name],
          delete: byName('delete'),
          jsonPatch: byName('jsonPatch'),
        },
        signal: new AbortController().signal,
      },
    };
    return client as unknown as TrackedClient;
  }
}

const TERMINATING = 'NamespaceTerminating';
const terminating = () => refusal(403, { reason: 'Forbidden', details: { causes: [{ reason: TERMINATING }] } });

function refusal(status: number, answer: object = { reason: status === 409 ? 'AlreadyExists' : 'Invalid' }): ApiError {
  const facts = { call: 'a call', why: 'no', code: 'KUBE', status, answer, outcome: 'notApplied', retryable: true };
  return new ApiError(facts as unknown as ConstructorParameters<typeof ApiError>[0]);
}

const doing = async (step: Doing, story: JobStory, server: Server) => {
  const memory = new JobMemory(UID);
  const done = nothingDone();
  const acting = { client: server.client(), memory, done, random: () => 0.5, clock: { now: () => 0 } };
  const acted = await act(step, story.facts(), acting as unknown as Acting);
  return { acted, memory, done };
};

const running = aJob().running();
const ours = [{ apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', name: 'flights', uid: UID, controller: true }];
const holds = (holderIdentity: string): KubeObject =>
  ({ metadata: { ownerReferences: ours }, spec: { holderIdentity } }) as unknown as KubeObject;
const freeing = { do: 'freeLease', attempt: 1, mark: 'm' } as const;

test('a Lease is emptied only while the dead pod holds it', async () => {
  const server = new Server({ 'flights-leader': holds('uid-of-a-dead-pod_nonce') });
  const { memory } = await doing(freeing, running, server);
  const path = '/spec/holderIdentity';
  expect(server.asked).toEqual([
    [
      'jsonPatch',
      'flights-leader',
      [
        { op: 'test', path, value: 'uid-of-a-dead-pod_nonce' },
        { op: 'replace', path, value: '' },
      ],
    ],
  ]);
  expect(memory.leaseFreedOf).toBe('m');
});

test.each([
  ['a pod that lives', 'uid-of-flights-1-0_nonce'],
  ['nobody', ''],
])('a Lease is left alone that %s holds', async (_who, holder) => {
  const server = new Server({ 'flights-leader': holds(holder) });
  await doing(freeing, running, server);
  expect(server.asked).toEqual([]);
});

test('who took the Lease meanwhile keeps it', async () => {
  const server = new Server({ 'flights-leader': holds('uid-of-a-dead-pod_nonce') }, { jsonPatch: 422 });
  await expect(doing(freeing, running, server)).resolves.toMatchObject({ acted: 'again' });
});

test('a Lease that could not be emptied is tried again', async () => {
  const server = new Server({ 'flights-leader': holds('uid-of-a-dead-pod_nonce') }, { jsonPatch: 500 });
  await expect(doing(freeing, running, server)).rejects.toThrow(ApiError);
});

test('a Lease that is not there is made', async () => {
  const server = new Server();
  await doing(freeing, running.pods(), server);
  expect(server.asked).toMatchObject([['create', 'flights-leader', { metadata: { ownerReferences: [{ uid: UID }] } }]]);
});

test('a pod is deleted by its uid: one of the same name is another one', async () => {
  const server = new Server();
  const pods = [aPod(), aPod({ index: 1 })];
  await doing({ do: 'deletePods', attempts: [], pods }, running, server);
  expect(server.asked).toEqual([
    ['delete', 'flights-1-0', { preconditions: { uid: 'uid-of-flights-1-0' } }],
    ['delete', 'flights-1-1', { preconditions: { uid: 'uid-of-flights-1-1' } }],
  ]);
});

test('pods whose labels somebody has changed are deleted one by one: by their labels they would not be found', async () => {
  const server = new Server();
  const pods = [aPod(), aPod({ index: 1, isMislabelled: true })];
  await doing({ do: 'deletePods', attempts: [1], pods }, running, server);
  expect(server.asked.map(([verb, name]) => [verb, name])).toEqual([
    ['delete', 'flights-1-0'],
    ['delete', 'flights-1-1'],
  ]);
});

test('whole attempts go in one request, which names them and this FlinkJob: of another of its name it finds nothing', async () => {
  const server = new Server();
  const { done } = await doing(
    { do: 'deletePods', attempts: [1], pods: [aPod(), aPod({ index: 1 })] },
    running,
    server,
  );
  expect(server.asked).toEqual([
    ['deleteCollection', `flinkjob.dev/job-uid=${UID},flinkjob.dev/attempt in (1)`, undefined],
  ]);
  expect([...done.pods.values()].every(({ isDeleting }) => isDeleting)).toBe(true);
});

test('pods that nobody waits for any more are forced, by their uid, and known to be', async () => {
  const server = new Server();
  const { done } = await doing({ do: 'forcePods', pods: [aPod()] }, running, server);
  expect(server.asked).toEqual([
    ['delete', 'flights-1-0', { preconditions: { uid: 'uid-of-flights-1-0' }, gracePeriodSeconds: 0 }],
  ]);
  expect(done.pods.get('uid-of-flights-1-0')).toMatchObject({ isForced: true });
});

test('a finalizer is written to the version that was read, and others are left', async () => {
  const server = new Server();
  const story = running.object({ finalizers: ['theirs', 'flinkjob.dev/cleanup'], resourceVersion: '7' });
  await doing({ do: 'removeFinalizer', say: [] }, story, server);
  expect(server.asked).toEqual([
    ['mergePatch', 'flights', { metadata: { finalizers: ['theirs'], resourceVersion: '7', uid: UID } }],
  ]);
});

test('what is written to the resource after its finalizer is tested against the version that made', async () => {
  const server = new Server();
  const { done } = await doing({ do: 'addFinalizer' }, running.object({ resourceVersion: '7' }), server);
  expect(done).toMatchObject({ hasFinalizer: true, resourceVersion: '8' });
});

test('the first revision is recorded together with the finalizer, and both are known of', async () => {
  const server = new Server();
  const revision = { name: 'flights-abc', number: 1, semantic: {}, image: 'i' };
  const { done } = await doing({ do: 'addFinalizer', revision }, running, server);
  expect(server.asked.map(([verb, name]) => `${verb} ${name}`).sort()).toEqual([
    'create flights-abc',
    'mergePatch flights',
  ]);
  expect(done.hasFinalizer).toBe(true);
  expect(done.revisions.get('flights-abc')).toEqual(revision);
});

test.each([{ mergePatch: 409 }, { create: 500 }])(
  'of two writes at a time neither failure is lost: %o',
  async (refused) => {
    const revision = { name: 'flights-abc', number: 1, semantic: {}, image: 'i' };
    const server = new Server({}, refused);
    await expect(doing({ do: 'addFinalizer', revision }, running, server)).rejects.toThrow(ApiError);
    expect(server.asked).toHaveLength(2);
  },
);

const begun = openAttempt(EMPTY_LEDGER, { at: 0, epoch: 1, revision: 'flights-abc' });
const making = { do: 'createHandles', epoch: 1, ledger: begun, say: [] } as const;
const where = { namespace: 'team', name: 'flights-ha', labels: {} };
const pointers = (ledger: Ledger, epoch: number): KubeObject =>
  newObject(where, beginningOf(ledger, epoch, 'operator')) as KubeObject;

test('pointers are made with the first attempt open in them, in one request', async () => {
  const server = new Server();
  const { acted, memory } = await doing(making, running, server);
  expect(server.asked).toMatchObject([
    [
      'tryCreate',
      'flights-ha',
      { metadata: { annotations: { 'flinkjob.dev/epoch': '1', 'flinkjob.dev/attempt': '1' } } },
    ],
  ]);
  expect(acted).toBe('again');
  expect(memory.handles).toMatchObject({ is: 'there', view: { attempt: 1, epoch: 1, ledger: begun } });
});

test('pointers that an answer was lost about are taken for what was made', async () => {
  const server = new Server({ 'flights-ha': pointers(begun, 1) }, { tryCreate: 409 });
  await expect(doing(making, running, server)).resolves.toMatchObject({ acted: 'again' });
});

test('of pointers that were there before nothing is said as if they had been made', async () => {
  const server = new Server({ 'flights-ha': pointers(EMPTY_LEDGER, 7) }, { tryCreate: 409 });
  const { acted, memory } = await doing(making, running, server);
  expect(acted).toBe('refused');
  expect(memory.handles).toMatchObject({ is: 'there', view: { attempt: 0, epoch: 7, ledger: EMPTY_LEDGER } });
});

test('a pod has the name of its attempt and index, and one that is there already is as good', async () => {
  const server = new Server({ 'flights-1-3': { metadata: { ownerReferences: ours } } as KubeObject });
  const { memory } = await doing({ do: 'makePods', attempt: 1, indexes: [3] }, running, server);
  expect(server.asked).toMatchObject([['create', 'flights-1-3', {}]]);
  expect(memory.highestIndex(1, [])).toBe(3);
});

test('what an earlier FlinkJob of the name left is removed by its uid, and what is not ours is left alone', async () => {
  const left = { metadata: { uid: 'old', ownerReferences: [{ ...ours[0], uid: 'earlier' }] } } as KubeObject;
  const making = { do: 'makePods', attempt: 1, indexes: [0] } as const;
  const server = new Server({ 'flights-1-0': left, flights: { metadata: { uid: UID } } });
  await expect(doing(making, running, server)).rejects.toMatchObject({ code: 'LEFTOVER_REMOVED' });
  expect(server.asked.at(-1)).toEqual(['delete', 'flights-1-0', { preconditions: { uid: 'old' } }]);
  const theirs = new Server({ 'flights-1-0': { metadata: { uid: 'x' } } as KubeObject });
  await expect(doing(making, running, theirs)).rejects.toMatchObject({ code: 'NAME_CONFLICT' });
  expect(theirs.asked.map(([verb]) => verb)).toEqual(['create']);
});

test('what stands in the way is left alone where the FlinkJob that is looked at is there no more: it may belong to the next one', async () => {
  const theirs = { metadata: { uid: 'new', ownerReferences: [{ ...ours[0], uid: 'later' }] } } as KubeObject;
  for (const now of [{}, { flights: { metadata: { uid: 'later' } } }]) {
    const server = new Server({ 'flights-1-0': theirs, ...now });
    const making = { do: 'makePods', attempt: 1, indexes: [0] } as const;
    await expect(doing(making, running, server)).rejects.toMatchObject({ code: 'JOB_REPLACED' });
    expect(server.asked.map(([verb]) => verb)).toEqual(['create']);
  }
});

test.each([
  ['that bears our labels', { labels: { 'flinkjob.dev/job': 'flights' } }],
  ['that bears our numbers', { annotations: { 'flinkjob.dev/epoch': 'seven' } }],
])('pointers that cannot be read go with the job: an object %s', async (_, marks) => {
  const server = new Server({ 'flights-ha': { metadata: { uid: 'u', ...marks } } });
  await doing({ do: 'deleteHandles', uid: '' }, running, server);
  expect(server.asked).toMatchObject([['delete', 'flights-ha', { preconditions: { uid: 'u' } }]]);
});

test('a ConfigMap of somebody else that has the name of the pointers stays', async () => {
  const server = new Server({ 'flights-ha': { metadata: { uid: 'u', labels: { app: 'haproxy' } } } });
  const { memory } = await doing({ do: 'deleteHandles', uid: '' }, running, server);
  expect(server.asked).toEqual([]);
  expect(memory.handles).toEqual({ is: 'absent' });
});

test('a ledger that the server does not take is told of in the words of the server', async () => {
  const server = new Server({}, { jsonPatch: 403 });
  const step = { do: 'writeLedger', why: '', ledger: running.ledger, say: [] } as const;
  await expect(doing(step, running, server)).rejects.toThrow('flights-ha was not written: a call: no');
});

test('a revision is deleted by its uid: the same spec of another FlinkJob has the same name', async () => {
  const server = new Server();
  const facts = running.facts();
  const [name = '', record] = [...facts.revisions][0]!;
  const revisions = new Map([[name, { ...record, uid: 'uid-of-the-revision' }]]);
  const memory = new JobMemory(UID);
  const acting = { client: server.client(), memory, done: nothingDone() } as unknown as Acting;
  await act({ do: 'deleteRevisions', names: [name] }, { ...facts, revisions }, acting);
  expect(server.asked).toEqual([['delete', name, { preconditions: { uid: 'uid-of-the-revision' } }]]);
});

const down = running
  .deleted()
  .status({ jobId: JOB_ID, attempt: { number: 1 } })
  .pods()
  .withoutHandles();
const working = {
  do: 'workInStorage',
  order: { do: 'removeBytes', uid: UID, attempts: 1, jobIds: [JOB_ID], keep: [] },
  revision: [...running.facts().revisions.values()][0]!,
  life: { jobId: JOB_ID, since: '2026-11-21T10:00:00Z' },
  deadlineSeconds: 60,
} as const;

test('work in the storage is one pod by name, also where the pointers are gone; one that is there is as good', async () => {
  const server = new Server();
  const { done } = await doing(working, down, server);
  expect(server.asked).toMatchObject([['create', 'flights-storage-remove', { spec: { activeDeadlineSeconds: 60 } }]]);
  expect(done.storagePod).toMatchObject({ name: 'flights-storage-remove' });
  const labels = { 'app.kubernetes.io/component': 'storage' };
  const known = { metadata: { name: 'flights-storage-remove', uid: 'x', labels, ownerReferences: ours } };
  const again = await doing(working, down, new Server({ 'flights-storage-remove': known as KubeObject }));
  expect(again.done.storagePod).toMatchObject({ uid: 'x' });
});

test.each([403, 422])(
  'a pod for it that is refused with %i is no failure: how often and why is remembered',
  async (status) => {
    const { memory, acted } = await doing(working, down, new Server({}, { create: status }));
    expect(memory.storageTries).toEqual({ times: 1, at: 0, refused: 'a call: no' });
    expect(acted).toBe('again');
  },
);

test('one that the server could not make just now is tried again as anything else', async () => {
  await expect(doing(working, down, new Server({}, { create: 500 }))).rejects.toThrow(ApiError);
});

test('that nothing can be made in a namespace is told from every other refusal', async () => {
  const refused = (verb: string, what: number | 'NamespaceTerminating') => new Server({}, { [verb]: what });
  const failure = await doing(working, down, refused('create', 'NamespaceTerminating')).catch(
    (error: unknown) => error,
  );
  expect(saysTerminating(failure)).toBe(true);
  expect(saysTerminating(new Error('outer', { cause: failure }))).toBe(true);
  expect(saysTerminating(refusal(403))).toBe(false);
  const probe = { do: 'probeNamespace' } as const;
  const found = async (server: Server) => (await doing(probe, running, server)).memory.isNamespaceTerminating;
  expect(await found(refused('tryCreate', 'NamespaceTerminating'))).toBe(true);
  for (const status of [409, 403, 500]) expect(await found(refused('tryCreate', status))).toBe(false);
  expect(await found(new Server())).toBe(false);
});

test('a pod that is not to go on is deleted by its uid', async () => {
  const server = new Server();
  const pod = { name: 'flights-storage-remove', uid: 'x', isDeleting: false, end: undefined, trouble: undefined };
  const { done } = await doing({ do: 'endStorageWork', pod }, down, server);
  expect(server.asked).toEqual([['delete', 'flights-storage-remove', { preconditions: { uid: 'x' } }]]);
  expect(done.storagePod).toMatchObject({ isDeleting: true });
});
