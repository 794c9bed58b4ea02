/**
 * The checkpoints of a test run, over all its attempts: hands out barriers, gathers what subtasks answer, writes the
 * manifest last. Nothing happens by itself; whoever schedules the run decides when each answer and each completion comes.
 *
 * A checkpoint is complete from the moment its manifest is written: an attempt that crashes before it restores the one
 * before, one that crashes after it restores this one, told or not.
 */
import type { Clock } from '../../lib/clock.ts';
import { memoryStorage, type Storage } from '../../storage/index.ts';
import { type JobShape, subtasksOf } from '../checkpoint/job-shape.ts';
import { checkpointDirectory, savepointDirectory } from '../checkpoint/locations.ts';
import { buildManifest } from '../checkpoint/manifest-builder.ts';
import { writeManifest } from '../checkpoint/manifest-codec.ts';
import { type SubtaskStateResult, subtaskKey } from '../checkpoint/subtask-state.ts';
import type { CheckpointBarrier, CheckpointKind } from '../exchange/channel.ts';
import { TestCheckpoint } from './test-checkpoint.ts';

/** How a checkpoint ended. */
export type CheckpointOutcome =
  | { readonly outcome: 'completed'; readonly checkpoint: TestCheckpoint }
  | { readonly outcome: 'declined'; readonly reason: string; readonly cause: unknown };

/** A checkpoint on its way. */
export interface PendingCheckpoint {
  readonly barrier: CheckpointBarrier;
  readonly directory: string;
  readonly job: JobShape;
  readonly epoch: number;
  /** Fires when it is given up. */
  readonly abort: AbortController;
  readonly results: SubtaskStateResult[];
  /** Subtasks that have not answered. */
  readonly awaited: Set<string>;
  /** Set once. */
  outcome: CheckpointOutcome | undefined;
  /** Every subtask has been told of the outcome and is done with what follows from it. */
  told: boolean;
}

export class TestCheckpoints {
  readonly storage: Storage;
  readonly #clock: Clock;
  readonly #completed: TestCheckpoint[] = [];
  #pending: PendingCheckpoint[] = [];
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.storage = memoryStorage({ clock });
  }

  /** In the order of completion, savepoints among them. */
  get completed(): readonly TestCheckpoint[] {
    return this.#completed;
  }

  /** What a failure restores. A savepoint belongs to whoever asked for it. */
  get latest(): TestCheckpoint | undefined {
    return this.#completed.findLast(({ kind }) => kind === 'checkpoint');
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** One that everybody has answered. */
  get ready(): PendingCheckpoint | undefined {
    return this.#pending.find(({ awaited }) => awaited.size === 0);
  }

  find(checkpointId: number): PendingCheckpoint | undefined {
    return this.#pending.find(({ barrier }) => barrier.id === checkpointId);
  }

  begin(kind: CheckpointKind, job: JobShape, epoch: number): PendingCheckpoint {
    const id = this.#nextId++;
    const random = `attempt${epoch}`;
    const location = { jobId: job.jobId, checkpointId: id, epoch, random };
    const pending: PendingCheckpoint = {
      barrier: { id, timestamp: this.#clock.now(), kind },
      directory:
        kind === 'checkpoint'
          ? checkpointDirectory(location)
          : savepointDirectory({ jobId: job.jobId, random: `${random}chk${id}` }),
      job,
      epoch,
      abort: new AbortController(),
      results: [],
      awaited: new Set(subtasksOf(job).map(subtaskKey)),
      outcome: undefined,
      told: false,
    };
    this.#pending.push(pending);
    return pending;
  }

  acknowledge(checkpointId: number, result: SubtaskStateResult): void {
    const pending = this.find(checkpointId);
    if (pending === undefined || !pending.awaited.delete(subtaskKey(result))) return;
    pending.results.push(result);
  }

  /** Gives a checkpoint up. Returns it, or undefined when it had an outcome already. */
  decline(checkpointId: number, reason: string, cause: unknown = undefined): PendingCheckpoint | undefined {
    const pending = this.find(checkpointId);
    if (pending === undefined) return undefined;
    this.#pending = this.#pending.filter((each) => each !== pending);
    pending.outcome = { outcome: 'declined', reason, cause };
    pending.abort.abort(new Error(`checkpoint ${checkpointId} was given up: ${reason}`));
    return pending;
  }

  /** Completes a checkpoint that is ready; gives those that are outdated by it. */
  async complete(pending: PendingCheckpoint): Promise<PendingCheckpoint[]> {
    const { barrier, directory, epoch, job, results } = pending;
    this.#pending = this.#pending.filter((each) => each !== pending);
    const manifest = buildManifest({
      kind: barrier.kind === 'checkpoint' ? 'checkpoint' : 'savepoint',
      job,
      checkpointId: barrier.id,
      epoch,
      timestamp: barrier.timestamp,
      results,
      finished: new Set(),
    });
    const { sha256 } = await writeManifest(this.storage, directory, manifest);
    const checkpoint = new TestCheckpoint(this.storage, directory, sha256, manifest);
    this.#completed.push(checkpoint);
    pending.outcome = { outcome: 'completed', checkpoint };
    if (barrier.kind === 'savepoint') return [];
    return this.#pending
      .filter((each) => each.barrier.id < barrier.id && each.barrier.kind === 'checkpoint')
      .flatMap((each) => this.decline(each.barrier.id, 'subsumed by a later one') ?? []);
  }

  /** The attempt is gone, and with it everything on its way. */
  forgetPending(): void {
    this.#pending = [];
  }
}
