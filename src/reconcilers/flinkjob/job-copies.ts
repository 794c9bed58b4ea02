/** The copies that decisions read: one informer per kind and watched namespace, and which of them wake a job's key. */
import { LABELS } from '../../api/index.ts';
import {
  anyChange,
  byOwnerUid,
  contentChanged,
  Informer,
  intentChanged,
  objectsOf,
  ownersOf,
  type Source,
} from '../../controller/index.ts';
import {
  type ApiClient,
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  type ConfigMap,
  type ControllerRevision,
  FLINK_JOBS,
  type FlinkJobObject,
  INGRESSES,
  type KubeObject,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  type Pod,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import { MANAGED_BY } from '../../resources/index.ts';

type ByOwner<T extends KubeObject> = Informer<T, 'owner'>;

/** Kinds whose objects a job has one of, besides its pods and revisions. */
export const CHILD_KINDS: readonly ResourceDef[] = [
  CONFIG_MAPS,
  SERVICES,
  SERVICE_ACCOUNTS,
  ROLES,
  ROLE_BINDINGS,
  POD_DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  INGRESSES,
];

/** The copies of one namespace, or of all. */
export interface JobCopies {
  readonly jobs: Informer<FlinkJobObject>;
  readonly pods: ByOwner<Pod>;
  readonly revisions: ByOwner<ControllerRevision>;
  readonly children: ReadonlyMap<ResourceDef, ByOwner<KubeObject>>;
  readonly sources: readonly Source[];
  readonly informers: readonly Informer<KubeObject>[];
}

export interface JobCopiesOptions {
  readonly client: ApiClient;
  /** @default all namespaces */
  readonly namespace?: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly trouble: (error: Error) => void;
}

export function jobCopies({ namespace, ...options }: JobCopiesOptions): JobCopies {
  // What one finds out is true of all; two that change with everything are enough to ask.
  const wentBack = (): void => {
    for (const informer of informers) informer.startOver();
  };
  const where = namespace === undefined ? {} : { namespace };
  const ours = { ...where, labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` };
  type Asking = { readonly wentBack?: () => void };
  const owned = <T extends KubeObject>(resource: ResourceDef<T>, asking: Asking = {}): ByOwner<T> =>
    new Informer<T, 'owner'>({ ...options, ...asking, resource, selection: ours, indexes: { owner: byOwnerUid } });
  const jobs = new Informer<FlinkJobObject>({ ...options, wentBack, resource: FLINK_JOBS, selection: where });
  const pods = owned(PODS, { wentBack });
  const revisions = owned(CONTROLLER_REVISIONS);
  const children = new Map(CHILD_KINDS.map((kind) => [kind, owned<KubeObject>(kind as ResourceDef<ConfigMap>)]));
  const others = [pods, revisions, ...children.values()] as readonly ByOwner<KubeObject>[];
  const informers = [jobs, ...others] as unknown as readonly Informer<KubeObject>[];
  return {
    jobs,
    pods,
    revisions,
    children,
    sources: [
      objectsOf(jobs, intentChanged),
      // Of pods the status is what matters; of all others only whether they are as they were made.
      ...others.map((informer) => ownersOf(informer, FLINK_JOBS, informer === pods ? anyChange : contentChanged)),
    ],
    informers,
  };
}
