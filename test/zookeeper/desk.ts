/** The desk that hands out the ZooKeeper server. */
import { deskOf } from '../servers/desk.ts';
import { type RunningServer, startZooKeeper } from './start.ts';

const desk = deskOf<RunningServer, 'server', { readonly port: number }>({
  name: 'test ZooKeeper',
  start: (say) => startZooKeeper({ say }),
  hand: ({ port }) => ({ port }),
});

export const { setup } = desk;

/**
 * Where the ZooKeeper server of this test run listens, as a quorum; undefined where this machine can have none, and the run
 * then says why. To be awaited at the top of a test file.
 */
export async function zooKeeperForTests(): Promise<{ readonly port: number; readonly quorum: string } | undefined> {
  const answer = await desk.ask('server');
  return 'port' in answer ? { port: answer.port, quorum: `127.0.0.1:${answer.port}` } : undefined;
}
