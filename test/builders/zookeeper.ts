import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { ZooKeeperClient, type ZooKeeperClientOptions } from '../../src/zookeeper/index.ts';

/** A client of a server on this machine, with a short session; started. */
export function zooKeeperClient(
  port: number,
  options: Partial<ZooKeeperClientOptions> & { readonly clock?: Clock } = {},
): ZooKeeperClient {
  const client = new ZooKeeperClient({
    servers: [{ host: '127.0.0.1', port }],
    clock: systemClock,
    random: () => 0.5,
    sessionTimeoutMs: 5_000,
    ...options,
  });
  client.start();
  return client;
}
