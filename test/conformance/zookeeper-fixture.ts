/** A job in the nodes of a real ZooKeeper server, in a cluster of its own. */
import type { LeaseTimes } from '../../src/ha/index.ts';
import { JobTree, zookeeperBackend } from '../../src/ha/zookeeper/index.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { JOB } from '../builders/ha.ts';
import { newId } from '../builders/new-id.ts';
import { zooKeeperClient } from '../builders/zookeeper.ts';
import type { ElectionFixture } from './election/index.ts';

/** A session lasts `durationMs`, rounded up to a tick of the server; its holder stops after two thirds. */
export const ZOOKEEPER_TIMES = { durationMs: 1_200, renewDeadlineMs: 800, retryMs: 400 };

/** Whoever has it never says a word by itself, so that the server ends its session. */
const STOPPED: Clock = { ...systemClock, setTimer: () => () => {} };

export async function zooKeeperFixture(port: number, times: LeaseTimes): Promise<ElectionFixture> {
  const cluster = `cluster-${newId()}`;
  const { latch } = new JobTree('/flink', cluster, JOB);
  const clients: ZooKeeperClient[] = [];
  const newClient = (clock: Clock, sessionTimeoutMs = times.durationMs): ZooKeeperClient => {
    const client = zooKeeperClient(port, { clock, sessionTimeoutMs });
    clients.push(client);
    return client;
  };
  const somebody = newClient(systemClock);
  const numberOf = (name: string): number => Number(name.slice(-10));
  const contenders = async (): Promise<string[]> =>
    ((await somebody.getChildren(latch)) ?? []).sort((a, b) => numberOf(a) - numberOf(b));
  return {
    open: (clock) => zookeeperBackend({ client: newClient(clock), cluster, jobId: JOB, clock, newId }),
    abandonLease: async (holder) => {
      for (const name of await contenders()) await somebody.delete(`${latch}/${name}`);
      const stopped = newClient(STOPPED, times.durationMs + 100);
      await stopped.create(`${latch}/_c_${newId()}-latch-`, Buffer.from(holder), 'ephemeralSequential');
    },
    emptyLease: async () => {
      const [leader] = await contenders();
      if (leader !== undefined) await somebody.delete(`${latch}/${leader}`);
    },
    dispose: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}
