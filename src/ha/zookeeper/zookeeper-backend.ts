import type { Clock } from '../../lib/clock.ts';
import type { Elector } from '../../lib/elector.ts';
import type { ZooKeeperClient } from '../../zookeeper/index.ts';
import type { HaBackend } from '../services.ts';
import { LeaderLatch } from './leader-latch.ts';
import { JobTree } from './tree.ts';
import { ZooKeeperHandleBackend } from './zookeeper-handle-backend.ts';

export interface ZooKeeperBackendOptions {
  /** Closed with the backend: its session is what locks and leadership end with. */
  readonly client: ZooKeeperClient;
  /** Flink's `high-availability.zookeeper.path.root`. @default /flink */
  readonly root?: string;
  /** Flink's `high-availability.cluster-id`: what shares a latch. No two jobs have the same. */
  readonly cluster: string;
  readonly jobId: string;
  readonly clock: Clock;
  /** Unguessable hex. */
  readonly newId: () => string;
  /** Flink's `high-availability.zookeeper.client.tolerate-suspended-connections`. @default false */
  readonly tolerateSuspended?: boolean;
  /** Told what went wrong and is tried again. @default nobody is told */
  readonly warn?: (message: string) => void;
}

/**
 * The object and the latch of a job in ZooKeeper. Once this process contends, patches are sent only while its newest elector
 * holds the latch. A process that only supervises never contends, and is not gated.
 */
export function zookeeperBackend(options: ZooKeeperBackendOptions): HaBackend {
  const { client, root = '/flink', cluster, jobId, clock, newId, tolerateSuspended, warn } = options;
  const tree = new JobTree(root, cluster, jobId);
  let newest: Elector | undefined;
  const gate = (): boolean => newest === undefined || newest.isHeld();
  const handles = new ZooKeeperHandleBackend({ client, tree, clock, newId, gate });
  return {
    handles,
    createElector: (identity): Elector => {
      newest = new LeaderLatch({
        client,
        path: tree.latch,
        identity,
        clock,
        newId,
        beforeRelease: () => handles.locks.unlockAll(),
        ...(tolerateSuspended === undefined ? {} : { tolerateSuspended }),
        ...(warn === undefined ? {} : { warn }),
      });
      return newest;
    },
    close: () => client.close(),
  };
}
