/**
 * The JobMaster: runs one attempt of a job. Loads the program, finds the restore point, deploys subtasks to workers,
 * coordinates checkpoints, and ends with an outcome. It never restarts anything: the first failure ends the attempt, and
 * whoever supervises decides what follows.
 *
 *   load → restore point → deploy (all subtasks initialised) → start → running ─┬─ all input ended → last checkpoint → finished
 *                                                                             ├─ stop with savepoint → stopped
 *                                                                             └─ any failure → failed
 *
 * Started means started everywhere: no record flows before every subtask is restored and open.
 */
import { assertNever } from '../../lib/assert-never.ts';
import { messageOf } from '../../lib/errors.ts';
import { SuppressRestartsException } from '../../lib/java-errors.ts';
import { jobShapeOf } from '../checkpoint/job-shape.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { RestoredView } from '../rest/job-view.ts';
import type { FromWorker } from '../task/worker-protocol.ts';
import { Deployment, type RestoredFrom } from './deployment.ts';
import { JobExecutionError } from './errors.ts';
import type { ExecutionGraph } from './execution-graph.ts';
import { JobCheckpoints } from './job-checkpoints.ts';
import { takePeriodicSavepoints } from './periodic-savepoints.ts';
import { DEFAULT_CHECKPOINT_INTERVAL_MS, type JobMasterOptions, type JobOutcome } from './settings.ts';
import { type TaskMessage, type WorkerPool, WorkerReportedError } from './worker-pool.ts';

/** How long user functions may take to close after a good end, and checkpoints to be put in order. */
const CLOSE_DEADLINE_MS = 10_000;

/** Failures that the next attempt meets again, for they come from what lies there: somebody has to do something first. */
const LASTING_FAILURES: ReadonlySet<string> = new Set([
  'FILE_CHANGED',
  'TRANSACTION_LOST',
  'OUTPUT_EXISTS',
  'STANDARD_OUTPUT',
  'FUNCTION_SHARED',
]);

export type JobMasterState =
  | 'INITIALIZING'
  | 'RUNNING'
  | 'FINISHED'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'SUSPENDED';

export class JobMaster {
  #options: JobMasterOptions;
  readonly startedAt: number;
  #state: JobMasterState = 'INITIALIZING';
  readonly #since: Partial<Record<JobMasterState, number>> = {};
  #outcome: JobOutcome | undefined;
  readonly #deployment: Deployment;
  #checkpoints: JobCheckpoints | undefined;
  readonly #ended = Promise.withResolvers<JobOutcome>();
  #hasEnded = false;
  readonly #over = new AbortController();
  #savepointing: Promise<void> = Promise.resolve();
  /** A savepoint that the job stops with is under way: the end of all input is part of it, and asks for nothing more. */
  #isStopping = false;

  constructor(options: JobMasterOptions) {
    this.#options = options;
    this.startedAt = options.clock.now();
    this.#since.INITIALIZING = this.startedAt;
    this.#deployment = new Deployment(options, {
      onMessage: (workerIndex, message) => this.#onMessage(workerIndex, message),
      onWorkerLost: (_workerIndex, error) => this.#failed(error),
    });
    // Reported by run(); nobody else may be waiting when an attempt dies early.
    this.#ended.promise.catch(() => {});
  }

  /** What the attempt runs with; settings that the program may make are settled once it runs. */
  get options(): JobMasterOptions {
    return this.#options;
  }
  get state(): JobMasterState {
    return this.#state;
  }
  /** When each state was entered. */
  get since(): Readonly<Partial<Record<JobMasterState, number>>> {
    return this.#since;
  }
  /** How the attempt ended; undefined while it goes on. */
  get outcome(): JobOutcome | undefined {
    return this.#outcome;
  }
  get execution(): ExecutionGraph | undefined {
    return this.#deployment.execution;
  }
  get checkpoints(): JobCheckpoints | undefined {
    return this.#checkpoints;
  }
  get restored(): RestoredFrom | undefined {
    return this.#deployment.restored;
  }
  get workers(): number {
    return this.#deployment.pool?.size ?? 0;
  }

  /** Runs the attempt to its end. Never rejects: failures are outcomes. */
  async run(): Promise<JobOutcome> {
    try {
      await this.#start();
    } catch (error) {
      this.#end({ outcome: 'failed', error: error instanceof Error ? error : new Error(messageOf(error)) });
    }
    const outcome = await this.#ended.promise;
    await this.#tearDown(outcome);
    return outcome;
  }

  /** Ends the attempt at once, without a capture. */
  stop(): void {
    this.#end({ outcome: 'stopped' });
  }

  /** Ends the job for good. */
  cancel(): void {
    if (this.#hasEnded) return;
    this.#enter('CANCELLING');
    this.#end({ outcome: 'cancelled' });
  }

  fail(error: Error): void {
    this.#failed(error);
  }

  /** Takes a checkpoint now. Resolves with its id once it is committed. */
  async checkpoint(): Promise<number> {
    return this.#running().checkpoint();
  }

  /** Takes a savepoint and ends with it. Resolves with its location once its sinks have committed. */
  async stopWithSavepoint(options: { readonly targetDirectory?: string; readonly drain: boolean }): Promise<string> {
    const checkpoints = this.#running();
    this.#isStopping = true;
    try {
      const location = await checkpoints.savepoint({
        kind: options.drain ? 'stop-with-savepoint-drain' : 'stop-with-savepoint',
        ...(options.targetDirectory === undefined ? {} : { targetDirectory: options.targetDirectory }),
      });
      this.#end({ outcome: 'stoppedWithSavepoint', savepoint: location });
      return location;
    } catch (error) {
      this.#isStopping = false;
      if (this.execution?.allFinished) this.#finish();
      throw error;
    }
  }

  /** Takes a savepoint and goes on. */
  savepoint(targetDirectory?: string): Promise<string> {
    return this.#running().savepoint({
      kind: 'savepoint',
      ...(targetDirectory === undefined ? {} : { targetDirectory }),
    });
  }

  /** Reads the queryable state of a key at its owner. */
  pool(): WorkerPool {
    const { pool } = this.#deployment;
    if (pool === undefined) throw new JobExecutionError('JOB_NOT_RUNNING', 'the job has no workers yet');
    return pool;
  }

  /** Told of every message that is not about the life of subtasks (queryable state). */
  onOtherMessage: (workerIndex: number, message: TaskMessage) => void = () => {};
  /** Told when nobody is left who could answer. */
  onWorkersGone: () => void = () => {};

  async #start(): Promise<void> {
    await this.#deployment.run();
    const { begun } = this.#options;
    if (begun?.before === false && !this.#hasEnded) await begun.note();
    const { pool, execution } = this.#deployment;
    if (pool !== undefined && execution !== undefined && !this.#hasEnded) this.#startRecords(execution.graph, pool);
  }

  #startRecords(graph: JobGraph, pool: WorkerPool): void {
    const { checkpoints } = this.#options;
    const intervalMs = checkpoints.intervalMs ?? this.#deployment.intervalInCodeMs ?? DEFAULT_CHECKPOINT_INTERVAL_MS;
    this.#options = { ...this.#options, checkpoints: { ...checkpoints, intervalMs } };
    const { options } = this;
    this.#checkpoints = new JobCheckpoints(jobShapeOf(options.jobId, options.jobName, graph), options, {
      trigger: (barrier, directory) => pool.broadcast({ type: 'trigger', barrier, directory }),
      complete: (checkpointId) => pool.complete(checkpointId),
      aborted: (checkpointId) => pool.broadcast({ type: 'aborted', checkpointId }),
      fail: (error) => this.#failed(error),
    });
    this.execution?.moveAll('RUNNING', options.clock.now());
    this.#enter('RUNNING');
    pool.broadcast({ type: 'start' });
    this.#checkpoints.start(this.#restoredView());
    this.#savepointing = this.#takeSavepoints(this.#checkpoints);
    options.onEvent({ event: 'running', workers: pool.size });
  }

  /** Ends with the attempt. */
  async #takeSavepoints(checkpoints: JobCheckpoints): Promise<void> {
    const { savepoints: settings, jobId, epoch, clock, storage, log } = this.options;
    if (settings === undefined) return;
    const take = (): Promise<string> => checkpoints.automaticSavepoint();
    await takePeriodicSavepoints({ settings, jobId, epoch, clock, storage, log, take }, this.#over.signal);
  }

  #restoredView(): RestoredView | undefined {
    const { restored } = this.#deployment;
    if (restored === undefined) return undefined;
    const { checkpointId, at, isSavepoint, location } = restored;
    return { id: checkpointId, time: at, isSavepoint, location };
  }

  #enter(state: JobMasterState): void {
    this.#state = state;
    this.#since[state] = this.options.clock.now();
  }

  #failed(error: Error): void {
    // While deploying, a failure may still lead to an older checkpoint; afterwards it ends the attempt.
    if (!this.#deployment.fail(error)) this.#end({ outcome: 'failed', error });
  }

  #onMessage(workerIndex: number, message: TaskMessage): void {
    switch (message.type) {
      case 'acknowledge':
        this.#checkpoints?.acknowledge(message);
        return;
      case 'decline':
        this.#checkpoints?.decline(message);
        return;
      case 'inputFinished':
        this.execution?.move(message, 'FINISHED', this.options.clock.now());
        if (this.execution?.allFinished) this.#finish();
        return;
      case 'failed':
        this.#onTaskFailed(message);
        return;
      case 'metrics':
        this.#onMetrics(message.subtasks);
        return;
      case 'queryable':
      case 'queryResult':
        this.onOtherMessage(workerIndex, message);
        return;
      default:
        assertNever(message);
    }
  }

  #onTaskFailed({ error, vertexId, subtaskIndex }: Extract<FromWorker, { type: 'failed' }>): void {
    const vertex = this.execution?.graph.vertices.find((each) => each.id === vertexId);
    const where =
      vertex === undefined ? 'a worker' : `${vertex.name} (${(subtaskIndex ?? 0) + 1}/${vertex.parallelism})`;
    if (vertexId !== undefined && subtaskIndex !== undefined) {
      this.execution?.move({ vertexId, subtaskIndex }, 'FAILED', this.options.clock.now());
    }
    const reported = new WorkerReportedError(error, where);
    const isLasting = error.unrecoverable || LASTING_FAILURES.has(error.code ?? '');
    this.#failed(isLasting ? new SuppressRestartsException(reported) : reported);
  }

  #onMetrics(subtasks: Extract<FromWorker, { type: 'metrics' }>['subtasks']): void {
    const { execution } = this;
    if (execution === undefined) return;
    const now = this.options.clock.now();
    for (const metrics of subtasks) execution.report(metrics, now);
    const vertices = execution.graph.vertices.map((vertex) => {
      const counts = execution.of(vertex).map((subtask) => subtask.metrics);
      return {
        name: vertex.name,
        recordsIn: counts.reduce((sum, each) => sum + (each?.recordsIn ?? 0), 0),
        recordsOut: counts.reduce((sum, each) => sum + (each?.recordsOut ?? 0), 0),
      };
    });
    this.options.onEvent({ event: 'progress', vertices, counters: execution.userCounters() });
  }

  /** All input has ended: one last checkpoint lets the sinks commit what they hold; then the job is finished. */
  #finish(): void {
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined || this.#hasEnded || this.#isStopping) return;
    checkpoints
      .checkpoint()
      .then(() => this.#end({ outcome: 'finished' }))
      .catch((error: unknown) => {
        // A stop that came meanwhile has taken the place of this last checkpoint.
        if (!this.#isStopping) this.#failed(error instanceof Error ? error : new Error(messageOf(error)));
      });
  }

  #running(): JobCheckpoints {
    if (this.#checkpoints === undefined || this.#hasEnded || this.#state !== 'RUNNING') {
      throw new JobExecutionError('JOB_NOT_RUNNING', `the job is ${this.#state}, not RUNNING; try again when it runs`);
    }
    return this.#checkpoints;
  }

  #end(outcome: JobOutcome): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#outcome = outcome;
    this.#enter(endState(outcome));
    const subtaskState =
      outcome.outcome === 'finished' || outcome.outcome === 'stoppedWithSavepoint' ? 'FINISHED' : 'CANCELED';
    this.execution?.moveAll(subtaskState, this.options.clock.now());
    this.#ended.resolve(outcome);
    this.#deployment.abandon();
  }

  /** After a good end user code is closed in order; after a failure nothing is waited for: the process ends. */
  async #tearDown(outcome: JobOutcome): Promise<void> {
    this.#over.abort();
    this.#checkpoints?.stop();
    if (outcome.outcome !== 'failed' && outcome.outcome !== 'stopped') await this.#closeWorkers();
    await this.#abandonWorkers();
  }

  async #closeWorkers(): Promise<void> {
    const { pool } = this.#deployment;
    if (pool === undefined) return;
    pool.expectEnd();
    const deadline = Promise.withResolvers<void>();
    const cancel = this.options.clock.setTimer(CLOSE_DEADLINE_MS, deadline.resolve);
    await Promise.race([this.#closeInOrder(pool), deadline.promise]);
    cancel();
  }

  async #closeInOrder(pool: WorkerPool): Promise<void> {
    // Commits under way first: a worker that has closed answers nothing any more, and its answer would be waited for.
    await Promise.all([this.#checkpoints?.whenIdle(), this.#savepointing]);
    pool.broadcast({ type: 'close' });
    await pool.all('closed');
  }

  async #abandonWorkers(): Promise<void> {
    await this.#deployment.pool?.terminate();
    this.onWorkersGone();
  }
}

function endState({ outcome }: JobOutcome): JobMasterState {
  switch (outcome) {
    case 'finished':
      return 'FINISHED';
    case 'stoppedWithSavepoint':
      return 'FINISHED';
    case 'cancelled':
      return 'CANCELED';
    case 'stopped':
      return 'SUSPENDED';
    case 'failed':
      return 'FAILED';
    default:
      return assertNever(outcome);
  }
}
