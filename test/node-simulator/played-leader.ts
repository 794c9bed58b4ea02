/** The one thing that a played pod writes into the object of its job: that it leads, under an epoch of its own. */
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import type { ApiClient } from '../../src/kube/index.ts';
import { objectNames } from '../../src/resources/index.ts';

/** Who takes over. */
export interface PlayedLeader {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly namespace: string;
  readonly job: string;
  readonly attempt: number;
  readonly podUid: string;
}

/** Where hundreds begin at once, requests wait for each other. */
const PATIENCE_MS = 120_000;

/** The epoch under which the pod leads; undefined where there is no object, or another attempt is open. */
export async function takeOver(leader: PlayedLeader): Promise<number | undefined> {
  const { client, signal, namespace, job, attempt, podUid } = leader;
  const { handles: name } = objectNames(job);
  const backend = new ConfigMapHandleBackend({ client, signal, namespace, name, deadlineMs: PATIENCE_MS });
  for (;;) {
    const found = await backend.read();
    if (found?.attempt !== attempt) return undefined;
    const { uid, seq } = found;
    const epoch = found.epoch + 1;
    const { answer } = await backend.patch({
      expect: { uid, epoch: found.epoch, seq },
      entries: new Map(),
      raise: { epoch, leader: `${podUid}_played` },
      writer: podUid,
    });
    // Somebody else wrote meanwhile, or the answer was lost: what is there now says which.
    if (answer === 'done') return epoch;
  }
}
