import { IllegalStateException } from '../lib/java-errors.ts';
import type { HandleBackend, HaSnapshot } from './handle-backend.ts';
import { leaderKey } from './keys.ts';
import { decodeLeaderInformation } from './leader-information.ts';

/** Who wants to know the leader. `null, null`: there is none now. Follows Flink's LeaderRetrievalListener. */
export interface LeaderRetrievalListener {
  notifyLeaderAddress(address: string | null, sessionId: string | null): void;
  handleError(error: Error): void;
}

/** Follows the leader of one component. Starts once; silent after stop. */
export interface LeaderRetrievalService {
  start(listener: LeaderRetrievalListener): void;
  stop(): Promise<void>;
}

/** Follows a leader through what it publishes in the object of the job; tells only real changes. */
export function leaderRetrievalService(backend: HandleBackend, componentId: string): LeaderRetrievalService {
  let unwatch: (() => void) | undefined;
  let isStopped = false;
  let told: string | undefined;

  const seen = (snapshot: HaSnapshot | undefined, listener: LeaderRetrievalListener): void => {
    const text = snapshot?.entries.get(leaderKey(componentId));
    const information = decodeLeaderInformation(text);
    const current = information === undefined ? undefined : text;
    if (isStopped || current === told) return;
    told = current;
    listener.notifyLeaderAddress(information?.address ?? null, information?.sessionId ?? null);
  };

  return {
    start(listener) {
      if (unwatch !== undefined) throw new IllegalStateException('The leader retrieval was started already.');
      unwatch = backend.watch({
        seen: (snapshot) => seen(snapshot, listener),
        failed: (error) => isStopped || listener.handleError(error),
      });
    },
    async stop() {
      isStopped = true;
      unwatch?.();
    },
  };
}
