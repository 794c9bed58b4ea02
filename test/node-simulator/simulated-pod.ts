/**
 * One pod on its way from a node's scheduler to the end, as scheduler and kubelet take it there, and what a test can make
 * befall it.
 *
 *     scheduled ──► Pending, ContainerCreating ──► Running ──► Ready ──► Succeeded | Failed
 *                                                     └── deletion asked: SIGTERM, grace, SIGKILL ──► status, then removed
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerEnd, ContainerSignal, RunningContainer } from './container.ts';
import { PlayedContainer } from './played-container.ts';
import { AGAIN_MS, PodRecord } from './pod-record.ts';
import type { Condition, ContainerState, Pod, PodStatus, Terminated } from './pod-shapes.ts';
import { mainContainer, startPod } from './pod-start.ts';
import { kubeTime } from './pod-status.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { SimulatorParts } from './simulator-parts.ts';

/** However little time a pod is given, even one that the server has forgotten: a second is the least. */
const LEAST_GRACE_MS = 1_000;

type Turn = 'done' | 'deletionAsked' | 'removed';

export class SimulatedPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly #parts: SimulatorParts;
  readonly #record: PodRecord;
  readonly #deletionAsked = Promise.withResolvers<Turn>();
  readonly #removed = Promise.withResolvers<Turn>();
  #container: RunningContainer | undefined;
  /** Why it was killed, where that is not to be seen of its exit code. */
  #reason: string | undefined;

  constructor(parts: SimulatorParts, pod: Pod) {
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    this.name = name;
    this.namespace = namespace;
    this.uid = uid;
    this.#parts = parts;
    this.#record = new PodRecord(parts, pod);
    this.update(pod);
  }

  /** As the server had it when it was last heard of. */
  get object(): Pod {
    return this.#record.pod;
  }

  /** What its kubelet has written last; undefined while it has no node. */
  get status(): PodStatus | undefined {
    return this.#record.written;
  }

  get node(): SimulatedNode | undefined {
    return this.#record.node;
  }

  get isReady(): boolean {
    return this.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  }

  /** Whether its container runs, as far as its kubelet knows. */
  get isRunning(): boolean {
    return this.#container !== undefined && !this.hasEnded;
  }

  get hasEnded(): boolean {
    return this.status?.phase === 'Succeeded' || this.status?.phase === 'Failed';
  }

  /** How its main container ended. */
  get terminated(): Terminated | undefined {
    const state = this.status?.containerStatuses?.[0]?.state;
    return state !== undefined && 'terminated' in state ? state.terminated : undefined;
  }

  /** Why its main container does not run yet. */
  get waitingReason(): string | undefined {
    const state = this.status?.containerStatuses?.[0]?.state;
    return state !== undefined && 'waiting' in state ? state.waiting.reason : undefined;
  }

  /** All it has written to its output. */
  get output(): string {
    return this.#container?.output ?? '';
  }

  /** Lines of its output that are JSON objects: the log of a job. */
  get log(): readonly Readonly<Record<string, unknown>>[] {
    return this.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  }

  /** Where it answers, once it has an address. */
  get url(): string {
    return `http://${this.#record.known?.podIP}:8081`;
  }

  /** Resolves when this holds of it; it is asked whenever its status has been written. Fails after the deadline. */
  async until(holds: (pod: this) => boolean, deadlineMs = 60_000): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds(this)) resolve();
    };
    const late = (): void => reject(new Error(`pod ${this.name} is ${JSON.stringify(this.status)}\n${this.output}`));
    const timer = setTimeout(late, deadlineMs);
    const end = this.#record.onWritten(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      end();
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
    this.#record.learn({
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
  becomesUnready(): Promise<void> {
    return this.#record.becomesUnready();
  }

  /** The server has changed it. */
  update(pod: Pod): void {
    this.#record.pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.#deletionAsked.resolve('deletionAsked');
  }

  /** The server has forgotten it. */
  remove(): void {
    this.#removed.resolve('removed');
  }

  /** Takes it from its first moment to its last. */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    const directory = join(this.#parts.directory, this.uid);
    const kill = (): void => {
      void this.#container?.signal('SIGKILL');
      this.remove();
    };
    signal.addEventListener('abort', kill, { once: true });
    try {
      if (!(await this.#isScheduled())) return;
      const isDone = async (work: Promise<unknown>) => (await this.#turn(work)) === 'done';
      this.#container = await startPod({ parts: this.#parts, record: this.#record, directory, isDone });
      const end = this.#container === undefined ? undefined : await this.#ranToItsEnd(this.#container);
      this.#concludes(end);
      const turn = await Promise.race([this.#deletionAsked.promise, this.#removed.promise]);
      await this.#record.settled;
      // The last thing a kubelet does for a pod.
      if (turn === 'deletionAsked') await this.#record.sent(() => this.#parts.client.remove(this.object));
    } finally {
      signal.removeEventListener('abort', kill);
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #isScheduled(): Promise<boolean> {
    const { scenarios, client, nodeFor } = this.#parts;
    let wasTold = false;
    for (;;) {
      const held = scenarios.heldUp(this.object, 'unschedulable');
      const node = held === undefined ? nodeFor(this.object) : undefined;
      if (node !== undefined) {
        this.#record.node = node;
        return this.#record.sent(() => client.bind(this.object, node.name));
      }
      if (!wasTold) await this.#record.sent(() => this.#record.applyCondition('scheduler', UNSCHEDULABLE));
      wasTold = true;
      if ((await this.#turn(held ?? pause(AGAIN_MS))) !== 'done') return false;
    }
  }

  async #ranToItsEnd(container: RunningContainer): Promise<ContainerEnd> {
    const ended = new AbortController();
    container.watchReadiness((isReady) => this.#record.learn({ isReady }), ended.signal);
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
    const main = mainContainer(this.#record).name;
    const { known } = this.#record;
    const wholePodEnds = this.object.metadata?.deletionTimestamp !== undefined || known?.ended !== undefined;
    const finishedAt = kubeTime(Date.now());
    const states: Record<string, ContainerState> = { ...known?.states };
    for (const [name, state] of Object.entries(states)) {
      const times = 'running' in state ? { startedAt: state.running.startedAt, finishedAt } : {};
      const more = { ...times, containerID: `simulated://${this.uid}/${name}` };
      if (end === undefined) states[name] = { terminated: NEVER_SEEN };
      else if (name === main) {
        const reason = this.#reason ?? end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error');
        const { exitCode, message } = end;
        states[name] = { terminated: { exitCode, reason, ...(message === undefined ? {} : { message }), ...more } };
      } else if (wholePodEnds) states[name] = { terminated: { exitCode: 0, reason: 'Completed', ...more } };
    }
    this.#record.learn({ states, isReady: false });
  }

  get #graceMs(): number {
    const { metadata, spec } = this.object;
    const seconds = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    return Math.max(LEAST_GRACE_MS, 1_000 * seconds);
  }

  #signal(signal: ContainerSignal): Promise<void> {
    if (this.#container !== undefined) return this.#container.signal(signal);
    throw new Error(`pod ${this.name} does not run: ${JSON.stringify(this.status)}`);
  }

  /** What comes first. A kubelet that is cut off hears of neither deletion nor removal. */
  #turn(work: Promise<unknown>): Promise<Turn> {
    const heard = async (turn: Promise<Turn>): Promise<Turn> => {
      const what = await turn;
      if (!this.#parts.signal.aborted) await this.node?.reachable;
      return what;
    };
    return Promise.race([
      work.then((): Turn => 'done'),
      heard(this.#removed.promise),
      heard(this.#deletionAsked.promise),
    ]);
  }

  async #deletedFor(reason: string, message: string): Promise<void> {
    await this.#record.applyCondition(reason, { type: 'DisruptionTarget', status: 'True', reason, message });
    await this.#parts.client.delete(this.object);
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
