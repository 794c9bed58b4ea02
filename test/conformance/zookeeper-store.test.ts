/** The state handle store in the nodes of a real ZooKeeper server: faults made at the client, and on the way to the server. */
import { test as anyTest, expect } from 'vitest';
import { zookeeperBackend } from '../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../builders/new-id.ts';
import { zooKeeperClient } from '../builders/zookeeper.ts';
import { zooKeeperFaultyBackend } from '../faults/zookeeper-faulty-backend.ts';
import { ZooKeeperProxy } from '../faults/zookeeper-proxy.ts';
import { zooKeeperForTests } from '../zookeeper/desk.ts';
import { stateHandleStoreConformance, wrappedFixture } from './state-handle-store/index.ts';

const server = await zooKeeperForTests();

if (server === undefined) anyTest.skip('no ZooKeeper server can be had here', () => expect.unreachable());
else {
  stateHandleStoreConformance('ZooKeeper', () => {
    const cluster = `store-${newId()}`;
    const open = () =>
      zookeeperBackend({ client: zooKeeperClient(server.port), cluster, jobId: 'job', clock: systemClock, newId });
    const [one, two] = [open(), open()];
    const close = async (): Promise<void> => void (await Promise.all([one.close(), two.close()]));
    return { ...wrappedFixture(one.handles, two.handles, close), forgetsEpochs: true };
  });

  stateHandleStoreConformance('ZooKeeper behind a bad network', async () => {
    const cluster = `store-${newId()}`;
    const proxy = await ZooKeeperProxy.start(server.port);
    const open = (port: number) =>
      zookeeperBackend({ client: zooKeeperClient(port), cluster, jobId: 'job', clock: systemClock, newId });
    const [far, near] = [open(proxy.port), open(server.port)];
    return {
      backend: zooKeeperFaultyBackend(far.handles, proxy),
      other: near.handles,
      forgetsEpochs: true,
      dispose: async () => {
        await Promise.all([far.close(), near.close()]);
        await proxy.stop();
      },
    };
  });
}
