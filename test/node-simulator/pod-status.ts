/** From what a kubelet knows of a pod to the status that it writes. Pure. */
import type { Condition, Container, ContainerState, ContainerStatus, Pod, PodPhase, PodStatus } from './pod-shapes.ts';

/** What is known of a pod on its node. Times are RFC 3339. */
export interface PodKnowledge {
  readonly startTime: string;
  readonly hostIP: string;
  readonly podIP?: string;
  /** By container. */
  readonly states: Readonly<Record<string, ContainerState>>;
  /** What the readiness probe of the main container said last. */
  readonly isReady: boolean;
  /** Why the pod ends, where it was not for itself. */
  readonly disruption?: { readonly reason: string; readonly message: string };
  /** Reason and message of the pod itself: of one that was evicted. */
  readonly ended?: { readonly reason: string; readonly message: string };
}

/** The status, with the times of conditions that have not changed kept from the last one. */
export function podStatus(pod: Pod, known: PodKnowledge, last: PodStatus | undefined, now: string): PodStatus {
  const containers = pod.spec?.containers ?? [];
  const phase = phaseOf(known);
  const { hostIP, podIP, startTime, ended } = known;
  return {
    phase,
    ...(phase === 'Failed' ? ended : {}),
    hostIP,
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime,
    conditions: conditionsOf(pod, known, phase).map((condition) => dated(condition, last, now)),
    containerStatuses: containers.map((container, index) => containerStatus(pod, container, index === 0, known)),
  };
}

/** A condition with the time at which it became what it is. */
export function dated(condition: Condition, last: Pick<PodStatus, 'conditions'> | undefined, now: string): Condition {
  const before = last?.conditions?.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  return { ...condition, lastTransitionTime };
}

/** Kubernetes writes times in whole seconds. */
export function kubeTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** Follows the kubelet: a pod has ended when all its containers have. */
function phaseOf({ states, ended }: PodKnowledge): PodPhase {
  const all = Object.values(states);
  if (all.some((state) => 'waiting' in state)) return 'Pending';
  if (all.some((state) => 'running' in state)) return 'Running';
  if (ended !== undefined) return 'Failed';
  return all.every((state) => 'terminated' in state && state.terminated.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function conditionsOf(pod: Pod, { podIP, isReady, disruption }: PodKnowledge, phase: PodPhase): Condition[] {
  const names = (pod.spec?.containers ?? []).map(({ name }) => name).join(' ');
  const unready: Omit<Condition, 'type'> = {
    status: 'False',
    ...(phase === 'Succeeded'
      ? { reason: 'PodCompleted' }
      : phase === 'Failed'
        ? { reason: 'PodFailed' }
        : { reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` }),
  };
  const readiness: Omit<Condition, 'type'> = phase === 'Running' && isReady ? { status: 'True' } : unready;
  const hasSandbox = podIP !== undefined && (phase === 'Running' || phase === 'Pending');
  return [
    { type: 'PodReadyToStartContainers', status: hasSandbox ? 'True' : 'False' },
    { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) },
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
    { type: 'PodScheduled', status: 'True' },
    ...(disruption === undefined ? [] : [{ type: 'DisruptionTarget', status: 'True', ...disruption } as const]),
  ];
}

function containerStatus(
  pod: Pod,
  { name, image = '' }: Container,
  isMain: boolean,
  { states, isReady }: PodKnowledge,
): ContainerStatus {
  const state = states[name] ?? { waiting: { reason: 'ContainerCreating' } };
  const isRunning = 'running' in state;
  const hasBegun = !('waiting' in state);
  return {
    name,
    image,
    imageID: hasBegun ? `${image}@sha256:${'0'.repeat(64)}` : '',
    ...(hasBegun ? { containerID: `simulated://${pod.metadata?.uid}/${name}` } : {}),
    ready: isRunning && (isReady || !isMain),
    started: isRunning,
    restartCount: 0,
    state,
  };
}
