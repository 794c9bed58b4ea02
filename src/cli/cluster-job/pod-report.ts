/** Pods of a job as a person wants to see them: what each is for, how it is, and what it suffers from. Pure. */
import { LABELS, type PodTrouble, type Reason } from '../../api/index.ts';
import type { ContainerStatus, Pod } from '../../kube/index.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import { MAIN_CONTAINER } from '../../resources/index.ts';
import type { EventReport } from './event-report.ts';

/** One pod. */
export interface PodReport {
  readonly name: string;
  /** `ended`: of this attempt, and does not run any more; `old`: of an earlier one. */
  readonly role: 'leader' | 'standby' | 'ended' | 'old';
  readonly attempt?: number;
  readonly isReady: boolean;
  /** The pod's phase, or what its container waits for or ended with: as kubectl shows it. */
  readonly state: string;
  readonly restarts: number;
  readonly node?: string;
  readonly created?: string;
  /** Why it does not run. */
  readonly detail?: string;
}

/** The attempt that is open, and who leads it. */
export interface AttemptFacts {
  readonly number?: number | undefined;
  readonly leader?: string | undefined;
}

/** Leader first, then standbys, then what has ended. */
export function podReports(pods: readonly Pod[], attempt: AttemptFacts): PodReport[] {
  const order = ['leader', 'standby', 'ended', 'old'];
  return pods
    .map((pod) => podReport(pod, attempt))
    .sort(
      (a, b) => order.indexOf(a.role) - order.indexOf(b.role) || a.name.localeCompare(b.name, 'en', { numeric: true }),
    );
}

function podReport(pod: Pod, attempt: AttemptFacts): PodReport {
  const { name = '', labels = {}, creationTimestamp, deletionTimestamp } = pod.metadata ?? {};
  const number = Number(labels[LABELS.attempt]);
  const { reason, detail } = troubleWords(pod);
  const node = pod.spec?.nodeName;
  return {
    name,
    role: roleOf(pod, attempt),
    ...(Number.isSafeInteger(number) ? { attempt: number } : {}),
    isReady: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    state: deletionTimestamp === undefined ? (reason ?? pod.status?.phase ?? 'Unknown') : 'Terminating',
    restarts: containersOf(pod).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    ...(node === undefined ? {} : { node }),
    ...(creationTimestamp === undefined ? {} : { created: creationTimestamp }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function roleOf({ metadata = {}, status }: Pod, attempt: AttemptFacts): PodReport['role'] {
  if (metadata.name === attempt.leader) return 'leader';
  const number = Number(metadata.labels?.[LABELS.attempt]);
  if (attempt.number !== undefined && number < attempt.number) return 'old';
  return status?.phase === 'Failed' || status?.phase === 'Succeeded' ? 'ended' : 'standby';
}

interface TroubleWords {
  readonly reason?: string;
  readonly detail?: string;
}

/** What stands in the way, the most telling first. */
function troubleWords(pod: Pod): TroubleWords {
  const { reason, message, conditions = [] } = pod.status ?? {};
  if (reason !== undefined) return words(reason, message);
  for (const { state } of containersOf(pod)) {
    const { waiting, terminated } = state ?? {};
    if (waiting?.reason !== undefined && !NORMAL_WAITS.has(waiting.reason))
      return words(waiting.reason, waiting.message);
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return words(terminated.reason ?? 'Error', exitText(terminated.exitCode));
    }
  }
  const scheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return scheduled === undefined ? {} : words(scheduled.reason ?? 'Unschedulable', scheduled.message);
}

/** What exit codes of a job's process mean; another one is a crash. */
const EXITS: Readonly<Record<number, string>> = {
  [JOB_EXIT.failed]: 'the job failed',
  [JOB_EXIT.suppressRestarts]: 'the job failed, and a restart cannot help',
  [JOB_EXIT.lostLeadership]: 'it lost the leadership',
  [JOB_EXIT.invalid]: 'the job is not valid',
  [JOB_EXIT.stopped]: 'stopped on request',
};

function exitText(code: number): string {
  const meaning = EXITS[code];
  return meaning === undefined ? `exit code ${code}` : `exit code ${code}: ${meaning}`;
}

/** What a container waits for that comes by itself. */
const NORMAL_WAITS = new Set(['ContainerCreating', 'PodInitializing']);

function words(reason: string, message: string | undefined): TroubleWords {
  return message === undefined || message === '' ? { reason } : { reason, detail: message };
}

/** What the explanation of the job has to know of its pods; those of earlier attempts are history. */
export function podTroubles(
  pods: readonly Pod[],
  attempt: AttemptFacts,
  events: readonly EventReport[] = [],
): PodTrouble[] {
  return pods.flatMap((pod) => {
    const { name = '' } = pod.metadata ?? {};
    if (roleOf(pod, attempt) === 'old') return [];
    const { reason, detail } = troubleWords(pod);
    const known = reason === undefined ? mountTrouble(name, pod, events) : { reason: EXPLAINED[reason], detail };
    if (known?.reason === undefined) return [];
    const main = mainContainer(pod);
    return [
      {
        reason: known.reason,
        pod: name,
        detail: known.detail,
        node: pod.spec?.nodeName,
        image: main?.image,
        memory: main?.resources?.limits?.memory,
      },
    ];
  });
}

/** The kubelet's words, and those of the table they belong to. */
const EXPLAINED: Readonly<Record<string, Reason>> = {
  ImagePullBackOff: 'ImagePullBackOff',
  ErrImagePull: 'ErrImagePull',
  ErrImageNeverPull: 'ErrImagePull',
  InvalidImageName: 'ErrImagePull',
  CrashLoopBackOff: 'CrashLoopBackOff',
  CreateContainerConfigError: 'CreateContainerConfigError',
  CreateContainerError: 'RunContainerError',
  RunContainerError: 'RunContainerError',
  StartError: 'RunContainerError',
  ContainerCannotRun: 'RunContainerError',
  OOMKilled: 'OOMKilled',
  Unschedulable: 'Unschedulable',
  SchedulingGated: 'Unschedulable',
  Evicted: 'Evicted',
  Preempting: 'Evicted',
  NodeLost: 'NodeLost',
  NodeShutdown: 'NodeLost',
};

/** A volume that cannot be mounted stands in Events only: the container just waits. */
function mountTrouble(name: string, pod: Pod, events: readonly EventReport[]) {
  if (pod.status?.phase !== 'Pending') return undefined;
  const event = events.find(({ reason, object }) => object === `Pod/${name}` && MOUNT_EVENTS.has(reason));
  return event && { reason: 'FailedMount' as const, detail: event.note };
}

const MOUNT_EVENTS = new Set(['FailedMount', 'FailedAttachVolume']);

interface MainContainer {
  readonly name?: string;
  readonly image?: string;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
}

function mainContainer(pod: Pod): MainContainer | undefined {
  const containers = (pod.spec?.containers ?? []) as readonly MainContainer[];
  return containers.find(({ name }) => name === MAIN_CONTAINER) ?? containers[0];
}

function containersOf({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}
