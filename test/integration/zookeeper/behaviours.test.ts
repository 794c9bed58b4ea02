/** What Apache Flink's tests ask of its ZooKeeper stores, and what its tree looks like, on a real server. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { decodeConnectionInfo } from '../../../src/flink/index.ts';
import {
  checkpointKey,
  FencedWriter,
  HaObjectCorruptException,
  type HighAvailabilityServices,
  haServices,
  NotExistException,
  openZooKeeperHaServices,
  PossibleInconsistentStateException,
  type StateHandleStore,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../../src/ha/index.ts';
import { JobTree, ZooKeeperHandleBackend, zookeeperBackend } from '../../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { IOException } from '../../../src/lib/java-errors.ts';
import { ZooKeeperClient } from '../../../src/zookeeper/index.ts';
import { aCheckpoint, granted, JOB } from '../../builders/ha.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { countingStorage } from '../../faults/counting-storage.ts';
import { ZooKeeperProxy } from '../../faults/zookeeper-proxy.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);

const newId = () => randomBytes(8).toString('hex');
const until = (isTrue: () => boolean | Promise<boolean>): Promise<void> =>
  expect.poll(isTrue, { timeout: 30_000, interval: 5 }).toBe(true) as unknown as Promise<void>;
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );

/** The object of one job with a leader behind a proxy, and other processes that read. */
async function aJob() {
  const cluster = `cluster-${newId()}`;
  const tree = new JobTree('/flink', cluster, JOB);
  const storage = countingStorage();
  const proxy = await ZooKeeperProxy.start(server!.port);
  const process = (port: number) => {
    const client = zooKeeperClient(port);
    const backend = zookeeperBackend({ client, cluster, jobId: JOB, clock: systemClock, newId });
    onTestFinished(() => backend.close());
    const writer = new FencedWriter({ backend: backend.handles, clock: systemClock, random: () => 0.1, retries: 5 });
    const files = stateStorage<string>({ storage, directory: 'ha', kind: 'state', epoch: () => writer.epoch, newId });
    const store: StateHandleStore<string> = stateHandleStore({
      writer,
      storage: files,
      keyFilter: (key) => key.startsWith('checkpointID-'),
    });
    const lead = () => writer.takeOver({ identity: newId(), atLeast: 0 });
    return { client, backend, writer, store, lead };
  };
  const leader = process(proxy.port);
  const other = process(server!.port);
  onTestFinished(() => proxy.stop());
  await other.backend.handles.create(0);
  await leader.lead();
  const files = () => storage.written.filter((path) => !storage.deleted.includes(path));
  return { tree, storage, proxy, leader, other, files, process };
}

const KEY = checkpointKey(1);
const nodeOf = (tree: JobTree) => `${tree.checkpoints}/0000000000000000001`;
const VERSION = StringResourceVersion.valueOf('1.1');

const SAFE = {
  NodeExists: -110,
  BadArguments: -8,
  NoNode: -101,
  NoAuth: -102,
  BadVersion: -103,
  AuthFailed: -115,
  InvalidACL: -114,
  SessionMoved: -118,
  NotReadOnly: -119,
};

test.each(Object.entries(SAFE))('a state whose add is refused for sure (%s) is discarded', async (_, error) => {
  const { proxy, storage, leader } = await aJob();
  proxy.fail(...Array.from({ length: 20 }, () => ({ do: 'answer', error }) as const));
  const failure = await failureOf(leader.store.addAndLock(KEY, 'new'));
  expect(failure).toBeInstanceOf(Error);
  expect(failure).not.toBeInstanceOf(PossibleInconsistentStateException);
  expect(storage.deleted).toHaveLength(1);
});

test.each(
  Object.entries({
    SystemError: -1,
    RuntimeInconsistency: -2,
    QuotaExceeded: -125,
    ThrottledOp: -127,
    unheardOf: -999,
  }),
)('after any other error (%s) it is unclear, and nothing is discarded', async (_, error) => {
  const { proxy, storage, leader } = await aJob();
  proxy.fail(...Array.from({ length: 20 }, () => ({ do: 'answer', error }) as const));
  const failure = await failureOf(leader.store.addAndLock(KEY, 'new'));
  expect(failure).toBeInstanceOf(PossibleInconsistentStateException);
  expect(storage.deleted).toEqual([]);
});

test('an add is one request, and one more where the object is watched', async () => {
  const { proxy, leader, other } = await aJob();
  const requestsOfAdds = async (from: number): Promise<number> => {
    const { requests } = proxy;
    for (let id = from; id < from + 10; id += 1) await leader.store.addAndLock(checkpointKey(id), `${id}`);
    await other.backend.handles.read();
    return proxy.requests - requests;
  };
  expect(await requestsOfAdds(1)).toBe(10);
  const seen: unknown[] = [];
  onTestFinished(leader.backend.handles.watch({ seen: (snapshot) => void seen.push(snapshot), failed: () => {} }));
  await until(() => seen.length === 1);
  expect(await requestsOfAdds(11)).toBeLessThanOrEqual(20);
  await until(() => (seen.at(-1) as { seq: number }).seq === 21);
});

test('a transaction that was done and is sent again is a success', async () => {
  const { proxy, storage, leader, other } = await aJob();
  proxy.fail({ do: 'dropAfter' });
  await leader.store.addAndLock(KEY, 'new');
  expect(storage.deleted).toEqual([]);
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('new');
});

test('a replacement that stays unclear leaves both files', async () => {
  const { proxy, leader, files } = await aJob();
  await leader.store.addAndLock(KEY, 'old');
  proxy.fail(...Array.from({ length: 20 }, () => ({ do: 'answer', error: -1 }) as const));
  expect(await failureOf(leader.store.replace(KEY, VERSION, 'new'))).toBeInstanceOf(PossibleInconsistentStateException);
  expect(files()).toHaveLength(2);
});

test('of two that hold a state the first remover is told no; then a failing discard leaves it marked; then it goes', async () => {
  const { tree, storage, leader, other, files } = await aJob();
  await leader.store.addAndLock(KEY, 'held');
  const held = await other.store.getAndLock(KEY);
  expect(await leader.store.releaseAndTryRemove(KEY)).toBe(false);
  expect(await held.retrieveState()).toBe('held');
  expect(await failureOf(other.store.getAndLock(KEY))).toBeInstanceOf(NotExistException);
  await other.store.release(KEY);
  storage.failDeletes(1);
  expect(await failureOf(leader.store.releaseAndTryRemove(KEY))).toMatchObject({
    message: expect.stringContaining('cannot delete'),
  });
  expect(await other.client.exists(nodeOf(tree))).toBeDefined();
  expect(await leader.store.releaseAndTryRemove(KEY)).toBe(true);
  expect(await other.client.exists(nodeOf(tree))).toBeUndefined();
  expect(files()).toEqual([]);
});

test('a state that others hold is not overwritten by an add, nor discarded with all others', async () => {
  const { leader, other, files } = await aJob();
  await leader.store.addAndLock(KEY, 'held');
  await leader.store.addAndLock(checkpointKey(2), 'free');
  await other.store.getAndLock(KEY);
  await leader.store.releaseAndTryRemoveAll();
  expect(files()).toHaveLength(1);
  expect(await failureOf(leader.store.addAndLock(KEY, 'new'))).toMatchObject({
    cause: { message: expect.stringContaining('held by another process') },
  });
  await other.store.releaseAll();
  await leader.store.addAndLock(KEY, 'new');
  expect(files()).toHaveLength(1);
});

test('a state that is added has the locks of its node, one that is marked has no children, as Flink has it', async () => {
  const { tree, storage, leader, other } = await aJob();
  await leader.store.addAndLock(KEY, 'state');
  const locks = `${nodeOf(tree)}/locks`;
  expect(await other.client.getChildren(nodeOf(tree))).toEqual(['locks']);
  expect(await other.client.getChildren(locks)).toHaveLength(1);
  storage.failDeletes(1);
  await failureOf(leader.store.releaseAndTryRemove(KEY));
  expect(await other.client.getChildren(nodeOf(tree))).toEqual([]);
});

test('reading a state that cannot be understood leaves no lock', async () => {
  const { tree, leader, other } = await aJob();
  await leader.store.addAndLock(KEY, 'state');
  await leader.client.transaction([{ do: 'setData', path: nodeOf(tree), data: Buffer.from('garbage'), version: -1 }]);
  expect(await failureOf(other.store.getAndLock(KEY))).toBeInstanceOf(IOException);
  expect(await other.store.getAllAndLock()).toEqual([]);
  const locks = await other.client.getChildren(`${nodeOf(tree)}/locks`);
  expect(locks).toHaveLength(1);
});

test('a process that ends lets go of its locks, and what it added stays', async () => {
  const { tree, leader, other } = await aJob();
  await leader.store.addAndLock(KEY, 'state');
  await leader.backend.close();
  expect(await other.client.getChildren(`${nodeOf(tree)}/locks`)).toEqual([]);
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('state');
});

test('a new leader that has recovered the states holds them all', async () => {
  const { tree, leader, other } = await aJob();
  for (const id of [1, 2, 3]) await leader.store.addAndLock(checkpointKey(id), `${id}`);
  await leader.backend.close();
  await other.lead();
  expect(await other.store.getAllAndLock()).toHaveLength(3);
  expect(await other.client.getChildren(`${nodeOf(tree)}/locks`)).toHaveLength(1);
  expect(await other.store.releaseAndTryRemove(KEY)).toBe(true);
});

test('a write that was on the way when another process took over is refused when it arrives', async () => {
  const { proxy, leader, other, files } = await aJob();
  await leader.store.addAndLock(KEY, 'old');
  proxy.freeze();
  const late = failureOf(leader.store.replace(KEY, VERSION, 'late'));
  await until(() => files().length === 2);
  expect(await other.lead()).toMatchObject({ taken: true, epoch: 2 });
  proxy.thaw();
  expect(await late).toMatchObject({ code: 'HA_NOT_LEADER' });
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('old');
  expect(files()).toHaveLength(1);
});

test('a late write for an object that was removed does not reach the one that has its name and version now', async () => {
  const { leader, other } = await aJob();
  const old = (await leader.backend.handles.read())!;
  await other.backend.handles.remove(old.uid);
  await other.backend.handles.create(0);
  await other.lead();
  const { seq, epoch } = (await other.backend.handles.read())!;
  expect({ seq, epoch }).toEqual({ seq: old.seq, epoch: old.epoch });
  const late = { expect: { uid: old.uid, seq, epoch }, entries: new Map([[KEY, 'late']]), writer: 'late' };
  expect(await leader.backend.handles.patch(late)).toMatchObject({ answer: 'notDone', reason: 'moved' });
  expect((await other.backend.handles.read())?.entries.has(KEY)).toBe(false);
});

test('what is read is one version, also when it changes between its nodes', async () => {
  const { leader, other, tree } = await aJob();
  let meanwhile = async (): Promise<void> => {};
  class SlowClient extends ZooKeeperClient {
    override async getChildren(path: string): Promise<string[] | undefined> {
      const children = await super.getChildren(path);
      const happens = meanwhile;
      meanwhile = async () => {};
      await happens();
      return children;
    }
  }
  const slow = new SlowClient({
    servers: [{ host: '127.0.0.1', port: server!.port }],
    clock: systemClock,
    random: () => 0,
  });
  slow.start();
  const reader = new ZooKeeperHandleBackend({ client: slow, tree, clock: systemClock, newId });
  onTestFinished(() => slow.close());
  meanwhile = async () => void (await leader.store.addAndLock(KEY, 'new'));
  const seen = await reader.read();
  expect(seen).toEqual(await other.backend.handles.read());
  expect(seen?.entries.has(KEY)).toBe(true);
});

test('the counter is not removed while its node has children, and is when they are gone', async () => {
  const { tree, leader, other } = await aJob();
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  await granted(services);
  const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
  await counter.start();
  await counter.setCount(1337);
  expect((await other.client.getData(tree.counter))?.data).toEqual(Buffer.from([0, 0, 5, 57]));
  await other.client.create(`${tree.counter}/child`, new Uint8Array());
  expect(String(((await failureOf(counter.shutdown('FINISHED'))) as Error).message)).toContain('NotEmpty');
  await other.client.delete(`${tree.counter}/child`);
  await counter.shutdown('FINISHED');
  expect(await other.client.exists(tree.counter)).toBeUndefined();
});

test('a count that does not fit its node is refused', async () => {
  const { leader } = await aJob();
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  await granted(services);
  const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
  expect(String(await failureOf(counter.setCount(2 ** 31)))).toContain('Checkpoint counter overflow');
  await counter.setCount(2 ** 31 - 1);
});

test('the leader is found where Flink looks for it, and gone with the session of its process', async () => {
  const { tree, leader, other } = await aJob();
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  const found: (string | null)[] = [];
  const retriever = overBackend(other.backend, 0n).getJobManagerLeaderRetriever(JOB);
  retriever.start({ notifyLeaderAddress: (address) => void found.push(address), handleError: () => {} });
  const election = services.getJobManagerLeaderElectionService(JOB);
  const sessionId = await new Promise<string>((resolve, reject) => {
    election.startLeaderElection({
      grantLeadership: (session) => resolve(session.sessionId),
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
  await election.confirmLeadership(sessionId, 'http://here:8081');
  const info = `${tree.leader}/job-${JOB}/connection_info`;
  const node = await other.client.getData(info);
  expect(decodeConnectionInfo(node!.data, info)).toEqual({ sessionId, address: 'http://here:8081' });
  expect(node!.stat.ephemeralOwner).toBe(leader.client.sessionId);
  expect(await other.client.getChildren(tree.latch)).toEqual([expect.stringMatching(/^_c_[0-9a-f]+-latch-\d{10}$/)]);
  await until(() => found.length > 0);
  await leader.backend.close();
  await until(() => found.length === 2);
  expect(found).toEqual(['http://here:8081', null]);
  await retriever.stop();
});

test('an address that somebody else writes into the node is put right', async () => {
  const { tree, leader, other } = await aJob();
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  const election = services.getDispatcherLeaderElectionService();
  const sessionId = await new Promise<string>((resolve, reject) => {
    election.startLeaderElection({
      grantLeadership: (session) => resolve(session.sessionId),
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
  await election.confirmLeadership(sessionId, 'here');
  const info = `${tree.leader}/dispatcher/connection_info`;
  const right = (await other.client.getData(info))!.data;
  await other.client.transaction([{ do: 'setData', path: info, data: Buffer.from('x,elsewhere'), version: -1 }]);
  await until(async () => (await other.client.getData(info))?.data.equals(right) === true);
});

test('removing the object takes empty parents along and leaves what others have', async () => {
  const { tree, leader, other } = await aJob();
  await leader.store.addAndLock(KEY, 'state');
  await other.store.getAndLock(KEY);
  const uncle = `${tree.cluster}/uncle`;
  await other.client.create(uncle, new Uint8Array());
  const { uid } = (await other.backend.handles.read())!;
  await Promise.all([other.backend.handles.remove(uid), leader.backend.handles.remove(uid)]);
  expect(await other.client.getChildren(tree.cluster)).toEqual(['uncle']);
  await other.client.delete(uncle);
  await other.backend.handles.remove(uid);
  expect(await other.client.exists(tree.cluster)).toBeUndefined();
});

test('an object is not made where another program has checkpoints', async () => {
  const client = zooKeeperClient(server!.port);
  const cluster = `flinks-${newId()}`;
  const backend = zookeeperBackend({ client, cluster, jobId: JOB, clock: systemClock, newId });
  onTestFinished(() => backend.close());
  await client.ensurePath(`${new JobTree('/flink', cluster, JOB).checkpoints}/0000000000000000007`);
  expect(await failureOf(backend.handles.create(0))).toBeInstanceOf(HaObjectCorruptException);
  expect(await backend.handles.read()).toBeUndefined();
});

test('a fence that somebody has overwritten is said to be corrupt, by name', async () => {
  const { tree, leader, other } = await aJob();
  await leader.client.transaction([{ do: 'setData', path: tree.fence, data: Buffer.from('{}'), version: -1 }]);
  const failure = await failureOf(other.backend.handles.read());
  expect(failure).toBeInstanceOf(HaObjectCorruptException);
  expect(String(failure)).toContain(tree.fence);
});

test('services are opened from a quorum with blanks and a path, and all their data goes when asked', async () => {
  const client = zooKeeperClient(server!.port);
  onTestFinished(() => client.close());
  const root = `/chroot-${newId()}`;
  const storage = countingStorage();
  const open = (createAbove?: number): Promise<HighAvailabilityServices> =>
    openZooKeeperHaServices({
      quorum: ` 127.0.0.1:${server!.port} , ${root}/ `,
      cluster: 'flights',
      storage,
      jobId: JOB,
      clock: systemClock,
      random: () => 0.5,
      identity: newId(),
      sessionTimeoutMs: 5_000,
      ...(createAbove === undefined ? {} : { createAbove }),
    });
  await client.ensurePath(root);
  expect(await failureOf(open())).toMatchObject({ code: 'HA_OBJECT_MISSING' });
  const services = await open(6);
  expect((await granted(services)).epoch).toBeGreaterThan(7);
  const checkpoints = await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 1);
  await checkpoints.addCheckpointAndSubsumeOldestOne(await aCheckpoint({ storage } as never, 1));
  expect(await client.getChildren(`${root}/flink/flights/jobs/${JOB}/checkpoints`)).toEqual(['0000000000000000001']);
  await services.closeAndCleanupAllData();
  expect(await client.exists(root)).toBeUndefined();
});

/** The services of a process over a backend it has open already. */
function overBackend(backend: Parameters<typeof haServices>[0]['backend'], session: bigint): HighAvailabilityServices {
  return haServices({
    backend: { ...backend, close: async () => {} },
    storage: countingStorage(),
    jobId: JOB,
    clock: systemClock,
    identity: `process-${session}`,
    newId,
    newSessionId: () => crypto.randomUUID(),
    random: () => 0.1,
    retries: 5,
  });
}
