/** A job on a Lease and a ConfigMap of a real API server. */
import { randomBytes } from 'node:crypto';
import type { LeaseTimes } from '../../src/ha/index.ts';
import { kubernetesBackend } from '../../src/ha/kubernetes/index.ts';
import { ApiClient, LEASES, type LeaseSpec } from '../../src/kube/index.ts';
import { tokenConnection } from '../builders/kube.ts';
import type { TestCluster } from '../cluster/index.ts';
import type { ElectionFixture } from './election/index.ts';

/** Records hold whole seconds, and a server that others use takes its time. */
export const KUBERNETES_TIMES = { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 };

export function kubernetesFixture(cluster: TestCluster, namespace: string, times: LeaseTimes): ElectionFixture {
  const job = `job-${randomBytes(4).toString('hex')}`;
  const client = ApiClient.for(tokenConnection(cluster), { fieldManager: 'test' });
  const lease = { namespace, name: `${job}-leader` };
  const overwrite = async (spec: LeaseSpec): Promise<void> => {
    const options = { signal: new AbortController().signal };
    const object = { metadata: lease, spec };
    await client.apply(LEASES, object, { ...options, fieldManager: 'somebody', force: true });
  };
  return {
    open: (clock) => kubernetesBackend({ client, namespace, job, clock, random: () => 0.5, lease: times }),
    abandonLease: (holder) =>
      overwrite({
        holderIdentity: holder,
        leaseDurationSeconds: times.durationMs / 1_000,
        acquireTime: '2026-01-01T00:00:00.000000Z',
        renewTime: '2026-01-01T00:00:00.000000Z',
      }),
    emptyLease: () => overwrite({ holderIdentity: '' }),
    dispose: () => client.close(),
  };
}
