/** What Apache Flink's tests ask of its ZooKeeper state handle store, and what its tree looks like, on a real server. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import {
  checkpointKey,
  HaObjectCorruptException,
  NotExistException,
  PossibleInconsistentStateException,
  StringResourceVersion,
} from '../../../src/ha/index.ts';
import { JobTree, ZooKeeperHandleBackend, zookeeperBackend } from '../../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { IOException } from '../../../src/lib/java-errors.ts';
import { ZooKeeperClient } from '../../../src/zookeeper/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { JOB } from '../../builders/ha.ts';
import { newId } from '../../builders/new-id.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { aLedZooKeeperJob } from '../../builders/zookeeper-job.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);

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
  const { proxy, storage, leader } = await aLedZooKeeperJob(server!.port);
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
  const { proxy, storage, leader } = await aLedZooKeeperJob(server!.port);
  proxy.fail(...Array.from({ length: 20 }, () => ({ do: 'answer', error }) as const));
  const failure = await failureOf(leader.store.addAndLock(KEY, 'new'));
  expect(failure).toBeInstanceOf(PossibleInconsistentStateException);
  expect(storage.deleted).toEqual([]);
});

test('an add is one request, and one more where the object is watched', async () => {
  const { proxy, leader, other } = await aLedZooKeeperJob(server!.port);
  const requestsOfAdds = async (from: number): Promise<number> => {
    const { requests } = proxy;
    for (let id = from; id < from + 10; id += 1) await leader.store.addAndLock(checkpointKey(id), `${id}`);
    await other.backend.handles.read();
    return proxy.requests - requests;
  };
  expect(await requestsOfAdds(1)).toBe(10);
  const seen: unknown[] = [];
  onTestFinished(leader.backend.handles.watch({ seen: (snapshot) => void seen.push(snapshot), failed: () => {} }));
  await eventually(() => seen.length === 1);
  expect(await requestsOfAdds(11)).toBeLessThanOrEqual(20);
  await eventually(() => (seen.at(-1) as { seq: number }).seq === 21);
});

test('a transaction that was done and is sent again is a success', async () => {
  const { proxy, storage, leader, other } = await aLedZooKeeperJob(server!.port);
  proxy.fail({ do: 'dropAfter' });
  await leader.store.addAndLock(KEY, 'new');
  expect(storage.deleted).toEqual([]);
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('new');
});

test('a replacement that stays unclear leaves both files', async () => {
  const { proxy, leader, files } = await aLedZooKeeperJob(server!.port);
  await leader.store.addAndLock(KEY, 'old');
  proxy.fail(...Array.from({ length: 20 }, () => ({ do: 'answer', error: -1 }) as const));
  expect(await failureOf(leader.store.replace(KEY, VERSION, 'new'))).toBeInstanceOf(PossibleInconsistentStateException);
  expect(files()).toHaveLength(2);
});

test('of two that hold a state the first remover is told no; then a failing discard leaves it marked; then it goes', async () => {
  const { tree, storage, leader, other, files } = await aLedZooKeeperJob(server!.port);
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
  const { leader, other, files } = await aLedZooKeeperJob(server!.port);
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
  const { tree, storage, leader, other } = await aLedZooKeeperJob(server!.port);
  await leader.store.addAndLock(KEY, 'state');
  const locks = `${nodeOf(tree)}/locks`;
  expect(await other.client.getChildren(nodeOf(tree))).toEqual(['locks']);
  expect(await other.client.getChildren(locks)).toHaveLength(1);
  storage.failDeletes(1);
  await failureOf(leader.store.releaseAndTryRemove(KEY));
  expect(await other.client.getChildren(nodeOf(tree))).toEqual([]);
});

test('reading a state that cannot be understood leaves no lock', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  await leader.store.addAndLock(KEY, 'state');
  await leader.client.transaction([{ do: 'setData', path: nodeOf(tree), data: Buffer.from('garbage'), version: -1 }]);
  expect(await failureOf(other.store.getAndLock(KEY))).toBeInstanceOf(IOException);
  expect(await other.store.getAllAndLock()).toEqual([]);
  const locks = await other.client.getChildren(`${nodeOf(tree)}/locks`);
  expect(locks).toHaveLength(1);
});

test('a process that ends lets go of its locks, and what it added stays', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  await leader.store.addAndLock(KEY, 'state');
  await leader.backend.close();
  expect(await other.client.getChildren(`${nodeOf(tree)}/locks`)).toEqual([]);
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('state');
});

test('a new leader that has recovered the states holds them all', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  for (const id of [1, 2, 3]) await leader.store.addAndLock(checkpointKey(id), `${id}`);
  await leader.backend.close();
  await other.lead();
  expect(await other.store.getAllAndLock()).toHaveLength(3);
  expect(await other.client.getChildren(`${nodeOf(tree)}/locks`)).toHaveLength(1);
  expect(await other.store.releaseAndTryRemove(KEY)).toBe(true);
});

test('a write that was on the way when another process took over is refused when it arrives', async () => {
  const { proxy, leader, other, files } = await aLedZooKeeperJob(server!.port);
  await leader.store.addAndLock(KEY, 'old');
  proxy.freeze();
  const late = failureOf(leader.store.replace(KEY, VERSION, 'late'));
  await eventually(() => files().length === 2);
  expect(await other.lead()).toMatchObject({ taken: true, epoch: 2 });
  proxy.thaw();
  expect(await late).toMatchObject({ code: 'HA_NOT_LEADER' });
  expect(await (await other.store.getAndLock(KEY)).retrieveState()).toBe('old');
  expect(files()).toHaveLength(1);
});

test('a late write for an object that was removed does not reach the one that has its name and version now', async () => {
  const { leader, other } = await aLedZooKeeperJob(server!.port);
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
  const { leader, other, tree } = await aLedZooKeeperJob(server!.port);
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

test('removing the object takes empty parents along and leaves what others have', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
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
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  await leader.client.transaction([{ do: 'setData', path: tree.fence, data: Buffer.from('{}'), version: -1 }]);
  const failure = await failureOf(other.backend.handles.read());
  expect(failure).toBeInstanceOf(HaObjectCorruptException);
  expect(String(failure)).toContain(tree.fence);
});

test('an object whose entries somebody has removed is said to have lost them, at once', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  const own = tree.own((await other.backend.handles.read())!.uid);
  for (const child of (await leader.client.getChildren(own)) ?? []) await leader.client.delete(`${own}/${child}`);
  await leader.client.delete(own);
  const failure = await failureOf(other.backend.handles.read());
  expect(failure).toMatchObject({ code: 'HA_OBJECT_CORRUPT', message: expect.stringContaining(`${own} is gone`) });
});
