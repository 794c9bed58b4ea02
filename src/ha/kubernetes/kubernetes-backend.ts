import { LeaseElector } from '../../election/index.ts';
import type { ApiClient } from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { DEFAULT_LEASE_TIMES, type Elector, type LeaseTimes } from '../../lib/elector.ts';
import type { WriteGate } from '../../lib/write-gate.ts';
import type { HaBackend } from '../services.ts';
import { ConfigMapHandleBackend } from './config-map-backend.ts';

export interface KubernetesBackendOptions {
  /** Not closed by the backend. */
  readonly client: ApiClient;
  readonly namespace: string;
  /** Name of the job: the object is ConfigMap `<job>-ha`, the lease is Lease `<job>-leader`. */
  readonly job: string;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** @default 15 s, 10 s, 2 s */
  readonly lease?: LeaseTimes;
  /** Of a ConfigMap that is made. @default none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Told what went wrong with the lease and is tried again. */
  readonly warn?: (message: string) => void;
}

/**
 * The object and the lease of a job in Kubernetes. Once this process contends, its patches pass the gate of its newest
 * elector: none is sent when the lease may have run out. A process that only supervises never contends, and is not gated.
 */
export function kubernetesBackend(options: KubernetesBackendOptions): HaBackend {
  const { client, namespace, job, clock, random, lease = DEFAULT_LEASE_TIMES, labels, warn = () => {} } = options;
  const gate = new NewestGate();
  const handles = new ConfigMapHandleBackend({
    client,
    patcher: client.gatedBy(gate),
    namespace,
    name: `${job}-ha`,
    clock,
    ...(labels === undefined ? {} : { labels }),
  });
  return {
    handles,
    createElector: (identity): Elector => {
      const elector = new LeaseElector({
        client,
        namespace,
        name: `${job}-leader`,
        identity,
        times: lease,
        clock,
        random,
        trouble: (error) => warn(error.message),
      });
      gate.current = elector.gate;
      return elector;
    },
    async close() {},
  };
}

/** The gate of whichever elector came last. */
class NewestGate implements WriteGate {
  current: WriteGate | undefined;
  readonly #open = new AbortController().signal;

  remainingMs(): number {
    return this.current?.remainingMs() ?? Number.POSITIVE_INFINITY;
  }

  get closed(): AbortSignal {
    return this.current?.closed ?? this.#open;
  }
}
