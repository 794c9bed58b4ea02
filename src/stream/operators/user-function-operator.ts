import { AbstractStreamOperator } from './abstract-operator.ts';
import { FunctionLifecycle } from './function-lifecycle.ts';
import type { OneInputOperator, OperatorRestore, SnapshotRequest } from './operator.ts';

/** An operator around one user function: drives the function's life beside its own. Follows AbstractUdfStreamOperator. */
export abstract class UserFunctionOperator<F> extends AbstractStreamOperator {
  readonly userFunction: F;
  #lifecycle: FunctionLifecycle | undefined;

  constructor(userFunction: F) {
    super();
    this.userFunction = userFunction;
  }

  protected override async initialize(restored: OperatorRestore | undefined): Promise<void> {
    this.#lifecycle = new FunctionLifecycle(this.userFunction, this.context.name);
    await this.#lifecycle.initialize({
      restoredCheckpointId: restored?.checkpointId,
      operatorState: this.operatorState,
      keyedState: this.runtimeContext,
    });
  }

  override async open(): Promise<void> {
    await this.#lifecycle?.open(this.runtimeContext);
  }

  protected override snapshotUserState(request: SnapshotRequest): void | Promise<void> {
    return this.#lifecycle?.snapshot(request);
  }

  override notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#lifecycle?.notifyCheckpointComplete(checkpointId);
  }

  override notifyCheckpointAborted(checkpointId: number): void | Promise<void> {
    return this.#lifecycle?.notifyCheckpointAborted(checkpointId);
  }

  override async close(): Promise<void> {
    await this.#lifecycle?.close();
  }
}

/** One input, watermarks passed on. */
export abstract class OneInputFunctionOperator<F> extends UserFunctionOperator<F> implements OneInputOperator {
  abstract processElement(value: unknown, timestamp: number): void;

  processWatermark(timestamp: number): void {
    this.output.emitWatermark(timestamp);
  }

  processIdle(idle: boolean): void {
    this.output.emitIdle(idle);
  }
}
