import { randomBytes, randomUUID } from 'node:crypto';
import type { Storage } from '../../storage/index.ts';
import { HaObjectMissingException } from '../errors.ts';
import { type HighAvailabilityServices, haServices } from '../services.ts';
import { highestEpochIn } from '../sweep.ts';
import type { ZooKeeperBackendOptions } from './zookeeper-backend.ts';

export interface ZooKeeperHaOptions extends Omit<ZooKeeperBackendOptions, 'client' | 'newId'> {
  /** Flink's `high-availability.zookeeper.quorum`: `host:port,host:port`, with a path where all is below one. */
  readonly quorum: string;
  readonly storage: Storage;
  /** Unique to this process and term. */
  readonly identity: string;
  /** The attempt this process belongs to; it leads no other. @default any */
  readonly attempt?: number;
  /**
   * Make the object when there is none, with an epoch above all that storage has seen and not below this one. For whoever
   * supervises the job; a process of the job fails without it. @default it is not made
   */
  readonly createAbove?: number;
  /** Asked of the servers. @default 60000 */
  readonly sessionTimeoutMs?: number;
  /** @default 15000 */
  readonly connectionTimeoutMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unguessable hex. @default 16 random bytes */
  readonly newId?: () => string;
}

/**
 * The services of a job in ZooKeeper, with a session of their own that ends when they are closed.
 * @throws HaObjectMissingException when the object is not there and is not to be made
 */
export async function openZooKeeperHaServices(options: ZooKeeperHaOptions): Promise<HighAvailabilityServices> {
  const { quorum, root = '/flink', storage, jobId, clock, identity, attempt, warn, random, createAbove } = options;
  const { sessionTimeoutMs, connectionTimeoutMs } = options;
  const newId = options.newId ?? (() => randomBytes(16).toString('hex'));
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
    if ((await backend.handles.read()) === undefined) {
      if (createAbove === undefined) throw new HaObjectMissingException(backend.handles.name);
      const highest = await highestEpochIn(storage, jobId);
      await backend.handles.create(Math.max(createAbove, highest) + 1);
    }
    return haServices({
      backend,
      storage,
      jobId,
      clock,
      identity,
      newId,
      newSessionId: randomUUID,
      random,
      ...(attempt === undefined ? {} : { attempt }),
      ...(warn === undefined ? {} : { warn }),
    });
  } catch (error) {
    await client.close();
    throw error;
  }
}
