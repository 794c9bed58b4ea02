/** The end of a chain that commits with the checkpoint; see connectors/two-phase-committer.ts for what a crash leaves. */

import type { TwoPhaseCommitSinkFunction } from '../connectors/sink.ts';
import { TwoPhaseCommitter } from '../connectors/two-phase-committer.ts';
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import type { OneInputOperator, OperatorContext, OperatorRestore, SnapshotRequest } from './operator.ts';
import { UserFunctionOperator } from './user-function-operator.ts';

export class TwoPhaseCommitSinkOperator<T, TXN>
  extends UserFunctionOperator<TwoPhaseCommitSinkFunction<T, TXN>>
  implements OneInputOperator
{
  declare private committer: TwoPhaseCommitter<T, TXN>;
  #durable: Promise<void> | undefined;

  override setup(context: OperatorContext): void {
    super.setup(context);
    const { jobId, subtaskIndex, parallelism, epoch, origin } = context.subtask;
    this.committer = new TwoPhaseCommitter(this.userFunction, {
      jobId,
      uid: context.uid,
      subtaskIndex,
      parallelism,
      epoch,
      origin,
    });
  }

  protected override async initialize(restored: OperatorRestore | undefined): Promise<void> {
    this.committer.initializeState({
      isRestored: () => restored !== undefined,
      getRestoredCheckpointId: () => restored?.checkpointId,
      getOperatorStateStore: () => this.operatorState,
      getKeyedStateStore: () => this.runtimeContext,
    });
    await super.initialize(restored);
  }

  override async open(): Promise<void> {
    await super.open();
    await this.committer.open();
  }

  processElement(value: unknown, timestamp: number): void {
    this.committer.invoke(value as T, timestamp === NO_TIMESTAMP ? undefined : timestamp);
  }

  /** The end of the chain: nobody downstream waits for time. */
  processWatermark(_timestamp: number): void {}
  processIdle(_idle: boolean): void {}

  protected override snapshotUserState(request: SnapshotRequest): void | Promise<void> {
    this.#durable = this.committer.snapshot(request.checkpointId);
    return super.snapshotUserState(request);
  }

  protected override durableWork(): Promise<void> | undefined {
    const durable = this.#durable;
    this.#durable = undefined;
    return durable;
  }

  override async notifyCheckpointComplete(checkpointId: number): Promise<void> {
    await this.committer.notifyComplete(checkpointId);
    await super.notifyCheckpointComplete(checkpointId);
  }

  override async close(): Promise<void> {
    await this.committer.close();
    await super.close();
  }
}
