/**
 * All that leaves a subtask: the edges to other subtasks, what was emitted into them and has not been made visible yet, and
 * who waits for room in them.
 */
import type { CheckpointBarrier } from '../exchange/channel.ts';
import type { Partitioner } from '../exchange/partitioner.ts';
import type { OperatorNode } from '../graph/job-graph.ts';
import type { Target } from './chain-outputs.ts';
import { ChannelTarget } from './subtask-ends.ts';

/** An edge leaving the subtask: how to spread records, and the side output it carries. */
export interface OutputEdge {
  readonly from: OperatorNode;
  readonly side: string | undefined;
  readonly partitioner: Partitioner;
}

export class SubtaskOutputs {
  readonly #edges: readonly OutputEdge[];
  readonly #targets: ChannelTarget[] = [];
  #waiters: (() => void)[] = [];
  /** How much had been emitted at the last flush. */
  #flushed = 0;
  /** Something was left over by the last flush, or came by another way than the targets. */
  #isUnsent = false;

  constructor(edges: readonly OutputEdge[]) {
    this.#edges = edges;
  }

  /** False while any channel is full. */
  get isAvailable(): boolean {
    for (const { partitioner } of this.#edges) if (!partitioner.isAvailable) return false;
    return true;
  }

  /** Records sent to other subtasks. */
  get records(): number {
    return this.#targets.reduce((sum, target) => sum + target.records, 0);
  }

  /** What an operator emits into, with the side output that it carries; asked once for each. */
  targetsOf(node: OperatorNode): { side: string | undefined; target: Target }[] {
    return this.#edges
      .filter((edge) => edge.from === node)
      .map(({ side, partitioner }) => {
        const target = new ChannelTarget(partitioner);
        this.#targets.push(target);
        return { side, target };
      });
  }

  /** Resolves at a flush that finds room in all channels. */
  whenAvailable(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Makes everything emitted so far visible. Costs nothing where nothing was: a thread may host a hundred subtasks. */
  flush(): void {
    const emitted = this.#emitted();
    if (this.#isUnsent || emitted !== this.#flushed) {
      for (const { partitioner } of this.#edges) partitioner.flush();
      this.#flushed = emitted;
      this.#isUnsent = !this.isAvailable;
    }
    if (this.#waiters.length > 0 && this.isAvailable) {
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const resolve of waiters) resolve();
    }
  }

  emitBarrier(barrier: CheckpointBarrier): void {
    for (const { partitioner } of this.#edges) partitioner.emitBarrier(barrier);
    this.#isUnsent = true;
  }

  emitCancelBarrier(checkpointId: number): void {
    for (const { partitioner } of this.#edges) partitioner.emitCancelBarrier(checkpointId);
    this.#isUnsent = true;
  }

  emitEnd(): void {
    for (const { partitioner } of this.#edges) partitioner.emitEnd();
    this.#isUnsent = true;
  }

  #emitted(): number {
    let emitted = 0;
    for (const { records, signals } of this.#targets) emitted += records + signals;
    return emitted;
  }
}
