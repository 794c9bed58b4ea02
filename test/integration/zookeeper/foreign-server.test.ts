/** The client before servers that are none of ZooKeeper's, or have gone mad: errors of the call, with the reason. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { parseQuorum, type ZooKeeperClient } from '../../../src/zookeeper/index.ts';
import { JuteReader, JuteWriter } from '../../../src/zookeeper/jute.ts';
import { eventually } from '../../builders/eventually.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';

/** A client of a server that does this with each connection. */
async function clientOf(serve: (socket: Socket) => void, options: { clock?: Clock } = {}): Promise<ZooKeeperClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = zooKeeperClient((server.address() as AddressInfo).port, { requestTimeoutMs: 1_000, ...options });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await client.close();
    server.close();
  });
  return client;
}

/** Opens a session, and answers every request with this body, a success unless an error is given. */
const answering =
  (body: Buffer, error = 0) =>
  (socket: Socket) => {
    socket.once('data', () => {
      socket.write(new JuteWriter().int(0).int(5_000).long(7n).bytes(new Uint8Array(16)).frame());
      socket.on('data', (chunk) => {
        const xid = new JuteReader(chunk.subarray(4)).int();
        const head = new JuteWriter().int(xid).long(1n).int(error).frame().subarray(4);
        const length = Buffer.alloc(4);
        length.writeInt32BE(head.length + body.length);
        socket.write(Buffer.concat([length, head, body]));
      });
    });
  };

test.each([
  ['speaks HTTP', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak ZooKeeper/],
  ['hangs up', (socket: Socket) => socket.end(), /there is no connection \(the connection was closed\)/],
])('why there is no connection is said, where the server %s', async (_, serve, message) => {
  const client = await clientOf((socket) => void serve(socket));
  const error = await failureOf(client.getData('/a'));
  expect(error).toMatchObject({ code: 'ZOOKEEPER_CONNECTION', message: expect.stringMatching(message) });
});

const ABSURD = [
  ['nothing', Buffer.alloc(0)],
  ['too little', Buffer.from('0000000361', 'hex')],
  ['an endless length', Buffer.from('7fffffff7fffffff', 'hex')],
] as const;
const create = { do: 'create', path: '/a', data: new Uint8Array() } as const;
const CALLS: Record<string, (client: ZooKeeperClient) => Promise<unknown>> = {
  getData: (client) => client.getData('/a'),
  exists: (client) => client.exists('/a'),
  getChildren: (client) => client.getChildren('/a'),
  create: (client) => client.create('/a', new Uint8Array()),
  transaction: (client) => client.transaction([create]),
};

test.each(Object.entries(CALLS))('an answer to %s that makes no sense is an error of the call', async (name, call) => {
  const isRead = name.startsWith('get') || name === 'exists';
  for (const [what, body] of ABSURD) {
    const error = await failureOf(call(await clientOf(answering(body))));
    const outcome = isRead ? 'notApplied' : 'unknown';
    expect({ what, error }).toMatchObject({ what, error: { code: 'ZOOKEEPER_CONNECTION', outcome } });
  }
});

test('a server that has no watches that stay is not waited on: the client closes, and says why', async () => {
  const client = await clientOf(answering(Buffer.alloc(0), -6));
  client.watch('/a', 'node', () => {});
  await eventually(() => client.state === 'closed');
  const error = await failureOf(client.getData('/a'));
  expect(error).toMatchObject({ message: expect.stringContaining('the server is older than ZooKeeper 3.6') });
});

test('a client that was closed has set no timer that still runs: nothing keeps its process', async () => {
  const running = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    setTimer(delayMs, callback) {
      const cancel = systemClock.setTimer(delayMs, () => {
        running.delete(cancel);
        callback();
      });
      running.add(cancel);
      return () => {
        running.delete(cancel);
        cancel();
      };
    },
  };
  const client = await clientOf(answering(Buffer.alloc(0)), { clock });
  await client.sync('/a');
  await client.close();
  expect(running.size).toBe(0);
});

test('a host that is no name of a machine is refused with the quorum, not when it is called', () => {
  expect(() => parseQuorum('a\0b:2181')).toThrow('is no ZooKeeper server: write host:port');
});
