/**
 * The life that all operators share: backends are restored before initializeState, a capture collects operator state,
 * keyed state and raw streams, failures carry the operator's name. Follows Flink's AbstractStreamOperator.
 */

import { messageOf } from '../../lib/errors.ts';
import { FlinkRuntimeException, IllegalStateException } from '../../lib/java-errors.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { OperatorStateBackend } from '../state/operator-state-backend.ts';
import type {
  OperatorContext,
  OperatorRestore,
  OperatorSnapshot,
  Output,
  SnapshotRequest,
  StateInitializationContext,
  StreamOperator,
} from './operator.ts';
import { RawKeyedStateOutput, RawOperatorStateOutput } from './raw-state.ts';
import { StreamingRuntimeContext } from './runtime-context.ts';

export abstract class AbstractStreamOperator implements StreamOperator {
  declare protected context: OperatorContext;
  declare protected output: Output;
  declare protected runtimeContext: StreamingRuntimeContext;
  declare protected operatorState: OperatorStateBackend;

  setup(context: OperatorContext): void {
    this.context = context;
    this.output = context.output;
    this.runtimeContext = new StreamingRuntimeContext(context);
    this.operatorState = new OperatorStateBackend(context.uid);
  }

  async initializeState({ restored }: StateInitializationContext): Promise<void> {
    if (restored !== undefined) {
      this.operatorState.restore(restored.operatorState);
      this.#restoreKeyed(restored);
    }
    await this.initialize(restored);
  }

  open(): void | Promise<void> {}
  finish(): void | Promise<void> {}
  close(): void | Promise<void> {}
  prepareSnapshotPreBarrier(_checkpointId: number): void {}
  notifyCheckpointComplete(_checkpointId: number): void | Promise<void> {}
  notifyCheckpointAborted(_checkpointId: number): void | Promise<void> {}

  snapshotState(request: SnapshotRequest): OperatorSnapshot | Promise<OperatorSnapshot> {
    // User code first: what it puts into managed state belongs to this capture.
    const user = this.snapshotUserState(request);
    return user instanceof Promise ? user.then(() => this.#capture(request)) : this.#capture(request);
  }

  /** For subclasses: register state, call the function's initializeState. Runs after the backends were restored. */
  protected initialize(_restored: OperatorRestore | undefined): void | Promise<void> {}
  /** For subclasses: let the user function write its state. */
  protected snapshotUserState(_request: SnapshotRequest): void | Promise<void> {}
  /** For subclasses: work that must be durable before the capture counts. */
  protected durableWork(_request: SnapshotRequest): Promise<void> | undefined {
    return undefined;
  }
  /** For operator implementers: own bytes, one partition per `startNewPartition`. */
  protected writeRawOperatorState(_out: RawOperatorStateOutput): void {}
  /** For operator implementers: own bytes per key group. */
  protected writeRawKeyedState(_out: RawKeyedStateOutput): void {}

  /** The keyed backend. @throws IllegalStateException on a stream that is not keyed */
  protected keyedBackend(): KeyedStateBackend {
    const backend = this.context.keyedBackend;
    if (backend === undefined) {
      throw new IllegalStateException(
        "Keyed state can only be used on a 'keyed stream', i.e., after a 'keyBy()' operation.",
      );
    }
    return backend;
  }

  #capture(request: SnapshotRequest): OperatorSnapshot {
    const { uid, operatorId, name, keyedBackend } = this.context;
    const rawOperator = new RawOperatorStateOutput();
    this.writeRawOperatorState(rawOperator);
    const rawKeyed = new RawKeyedStateOutput(keyedBackend);
    this.writeRawKeyedState(rawKeyed);
    const operatorState = this.operatorState.snapshot();
    const keyed = keyedBackend?.snapshot(request.checkpointId);
    const durable = this.durableWork(request);
    const rawPartitions = rawOperator.partitions();
    const rawGroups = rawKeyed.keyGroups();
    return {
      uid,
      operatorId,
      name,
      operatorState,
      ...(keyed === undefined ? {} : { keyed }),
      ...(rawGroups.size === 0 ? {} : { rawKeyed: rawGroups }),
      ...(rawPartitions.length === 0 ? {} : { rawOperator: rawPartitions }),
      ...(durable === undefined ? {} : { durable }),
    };
  }

  #restoreKeyed(restored: OperatorRestore): void {
    const backend = this.context.keyedBackend;
    if (restored.rawKeyed.size > 0 && backend === undefined) {
      throw new IllegalStateException(`operator ${this.context.uid} has raw keyed state to restore but is not keyed`);
    }
    if (backend === undefined) {
      if (restored.keyed.length === 0) return;
      throw new IllegalStateException(
        `operator ${this.context.uid} has keyed state to restore but is not keyed any more. Put it behind keyBy again, or give the new operator another uid and allow non-restored state.`,
      );
    }
    try {
      backend.restore(restored.keyed);
    } catch (cause) {
      throw new FlinkRuntimeException(
        `Could not restore keyed state backend for operator ${this.context.uid}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}
