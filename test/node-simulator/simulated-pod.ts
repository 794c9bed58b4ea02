/**
 * One pod on its way from a node's scheduler to the end, as scheduler and kubelet take it there, and what a test can make
 * befall it. Every write is in order and is tried until the server takes it or the pod is gone.
 *
 *     scheduled ──► Pending, ContainerCreating ──► Running ──► Ready ──► Succeeded | Failed
 *                                                     └── deletion asked: SIGTERM, grace, SIGKILL ──► status, then removed
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError } from '../../src/kube/index.ts';

import type { ContainerEnd, ContainerSignal, RunningContainer } from './container.ts';
import { PlayedContainer } from './played-container.ts';
import { makePodFiles, NotStartable } from './pod-files.ts';
import type { Condition, ContainerState, Pod, PodStatus } from './pod-shapes.ts';
import { kubeTime, type PodKnowledge, podStatus } from './pod-status.ts';
import { ProcessContainer } from './process-container.ts';
import type { Obstacle } from './scenarios.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { SimulatorParts } from './simulator-parts.ts';

/** However little time a pod is given, even one that the server has forgotten: a second is the least. */
const LEAST_GRACE_MS = 1_000;
/** Between tries of what cannot be done yet. */
const AGAIN_MS = 100;

type Turn = 'done' | 'deletionAsked' | 'removed';

export class SimulatedPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly #parts: SimulatorParts;
  readonly #deletionAsked = Promise.withResolvers<Turn>();
  readonly #removed = Promise.withResolvers<Turn>();
  readonly #watchers = new Set<() => void>();
  #pod: Pod;
  #node: SimulatedNode | undefined;
  #known: PodKnowledge | undefined;
  #status: PodStatus | undefined;
  #written: PodStatus | undefined;
  #container: RunningContainer | undefined;
  #reason: string | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: SimulatorParts, pod: Pod) {
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    this.name = name;
    this.namespace = namespace;
    this.uid = uid;
    this.#parts = parts;
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.#deletionAsked.resolve('deletionAsked');
  }

  /** As the server had it when it was last heard of. */
  get object(): Pod {
    return this.#pod;
  }

  /** What its kubelet has written last; undefined while it has no node. */
  get status(): PodStatus | undefined {
    return this.#written;
  }

  get node(): SimulatedNode | undefined {
    return this.#node;
  }

  get isReady(): boolean {
    return this.#written?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  }

  /** Whether its container runs, as far as its kubelet knows. */
  get isRunning(): boolean {
    return this.#container !== undefined && !this.hasEnded;
  }

  get hasEnded(): boolean {
    return this.#written?.phase === 'Succeeded' || this.#written?.phase === 'Failed';
  }

  /** All it has written to its output. */
  get output(): string {
    return this.#container?.output ?? '';
  }

  /** Where it answers, once it has an address. */
  get url(): string {
    return `http://${this.#known?.podIP}:8081`;
  }

  /** Resolves when this holds of it; it is asked whenever its status has been written. Fails after the deadline. */
  async until(holds: (pod: this) => boolean, deadlineMs = 60_000): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds(this)) resolve();
    };
    const late = (): void => reject(new Error(`pod ${this.name} is ${JSON.stringify(this.#status)}\n${this.output}`));
    const timer = setTimeout(late, deadlineMs);
    this.#watchers.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
    return this;
  }

  /** Ends the process at once: exit code 137. */
  kill(): void {
    void this.#signal('SIGKILL');
  }

  /** As the machine does it when memory runs out. */
  killForMemory(): void {
    this.#reason = 'OOMKilled';
    void this.#signal('SIGKILL');
  }

  /** Ends a container that is played. */
  end(end: ContainerEnd): void {
    if (!(this.#container instanceof PlayedContainer)) throw new Error(`pod ${this.name} is not played`);
    this.#container.end(end);
  }

  /** The kubelet takes it off a node that runs out of memory: phase Failed, reason Evicted. */
  evict(): void {
    const message = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi.';
    this.#learn({
      disruption: { reason: 'TerminationByKubelet', message },
      ended: { reason: 'Evicted', message },
    });
    void this.#signal('SIGKILL');
  }

  /** The scheduler makes room for a pod of higher priority: it is told so, and deleted. */
  preempt(): Promise<void> {
    const message = 'default-scheduler: preempting to accommodate a higher priority pod';
    return this.#deletedFor('PreemptionByScheduler', message);
  }

  /** The node controller takes it off a node that is lost. It stays, marked for deletion, until its kubelet is back. */
  deleteFromLostNode(): Promise<void> {
    return this.#deletedFor('DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint');
  }

  /** Stops the process where it stands; it keeps its connections, and answers nobody. */
  freeze(): Promise<void> {
    return this.#signal('SIGSTOP');
  }

  thaw(): Promise<void> {
    return this.#signal('SIGCONT');
  }

  /** The node controller says so of pods on a node that is lost. Their kubelet takes it back when it returns. */
  async becomesUnready(): Promise<void> {
    await this.#applyCondition('controller', { type: 'Ready', status: 'False', reason: 'NodeNotReady' });
    const said = this.#status;
    this.#node?.reachable.then(() => {
      // Unless it has written something new by itself.
      if (this.#status === said) this.#write();
    });
  }

  /** The server has changed it. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.#deletionAsked.resolve('deletionAsked');
  }

  /** The server has forgotten it. */
  remove(): void {
    this.#removed.resolve('removed');
  }

  /** Takes it from its first moment to its last. */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    const kill = (): void => {
      void this.#container?.signal('SIGKILL');
      this.#removed.resolve('removed');
    };
    signal.addEventListener('abort', kill, { once: true });
    try {
      if (!(await this.#isScheduled())) return;
      const container = await this.#started();
      const end = container === undefined ? undefined : await this.#ranToItsEnd(container);
      this.#concludes(end);
      if ((await Promise.race([this.#deletionAsked.promise, this.#removed.promise])) === 'deletionAsked')
        await this.#takeAway();
      await this.#writing;
    } finally {
      signal.removeEventListener('abort', kill);
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  // --- scheduler ----------------------------------------------------------------------------------------------------

  async #isScheduled(): Promise<boolean> {
    const { scenarios, client, nodeFor } = this.#parts;
    let wasTold = false;
    for (;;) {
      const held = scenarios.heldUp(this.#pod, 'unschedulable');
      const node = held === undefined ? nodeFor(this.#pod) : undefined;
      if (node !== undefined) {
        this.#node = node;
        return this.#sent(() => client.bind(this.#pod, node.name));
      }
      if (!wasTold) await this.#sent(() => this.#applyCondition('scheduler', UNSCHEDULABLE));
      wasTold = true;
      if ((await this.#turn(held ?? later())) !== 'done') return false;
    }
  }

  // --- kubelet ------------------------------------------------------------------------------------------------------

  /** The container, unless the pod was deleted before there was one. */
  async #started(): Promise<RunningContainer | undefined> {
    const { scenarios, addresses } = this.#parts;
    this.#known = { startTime: kubeTime(Date.now()), hostIP: this.#node?.address ?? '', states: {}, isReady: false };
    this.#all({ waiting: { reason: 'ContainerCreating' } });
    if (!(await this.#passes('creating'))) return undefined;
    if ((await this.#turn(later(scenarios.startDelayMs(this.#pod)))) !== 'done') return undefined;
    const podIP = addresses.next();
    const make = await this.#made(podIP);
    if (make === undefined) return undefined;
    this.#learn({ podIP });
    const passes = this.#passes('imagePull', async () => {
      const message = `failed to pull image "${this.#main.image}": not found`;
      this.#all({ waiting: { reason: 'ErrImagePull', message } });
      await later();
      this.#all({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${this.#main.image}"` } });
    });
    if (!(await passes) || this.#parts.signal.aborted) return undefined;
    this.#container = make();
    this.#all({ running: { startedAt: kubeTime(Date.now()) } });
    return this.#container;
  }

  /** What makes the container, once all that the pod names is there. */
  async #made(podIP: string): Promise<(() => RunningContainer) | undefined> {
    const play = this.#parts.playFor(this.#pod);
    if (play !== undefined) return () => new PlayedContainer(typeof play === 'function' ? play() : play, podIP);
    for (;;) {
      try {
        const variables = await this.#files(podIP);
        return () => this.#process(podIP, variables);
      } catch (error) {
        if (!(error instanceof NotStartable) && !isWorthRetrying(error)) throw error;
        if (error instanceof NotStartable && error.reason !== 'ContainerCreating')
          this.#all({ waiting: { reason: error.reason, message: error.message } });
      }
      if ((await this.#turn(later())) !== 'done') return undefined;
    }
  }

  #files(podIP: string): Promise<Record<string, string>> {
    const { client, signal, access, server } = this.#parts;
    mkdirSync(this.#directory, { recursive: true });
    const place = { directory: this.#directory, podIP, hostIP: this.#node?.address ?? '' };
    return makePodFiles({
      client: client.api,
      signal,
      access,
      server,
      pod: this.#pod,
      container: this.#main,
      ...place,
    });
  }

  #process(podIP: string, variables: Readonly<Record<string, string>>): ProcessContainer {
    const { program, readinessPeriodMs } = this.#parts;
    const container = this.#main;
    const terminationLog = join(this.#directory, 'termination-log');
    return new ProcessContainer({
      container,
      argv: [...(container.command ?? program.entrypoint), ...(container.args ?? [])],
      variables: { ...program.variables({ podIP, terminationLog, name: this.name }), ...variables },
      workingDirectory: container.workingDir ?? program.workingDirectory,
      podIP,
      terminationLog,
      readinessPeriodMs,
    });
  }

  async #ranToItsEnd(container: RunningContainer): Promise<ContainerEnd> {
    const ended = new AbortController();
    container.watchReadiness((isReady) => this.#learn({ isReady }), ended.signal);
    const turn = await this.#turn(container.ended);
    if (turn !== 'done') {
      const graceMs = turn === 'removed' ? LEAST_GRACE_MS : this.#graceMs;
      await container.signal('SIGTERM');
      const timer = setTimeout(() => void container.signal('SIGKILL'), graceMs);
      container.ended.then(() => clearTimeout(timer));
    }
    const end = await container.ended;
    ended.abort();
    return end;
  }

  /** Writes how it ended. What other containers it has go on, unless the whole pod ends. */
  #concludes(end: ContainerEnd | undefined): void {
    const main = this.#main.name;
    const wholePodEnds = this.#pod.metadata?.deletionTimestamp !== undefined || this.#known?.ended !== undefined;
    const finishedAt = kubeTime(Date.now());
    const states: Record<string, ContainerState> = { ...this.#known?.states };
    for (const [name, state] of Object.entries(states)) {
      const running = 'running' in state ? { startedAt: state.running.startedAt, finishedAt } : {};
      const containerID = `simulated://${this.uid}/${name}`;
      if (end === undefined) states[name] = { terminated: NEVER_SEEN };
      else if (name === main) {
        const reason = this.#reason ?? end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error');
        states[name] = { terminated: { ...end, reason, ...running, containerID } };
      } else if (wholePodEnds)
        states[name] = { terminated: { exitCode: 0, reason: 'Completed', ...running, containerID } };
    }
    this.#learn({ states, isReady: false });
  }

  /** The last thing a kubelet does for a pod. */
  async #takeAway(): Promise<void> {
    await this.#writing;
    await this.#sent(() => this.#parts.client.remove(this.#pod));
  }

  // --- what both are made of ----------------------------------------------------------------------------------------

  get #directory(): string {
    return join(this.#parts.directory, this.uid);
  }

  get #main() {
    const [main] = this.#pod.spec?.containers ?? [];
    if (main === undefined) throw new Error(`pod ${this.name} has no container`);
    return main;
  }

  get #graceMs(): number {
    const { metadata, spec } = this.#pod;
    const seconds = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    return Math.max(LEAST_GRACE_MS, 1_000 * seconds);
  }

  #signal(signal: ContainerSignal): Promise<void> {
    if (this.#container === undefined)
      throw new Error(`pod ${this.name} does not run: ${JSON.stringify(this.#status)}`);
    return this.#container.signal(signal);
  }

  /** Waits where something holds it up, and does meanwhile what is seen of it. Whether it goes on. */
  async #passes(obstacle: Obstacle, meanwhile?: () => Promise<void>): Promise<boolean> {
    for (;;) {
      const held = this.#parts.scenarios.heldUp(this.#pod, obstacle);
      if (held === undefined) return true;
      await meanwhile?.();
      if ((await this.#turn(held)) !== 'done') return false;
      this.#all({ waiting: { reason: 'ContainerCreating' } });
    }
  }

  /** What comes first. A kubelet that is cut off hears of neither deletion nor removal. */
  #turn(work: Promise<unknown>): Promise<Turn> {
    const heard = async (turn: Promise<Turn>): Promise<Turn> => {
      const what = await turn;
      if (!this.#parts.signal.aborted) await this.#node?.reachable;
      return what;
    };
    return Promise.race([
      work.then((): Turn => 'done'),
      heard(this.#removed.promise),
      heard(this.#deletionAsked.promise),
    ]);
  }

  #all(state: ContainerState): void {
    const names = (this.#pod.spec?.containers ?? []).map(({ name }) => name);
    this.#learn({ states: Object.fromEntries(names.map((name) => [name, state])) });
  }

  #learn(more: Partial<PodKnowledge>): void {
    this.#known = { ...(this.#known as PodKnowledge), ...more };
    const status = podStatus(this.#pod, this.#known, this.#status, kubeTime(Date.now()));
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#write();
  }

  #write(): void {
    const status = this.#status;
    if (status === undefined) return;
    const write = () => this.#parts.client.applyStatus(this.#pod, status, 'kubelet');
    const told = async (): Promise<void> => {
      await this.#sent(write);
      this.#written = status;
      for (const look of this.#watchers) look();
    };
    this.#writing = this.#writing.then(told).catch((error: unknown) => this.#parts.trouble(error));
  }

  async #deletedFor(reason: string, message: string): Promise<void> {
    await this.#applyCondition('controller', { type: 'DisruptionTarget', status: 'True', reason, message });
    await this.#parts.client.delete(this.#pod);
  }

  #applyCondition(manager: string, condition: Condition): Promise<unknown> {
    const conditions = [{ ...condition, lastTransitionTime: kubeTime(Date.now()) }];
    return this.#parts.client.applyStatus(this.#pod, { conditions }, manager);
  }

  /** Tries until the server has taken it; false when the pod is not there any more. */
  async #sent(write: () => Promise<unknown>): Promise<boolean> {
    for (;;) {
      if (!this.#parts.signal.aborted) await this.#node?.reachable;
      if (this.#parts.signal.aborted) return false;
      try {
        await write();
        return true;
      } catch (error) {
        if (error instanceof ApiError && (error.isNotFound || error.isConflict)) return false;
        if (!isWorthRetrying(error) && !this.#parts.signal.aborted) throw error;
      }
      await later();
    }
  }
}

const UNSCHEDULABLE: Condition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available.',
};

/** What a kubelet writes of a container that never was. */
const NEVER_SEEN = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

function isWorthRetrying(error: unknown): boolean {
  return error instanceof ApiError && error.retryable;
}

function later(delayMs = AGAIN_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
