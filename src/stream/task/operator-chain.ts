/**
 * The operators of one subtask, wired: each emits into the next by a plain call, the last ones into channels. Drives
 * them through their life in Flink's order: initializeState and open tail to head, captures head to tail for what is
 * emitted before the barrier and tail to head for state, notifications tail to head.
 */
import type { Clock } from '../../lib/clock.ts';
import { IllegalStateException } from '../../lib/java-errors.ts';
import type { JobVertex, OperatorNode } from '../graph/job-graph.ts';
import { keyGroupRange } from '../key-groups.ts';
import type {
  OneInputOperator,
  OperatorContext,
  OperatorMetrics,
  OperatorRestore,
  OperatorSnapshot,
  ProcessingTimeService,
  SnapshotRequest,
  StreamOperator,
  SubtaskInfo,
  TwoInputOperator,
} from '../operators/operator.ts';
import { type SourceEnvironment, SourceOperator } from '../operators/source-operator.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { createKeyedStateBackend } from '../state/keyed-state-backend.ts';
import { ChainedTarget, createOutput, type Target } from './chain-outputs.ts';

/** What the chain needs of its task. */
export interface ChainContext {
  readonly subtask: SubtaskInfo;
  readonly clock: Clock;
  readonly processingTime: ProcessingTimeService;
  readonly sourceEnvironment: SourceEnvironment;
  failTask(error: unknown): void;
  runOnTask(action: () => void): void;
  /** Targets of the edges that leave this vertex at an operator, with the side tag they carry. */
  targetsOf(node: OperatorNode): readonly { readonly side: string | undefined; readonly target: Target }[];
}

/** One operator with what the task knows of it. */
export interface ChainedOperator {
  readonly node: OperatorNode;
  readonly operator: StreamOperator;
  readonly metrics: OperatorMetrics;
  readonly backend: KeyedStateBackend | undefined;
}

export class OperatorChain {
  /** Head first. */
  readonly operators: readonly ChainedOperator[];
  /** Head first; undefined before the chain is wired. */
  readonly head: StreamOperator;

  constructor(vertex: JobVertex, context: ChainContext) {
    const made = vertex.operators.map((node) => makeOperator(node, context));
    this.operators = made;
    const [head] = made;
    if (head === undefined) throw new IllegalStateException(`vertex ${vertex.name} has no operators`);
    this.head = head.operator;
    // Tail first: an operator's output refers to the operators after it.
    for (const each of [...made].reverse()) wire(each, made, context);
  }

  get source(): SourceOperator | undefined {
    return this.head instanceof SourceOperator ? this.head : undefined;
  }

  async initialize(restored: ReadonlyMap<string, OperatorRestore> | undefined, checkpointId: number): Promise<void> {
    for (const { node, operator } of [...this.operators].reverse()) {
      const own = restored === undefined ? undefined : (restored.get(node.operatorId) ?? emptyRestore(checkpointId));
      await operator.initializeState({ restored: own });
      await operator.open();
    }
  }

  prepareSnapshotPreBarrier(checkpointId: number): void {
    for (const { operator } of this.operators) operator.prepareSnapshotPreBarrier(checkpointId);
  }

  /** Captures tail to head. A plain value unless a user function's snapshotState is asynchronous. */
  snapshot(request: SnapshotRequest): OperatorSnapshot[] | Promise<OperatorSnapshot[]> {
    const snapshots: OperatorSnapshot[] = [];
    for (let index = this.operators.length - 1; index >= 0; index--) {
      const snapshot = (this.operators[index] as ChainedOperator).operator.snapshotState(request);
      if (snapshot instanceof Promise) return this.#snapshotRest(request, snapshots, snapshot, index - 1);
      snapshots.push(snapshot);
    }
    return snapshots;
  }

  async finish(): Promise<void> {
    for (const { operator } of this.operators) await operator.finish();
  }

  async notifyComplete(checkpointId: number): Promise<void> {
    for (const { operator } of [...this.operators].reverse()) await operator.notifyCheckpointComplete(checkpointId);
  }

  async notifyAborted(checkpointId: number): Promise<void> {
    for (const { operator } of [...this.operators].reverse()) await operator.notifyCheckpointAborted(checkpointId);
  }

  /** Closes every operator, also when one fails; the first error is thrown at the end. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const { operator, backend } of [...this.operators].reverse()) {
      try {
        await operator.close();
      } catch (error) {
        errors.push(error);
      }
      backend?.dispose();
    }
    if (errors.length > 0) throw errors[0];
  }

  async #snapshotRest(
    request: SnapshotRequest,
    done: OperatorSnapshot[],
    pending: Promise<OperatorSnapshot>,
    from: number,
  ): Promise<OperatorSnapshot[]> {
    try {
      done.push(await pending);
      for (let index = from; index >= 0; index--) {
        done.push(await (this.operators[index] as ChainedOperator).operator.snapshotState(request));
      }
      return done;
    } catch (error) {
      for (const snapshot of done) snapshot.keyed?.release();
      throw error;
    }
  }
}

function emptyRestore(checkpointId: number): OperatorRestore {
  return { checkpointId, keyed: [], operatorState: [], rawKeyed: new Map(), rawOperator: [] };
}

function makeOperator(node: OperatorNode, context: ChainContext): ChainedOperator {
  const { body, keyType } = node.transformation;
  const operator: StreamOperator =
    body.kind === 'source' ? new SourceOperator(body.source, context.sourceEnvironment) : body.create();
  const range = keyGroupRange(context.subtask.subtaskIndex, node.parallelism, node.maxParallelism);
  const backend =
    keyType === undefined
      ? undefined
      : createKeyedStateBackend({
          keyType,
          maxParallelism: node.maxParallelism,
          firstKeyGroup: range.start,
          lastKeyGroup: range.end,
          clock: context.clock,
        });
  return { node, operator, backend, metrics: { recordsIn: 0, recordsOut: 0, lateRecordsDropped: 0, user: new Map() } };
}

function wire(each: ChainedOperator, all: readonly ChainedOperator[], context: ChainContext): void {
  const { node, operator, backend, metrics } = each;
  const main: Target[] = [];
  const sides = new Map<string, Target[]>();
  const add = (side: string | undefined, target: Target): void => {
    if (side === undefined) main.push(target);
    else sides.set(side, [...(sides.get(side) ?? []), target]);
  };
  for (const next of all) {
    for (const edge of next.node.transformation.inputs) {
      if (edge.source === node.transformation) add(edge.side?.id, new ChainedTarget(next.operator as OneInputOperator));
    }
  }
  for (const { side, target } of context.targetsOf(node)) add(side, target);
  const operatorContext: OperatorContext = {
    subtask: context.subtask,
    uid: node.uid,
    operatorId: node.operatorId,
    name: node.name,
    output: createOutput(main, sides),
    clock: context.clock,
    processingTime: context.processingTime,
    metrics,
    keyedBackend: backend,
    failTask: context.failTask,
    runOnTask: context.runOnTask,
  };
  operator.setup(operatorContext);
}

/** Whether an operator takes two inputs. */
export function isTwoInput(operator: StreamOperator): operator is TwoInputOperator {
  return 'processElement2' in operator;
}
