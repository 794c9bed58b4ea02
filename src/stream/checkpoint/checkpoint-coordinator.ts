/**
 * Carries out what the state machine decides. All rules are there (coordinator-machine.ts); here are the clock, the
 * storage, the store of completed checkpoints and the tasks.
 *
 * The order of a commit, and what a crash leaves:
 *
 *     id taken → state files → manifest → handle in the completed store → tasks told
 *              │             │          │                               └ told again after the restore: commits repeat
 *              │             │          └ a whole checkpoint that nothing points to: swept later
 *              │             └ files without a manifest: garbage
 *              └ a gap in the ids
 *
 * Whether the handle was written may stay unknown; then nothing is deleted and nobody is told.
 */
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import type { WrittenFile } from '../../storage/index.ts';
import type { CheckpointBarrier, CheckpointKind } from '../exchange/channel.ts';
import type { CheckpointsView, RestoredView } from '../rest/job-view.ts';
import { type CheckpointRequest, isSavepoint, isStop } from './checkpoint-requests.ts';
import type {
  Acknowledgement,
  CheckpointAnswer,
  CheckpointReport,
  CompleteCheckpoint,
  CoordinatorDecision,
  CoordinatorEvent,
  FinalizeOutcome,
} from './coordinator-events.ts';
import { CoordinatorMachine } from './coordinator-machine.ts';
import { type CheckpointSettings, completeSettings } from './coordinator-settings.ts';
import type { JobShape } from './job-shape.ts';
import { checkpointDirectory, savepointDirectory } from './locations.ts';
import type { CheckpointManifest } from './manifest.ts';
import { buildManifest } from './manifest-builder.ts';
import type { SubtaskRef } from './subtask-state.ts';

/** Where a crash of the coordinator would matter. */
export const COORDINATOR_FAULT_POINTS = [
  'checkpoint-id-taken',
  'checkpoint-acknowledged',
  'checkpoint-manifest-written',
  'checkpoint-handle-written',
  'checkpoint-notified',
] as const;

/** What is added to the completed store. */
export interface CompletedCheckpointRecord {
  readonly checkpointId: number;
  readonly epoch: number;
  /** Wall clock of the trigger, milliseconds. */
  readonly timestamp: number;
  /** Directory, relative to the storage. */
  readonly location: string;
  readonly metadataSha256: string;
  /** State files and manifest. */
  readonly bytes: number;
  readonly isSavepoint: boolean;
  /** The job stops with it. */
  readonly synchronous: boolean;
}

/** What the coordinator needs done. */
export interface CoordinatorPorts {
  /** A number greater than any before, also after a crash. Taken before the attempt; gaps are normal. */
  nextCheckpointId(): Promise<number>;
  /** Hands the barrier and the directory to all subtasks. */
  triggerTasks(barrier: CheckpointBarrier, directory: string): void | Promise<void>;
  /** Writes `_metadata`; rejects when it was not written. */
  writeManifest(directory: string, manifest: CheckpointManifest): Promise<WrittenFile>;
  /** The commit point. Rejecting counts as unknown: the files stay. */
  addToCompletedStore(record: CompletedCheckpointRecord): Promise<FinalizeOutcome>;
  /**
   * Resolves when what completed checkpoints have replaced so far is removed, or cannot be. None begins while more than
   * `maxConcurrent` of them wait for that: a slow storage would fill up. Follows Flink's CheckpointsCleaner. Never rejects.
   * @default nothing is waited for
   */
  whenCleaned?(): Promise<void>;
  /** Called only after the store answered done. A rejection fails the job. */
  notifyComplete(checkpointId: number): void | Promise<void>;
  notifyAborted(checkpointId: number): void | Promise<void>;
  /** Ends the attempt with this failure. */
  failJob(error: Error): void;
  /** Deletes a directory, or one file in it. Rejecting leaves garbage for the sweeper. */
  discard(directory: string, path?: string): Promise<void>;
  /** For the log and the progress display. */
  report(report: CheckpointReport): void;
}

export interface CheckpointCoordinatorOptions {
  readonly settings: CheckpointSettings;
  /** With the maximum parallelism in force, after a restore the adopted one. */
  readonly job: JobShape;
  readonly epoch: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** 6 to 32 lowercase letters and digits that nobody can guess; new at each call. */
  readonly randomName: () => string;
  readonly ports: CoordinatorPorts;
  readonly faults?: FaultPoint;
}

/** Who waits for a checkpoint. */
interface Waiter {
  resolve(answer: CheckpointAnswer): void;
  reject(error: Error): void;
}

/** Takes the checkpoints of one execution of a job. Starts nothing before `tasksRunning`. */
export class CheckpointCoordinator {
  readonly #options: CheckpointCoordinatorOptions;
  readonly #machine: CoordinatorMachine;
  readonly #faults: FaultPoint;
  readonly #waiters = new Map<number, Waiter>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #events: CoordinatorEvent[] = [];
  #isDispatching = false;
  #requests = 0;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(options: CheckpointCoordinatorOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
    this.#machine = new CoordinatorMachine(completeSettings(options.settings), options.job);
  }

  /** All tasks run: periodic checkpoints begin. */
  tasksRunning(): void {
    this.#dispatch({ type: 'tasksRunning', random: this.#options.random() });
  }

  /** For the statistics: what this execution was restored from. */
  restored(view: RestoredView): void {
    this.#machine.statistics.restored(view);
  }

  /**
   * Takes a checkpoint or savepoint now, whatever interval and pause say. Resolves when it is committed.
   * @param directory where a savepoint goes, relative to the storage; by default a new name
   * @throws CheckpointException with the reason why there is none
   */
  trigger(kind: CheckpointKind, directory?: string): Promise<CheckpointAnswer> {
    const token = ++this.#requests;
    const request = { token, kind, periodic: false, ...(directory === undefined ? {} : { directory }) };
    return new Promise((resolve, reject) => {
      this.#waiters.set(token, { resolve, reject });
      this.#dispatch({ type: 'requested', request });
    });
  }

  acknowledge(ack: Acknowledgement): void {
    this.#dispatch({ type: 'acknowledged', ack });
  }

  /** A subtask could not take part. */
  decline(decline: { checkpointId: number; subtask: SubtaskRef; reason: string; message: string }): void {
    this.#dispatch({ type: 'declined', ...decline });
  }

  /** The subtask has ended for good and answers no more. Not for one that only reached the end of its input. */
  taskGone(subtask: SubtaskRef): void {
    this.#dispatch({ type: 'taskGone', subtask });
  }

  /** The job ends: no more checkpoints. What is being committed goes on; wait for it with `whenIdle`. */
  stop(): void {
    this.#dispatch({ type: 'stopped' });
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Resolves when nothing is being written, deleted or told. */
  async whenIdle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  statistics(): CheckpointsView {
    return this.#machine.statistics.view();
  }

  /** One event after the other: what a decision brings about waits until its event has been carried out. */
  #dispatch(event: CoordinatorEvent): void {
    this.#events.push(event);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const decision of this.#machine.handle(next, this.#time())) this.#perform(decision);
      }
    } finally {
      this.#isDispatching = false;
    }
    this.#setTimer();
  }

  #time(): { now: number; monotonic: number } {
    const { clock } = this.#options;
    return { now: clock.now(), monotonic: clock.monotonic() };
  }

  #setTimer(): void {
    const at = this.#machine.nextTickAt();
    if (at === this.#timer?.at) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at === undefined) return;
    const { clock } = this.#options;
    const cancel = clock.setTimer(Math.max(0, Math.ceil(at - clock.monotonic())), () => {
      this.#timer = undefined;
      this.#dispatch({ type: 'tick' });
    });
    this.#timer = { at, cancel };
  }

  #perform(decision: CoordinatorDecision): void {
    const { ports } = this.#options;
    switch (decision.do) {
      case 'takeId':
        this.#track(() => this.#takeId(decision.request));
        return;
      case 'trigger':
        this.#track(() => this.#trigger(decision.barrier, decision.directory));
        return;
      case 'finalize':
        this.#track(() => this.#finalize(decision.checkpoint));
        return;
      case 'notifyComplete':
        this.#track(() => this.#notifyComplete(decision.checkpointId));
        return;
      case 'notifyAborted':
        this.#track(async () => ports.notifyAborted(decision.checkpointId));
        return;
      case 'discard':
        this.#track(() => this.#discard(decision.directory));
        return;
      case 'discardFile':
        this.#track(() => this.#discardFile(decision.directory, decision.path));
        return;
      case 'answer':
        this.#takeWaiter(decision.token)?.resolve(decision.answer);
        return;
      case 'refuse':
        this.#takeWaiter(decision.token)?.reject(decision.error);
        return;
      case 'failJob':
        ports.failJob(decision.error);
        return;
      case 'report':
        ports.report(decision.report);
        return;
      default:
        assertNever(decision);
    }
  }

  /** Runs `work` and remembers it until it has ended; what it throws fails the job. */
  #track(work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => this.#options.ports.failJob(asError(error)))
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  #takeWaiter(token: number): Waiter | undefined {
    const waiter = this.#waiters.get(token);
    this.#waiters.delete(token);
    return waiter;
  }

  async #takeId(request: CheckpointRequest): Promise<void> {
    const { token } = request;
    try {
      const checkpointId = await this.#options.ports.nextCheckpointId();
      await this.#faults('checkpoint-id-taken');
      this.#dispatch({ type: 'idTaken', token, checkpointId, directory: this.#directory(checkpointId, request) });
    } catch (cause) {
      this.#dispatch({ type: 'idFailed', token, cause });
    }
  }

  #directory(checkpointId: number, { kind, directory }: CheckpointRequest): string {
    const { job, epoch, randomName } = this.#options;
    const { jobId } = job;
    if (!isSavepoint(kind)) return checkpointDirectory({ jobId, checkpointId, epoch, random: randomName() });
    return directory ?? savepointDirectory({ jobId, random: randomName() });
  }

  async #trigger(barrier: CheckpointBarrier, directory: string): Promise<void> {
    try {
      await this.#options.ports.triggerTasks(barrier, directory);
    } catch (cause) {
      this.#dispatch({ type: 'triggerFailed', checkpointId: barrier.id, cause });
    }
  }

  async #finalize(checkpoint: CompleteCheckpoint): Promise<void> {
    const result = await this.#store(checkpoint);
    if (result.outcome === 'done') this.#awaitCleaning();
    this.#dispatch({ type: 'finalized', checkpointId: checkpoint.checkpointId, result });
  }

  /** Told before the checkpoint is: the next one may begin with that. */
  #awaitCleaning(): void {
    const cleaned = this.#options.ports.whenCleaned?.();
    if (cleaned === undefined) return;
    this.#dispatch({ type: 'cleaning' });
    void cleaned.then(() => this.#dispatch({ type: 'cleaned' }));
  }

  /** Manifest first, handle second: the other order would leave a handle that points to nothing. */
  async #store(checkpoint: CompleteCheckpoint): Promise<FinalizeOutcome> {
    let record: CompletedCheckpointRecord;
    try {
      await this.#faults('checkpoint-acknowledged');
      record = await this.#writeManifest(checkpoint);
    } catch (cause) {
      return { outcome: 'notDone', cause };
    }
    try {
      await this.#faults('checkpoint-manifest-written');
      // A plain savepoint belongs to whoever asked for it: its manifest is its commit.
      if (checkpoint.kind === 'savepoint') return { outcome: 'done' };
      const outcome = await this.#options.ports.addToCompletedStore(record);
      await this.#faults('checkpoint-handle-written');
      return outcome;
    } catch (cause) {
      return { outcome: 'unknown', cause };
    }
  }

  async #writeManifest(checkpoint: CompleteCheckpoint): Promise<CompletedCheckpointRecord> {
    const { job, epoch, ports } = this.#options;
    const { checkpointId, kind, directory, timestamp, results, finished } = checkpoint;
    const manifest = buildManifest({
      kind: isSavepoint(kind) ? 'savepoint' : 'checkpoint',
      job,
      checkpointId,
      epoch,
      timestamp,
      results,
      finished,
    });
    const { sha256, sizeBytes } = await ports.writeManifest(directory, manifest);
    return {
      checkpointId,
      epoch,
      timestamp,
      location: directory,
      metadataSha256: sha256,
      bytes: manifest.files.reduce((sum, file) => sum + file.sizeBytes, sizeBytes),
      isSavepoint: isSavepoint(kind),
      synchronous: isStop(kind),
    };
  }

  async #notifyComplete(checkpointId: number): Promise<void> {
    await this.#options.ports.notifyComplete(checkpointId);
    await this.#faults('checkpoint-notified');
  }

  async #discard(directory: string): Promise<void> {
    // What cannot be deleted is garbage that nothing points to: the sweeper's, not a failure of the job.
    await Promise.allSettled([this.#options.ports.discard(directory)]);
    this.#dispatch({ type: 'cleaned' });
  }

  async #discardFile(directory: string, path: string): Promise<void> {
    await Promise.allSettled([this.#options.ports.discard(directory, path)]);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
