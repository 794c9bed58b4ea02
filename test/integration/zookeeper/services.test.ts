/** What Apache Flink's tests ask of its ZooKeeper services: counter, leader's address, all data gone when asked. On a real server. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { decodeConnectionInfo } from '../../../src/flink/index.ts';
import {
  type HaServicesOptions,
  type HighAvailabilityServices,
  haServices,
  openZooKeeperHaServices,
} from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../builders/eventually.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { aCheckpoint, granted, JOB } from '../../builders/ha.ts';
import { newId } from '../../builders/new-id.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { aLedZooKeeperJob } from '../../builders/zookeeper-job.ts';
import { countingStorage } from '../../faults/counting-storage.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);

test('the counter is not removed while its node has children, and is when they are gone', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  await granted(services);
  const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
  await counter.start();
  await counter.setCount(1337);
  expect((await other.client.getData(tree.counter))?.data).toEqual(Buffer.from([0, 0, 5, 57]));
  await other.client.create(`${tree.counter}/child`, new Uint8Array());
  expect((await failureOf(counter.shutdown('FINISHED'))).message).toContain('NotEmpty');
  await other.client.delete(`${tree.counter}/child`);
  await counter.shutdown('FINISHED');
  expect(await other.client.exists(tree.counter)).toBeUndefined();
});

test('a count that does not fit its node is refused', async () => {
  const { leader } = await aLedZooKeeperJob(server!.port);
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  await granted(services);
  const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
  expect(String(await failureOf(counter.setCount(2 ** 31)))).toContain('Checkpoint counter overflow');
  await counter.setCount(2 ** 31 - 1);
});

test('the leader is found where Flink looks for it, and gone with the session of its process', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  const found: (string | null)[] = [];
  const retriever = overBackend(other.backend, 0n).getJobManagerLeaderRetriever(JOB);
  retriever.start({ notifyLeaderAddress: (address) => void found.push(address), handleError: () => {} });
  const election = services.getJobManagerLeaderElectionService(JOB);
  const sessionId = await new Promise<string>((resolve, reject) => {
    election.startLeaderElection({
      grantLeadership: (session) => resolve(session.sessionId),
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
  await election.confirmLeadership(sessionId, 'http://here:8081');
  const info = `${tree.leader}/job-${JOB}/connection_info`;
  const node = await other.client.getData(info);
  expect(decodeConnectionInfo(node!.data, info)).toEqual({ sessionId, address: 'http://here:8081' });
  expect(node!.stat.ephemeralOwner).toBe(leader.client.sessionId);
  expect(await other.client.getChildren(tree.latch)).toEqual([expect.stringMatching(/^_c_[0-9a-f]+-latch-\d{10}$/)]);
  await eventually(() => found.length > 0);
  await leader.backend.close();
  await eventually(() => found.length === 2);
  expect(found).toEqual(['http://here:8081', null]);
  await retriever.stop();
});

test('an address that somebody else writes into the node is put right', async () => {
  const { tree, leader, other } = await aLedZooKeeperJob(server!.port);
  const services = overBackend(leader.backend, leader.client.sessionId);
  onTestFinished(() => services.close());
  const election = services.getDispatcherLeaderElectionService();
  const sessionId = await new Promise<string>((resolve, reject) => {
    election.startLeaderElection({
      grantLeadership: (session) => resolve(session.sessionId),
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
  await election.confirmLeadership(sessionId, 'here');
  const info = `${tree.leader}/dispatcher/connection_info`;
  const right = (await other.client.getData(info))!.data;
  await other.client.transaction([{ do: 'setData', path: info, data: Buffer.from('x,elsewhere'), version: -1 }]);
  await eventually(async () => (await other.client.getData(info))?.data.equals(right) === true);
});

test('services are opened from a quorum with blanks and a path, and all their data goes when asked', async () => {
  const client = zooKeeperClient(server!.port);
  onTestFinished(() => client.close());
  const root = `/chroot-${newId()}`;
  const storage = countingStorage();
  const open = (createAbove?: number): Promise<HighAvailabilityServices> =>
    openZooKeeperHaServices({
      quorum: ` 127.0.0.1:${server!.port} , ${root}/ `,
      cluster: 'flights',
      storage,
      jobId: JOB,
      clock: systemClock,
      random: () => 0.5,
      identity: newId(),
      sessionTimeoutMs: 5_000,
      ...(createAbove === undefined ? {} : { createAbove }),
    });
  await client.ensurePath(root);
  expect(await failureOf(open())).toMatchObject({ code: 'HA_OBJECT_MISSING' });
  const services = await open(6);
  expect((await granted(services)).epoch).toBeGreaterThan(7);
  const checkpoints = await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 1);
  await checkpoints.addCheckpointAndSubsumeOldestOne(await aCheckpoint({ storage } as never, 1));
  expect(await client.getChildren(`${root}/flink/flights/jobs/${JOB}/checkpoints`)).toEqual(['0000000000000000001']);
  await services.closeAndCleanupAllData();
  expect(await client.exists(root)).toBeUndefined();
});

/** The services of a process over a backend it has open already. */
function overBackend(backend: HaServicesOptions['backend'], session: bigint): HighAvailabilityServices {
  return haServices({
    backend: { ...backend, close: async () => {} },
    storage: countingStorage(),
    jobId: JOB,
    clock: systemClock,
    identity: `process-${session}`,
    newId,
    newSessionId: () => crypto.randomUUID(),
    random: () => 0.1,
    retries: 5,
  });
}
