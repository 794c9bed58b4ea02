/** The head of a source vertex: drives a reader as an operator, so that it is captured and restored like any other. */

import type { PollResult, Source, SourceFunction, SourceOutput, SourceReader } from '../connectors/source.ts';
import { SourceFunctionReader } from '../connectors/source-function-reader.ts';
import { MAX_WATERMARK, NO_TIMESTAMP } from '../exchange/channel.ts';
import { OutputTag } from '../functions/output-tag.ts';
import type { CheckpointLock } from '../task/checkpoint-lock.ts';
import { AbstractStreamOperator } from './abstract-operator.ts';
import type { OperatorContext, OperatorRestore, Output, SnapshotRequest } from './operator.ts';

/** What a source needs of its task beyond what every operator gets. */
export interface SourceEnvironment {
  readonly workingDirectory: string;
  readonly lock: CheckpointLock;
  /** Whether the task's outputs can take more. */
  outputAvailable(): boolean;
  /** Resolves when they can again. */
  whenOutputAvailable(): Promise<void>;
}

export class SourceOperator extends AbstractStreamOperator {
  readonly #source: Source<unknown> | (() => SourceFunction<unknown>);
  readonly #environment: SourceEnvironment;
  #reader: SourceReader<unknown> | undefined;
  #sourceOutput: TaskSourceOutput | undefined;

  constructor(source: Source<unknown> | (() => SourceFunction<unknown>), environment: SourceEnvironment) {
    super();
    this.#source = source;
    this.#environment = environment;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    const { subtaskIndex, parallelism } = context.subtask;
    const { workingDirectory } = this.#environment;
    this.#sourceOutput = new TaskSourceOutput(context.output, context.metrics);
    this.#reader =
      typeof this.#source === 'function'
        ? new SourceFunctionReader(this.#source(), {
            ...this.#environment,
            output: this.#sourceOutput,
            name: context.name,
            failTask: context.failTask,
          })
        : this.#source.createReader({ subtaskIndex, parallelism, clock: context.clock, workingDirectory });
  }

  protected override async initialize(restored: OperatorRestore | undefined): Promise<void> {
    await this.#reader?.initializeState({
      isRestored: () => restored !== undefined,
      getRestoredCheckpointId: () => restored?.checkpointId,
      getOperatorStateStore: () => this.operatorState,
      getKeyedStateStore: () => this.runtimeContext,
    });
  }

  override async open(): Promise<void> {
    await this.#reader?.open(this.runtimeContext);
  }

  poll(maxRecords: number): PollResult {
    return this.#reader === undefined || this.#sourceOutput === undefined
      ? 'end'
      : this.#reader.poll(this.#sourceOutput, maxRecords);
  }

  whenAvailable(): Promise<void> {
    return this.#reader?.whenAvailable() ?? Promise.resolve();
  }

  /** The last watermark: nothing comes after it. */
  emitEndOfTime(): void {
    this.output.emitWatermark(MAX_WATERMARK);
  }

  protected override snapshotUserState(request: SnapshotRequest): void | Promise<void> {
    return this.#reader?.snapshotState({
      checkpointId: request.checkpointId,
      checkpointTimestamp: request.timestamp,
    });
  }

  override notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#reader?.notifyCheckpointComplete?.(checkpointId);
  }

  override async close(): Promise<void> {
    await this.#reader?.close();
  }

  /** After a kill that the process survives (in a test): files are closed, the loop of a source function hears nothing. */
  async release(): Promise<void> {
    if (this.#reader instanceof SourceFunctionReader) return;
    // Nobody is left who would want to know.
    await Promise.allSettled([this.#reader?.close()]);
  }
}

/** Emits a reader's records into the chain and counts them. */
class TaskSourceOutput implements SourceOutput<unknown> {
  readonly #output: Output;
  readonly #metrics: { recordsIn: number };
  readonly #tags = new Map<string, OutputTag<unknown>>();

  constructor(output: Output, metrics: { recordsIn: number }) {
    this.#output = output;
    this.#metrics = metrics;
  }

  collect(value: unknown, timestamp: number = NO_TIMESTAMP): void {
    this.#metrics.recordsIn++;
    this.#output.collect(value, timestamp);
  }

  collectSide(tagId: string, value: unknown): void {
    let tag = this.#tags.get(tagId);
    if (tag === undefined) {
      tag = new OutputTag<unknown>(tagId);
      this.#tags.set(tagId, tag);
    }
    this.#output.collectSide(tag, value, NO_TIMESTAMP);
  }

  emitWatermark(timestamp: number): void {
    this.#output.emitWatermark(timestamp);
  }

  emitIdle(idle: boolean): void {
    this.#output.emitIdle(idle);
  }
}
