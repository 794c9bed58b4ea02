/** High availability in ZooKeeper: the object of a job is nodes of Flink's tree, its lease a latch. See README.md. */

export { LeaderLatch, type LeaderLatchOptions } from './leader-latch.ts';
export { JobTree } from './tree.ts';
export { type ZooKeeperBackendOptions, zookeeperBackend } from './zookeeper-backend.ts';
export { ZooKeeperHandleBackend, type ZooKeeperHandleBackendOptions } from './zookeeper-handle-backend.ts';
