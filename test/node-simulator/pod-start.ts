/** From a pod that has a node to the container that runs: what holds it up on the way, and what it is made of. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningContainer } from './container.ts';
import { PlayedContainer } from './played-container.ts';
import { makePodFiles, NotStartable } from './pod-files.ts';
import { AGAIN_MS, isWorthRetrying, type PodRecord } from './pod-record.ts';
import type { Container } from './pod-shapes.ts';
import { kubeTime } from './pod-status.ts';
import { ProcessContainer } from './process-container.ts';
import type { Obstacle } from './scenarios.ts';
import type { SimulatorParts } from './simulator-parts.ts';

/** A pod that is started. */
export interface PodStartFacts {
  readonly parts: SimulatorParts;
  readonly record: PodRecord;
  /** Of this pod alone. */
  readonly directory: string;
  /** Waits for work; false when the pod was deleted before it was done. */
  readonly isDone: (work: Promise<unknown>) => Promise<boolean>;
}

/** The container, unless the pod was deleted before there was one. */
export async function startPod(facts: PodStartFacts): Promise<RunningContainer | undefined> {
  const { parts, record, isDone } = facts;
  record.begin(record.node?.address ?? '');
  if (!(await passes(facts, 'creating'))) return undefined;
  if (!(await isDone(pause(parts.scenarios.startDelayMs(record.pod))))) return undefined;
  const podIP = parts.addresses.next();
  const make = await makerOf(facts, podIP);
  if (make === undefined) return undefined;
  const { image } = mainContainer(record);
  const isPulled = await passes(facts, 'imagePull', async () => {
    record.all(
      { waiting: { reason: 'ErrImagePull', message: `failed to pull image "${image}": not found` } },
      { podIP },
    );
    await pause(AGAIN_MS);
    record.all({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } });
  });
  if (!isPulled || parts.signal.aborted) return undefined;
  const container = make();
  record.all({ running: { startedAt: kubeTime(Date.now()) } }, { podIP });
  return container;
}

/** The container that a pod is there for. */
export function mainContainer({ pod }: PodRecord): Container {
  const [main] = pod.spec?.containers ?? [];
  if (main === undefined) throw new Error(`pod ${pod.metadata?.name} has no container`);
  return main;
}

/** Waits where something holds it up, and does meanwhile what is seen of it. Whether it goes on. */
async function passes(
  { parts, record, isDone }: PodStartFacts,
  obstacle: Obstacle,
  meanwhile?: () => Promise<void>,
): Promise<boolean> {
  for (;;) {
    const held = parts.scenarios.heldUp(record.pod, obstacle);
    if (held === undefined) return true;
    await meanwhile?.();
    if (!(await isDone(held))) return false;
    record.all({ waiting: { reason: 'ContainerCreating' } });
  }
}

/** What makes the container, once all that the pod names is there. */
async function makerOf(facts: PodStartFacts, podIP: string): Promise<(() => RunningContainer) | undefined> {
  const { parts, record, isDone } = facts;
  const play = parts.playFor(record.pod);
  if (play !== undefined) {
    const place = { pod: record.pod, client: parts.client.api, signal: parts.signal };
    return () => new PlayedContainer(typeof play === 'function' ? play(place) : play, podIP);
  }
  for (;;) {
    try {
      const variables = await filesOf(facts, podIP);
      return () => processOf(facts, podIP, variables);
    } catch (error) {
      if (!(error instanceof NotStartable) && !isWorthRetrying(error)) throw error;
      if (error instanceof NotStartable && error.reason !== 'ContainerCreating')
        record.all({ waiting: { reason: error.reason, message: error.message } });
    }
    if (!(await isDone(pause(AGAIN_MS)))) return undefined;
  }
}

function filesOf({ parts, record, directory }: PodStartFacts, podIP: string): Promise<Record<string, string>> {
  const { client, signal, access, server } = parts;
  mkdirSync(directory, { recursive: true });
  const what = { pod: record.pod, container: mainContainer(record) };
  const place = { directory, podIP, hostIP: record.node?.address ?? '', nodeName: record.node?.name ?? '' };
  return makePodFiles({ client: client.api, signal, access, server, ...what, ...place });
}

function processOf(
  { parts, record, directory }: PodStartFacts,
  podIP: string,
  variables: Readonly<Record<string, string>>,
): ProcessContainer {
  const { program, readinessPeriodMs } = parts;
  const container = mainContainer(record);
  const terminationLog = join(directory, 'termination-log');
  const name = record.pod.metadata?.name ?? '';
  return new ProcessContainer({
    container,
    argv: [...(container.command ?? program.entrypoint), ...(container.args ?? [])],
    variables: { ...program.variables({ podIP, terminationLog, name }), ...variables },
    workingDirectory: container.workingDir ?? program.workingDirectory,
    podIP,
    terminationLog,
    readinessPeriodMs,
  });
}
