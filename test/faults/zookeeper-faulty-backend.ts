/** Faults of a backend made where they come from: on the way to a real ZooKeeper server, by the proxy. */
import type { HandleBackend } from '../../src/ha/index.ts';
import { type FaultyBackend, faultyBackend, type PatchFault } from './faulty-backend.ts';
import type { TransactionFault, ZooKeeperProxy } from './zookeeper-proxy.ts';

const NO_AUTH = -102;

const NETWORK_FAULTS: Partial<Record<PatchFault, TransactionFault>> = {
  appliedThenLost: { do: 'dropAfter' },
  lost: { do: 'dropBefore' },
  late: { do: 'hold' },
  rejected: { do: 'answer', error: NO_AUTH },
};

/** The backend must reach the server through the proxy. A request that is held arrives, whole, after the next read. */
export function zooKeeperFaultyBackend(inner: HandleBackend, proxy: ZooKeeperProxy): FaultyBackend {
  const faults: PatchFault[] = [];
  // What a network cannot do stays with the client.
  const atClient = faultyBackend(inner);
  const throughProxy: HandleBackend = {
    ...atClient,
    async read() {
      const seen = await inner.read();
      await proxy.release();
      return seen;
    },
    async patch(patch) {
      const fault = faults.shift() ?? 'none';
      const onTheWay = NETWORK_FAULTS[fault];
      if (onTheWay === undefined) atClient.failPatches(fault);
      else proxy.fail(onTheWay);
      return onTheWay === undefined ? atClient.patch(patch) : inner.patch(patch);
    },
  };
  return Object.assign(faultyBackend(throughProxy), {
    failPatches: (...next: PatchFault[]) => void faults.push(...next),
  });
}
