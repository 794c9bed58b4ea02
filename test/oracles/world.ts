/**
 * How the world of one FlinkJob looks from outside, without what differs from life to life: what two lives that should have
 * come to the same end are compared by. The mask was learnt from lives that nobody disturbed.
 */
import type { Ledger } from '../../src/ha/index.ts';
import {
  type ApiClient,
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  FLINK_JOBS,
  type KubeObject,
  LEASES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../src/kube/index.ts';

/** Which job. */
export interface JobRef {
  readonly namespace: string;
  readonly name: string;
}

const signal = new AbortController().signal;

const KINDS: readonly ResourceDef[] = [
  CONTROLLER_REVISIONS,
  LEASES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  ROLES,
  ROLE_BINDINGS,
  SERVICES,
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
];

/** Objects by kind, pods that live, status, fence and ledger of a job. */
export async function worldOf(user: ApiClient, ref: JobRef): Promise<unknown> {
  const { namespace, name } = ref;
  const names = await Promise.all(KINDS.map(async (kind) => [kind.plural, await namesOf(user, kind, ref)]));
  const pods = await user.list(PODS, { signal, namespace });
  const live = pods.items.filter(
    ({ status, metadata }) =>
      status?.phase === 'Running' && metadata?.deletionTimestamp === undefined && metadata?.name?.startsWith(name),
  );
  const handles = await user.get(CONFIG_MAPS, { namespace, name: `${name}-ha` }, { signal });
  const job = await user.get(FLINK_JOBS, ref, { signal });
  return {
    ...Object.fromEntries(names),
    // Of those that have ended one is kept, and which one led is chance.
    pods: live.map(({ metadata }) => metadata?.name).sort(),
    finalizers: job?.metadata?.finalizers,
    status: timeless(job?.status),
    fence: Object.entries(handles?.metadata?.annotations ?? {})
      .filter(([key]) => key.endsWith('/attempt'))
      .sort(),
    ledger: timeless(await ledgerOf(user, ref)),
  };
}

/** The ledger of a job; empty where there is none. */
export async function ledgerOf(user: ApiClient, { namespace, name }: JobRef): Promise<Partial<Ledger>> {
  const handles = await user.get(CONFIG_MAPS, { namespace, name: `${name}-ha` }, { signal });
  return JSON.parse(handles?.data?.['ledger'] ?? '{}') as Partial<Ledger>;
}

/** Names of a job's objects of a kind that are not being deleted. */
export async function namesOf(user: ApiClient, kind: ResourceDef, { namespace, name }: JobRef): Promise<string[]> {
  const { items } = await user.list(kind as ResourceDef<KubeObject>, { signal, namespace });
  return items
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata?.name ?? '')
    .filter((each) => each.startsWith(name))
    .sort();
}

/** Times, what is named after the uid, and what only says how long something took. */
const OF_ONE_LIFE = new Set([
  'at',
  'since',
  'started',
  'startedAt',
  'startTime',
  'completed',
  'lastTransitionTime',
  'jobId',
  'triggerId',
  'requested',
  'uri',
  'message',
  'cause',
  'checkpoint',
  // Which of two pods leads is chance; that the epoch rises with it is proved elsewhere.
  'epoch',
  'leader',
  'jobState',
]);

function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (value === null || typeof value !== 'object') return value;
  // `savepoint` is the name of a counter, too, which is the same in all lives.
  const isOfOneLife = (key: string, field: unknown): boolean =>
    OF_ONE_LIFE.has(key) || (key === 'savepoint' && typeof field === 'string');
  const entries = Object.entries(value).filter(([key, field]) => !isOfOneLife(key, field));
  return Object.fromEntries(entries.map(([key, field]) => [key, timeless(field)]));
}
