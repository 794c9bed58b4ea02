/** The client against a real server, behind a network that fails. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import type { SessionEvent, ZooKeeperClient, ZooKeeperClientOptions } from '../../../src/zookeeper/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { newId } from '../../builders/new-id.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { ZooKeeperProxy } from '../../faults/zookeeper-proxy.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);
const NOTHING = new Uint8Array();

/** A client of its own behind a proxy of its own, and a node that no other test uses. */
async function setUp(options: Partial<ZooKeeperClientOptions> = {}) {
  const proxy = await ZooKeeperProxy.start(server!.port);
  const client = zooKeeperClient(proxy.port, { sessionTimeoutMs: 600, ...options });
  const near = zooKeeperClient(server!.port);
  onTestFinished(async () => {
    await Promise.all([client.close(), near.close()]);
    await proxy.stop();
  });
  const events: SessionEvent[] = [];
  client.onSession((event) => void events.push(event));
  const node = `/test-${newId()}`;
  await near.create(node, Buffer.from('first'));
  // However long that takes: a test may give its requests little time.
  await eventually(() => client.state === 'connected');
  return { proxy, client, near, events, node };
}

const text = async (client: ZooKeeperClient, node: string) => (await client.getData(node))?.data.toString();

test('absence is a value: of a node that is read, and of one that is there already', async () => {
  const { client, node } = await setUp();
  expect(await client.getData(`${node}/none`)).toBeUndefined();
  expect(await client.exists(`${node}/none`)).toBeUndefined();
  expect(await client.getChildren(`${node}/none`)).toBeUndefined();
  expect(await client.delete(`${node}/none`)).toBe(false);
  expect(await client.create(node, NOTHING)).toBeUndefined();
});

test('a transaction happens whole or not at all, and names the operation that could not be', async () => {
  const { client, node } = await setUp();
  await client.transaction([
    { do: 'setData', path: node, data: Buffer.from('second'), version: 0 },
    { do: 'create', path: `${node}/a`, data: NOTHING },
  ]);
  const late = failureOf(
    client.transaction([
      { do: 'delete', path: `${node}/a`, version: -1 },
      { do: 'check', path: node, version: 0 },
    ]),
  );
  expect(await late).toMatchObject({ refusal: 'BadVersion', index: 1, outcome: 'notApplied' });
  expect(await client.getChildren(node)).toEqual(['a']);
  expect(await text(client, node)).toBe('second');
});

test('a cut connection comes back in the same session, and a read under way is repeated', async () => {
  const { proxy, client, events, node } = await setUp();
  const { sessionId } = client;
  const read = text(client, node);
  proxy.cut();
  expect(await read).toBe('first');
  expect(client.sessionId).toBe(sessionId);
  expect(events.map(({ is }) => is)).toEqual(['connected', 'suspended', 'connected']);
  expect(events.at(-1)).toMatchObject({ isNew: false });
});

test('a connection that is cut within an answer leaves nothing behind that confuses the next one', async () => {
  const { proxy, client, node } = await setUp();
  for (const bytes of [1, 4, 9, 20]) {
    proxy.cutWithinAnswer(bytes);
    expect(await text(client, node)).toBe('first');
  }
});

test.each(['dropBefore', 'dropAfter'] as const)(
  'a write whose connection ends (%s) is sent once, and its outcome is unknown',
  async (fault) => {
    const { proxy, client, node } = await setUp();
    proxy.fail({ do: fault });
    const error = await failureOf(
      client.transaction([{ do: 'setData', path: node, data: Buffer.from('second'), version: 0 }]),
    );
    expect(error).toMatchObject({ code: 'ZOOKEEPER_CONNECTION', outcome: 'unknown' });
    expect(await text(client, node)).toBe(fault === 'dropAfter' ? 'second' : 'first');
    expect(proxy.transactions).toBe(1);
  },
);

test('a write that finds no connection is not sent, and says so', async () => {
  const { proxy, client, near, node } = await setUp({ requestTimeoutMs: 100 });
  proxy.goDown();
  await eventually(() => client.state !== 'connected');
  const error = await failureOf(
    client.transaction([{ do: 'setData', path: node, data: Buffer.from('second'), version: 0 }]),
  );
  expect(error).toMatchObject({ code: 'ZOOKEEPER_CONNECTION', outcome: 'notApplied' });
  proxy.comeBack();
  await eventually(() => client.state === 'connected');
  expect(await text(near, node)).toBe('first');
});

test('a frozen connection is given up within the time of the session, and known to be old before', async () => {
  const { proxy, client, events, node } = await setUp();
  await client.exists(node);
  proxy.freeze();
  const frozenAt = performance.now();
  await eventually(() => events.some(({ is }) => is === 'suspended'));
  expect(performance.now() - frozenAt).toBeLessThan(client.sessionTimeoutMs);
  expect(client.answeredAt).toBeLessThanOrEqual(frozenAt);
});

test('a session that ran out is lost with its ephemeral nodes, and another one follows', async () => {
  const { proxy, client, near, events, node } = await setUp();
  const { sessionId } = client;
  await client.create(`${node}/mine`, NOTHING, 'ephemeral');
  proxy.goDown();
  await eventually(() => events.some(({ is }) => is === 'lost'));
  await eventually(async () => (await near.exists(`${node}/mine`)) === undefined);
  proxy.comeBack();
  await eventually(() => client.state === 'connected');
  expect(client.sessionId).not.toBe(sessionId);
  expect(events.at(-1)).toMatchObject({ is: 'connected', isNew: true });
  expect(await text(client, node)).toBe('first');
});

test('a client that is closed takes its ephemeral nodes along at once', async () => {
  const { client, near, node } = await setUp({ sessionTimeoutMs: 30_000 });
  await client.create(`${node}/mine`, NOTHING, 'ephemeral');
  await client.close();
  expect(await near.exists(`${node}/mine`)).toBeUndefined();
  expect(await failureOf(client.exists(node))).toMatchObject({ code: 'ZOOKEEPER_CLOSED', outcome: 'notApplied' });
});

test('a watch tells of each change, and says resync when a new connection may have missed one', async () => {
  const { proxy, client, near, node } = await setUp();
  const seen: string[] = [];
  const unwatch = client.watch(node, 'node', ({ type }) => seen.push(type));
  await eventually(() => seen.length === 1);
  for (const data of ['a', 'b']) {
    await near.transaction([{ do: 'setData', path: node, data: Buffer.from(data), version: -1 }]);
  }
  await eventually(() => seen.length === 3);
  proxy.cut();
  await eventually(() => seen.length === 4);
  await near.create(`${node}/child`, NOTHING);
  await eventually(() => seen.length === 5);
  expect(seen).toEqual(['resync', 'dataChanged', 'dataChanged', 'resync', 'childrenChanged']);
  unwatch();
  await near.delete(`${node}/child`);
  await client.sync(node);
  expect(seen).toHaveLength(5);
});

test('of several servers one that is there is found', async () => {
  const { proxy, node } = await setUp();
  proxy.goDown();
  const client = zooKeeperClient(0, {
    servers: [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: proxy.port },
      { host: '127.0.0.1', port: server!.port },
    ],
    random: () => 0,
  });
  onTestFinished(() => client.close());
  expect(await text(client, node)).toBe('first');
});

test('a server that does not speak the protocol is not believed', async () => {
  const { createServer } = await import('node:net');
  const liar = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void liar.close());
  const { port } = liar.address() as { port: number };
  const client = zooKeeperClient(port, { requestTimeoutMs: 200 });
  onTestFinished(() => client.close());
  expect(await failureOf(client.exists('/'))).toMatchObject({ code: 'ZOOKEEPER_CONNECTION', outcome: 'notApplied' });
});
