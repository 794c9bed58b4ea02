import type { Clock } from '../../lib/clock.ts';
import type { ZooKeeperClient } from '../../zookeeper/index.ts';
import type { HandleObserver, HaSnapshot } from '../handle-backend.ts';
import type { JobObject } from './job-object.ts';
import type { JobTree } from './tree.ts';

/** What is watched, and how it is read. */
export interface Watching {
  readonly client: ZooKeeperClient;
  readonly tree: JobTree;
  readonly observer: HandleObserver;
  readonly clock: Clock;
  readonly read: () => Promise<JobObject | undefined>;
  /** The newest version this process has written or read. */
  readonly newest: () => JobObject | undefined;
}

/** Before it is looked again, after that failed. */
const RETRY_MS = 1_000;

/**
 * Shows the versions of an object. Every change of ours moves the fence; nodes of leaders also go with the session of their
 * owner, which nobody writes. So both are watched, and looked at again after each event and each new connection.
 */
export function watchObject({ client, tree, observer, clock, read, newest }: Watching): () => void {
  let isEnded = false;
  let isLooking = false;
  let isWanted = false;
  let mayBeKnown = true;
  let shown: HaSnapshot | undefined | 'nothing' = 'nothing';

  /** One's own write comes back as an event; then one small read shows that nothing else has happened. */
  const current = async (): Promise<HaSnapshot | undefined> => {
    const isWorthAsking = mayBeKnown;
    mayBeKnown = true;
    const fence = isWorthAsking ? await client.exists(tree.fence) : undefined;
    // The event of a write comes before its answer, so what is known is looked up after the answer to this. It may be newer
    // than that by then; whatever somebody else changes afterwards has an event of its own.
    const known = newest();
    const isNewest = known !== undefined && fence !== undefined && fence.version <= known.snapshot.seq;
    return isNewest && fence.createdBy === known.createdBy ? known.snapshot : (await read())?.snapshot;
  };

  const look = async (): Promise<void> => {
    while (isWanted && !isEnded) {
      isWanted = false;
      try {
        const snapshot = await current();
        if (isEnded || (shown !== 'nothing' && isSame(shown, snapshot))) continue;
        shown = snapshot;
        observer.seen(snapshot);
      } catch (error) {
        if (isEnded) break;
        observer.failed(error as Error);
        // A new connection tells to look anew; an answer that only took too long does not.
        clock.setTimer(RETRY_MS, () => want(false));
      }
    }
    isLooking = false;
  };

  const want = (knownIsEnough: boolean): void => {
    isWanted = true;
    mayBeKnown &&= knownIsEnough;
    if (isLooking) return;
    isLooking = true;
    void look();
  };

  // In this order: what resyncs last says that both are set.
  const unwatch = [
    client.watch(tree.leader, 'subtree', (event) => {
      if (event.type !== 'resync' && event.path.endsWith('/connection_info')) want(false);
    }),
    client.watch(tree.fence, 'node', ({ type }) => want(type !== 'resync')),
  ];
  return () => {
    isEnded = true;
    for (const end of unwatch) end();
  };
}

function isSame(one: HaSnapshot | undefined, other: HaSnapshot | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one === other) return true;
  const sameVersion = one.uid === other.uid && one.seq === other.seq && one.entries.size === other.entries.size;
  return sameVersion && [...one.entries].every(([key, text]) => other.entries.get(key) === text);
}
