/** Who leads, when connections and sessions end: latches of a real server, behind a network that fails. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { LeaderLatch } from '../../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { ZooKeeperClient } from '../../../src/zookeeper/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { newId } from '../../builders/new-id.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { ZooKeeperProxy } from '../../faults/zookeeper-proxy.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);
const SESSION_MS = 900;

/** Looked at often, so that two that lead at once are seen. */
const until = (isTrue: () => boolean | Promise<boolean>) => eventually(isTrue, 30_000, 2);

/** A process with a session of its own that contends for the latch. */
class Contender {
  readonly client: ZooKeeperClient;
  readonly latch: LeaderLatch;
  readonly stop = new AbortController();
  /** How often it has led. */
  terms = 0;
  end: Error | undefined;

  constructor(path: string, options: { port?: number; tolerateSuspended?: boolean; client?: ZooKeeperClient } = {}) {
    const { port = server!.port, tolerateSuspended = false } = options;
    this.client = options.client ?? zooKeeperClient(port, { sessionTimeoutMs: SESSION_MS });
    this.latch = new LeaderLatch({
      client: this.client,
      path,
      identity: 'contender',
      clock: systemClock,
      newId,
      tolerateSuspended,
    });
    onTestFinished(() => this.close());
  }

  /** Contends until its term has ended, or its client. */
  start(): void {
    this.run().catch(() => {});
  }

  /** Ends with its term. */
  async run(): Promise<void> {
    if ((await this.latch.acquire(this.stop.signal)) === undefined) return;
    this.terms += 1;
    this.end = await this.latch.hold(this.stop.signal);
  }

  get leads(): boolean {
    return this.latch.isHeld();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.client.close();
  }
}

const aPath = () => `/flink/latch-${newId()}/leader/latch`;

async function behindProxy(path: string, options: { tolerateSuspended?: boolean } = {}) {
  const proxy = await ZooKeeperProxy.start(server!.port);
  onTestFinished(() => proxy.stop());
  const contender = new Contender(path, { ...options, port: proxy.port });
  contender.start();
  await until(() => contender.leads);
  return { proxy, contender };
}

test('10 contenders lead once each, one at a time, when each gives the latch back', async () => {
  const path = aPath();
  const contenders = Array.from({ length: 10 }, () => new Contender(path));
  for (const contender of contenders) contender.start();
  for (let round = 0; round < contenders.length; round += 1) {
    await until(() => contenders.some(({ leads }) => leads));
    const leading = contenders.filter(({ leads }) => leads);
    expect(leading).toHaveLength(1);
    await leading[0]!.latch.release();
  }
  expect(contenders.map(({ terms }) => terms)).toEqual(contenders.map(() => 1));
});

test('3 contenders, each replaced when it has led: in 90 rounds there is always one leader', async () => {
  const path = aPath();
  const newContender = () => {
    const contender = new Contender(path);
    contender.start();
    return contender;
  };
  const contenders = [newContender(), newContender(), newContender()];
  for (let round = 0; round < 90; round += 1) {
    await until(() => contenders.some(({ leads }) => leads));
    const leading = contenders.flatMap(({ leads }, index) => (leads ? [index] : []));
    expect(leading).toHaveLength(1);
    const [index = 0] = leading;
    await contenders[index]!.close();
    contenders[index] = newContender();
  }
});

test('a leader whose connection breaks has lost, for good, though its session comes back', async () => {
  const { proxy, contender } = await behindProxy(aPath());
  const heldWhenTold: boolean[] = [];
  contender.client.onSession(() => void heldWhenTold.push(contender.leads));
  proxy.cut();
  await until(() => contender.end !== undefined);
  expect(contender.end?.message).toContain('there is no connection');
  await until(() => contender.client.state === 'connected');
  expect(contender.leads).toBe(false);
  expect(heldWhenTold).toEqual([false, false]);
});

test('a leader that had no connection when it gave the latch back makes room when it has one', async () => {
  const path = aPath();
  const { proxy, contender } = await behindProxy(path);
  const waiting = new Contender(path);
  waiting.start();
  proxy.cut();
  await until(() => contender.end !== undefined);
  await contender.latch.release();
  await until(() => waiting.leads);
  expect(contender.client.state).toBe('connected');
});

test('where suspended connections are tolerated, a leader leads on in the same session', async () => {
  const { proxy, contender } = await behindProxy(aPath(), { tolerateSuspended: true });
  proxy.cut();
  await until(() => contender.client.state === 'suspended');
  expect(contender.leads).toBe(true);
  await until(() => contender.client.state === 'connected');
  expect(contender.leads).toBe(true);
  expect(contender.end).toBeUndefined();
});

test('where suspended connections are tolerated, a leader stops before its session can have ended', async () => {
  const path = aPath();
  const { proxy, contender } = await behindProxy(path, { tolerateSuspended: true });
  const waiting = new Contender(path);
  waiting.start();
  proxy.goDown();
  await until(() => !contender.leads);
  expect(waiting.leads).toBe(false);
  await until(() => contender.end !== undefined);
  expect(contender.end?.message).toContain('has not answered');
  await until(() => waiting.leads);
});

test('a leader that is cut off without noticing stops before another one leads', async () => {
  const path = aPath();
  const { proxy, contender } = await behindProxy(path);
  const waiting = new Contender(path);
  waiting.start();
  proxy.freeze();
  let together = 0;
  await until(() => {
    if (waiting.leads && contender.leads) together += 1;
    return waiting.leads;
  });
  expect(together).toBe(0);
  expect(contender.leads).toBe(false);
  expect(contender.end).toBeInstanceOf(Error);
});

test('after its session was lost a process contends again with a new one, and leads', async () => {
  const path = aPath();
  const { proxy, contender } = await behindProxy(path);
  const lost: bigint[] = [];
  contender.client.onSession((event) => void (event.is === 'lost' && lost.push(event.session)));
  proxy.goDown();
  await until(() => lost.length === 1);
  await contender.latch.release();
  proxy.comeBack();
  const again = new Contender(path, { client: contender.client });
  again.start();
  await until(() => again.leads);
  expect(contender.client.sessionId).not.toBe(lost[0]);
});

test('a leader whose client is closed has lost at once, and contends no more', async () => {
  const { contender } = await behindProxy(aPath());
  await contender.client.close();
  await until(() => contender.end !== undefined);
  expect(contender.leads).toBe(false);
  await expect(new Contender(aPath(), { client: contender.client }).run()).rejects.toThrow('closed');
});

test.each(['dropAfter', 'dropBefore'] as const)(
  'a contender whose entering went wrong (%s) has one node, not two',
  async (fault) => {
    const path = aPath();
    const { proxy, contender } = await behindProxy(path);
    const client = zooKeeperClient(proxy.port, { sessionTimeoutMs: SESSION_MS });
    await client.exists('/');
    proxy.fail({ do: fault, to: 'create' });
    const second = new Contender(path, { client });
    second.start();
    await until(async () => (await client.getChildren(path))?.length === 2);
    await contender.close();
    await until(() => second.leads);
    expect(await client.getChildren(path)).toHaveLength(1);
  },
);

test.each([
  ['its connection breaks', 'cut'],
  ['its node is removed', 'remove'],
] as const)('a process that has won and loses before it leads (%s) makes room, and may win again', async (_, how) => {
  const path = aPath();
  const proxy = await ZooKeeperProxy.start(server!.port);
  onTestFinished(() => proxy.stop());
  const { latch, client } = new Contender(path, { port: proxy.port });
  const stop = AbortSignal.timeout(20_000);
  expect(await latch.acquire(stop)).toBeDefined();
  if (how === 'cut') proxy.cut();
  else for (const name of (await client.getChildren(path)) ?? []) await client.delete(`${path}/${name}`);
  await until(() => !latch.isHeld() && client.state === 'connected');
  const before = proxy.requests;
  expect(await latch.acquire(stop)).toBeDefined();
  expect(proxy.requests - before).toBeLessThan(50);
  expect(await client.getChildren(path)).toHaveLength(1);
});
