/**
 * Situations in which the state handle store of Flink 1.20 loses state, leaks it, or says what is not so. Each test
 * begins by telling what Flink does; with that behaviour it would fail. Real API server, faults on the way to it.
 */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import {
  AlreadyExistException,
  checkpointIdCounter,
  decodeHandle,
  encodeMarked,
  FencedWriter,
  type HandleBackend,
  HaStoreException,
  LeaseElectionDriver,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  type StateHandleStore,
  StateTooLargeException,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../../src/ha/kubernetes/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { aClient, aProxy, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';
import type { ApiProxy } from '../../faults/api/api-proxy.ts';
import type { Fault } from '../../faults/api/rules.ts';
import { countingStorage } from '../../faults/counting-storage.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const ANY_VERSION = StringResourceVersion.valueOf('1');
const KEY = 'state-1';

/** A process that leads, on a ConfigMap of its own, reached through a network that fails as told. */
class World {
  readonly storage = countingStorage();
  readonly warnings: string[] = [];
  readonly backend: HandleBackend;
  /** Somebody else, past all faults. */
  readonly other: HandleBackend;
  readonly writer: FencedWriter;
  readonly store: StateHandleStore<string>;
  readonly #proxy: ApiProxy;
  readonly #object: { readonly namespace: string; readonly name: string };

  static async leading(options: { connections?: number } = {}): Promise<World> {
    const world = await World.following(options);
    expect(await world.writer.takeOver({ identity: 'process', atLeast: 0 })).toMatchObject({ taken: true });
    return world;
  }

  static async following({ connections = 24 } = {}): Promise<World> {
    const namespace = await cluster!.namespace();
    const world = new World(await aProxy(cluster!), namespace, connections);
    await world.other.create(0);
    return world;
  }

  private constructor(proxy: ApiProxy, namespace: string, connections: number) {
    this.#proxy = proxy;
    this.#object = { namespace, name: `job-${randomBytes(4).toString('hex')}-ha` };
    const far = aClient(tokenConnection(cluster!, { server: proxy.url }), { connections });
    this.backend = new ConfigMapHandleBackend({ client: far, ...this.#object, deadlineMs: 1_000 });
    this.other = new ConfigMapHandleBackend({ client: aClient(tokenConnection(cluster!)), ...this.#object });
    this.writer = new FencedWriter({ backend: this.backend, clock: systemClock, random: () => 0.01, retries: 5 });
    const storage = stateStorage<string>({
      storage: this.storage,
      directory: 'ha',
      kind: 'state',
      epoch: () => this.writer.epoch,
      newId: () => randomBytes(8).toString('hex'),
    });
    const keyFilter = (key: string): boolean => key.startsWith('state-');
    this.store = stateHandleStore({
      writer: this.writer,
      storage,
      keyFilter,
      warn: (text) => this.warnings.push(text),
    });
  }

  /** The next writes meet this, one after the other; `Infinity`: all of them. */
  failWrites(fault: Fault, times = 1): void {
    this.#proxy.inject({ verb: 'patch', resource: 'configmaps', ...this.#object, fault, times });
  }

  failReads(times: number): void {
    const fault = { do: 'answer', status: 500 } as const;
    this.#proxy.inject({ verb: 'get', resource: 'configmaps', ...this.#object, fault, times });
  }

  heal(): void {
    this.#proxy.heal();
  }

  /** What somebody else does to the object. */
  async change(entries: Record<string, string>, raise: { epoch?: number; leader?: string } = {}): Promise<void> {
    const { uid = '', epoch = 0, seq = 0 } = (await this.other.read()) ?? {};
    const patch = { expect: { uid, epoch, seq }, entries: new Map(Object.entries(entries)), raise, writer: 'other' };
    expect(await this.other.patch(patch)).toEqual({ answer: 'done' });
  }

  async overtake(): Promise<void> {
    await this.change({}, { epoch: ((await this.other.read())?.epoch ?? 0) + 1, leader: 'the next one' });
  }

  async text(key = KEY): Promise<string | undefined> {
    return (await this.other.read())?.entries.get(key);
  }

  /** The path that the live pointer leads to. */
  async pointsTo(key = KEY): Promise<string | undefined> {
    const stored = decodeHandle(await this.text(key));
    return stored.kind === 'live' ? stored.pointer.path : undefined;
  }

  /** Written and not deleted. */
  get files(): string[] {
    return this.storage.written.filter((path) => !this.storage.deleted.includes(path));
  }

  /** An entry as a crash between marking and removing leaves it. */
  async addMarked(key = KEY): Promise<void> {
    const { pointer } = await this.store.addAndLock(key, 'dead');
    await this.change({ [key]: encodeMarked(pointer) });
  }
}

test('S1: whoever does not lead is told so. Flink answers an add with a handle whose file it has just deleted, and is silent on replace, clearEntries and setCount', async () => {
  const world = await World.leading();
  await world.store.addAndLock(KEY, 'old');
  await world.overtake();
  const counter = checkpointIdCounter(world.writer);
  for (const write of [
    () => world.store.addAndLock('state-2', 'new'),
    () => world.store.replace(KEY, ANY_VERSION, 'new'),
    () => world.store.clearEntries(),
    () => counter.setCount(7),
  ]) {
    expect(await failureOf(write())).toBeInstanceOf(NotLeaderException);
  }
  expect(await world.store.releaseAndTryRemove(KEY)).toBe(false);
  expect(world.files).toEqual([await world.pointsTo()]);
});

test('S2: an add that landed and whose answer was lost is a success, once. Flink compares bytes, which works; so does this', async () => {
  const world = await World.leading();
  world.failWrites({ do: 'dropAfter' });
  const handle = await world.store.addAndLock(KEY, 'new');
  expect(await world.pointsTo()).toBe(handle.pointer.path);
  expect(world.storage.deleted).toEqual([]);
  expect(await failureOf(world.store.addAndLock(KEY, 'again'))).toBeInstanceOf(AlreadyExistException);
});

test('S3: a replace that landed and whose answer was lost discards the old file. Flink reads the new pointer as the old one and deletes the new file', async () => {
  const world = await World.leading();
  const { pointer } = await world.store.addAndLock(KEY, 'old');
  world.failWrites({ do: 'dropAfter' });
  await world.store.replace(KEY, ANY_VERSION, 'new');
  expect(world.storage.deleted).toEqual([pointer.path]);
  expect(await (await world.store.getAndLock(KEY)).retrieveState()).toBe('new');
});

test('S4: once an answer was lost the outcome stays unknown until a read tells. Flink takes the error of the last failed read for a refusal and deletes the state it points to', async () => {
  const world = await World.leading();
  world.failWrites({ do: 'dropAfter' });
  world.failReads(Number.POSITIVE_INFINITY);
  expect(await failureOf(world.store.addAndLock(KEY, 'new'))).toBeInstanceOf(PossibleInconsistentStateException);
  world.heal();
  expect(world.storage.deleted).toEqual([]);
  expect(world.files).toEqual([await world.pointsTo()]);
});

test('S5: an add that landed before the leadership moved is a success. Flink sees that it leads no longer and deletes the state it points to', async () => {
  const world = await World.leading();
  world.failWrites({ do: 'dropAfter' });
  const { read } = world.backend;
  let isFirst = true;
  // Between the lost answer and the read that is to tell about it.
  world.backend.read = async () => {
    if (isFirst) await world.overtake();
    isFirst = false;
    return read.call(world.backend);
  };
  const handle = await world.store.addAndLock(KEY, 'new');
  expect(await world.pointsTo()).toBe(handle.pointer.path);
  expect(world.files).toEqual([handle.pointer.path]);
  expect(await failureOf(world.store.addAndLock('state-2', 'late'))).toBeInstanceOf(NotLeaderException);
});

test('S6: a replace over a value that cannot be read succeeds. Flink writes it and then fails with a NullPointerException', async () => {
  const world = await World.leading();
  await world.change({ [KEY]: '{"not":"a handle"}' });
  await world.store.replace(KEY, ANY_VERSION, 'new');
  expect(await (await world.store.getAndLock(KEY)).retrieveState()).toBe('new');
  expect(world.storage.deleted).toEqual([]);
  expect(world.warnings).toHaveLength(1);
});

test.each([
  [403, HaStoreException],
  [413, StateTooLargeException],
  [415, HaStoreException],
  [400, HaStoreException],
] as const)(
  'S7: a definite refusal (%i) discards the new file and has its own error. Flink calls every failed write possibly inconsistent, and leaks the file',
  async (status, expected) => {
    const world = await World.leading();
    await world.store.addAndLock(KEY, 'old');
    world.failWrites({ do: 'answer', status }, Number.POSITIVE_INFINITY);
    for (const write of [
      () => world.store.addAndLock('state-2', 'new'),
      () => world.store.replace(KEY, ANY_VERSION, 'new'),
    ]) {
      const error = await failureOf(write());
      expect(error).toBeInstanceOf(expected);
      expect(error).not.toBeInstanceOf(PossibleInconsistentStateException);
    }
    world.heal();
    expect(world.files).toEqual([await world.pointsTo()]);
  },
);

test('S7: a conflict that never ends is no unknown outcome either', async () => {
  const world = await World.leading();
  world.failWrites({ do: 'answer', status: 409, reason: 'Conflict' }, Number.POSITIVE_INFINITY);
  const error = await failureOf(world.store.addAndLock(KEY, 'new'));
  expect(error).toBeInstanceOf(HaStoreException);
  expect(error).not.toBeInstanceOf(PossibleInconsistentStateException);
  expect(world.files).toEqual([]);
});

test('S8: a removal whose marking landed and whose answer was lost goes on, and is true when repeated. So it is in Flink', async () => {
  const world = await World.leading();
  await world.store.addAndLock(KEY, 'old');
  world.failWrites({ do: 'dropAfter' });
  expect(await world.store.releaseAndTryRemove(KEY)).toBe(true);
  expect(await world.store.releaseAndTryRemove(KEY)).toBe(true);
  expect(await world.text()).toBeUndefined();
  expect(world.files).toEqual([]);
});

test.each(['%%%', '', '\u0000', 'rO0ABXNy', '[]'])(
  'S9: a value that is nothing (%j) breaks no reading of others. In Flink text that is not base64 fails every method',
  async (garbage) => {
    const world = await World.leading();
    await world.store.addAndLock(KEY, 'good');
    await world.change({ 'state-2': garbage });
    expect((await world.store.getAllAndLock()).map(([, key]) => key)).toEqual([KEY]);
    expect(await world.store.getAllHandles()).toEqual([KEY]);
    expect((await world.store.exists('state-2')).isExisting()).toBe(false);
    await world.store.addAndLock('state-3', 'more');
    await world.store.addAndLock('state-2', 'over it');
    expect(await (await world.store.getAndLock('state-2')).retrieveState()).toBe('over it');
  },
);

test('S10: an add over a marked entry needs no second connection. In Flink the removal waits for the pool that the add holds, for ever', async () => {
  const world = await World.leading({ connections: 1 });
  await world.addMarked();
  const handle = await world.store.addAndLock(KEY, 'new');
  expect(world.files).toEqual([handle.pointer.path]);
});

test('S11: when the file of a marked entry cannot be deleted, add and replace fail with that error at hand, and keep nothing of theirs. Flink drops the cause', async () => {
  const adding = await World.leading();
  await adding.addMarked();
  adding.storage.failDeletes(1);
  const add = (await failureOf(adding.store.addAndLock(KEY, 'new'))) as HaStoreException;
  expect(add).toBeInstanceOf(HaStoreException);
  expect((add.cause as Error).message).toContain('cannot delete');
  expect(adding.files).toEqual([adding.storage.written[0]]);

  const replacing = await World.leading();
  await replacing.addMarked();
  replacing.storage.failDeletes(1);
  const replace = (await failureOf(replacing.store.replace(KEY, ANY_VERSION, 'new'))) as NotExistException;
  expect(replace).toBeInstanceOf(NotExistException);
  expect(replace.suppressed).toMatchObject([{ message: expect.stringContaining('cannot delete') }]);
  expect(replacing.files).toEqual([replacing.storage.written[0]]);
});

test('S12: who leads no longer publishes nothing, and hears that another leads. Flink writes nothing and logs that it has published', async () => {
  const world = await World.following();
  const told: string[] = [];
  const hold = Promise.withResolvers<void>();
  const driver = new LeaseElectionDriver({
    writer: world.writer,
    elector: {
      acquire: async () => ({ transitions: 0 }),
      // The lease stays: only the epoch tells that another one leads.
      hold: (signal) => {
        signal.addEventListener('abort', () => hold.resolve(), { once: true });
        return hold.promise.then(() => undefined);
      },
      isHeld: () => true,
      release: async () => {},
    } as ConstructorParameters<typeof LeaseElectionDriver>[0]['elector'],
    identity: 'process',
    attempt: undefined,
    clock: systemClock,
    newSessionId: () => 'session',
    listener: {
      granted: () => told.push('granted'),
      revoked: (cause) => told.push(`revoked: ${cause?.message}`),
      informationChanged: () => {},
      failed: (error) => told.push(`failed: ${error.message}`),
    },
  });
  onTestFinished(() => driver.close());
  driver.start();
  await expect.poll(() => told).toEqual(['granted']);
  await world.overtake();
  await driver.publish('dispatcher', { sessionId: 'session', address: 'here' });
  expect(await world.text('leader.dispatcher')).toBeUndefined();
  await expect
    .poll(() => told)
    .toEqual(['granted', expect.stringMatching(/^revoked: .* has epoch 2, this process led with 1$/)]);
  expect(driver.hasLeadership()).toBe(false);
});

test('S13: a counter whose shutdown failed can be shut down again. Flink notes the shutdown first, so a repeat does nothing and the key stays', async () => {
  const world = await World.leading();
  const counter = checkpointIdCounter(world.writer);
  await counter.start();
  await counter.getAndIncrement();
  world.failWrites({ do: 'answer', status: 403 });
  expect(await failureOf(counter.shutdown('FINISHED'))).toBeInstanceOf(HaStoreException);
  expect(await world.text('counter')).toBe('2');
  await counter.shutdown('FINISHED');
  expect(await world.text('counter')).toBeUndefined();
});
