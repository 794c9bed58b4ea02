/** Leader election, and the services over it, by latches and nodes of a real ZooKeeper server. */
import { test as anyTest, expect } from 'vitest';
import { zooKeeperForTests } from '../zookeeper/desk.ts';
import { electionConformance, PATIENT_TIMES } from './election/index.ts';
import { haServicesConformance } from './ha-services/index.ts';
import { ZOOKEEPER_TIMES, zooKeeperFixture } from './zookeeper-fixture.ts';

const server = await zooKeeperForTests();

if (server === undefined) anyTest.skip('no ZooKeeper server can be had here', () => expect.unreachable());
else {
  electionConformance('ZooKeeper', () => zooKeeperFixture(server.port, ZOOKEEPER_TIMES), ZOOKEEPER_TIMES);
  haServicesConformance('ZooKeeper', () => zooKeeperFixture(server.port, PATIENT_TIMES));
}
