/** A Pod as the API server has it → what matters of it. Pure. */
import { LABELS } from '../../api/index.ts';
import type { ContainerEnd, Pod } from '../../kube/index.ts';
import { decodeTerminationRecord } from '../../lib/exit-codes.ts';
import { decodeStorageAnswer } from '../../lib/storage-work.ts';
import { MAIN_CONTAINER, STORAGE_COMPONENT } from '../../resources/index.ts';
import type { PodEnd, PodSeen, StoragePodEnd, StoragePodSeen } from './facts.ts';

/** A deletion timestamp is when the grace period ends; whatever is left then has so long to be told of. */
const PATIENCE_MS = 10_000;

/** Undefined for a pod that no operator of ours has made: its name is not that of a job's pod. Labels anybody may edit. */
export function podSeen(pod: Pod, now: number): PodSeen | undefined {
  const { name = '', uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (isStoragePod(pod)) return undefined;
  const numbers = numbersInName(name);
  if (numbers === undefined) return undefined;
  return {
    name,
    uid,
    ...numbers,
    ...(isAsLabelled(pod, numbers.attempt) ? {} : { isMislabelled: true }),
    ip: pod.status?.podIP,
    node: pod.spec?.nodeName,
    isReady: hasCondition(pod, 'Ready', 'True'),
    isDeleting: deletionTimestamp !== undefined,
    isForced: deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0,
    goneBy: deletionTimestamp === undefined ? undefined : Date.parse(deletionTimestamp) + PATIENCE_MS,
    end: endOf(pod, now),
    trouble: troubleOf(pod),
  };
}

/** Undefined for a pod that is not there for work in the storage. */
export function storagePodSeen(pod: Pod): StoragePodSeen | undefined {
  const { name = '', uid = '', deletionTimestamp } = pod.metadata ?? {};
  if (!isStoragePod(pod)) return undefined;
  return { name, uid, isDeleting: deletionTimestamp !== undefined, end: storageEndOf(pod), trouble: troubleOf(pod) };
}

function isStoragePod({ metadata }: Pod): boolean {
  return metadata?.labels?.[LABELS.component] === STORAGE_COMPONENT;
}

function storageEndOf(pod: Pod): StoragePodEnd | undefined {
  const { phase, reason } = pod.status ?? {};
  const ended = mainContainer(pod)?.state?.terminated;
  if (ended === undefined && phase !== 'Failed' && phase !== 'Succeeded') return undefined;
  return {
    takenFromOutside: isTakenFromOutside(pod),
    answer: ended?.message === undefined ? undefined : decodeStorageAnswer(ended.message),
    how: ended === undefined ? (reason ?? 'it ended') : (signalOf(ended) ?? `exit code ${ended.exitCode}`),
  };
}

/** Of a pod `<job>-<attempt>-<index>`; undefined for another name. No job comes as far as ten digits. */
export function numbersInName(name: string): { readonly attempt: number; readonly index: number } | undefined {
  const [, attempt, index] = /-(\d{1,10})-(\d{1,10})$/.exec(name) ?? [];
  return attempt === undefined ? undefined : { attempt: Number(attempt), index: Number(index) };
}

/** Whether it is found by the labels that it was made with. */
function isAsLabelled({ metadata: { labels = {}, ownerReferences = [] } = {} }: Pod, attempt: number): boolean {
  const isOfOwner = ownerReferences.some(({ uid }) => uid === labels[LABELS.jobUid]);
  return isOfOwner && labels[LABELS.attempt] === String(attempt);
}

/** Signals that a shell adds 128 to; the exit code is all that a kubelet says of them. */
const SIGNALS: Readonly<Record<number, string>> = { 134: 'SIGABRT', 137: 'SIGKILL', 139: 'SIGSEGV', 143: 'SIGTERM' };

function endOf(pod: Pod, now: number): PodEnd | undefined {
  const { phase, reason } = pod.status ?? {};
  const ended = mainContainer(pod)?.state?.terminated;
  if (ended === undefined && phase !== 'Failed' && phase !== 'Succeeded') return undefined;
  return {
    takenFromOutside: isTakenFromOutside(pod),
    exitCode: ended?.exitCode,
    signal: ended === undefined ? reason : signalOf(ended),
    record: ended?.message === undefined ? undefined : decodeTerminationRecord(ended.message),
    at: ended?.finishedAt === undefined ? now : Date.parse(ended.finishedAt),
  };
}

/** Reasons by which a kubelet, or the node's lifecycle, says that the pod was not the cause. */
const OUTSIDE = new Set([
  'Evicted',
  'NodeLost',
  'NodeShutdown',
  'Shutdown',
  'Terminated',
  'Preempting',
  'UnexpectedAdmissionError',
]);

function isTakenFromOutside(pod: Pod): boolean {
  const { reason = '' } = pod.status ?? {};
  return (
    pod.metadata?.deletionTimestamp !== undefined ||
    hasCondition(pod, 'DisruptionTarget', 'True') ||
    OUTSIDE.has(reason)
  );
}

function signalOf({ reason, exitCode, signal }: ContainerEnd): string | undefined {
  if (reason === 'OOMKilled') return reason;
  return SIGNALS[signal === undefined ? exitCode : 128 + signal];
}

/** What a container waits for that will not come by itself soon. */
const NORMAL_WAITS = new Set(['ContainerCreating', 'PodInitializing']);

function troubleOf(pod: Pod): PodSeen['trouble'] {
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { state } of containers) {
    const { reason, message } = state?.waiting ?? {};
    if (reason !== undefined && !NORMAL_WAITS.has(reason)) return { reason, message: message ?? '' };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: scheduled.reason ?? 'Unschedulable', message: scheduled.message ?? '' };
  }
  return undefined;
}

function mainContainer(pod: Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === MAIN_CONTAINER);
}

function hasCondition(pod: Pod, type: string, status: string): boolean {
  return pod.status?.conditions?.some((each) => each.type === type && each.status === status) === true;
}
