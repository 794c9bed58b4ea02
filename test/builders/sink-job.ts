/**
 * A small job around a two-phase sink: numbered records, dealt to subtasks, checkpoints by hand. What a real job keeps
 * in storage is kept in `completed`; everything else is lost when the process dies.
 */
import type { CheckpointManifest } from '../../src/stream/checkpoint/manifest.ts';
import type { FileTransaction } from '../../src/stream/connectors/file-sink.ts';
import type { TwoPhaseCommitSinkFunction } from '../../src/stream/connectors/sink.ts';
import { TwoPhaseCommitter } from '../../src/stream/connectors/two-phase-committer.ts';
import type { RestorablePoint } from '../../src/stream/functions/attempt-origin.ts';
import { originOf } from '../../src/stream/job/restore-point.ts';
import { anInitializationContext, OperatorStateDouble, type StoredCapture, shareOfCapture } from './operator-state.ts';

/** A complete checkpoint: the state of the sink and the position of the source. */
export interface CompletedCheckpoint extends StoredCapture {
  readonly position: number;
  readonly epoch: number;
}

/** What is known of the attempts before, besides the checkpoint. */
export interface SinkJobFacts {
  /** Ids only grow, also when an older checkpoint was restored. @default the one after the restored checkpoint */
  readonly nextCheckpointId?: number;
  readonly hasBegun?: boolean;
  readonly restorable?: readonly RestorablePoint[];
  /** Of the attempt; the checkpoint is always that of JOB_ID. @default JOB_ID */
  readonly jobId?: string;
}

export const JOB_ID = '9f0c3a5e71b24c61a0d2f3b4c5d6e7f8';

/** One subtask of the sink. */
interface SinkSubtask {
  readonly sink: TwoPhaseCommitSinkFunction<number, FileTransaction>;
  readonly committer: TwoPhaseCommitter<number, FileTransaction>;
  readonly store: OperatorStateDouble;
}

export class SinkJob {
  readonly #sinks: readonly SinkSubtask[];
  position: number;
  readonly #epoch: number;
  #checkpointId: number;

  private constructor(
    sinks: readonly SinkSubtask[],
    epoch: number,
    from: CompletedCheckpoint | undefined,
    nextCheckpointId: number,
  ) {
    this.#sinks = sinks;
    this.#epoch = epoch;
    this.position = from?.position ?? 0;
    this.#checkpointId = nextCheckpointId;
  }

  /** One attempt of the job: open everything, restore, commit what the checkpoint promised. */
  static async start(
    sinkOf: () => TwoPhaseCommitSinkFunction<number, FileTransaction>,
    epoch: number,
    parallelism: number,
    from: CompletedCheckpoint | undefined,
    facts: SinkJobFacts = {},
  ): Promise<SinkJob> {
    const origin = originOf(
      from && { manifest: { jobId: JOB_ID, checkpointId: from.checkpointId, epoch: from.epoch } as CheckpointManifest },
      { hasBegun: facts.hasBegun ?? false, restorable: facts.restorable ?? [] },
    );
    const sinks: SinkSubtask[] = [];
    for (let subtaskIndex = 0; subtaskIndex < parallelism; subtaskIndex++) {
      const store = new OperatorStateDouble(from && shareOfCapture(from, subtaskIndex, parallelism));
      const sink = sinkOf();
      const owner = { jobId: facts.jobId ?? JOB_ID, uid: 'out', subtaskIndex, parallelism, epoch, origin };
      const committer = new TwoPhaseCommitter(sink, owner);
      committer.initializeState(anInitializationContext(store, from?.checkpointId));
      sinks.push({ sink, committer, store });
    }
    // Subtasks open beside each other: one may have finished when the process dies, another not have begun.
    for (const { sink, committer } of sinks) {
      await sink.open?.(undefined as never);
      await committer.open();
    }
    return new SinkJob(sinks, epoch, from, facts.nextCheckpointId ?? (from?.checkpointId ?? 0) + 1);
  }

  write(count: number): void {
    for (let left = count; left > 0; left--) {
      const record = this.position++;
      this.#sinks[record % this.#sinks.length]!.committer.invoke(record, undefined);
    }
  }

  /** Captures all subtasks; the result is what becomes a complete checkpoint once it is stored. */
  async capture(): Promise<CompletedCheckpoint> {
    const checkpointId = this.#checkpointId++;
    const durable = this.#sinks.map(({ committer }) => committer.snapshot(checkpointId));
    const subtasks = this.#sinks.map(({ store }) => store.store());
    await Promise.all(durable);
    return { checkpointId, epoch: this.#epoch, position: this.position, subtasks };
  }

  async notifyComplete(checkpointId: number): Promise<void> {
    await Promise.all(this.#sinks.map(({ committer }) => committer.notifyComplete(checkpointId)));
  }

  async close(): Promise<void> {
    for (const { committer } of this.#sinks) await committer.close();
  }
}
