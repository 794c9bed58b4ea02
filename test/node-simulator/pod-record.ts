/**
 * What a kubelet knows of a pod, and the status it writes of it. Every write is in order, waits while the node is cut off, and
 * is tried until the server takes it or the pod is gone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../../src/kube/index.ts';
import type { Condition, ContainerState, Pod, PodStatus } from './pod-shapes.ts';
import { kubeTime, type PodKnowledge, podStatus } from './pod-status.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { SimulatorParts } from './simulator-parts.ts';

/** Between tries of what cannot be done yet. */
export const AGAIN_MS = 100;

export class PodRecord {
  /** As the server had it when it was last heard of. */
  pod: Pod;
  /** Where it runs; undefined while nobody has said. */
  node: SimulatedNode | undefined;
  readonly #parts: SimulatorParts;
  readonly #watchers = new Set<() => void>();
  #known: PodKnowledge | undefined;
  #status: PodStatus | undefined;
  #written: PodStatus | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: SimulatorParts, pod: Pod) {
    this.#parts = parts;
    this.pod = pod;
  }

  /** Undefined while it has no node. */
  get known(): PodKnowledge | undefined {
    return this.#known;
  }

  /** The status that the server has taken last. */
  get written(): PodStatus | undefined {
    return this.#written;
  }

  /** Resolves when everything known so far is written. */
  get settled(): Promise<void> {
    return this.#writing;
  }

  /** Told whenever a status has been written; the result ends it. */
  onWritten(look: () => void): () => void {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  /** The node takes the pod. */
  begin(hostIP: string): void {
    this.#known = { startTime: kubeTime(Date.now()), hostIP, states: {}, isReady: false };
    this.all({ waiting: { reason: 'ContainerCreating' } });
  }

  /** All containers are in this state. With what else is known by then: one write for both. */
  all(state: ContainerState, more: Partial<PodKnowledge> = {}): void {
    const names = (this.pod.spec?.containers ?? []).map(({ name }) => name);
    this.learn({ states: Object.fromEntries(names.map((name) => [name, state])), ...more });
  }

  /** Writes the status, if it is another one now. */
  learn(more: Partial<PodKnowledge>): void {
    if (this.#known === undefined) return;
    this.#known = { ...this.#known, ...more };
    const status = podStatus(this.pod, this.#known, this.#status, kubeTime(Date.now()));
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#write(status);
  }

  /** The node controller says of a pod on a lost node that it is not ready; its kubelet takes that back when it returns. */
  async becomesUnready(): Promise<void> {
    await this.applyCondition('node-controller', { type: 'Ready', status: 'False', reason: 'NodeNotReady' });
    const said = this.#status;
    this.node?.reachable.then(() => {
      // Unless it has something new to say by then.
      if (said !== undefined && this.#status === said) this.#write(said);
    });
  }

  /** One more condition, of another writer. */
  applyCondition(manager: string, condition: Condition): Promise<unknown> {
    const conditions = [{ ...condition, lastTransitionTime: kubeTime(Date.now()) }];
    return this.#parts.client.applyStatus(this.pod, { conditions }, manager);
  }

  /** Tries until the server has taken it; false when the pod is not there any more. */
  async sent(write: () => Promise<unknown>): Promise<boolean> {
    const { signal } = this.#parts;
    for (;;) {
      if (!signal.aborted) await this.node?.reachable;
      if (signal.aborted) return false;
      try {
        await write();
        return true;
      } catch (error) {
        if (error instanceof ApiError && (error.isNotFound || error.isConflict)) return false;
        if (!isWorthRetrying(error) && !signal.aborted) throw error;
      }
      await pause(AGAIN_MS);
    }
  }

  #write(status: PodStatus): void {
    const write = () => this.#parts.client.applyStatus(this.pod, status, 'kubelet');
    const told = async (): Promise<void> => {
      await this.sent(write);
      this.#written = status;
      for (const look of this.#watchers) look();
    };
    this.#writing = this.#writing.then(told).catch((error: unknown) => this.#parts.trouble(error));
  }
}

/** Whether the server may take it later. */
export function isWorthRetrying(error: unknown): boolean {
  return error instanceof ApiError && error.retryable;
}
