/**
 * The checkpoints of one attempt: the coordinator, connected to the workers, the storage and the completed store.
 * Commit order and what a crash leaves are told in checkpoint/checkpoint-coordinator.ts.
 */
import { randomBytes } from 'node:crypto';
import {
  type CompletedCheckpoint,
  HaObjectMissingException,
  NotLeaderException,
  PossibleInconsistentStateException,
} from '../../ha/index.ts';
import { messageOf } from '../../lib/errors.ts';
import {
  CheckpointCoordinator,
  type CompletedCheckpointRecord,
  type CoordinatorPorts,
} from '../checkpoint/checkpoint-coordinator.ts';
import type { CheckpointReport, FinalizeOutcome } from '../checkpoint/coordinator-events.ts';
import { discardCheckpoint } from '../checkpoint/discard-checkpoint.ts';
import { CheckpointException } from '../checkpoint/failure-reasons.ts';
import type { JobShape } from '../checkpoint/job-shape.ts';
import { automaticSavepointDirectory, filePath, savepointDirectory } from '../checkpoint/locations.ts';
import { writeManifest } from '../checkpoint/manifest-codec.ts';
import { checkpointProperties, retentionOnCancel } from '../checkpoint/retention.ts';
import type { CheckpointBarrier, CheckpointKind } from '../exchange/channel.ts';
import type { CheckpointsView, RestoredView } from '../rest/job-view.ts';
import type { FromWorker } from '../task/worker-protocol.ts';
import { JobExecutionError } from './errors.ts';
import { noteSavepoint } from './noted-savepoints.ts';
import type { JobMasterOptions } from './settings.ts';
import { sweepCheckpoints } from './sweep-checkpoints.ts';

/** What the JobMaster does for its checkpoints. */
export interface CheckpointTasks {
  trigger(barrier: CheckpointBarrier, directory: string): void;
  /** Resolves when every task has committed what waited for the checkpoint. */
  complete(checkpointId: number): Promise<void>;
  aborted(checkpointId: number): void;
  fail(error: Error): void;
}

type Acknowledge = Extract<FromWorker, { type: 'acknowledge' }>;
type Decline = Extract<FromWorker, { type: 'decline' }>;

export class JobCheckpoints {
  readonly #options: JobMasterOptions;
  readonly #tasks: CheckpointTasks;
  readonly #coordinator: CheckpointCoordinator;
  #sweeping: Promise<void> | undefined;
  readonly #longestSyncMs = new Map<number, number>();
  /** Notifications under way; a stop waits for its own. */
  readonly #notifying = new Map<number, Promise<void>>();

  constructor(job: JobShape, options: JobMasterOptions, tasks: CheckpointTasks) {
    this.#options = options;
    this.#tasks = tasks;
    const { intervalMs, timeoutMs, savepointTimeoutMs, minPauseMs, tolerableFailures } = options.checkpoints;
    this.#coordinator = new CheckpointCoordinator({
      settings: { intervalMs, timeoutMs, savepointTimeoutMs, minPauseMs, tolerableFailures },
      job,
      epoch: options.epoch,
      clock: options.clock,
      random: options.random,
      randomName,
      ports: this.#ports(),
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
  }

  /** All tasks run. */
  start(restored: RestoredView | undefined): void {
    if (restored !== undefined) this.#coordinator.restored(restored);
    this.#coordinator.tasksRunning();
  }

  stop(): void {
    this.#coordinator.stop();
  }

  /** Resolves when nothing is being written or deleted: after a good end nobody comes who would sweep what is left. */
  async whenIdle(): Promise<void> {
    await this.#coordinator.whenIdle();
    await this.#sweeping;
  }

  statistics(): CheckpointsView {
    return this.#coordinator.statistics();
  }

  acknowledge({ checkpointId, vertexId, subtaskIndex, result, syncMs, asyncMs, alignmentMs }: Acknowledge): void {
    this.#longestSyncMs.set(checkpointId, Math.max(syncMs, this.#longestSyncMs.get(checkpointId) ?? 0));
    // A subtask whose input has ended still stores its state (a sink's transactions), so it answers like any other.
    this.#coordinator.acknowledge({
      checkpointId,
      vertexId,
      subtaskIndex,
      result,
      finished: false,
      syncMs,
      asyncMs,
      alignmentMs,
    });
  }

  decline({ checkpointId, vertexId, subtaskIndex, reason, message }: Decline): void {
    this.#coordinator.decline({ checkpointId, subtask: { vertexId, subtaskIndex }, reason, message });
  }

  /** Takes a checkpoint now; resolves with its id when it is committed. */
  async checkpoint(): Promise<number> {
    return (await this.#trigger('checkpoint')).checkpointId;
  }

  /** Takes a savepoint; resolves with its location when it is whole and, when the job stops with it, committed by all sinks. */
  async savepoint(request: {
    readonly kind: Exclude<CheckpointKind, 'checkpoint'>;
    readonly targetDirectory?: string;
  }): Promise<string> {
    const directory = this.#savepointDirectory(request.targetDirectory);
    const { storage, jobId } = this.#options;
    if (directory !== undefined) await noteSavepoint(storage, jobId, directory);
    const answer = await this.#trigger(request.kind, directory);
    return `${this.#options.storageUri.replace(/\/+$/, '')}/${answer.directory}`;
  }

  /** Takes a savepoint on behalf of nobody; resolves with its directory within the storage. */
  async automaticSavepoint(): Promise<string> {
    const { jobId, epoch } = this.#options;
    const directory = automaticSavepointDirectory({ jobId, epoch, random: randomName() });
    return (await this.#trigger('savepoint', directory)).directory;
  }

  async #trigger(kind: CheckpointKind, directory?: string): Promise<{ checkpointId: number; directory: string }> {
    const answer = await this.#coordinator.trigger(kind, directory);
    await this.#notifying.get(answer.checkpointId);
    return answer;
  }

  #savepointDirectory(target: string | undefined): string | undefined {
    if (target === undefined) return undefined;
    const { jobId, storageUri } = this.#options;
    const root = storageUri.replace(/\/+$/, '');
    if (target !== root && !target.startsWith(`${root}/`)) {
      throw new JobExecutionError(
        'SAVEPOINT_TARGET_OUTSIDE_STORAGE',
        `savepoints of this job lie below ${root}; ${target} does not. Leave the directory out, or name one below it.`,
      );
    }
    return filePath(
      target.slice(root.length + 1).replace(/\/+$/, ''),
      savepointDirectory({ jobId, random: randomName() }),
    );
  }

  #ports(): CoordinatorPorts {
    const { checkpointIds, checkpointStore, storage } = this.#options;
    return {
      nextCheckpointId: () => checkpointIds.getAndIncrement(),
      triggerTasks: (barrier, directory) => this.#tasks.trigger(barrier, directory),
      writeManifest: (directory, manifest) => writeManifest(storage, directory, manifest),
      addToCompletedStore: (record) => this.#addToCompletedStore(record),
      whenCleaned: () => checkpointStore.whenDiscarded(),
      notifyComplete: (checkpointId) => this.#notifyComplete(checkpointId),
      notifyAborted: (checkpointId) => this.#tasks.aborted(checkpointId),
      failJob: (error) => this.#tasks.fail(error),
      discard: (directory, path) =>
        path === undefined ? discardCheckpoint(storage, directory) : storage.delete(filePath(directory, path)),
      report: (report) => this.#report(report),
    };
  }

  #notifyComplete(checkpointId: number): Promise<void> {
    const notified = this.#tasks.complete(checkpointId).finally(() => this.#notifying.delete(checkpointId));
    this.#notifying.set(checkpointId, notified);
    return notified;
  }

  async #addToCompletedStore(record: CompletedCheckpointRecord): Promise<FinalizeOutcome> {
    const { checkpointStore, checkpoints } = this.#options;
    const { synchronous, ...facts } = record;
    const kind = synchronous ? 'stop-with-savepoint' : 'checkpoint';
    const properties = checkpointProperties(kind, retentionOnCancel(checkpoints.onCancel));
    const completed: CompletedCheckpoint = { ...facts, properties };
    try {
      const subsumed = await checkpointStore.addCheckpointAndSubsumeOldestOne(completed);
      return { outcome: 'done', ...(subsumed === undefined ? {} : { lastSubsumedId: subsumed.checkpointId }) };
    } catch (cause) {
      // Another leader, or no object: this process is about to end anyway, and must not delete what it cannot judge. Where
      // the object was lost, whoever leads next goes by what lies in the storage.
      const mayCount = [PossibleInconsistentStateException, NotLeaderException, HaObjectMissingException];
      return { outcome: mayCount.some((kind) => cause instanceof kind) ? 'unknown' : 'notDone', cause };
    }
  }

  #report(report: CheckpointReport): void {
    const { onEvent, log } = this.#options;
    switch (report.what) {
      case 'completed': {
        const { checkpointId, bytes, durationMs, kind } = report;
        const syncMs = this.#longestSyncMs.get(checkpointId) ?? 0;
        this.#forget(checkpointId);
        if (kind === 'checkpoint') this.#sweepOnce();
        onEvent({ event: 'checkpointCompleted', checkpointId, kind, bytes, tookMs: durationMs, syncMs });
        return;
      }
      case 'failed':
        this.#reportFailed(report);
        return;
      case 'undecided':
        log.warn(`it is not known whether checkpoint ${report.checkpointId} was committed; its files stay`, {
          directory: report.directory,
        });
        return;
      case 'triggered':
      case 'late':
        return;
    }
  }

  #reportFailed({ checkpointId, error }: Extract<CheckpointReport, { what: 'failed' }>): void {
    // What is given up because the job ends has not failed.
    const known = error instanceof CheckpointException ? error : undefined;
    if (known?.reason === 'CHECKPOINT_COORDINATOR_SHUTDOWN') return;
    this.#options.onEvent({
      event: 'checkpointFailed',
      ...(checkpointId === undefined ? {} : { checkpointId }),
      reason: known?.problem ?? error.message,
    });
  }

  /** What cannot be swept now is swept by the next leader; it costs space, never correctness. */
  #sweepOnce(): void {
    if (this.#sweeping !== undefined) return;
    const { storage, jobId, epoch, checkpointStore, log } = this.#options;
    this.#sweeping = sweepCheckpoints(storage, { jobId, epoch }, checkpointStore).then(
      () => {},
      (error: unknown) =>
        log.warn('what earlier processes left of checkpoints could not be removed', { cause: messageOf(error) }),
    );
  }

  #forget(checkpointId: number): void {
    for (const id of [...this.#longestSyncMs.keys()]) if (id <= checkpointId) this.#longestSyncMs.delete(id);
  }
}

/** Lowercase letters and digits that nobody can guess. */
function randomName(): string {
  return randomBytes(8).toString('hex');
}
