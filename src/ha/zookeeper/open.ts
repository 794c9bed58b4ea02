import { type OpenServicesOptions, openServices, randomId } from '../open-services.ts';
import type { HighAvailabilityServices } from '../services.ts';
import type { ZooKeeperBackendOptions } from './zookeeper-backend.ts';

export interface ZooKeeperHaOptions extends Omit<ZooKeeperBackendOptions, 'client' | 'newId'>, OpenServicesOptions {
  /** Flink's `high-availability.zookeeper.quorum`: `host:port,host:port`, with a path where all is below one. */
  readonly quorum: string;
  /** Asked of the servers. @default 60000 */
  readonly sessionTimeoutMs?: number;
  /** @default 15000 */
  readonly connectionTimeoutMs?: number;
}

/**
 * The services of a job in ZooKeeper, with a session of their own that ends when they are closed.
 * @throws HaObjectMissingException when the object is not there and is not to be made
 */
export async function openZooKeeperHaServices(options: ZooKeeperHaOptions): Promise<HighAvailabilityServices> {
  const { quorum, root = '/flink', clock, random, newId = randomId } = options;
  const { sessionTimeoutMs, connectionTimeoutMs } = options;
  // The client is loaded where it is used: other backends do without it.
  const { zookeeperBackend } = await import('./zookeeper-backend.ts');
  const { nodePath, parseQuorum, ZooKeeperClient } = await import('../../zookeeper/index.ts');
  const { servers, chroot } = parseQuorum(quorum);
  const client = new ZooKeeperClient({
    servers,
    clock,
    random,
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    ...(connectionTimeoutMs === undefined ? {} : { connectionTimeoutMs }),
  });
  client.start();
  try {
    const backend = zookeeperBackend({ ...options, client, newId, root: nodePath(chroot, root) });
    return await openServices(backend, { ...options, newId });
  } catch (error) {
    await client.close();
    throw error;
  }
}
