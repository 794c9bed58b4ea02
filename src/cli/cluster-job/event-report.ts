/** Events about a job and its objects, newest last, as a person reads them. */
import { KIND } from '../../api/index.ts';
import { ApiError, defineResource, type KubeObject, type Selection } from '../../kube/index.ts';
import { type ClusterJob, PATIENCE_MS } from './open-cluster.ts';

/** Of events.k8s.io/v1; older writers fill in the fields that begin with `deprecated`. */
interface KubeEvent extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly deprecatedCount?: number;
  readonly deprecatedLastTimestamp?: string | null;
  readonly regarding?: { readonly kind?: string; readonly name?: string };
  readonly reportingController?: string;
}

const EVENTS = defineResource<KubeEvent>('events.k8s.io/v1', 'Event', 'events');

/** One event. */
export interface EventReport {
  /** When it was seen last. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  /** `Pod/flights-3-0` */
  readonly object: string;
  readonly note: string;
  readonly count: number;
}

/** Events, or why there are none to show. */
export type SeenEvents =
  | { readonly isSeen: true; readonly events: readonly EventReport[] }
  | { readonly isSeen: false; readonly why: string };

/** The events of the FlinkJob and of its pods, oldest first. Whoever may not list them is told so, and gets the rest. */
export async function eventsOf(job: ClusterJob): Promise<SeenEvents> {
  const { name } = job;
  const ofKind = (kind: string, more = '') => eventsIn(job, { fieldSelector: `regarding.kind=${kind}${more}` });
  try {
    const [own, pods] = await Promise.all([ofKind(KIND, `,regarding.name=${name}`), ofKind('Pod')]);
    return { isSeen: true, events: jobEvents([...own, ...pods], name) };
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) {
      return { isSeen: false, why: `events may not be listed in namespace ${job.namespace}` };
    }
    throw error;
  }
}

async function eventsIn(
  { client, namespace, signal }: ClusterJob,
  selection: Selection,
): Promise<readonly KubeEvent[]> {
  return (await client.list(EVENTS, { ...selection, namespace, signal, deadlineMs: PATIENCE_MS })).items;
}

/** Those about the job or one of its pods, oldest first. Pure. */
export function jobEvents(events: readonly KubeEvent[], job: string): EventReport[] {
  return events
    .filter(({ regarding = {} }) => isOfJob(regarding, job))
    .map(eventReport)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** A pod's name is `<job>-<attempt>-<index>`; the name of another job may begin with that of this one. */
function isOfJob({ kind, name = '' }: NonNullable<KubeEvent['regarding']>, job: string): boolean {
  if (kind === KIND) return name === job;
  return kind === 'Pod' && name.startsWith(`${job}-`) && /^\d+-\d+$/.test(name.slice(job.length + 1));
}

function eventReport(event: KubeEvent): EventReport {
  const { series, regarding = {}, metadata = {} } = event;
  const at = series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? event.eventTime ?? metadata.creationTimestamp;
  return {
    at: at ?? '1970-01-01T00:00:00Z',
    type: event.type ?? 'Normal',
    reason: event.reason ?? '',
    object: `${regarding.kind}/${regarding.name}`,
    note: event.note ?? '',
    count: series?.count ?? event.deprecatedCount ?? 1,
  };
}
