/** Faults of a backend made where they come from: on the way to a real API server, by the fault proxy. */
import type { HandleBackend } from '../../src/ha/index.ts';
import type { ApiProxy } from './api/api-proxy.ts';
import type { ActiveRule, Fault } from './api/rules.ts';
import { type FaultyBackend, faultyBackend, type PatchFault } from './faulty-backend.ts';

const NETWORK_FAULTS: Partial<Record<PatchFault, Fault>> = {
  appliedThenLost: { do: 'dropAfter' },
  appliedThenMoved: { do: 'dropAfter' },
  lost: { do: 'dropBefore' },
  late: { do: 'hold' },
  rejected: { do: 'answer', status: 403, reason: 'Forbidden' },
  tooLarge: { do: 'answer', status: 413, reason: 'RequestEntityTooLarge' },
};

/**
 * Both backends must reach the server through the proxy; the impatient one sends what is held on its way, and gives it up
 * after a short while. It arrives, whole, after the next read.
 */
export function networkFaultyBackend(
  { inner, impatient }: { readonly inner: HandleBackend; readonly impatient: HandleBackend },
  proxy: ApiProxy,
  object: { readonly namespace: string; readonly name: string },
): FaultyBackend {
  const faults: PatchFault[] = [];
  let held: ActiveRule | undefined;
  const throughProxy: HandleBackend = {
    name: inner.name,
    ...(inner.locks === undefined ? {} : { locks: inner.locks }),
    async read() {
      const seen = await inner.read();
      const arriving = held;
      held = undefined;
      if (arriving !== undefined) {
        const before = proxy.requests.filter(({ serverStatus }) => serverStatus !== undefined).length;
        arriving.release();
        while (proxy.requests.filter(({ serverStatus }) => serverStatus !== undefined).length === before)
          await new Promise((resolve) => setImmediate(resolve));
      }
      return seen;
    },
    async patch(patch) {
      const fault = NETWORK_FAULTS[faults.shift() ?? 'none'];
      if (fault === undefined) return inner.patch(patch);
      const rule = proxy.inject({ verb: 'patch', resource: 'configmaps', ...object, fault });
      if (fault.do !== 'hold') return inner.patch(patch);
      held = rule;
      return impatient.patch(patch);
    },
    create: (lowestEpoch) => inner.create(lowestEpoch),
    remove: (uid) => inner.remove(uid),
    watch: (observer) => inner.watch(observer),
  };
  // Counting, failing reads, and what happens before a patch stay where they are; faults of patches move to the network.
  return Object.assign(faultyBackend(throughProxy), {
    failPatches: (...next: PatchFault[]) => void faults.push(...next),
  });
}
