/** Opens the high availability services of a job where its order says they are. */
import { randomUUID } from 'node:crypto';
import {
  type HighAvailabilityServices,
  type KubernetesHaOptions,
  openEmbeddedHaServices,
  openKubernetesHaServices,
  openZooKeeperHaServices,
} from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import type { LeaseTimes } from '../../lib/elector.ts';
import type { FaultPoint } from '../../lib/fault-point.ts';
import type { Storage } from '../../storage/index.ts';

/** Where the pointers and the leadership of a job are kept. */
export type HaPlace =
  /** A directory of this machine. */
  | { readonly backend: 'Embedded'; readonly directory: string }
  /** ConfigMap `<job>-ha` and Lease `<job>-leader`, which whoever runs the job has made. */
  | {
      readonly backend: 'Kubernetes';
      readonly namespace: string;
      readonly job: string;
      /** Uid of this pod: the operator tests it before it empties the lease of a pod that is gone. */
      readonly podUid: string;
      /** @default 15 s, 10 s, 2 s */
      readonly lease?: LeaseTimes;
    }
  /** Below `<root>/<cluster>`. */
  | {
      readonly backend: 'ZooKeeper';
      readonly quorum: string;
      readonly root: string;
      readonly cluster: string;
      /** How long the leadership of a process that was killed is kept for it. @default 60000, as in Flink */
      readonly sessionTimeoutMs?: number;
    };

/** What a process of a job brings to its services. */
export interface HaClient {
  readonly jobId: string;
  readonly attempt: number;
  readonly storage: Storage;
  /** Of savepoints, which lie beside the directory of the job. */
  epochElsewhere(): Promise<number>;
  warn(message: string): void;
  readonly faults: FaultPoint;
}

/** Services, and how everything that was opened for them is closed. */
export interface OpenHa {
  readonly services: HighAvailabilityServices;
  close(): Promise<void>;
}

/**
 * @throws HaObjectMissingException in Kubernetes and ZooKeeper when nobody has made the object of the job
 * @throws KubeConfigError when this process knows no cluster
 */
export async function openHa(place: HaPlace, client: HaClient): Promise<OpenHa> {
  const { faults, ...own } = client;
  const nonce = randomUUID();
  const common = { ...own, clock: systemClock, random: Math.random, identity: nonce };
  switch (place.backend) {
    case 'Embedded':
      return closedAlone(await openEmbeddedHaServices({ ...common, directory: place.directory, faults }));
    case 'Kubernetes':
      return openInKubernetes(place, { ...common, identity: `${place.podUid}_${nonce}` });
    case 'ZooKeeper':
      return closedAlone(await openZooKeeperHaServices({ ...common, ...place }));
    default:
      return assertNever(place);
  }
}

function closedAlone(services: HighAvailabilityServices): OpenHa {
  return { services, close: () => services.close() };
}

async function openInKubernetes(
  { namespace, job, lease }: HaPlace & { readonly backend: 'Kubernetes' },
  common: Omit<KubernetesHaOptions, 'client' | 'namespace' | 'job'>,
): Promise<OpenHa> {
  // The Kubernetes client is loaded where it is used: jobs on a laptop do without it.
  const { ApiClient, openConnection } = await import('../../kube/index.ts');
  const client = ApiClient.for(await openConnection({ environment: process.env }), { fieldManager: 'flinkjob' });
  try {
    const times = lease === undefined ? {} : { lease };
    const services = await openKubernetesHaServices({ ...common, client, namespace, job, ...times });
    return { services, close: () => services.close().finally(() => client.close()) };
  } catch (error) {
    await client.close();
    throw error;
  }
}
