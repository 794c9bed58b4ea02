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
import type { RestoreAssignment } from '../checkpoint/restore-assignment.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { RestoredView } from '../rest/job-view.ts';
import type { FromWorker, RestoreOrder } from '../task/worker-protocol.ts';
import { JobExecutionError } from './errors.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { JobCheckpoints } from './job-checkpoints.ts';
import { buildJob, importJob, type LoadedJob } from './job-module.ts';
import {
  assignRestorePoint,
  isDamaged,
  nothingLeftToRestore,
  type ReadRestorePoint,
  type RestoreCandidate,
  readRestorePoint,
  restoreCandidates,
  storedMaxParallelism,
} from './restore-point.ts';
import type { JobMasterOptions, JobOutcome } from './settings.ts';
import { allocateRings, allocateWakeUps, WorkerPool, WorkerReportedError, workerOf } from './worker-pool.ts';

/** How long user functions may take to close after a good end. */
const CLOSE_DEADLINE_MS = 10_000;

export type JobMasterState =
  | 'INITIALIZING'
  | 'RUNNING'
  | 'FINISHED'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'SUSPENDED';

/** What the attempt started from. */
export interface RestoredFrom {
  readonly checkpointId: number;
  readonly location: string;
  readonly at: number;
  readonly isSavepoint: boolean;
  /** The state was stored at another parallelism. */
  readonly isRescale: boolean;
}

export class JobMaster {
  readonly options: JobMasterOptions;
  readonly startedAt: number;
  #state: JobMasterState = 'INITIALIZING';
  readonly #since: Partial<Record<JobMasterState, number>> = {};
  #outcome: JobOutcome | undefined;
  #pool: WorkerPool | undefined;
  #execution: ExecutionGraph | undefined;
  #checkpoints: JobCheckpoints | undefined;
  #restored: RestoredFrom | undefined;
  readonly #ended = Promise.withResolvers<JobOutcome>();
  #deployed = 0;
  #ready = 0;
  #hasEnded = false;
  readonly #completions = new Map<number, { left: number; resolve: () => void }>();
  #nextRequestId = 1;
  #onReady: () => void = () => {};
  #onDeployed: () => void = () => {};
  #onClosed: () => void = () => {};
  #closed = 0;

  constructor(options: JobMasterOptions) {
    this.options = options;
    this.startedAt = options.clock.now();
    this.#since.INITIALIZING = this.startedAt;
    // Reported by run(); nobody else may be waiting when an attempt dies early.
    this.#ended.promise.catch(() => {});
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
    return this.#execution;
  }
  get checkpoints(): JobCheckpoints | undefined {
    return this.#checkpoints;
  }
  get restored(): RestoredFrom | undefined {
    return this.#restored;
  }
  get workers(): number {
    return this.#pool?.size ?? 0;
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
    const location = await checkpoints.savepoint({
      kind: options.drain ? 'stop-with-savepoint-drain' : 'stop-with-savepoint',
      ...(options.targetDirectory === undefined ? {} : { targetDirectory: options.targetDirectory }),
    });
    this.#end({ outcome: 'stoppedWithSavepoint', savepoint: location });
    return location;
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
    if (this.#pool === undefined) throw new JobExecutionError('JOB_NOT_RUNNING', 'the job has no workers yet');
    return this.#pool;
  }

  /** Told of every message that is not about the life of subtasks (queryable state). */
  onOtherMessage: (workerIndex: number, message: FromWorker) => void = () => {};
  /** Told when nobody is left who could answer. */
  onWorkersGone: () => void = () => {};

  async #start(): Promise<void> {
    const { program, checkpointStore, storageUri, restoreFrom } = this.options;
    const job = await importJob(program.module, program.workingDirectory);
    const candidates = restoreCandidates(checkpointStore.getAllCheckpoints(), storageUri, restoreFrom);
    if (candidates.length === 0) {
      await this.#deploy(await buildJob(job, program), program.maxParallelism, undefined);
      return;
    }
    const damaged: { directory: string; problem: string }[] = [];
    for (const candidate of candidates) {
      try {
        const point = await readRestorePoint(candidate);
        // A job that only has the default maximum adopts the one its state was stored with.
        const maxParallelism = program.maxParallelism ?? storedMaxParallelism(point);
        await this.#deploy(await buildJob(job, { ...program, maxParallelism }), maxParallelism, point);
        return;
      } catch (error) {
        if (!isDamaged(error)) throw error;
        damaged.push({ directory: candidate.directory, problem: messageOf(error) });
        this.#sayDamaged(candidate, error);
        await this.#abandonWorkers();
      }
    }
    throw nothingLeftToRestore(damaged);
  }

  #sayDamaged(candidate: RestoreCandidate, error: unknown): void {
    this.options.log.warn(`checkpoint ${candidate.directory} is damaged; trying the one before it`, {
      cause: messageOf(error),
    });
  }

  async #deploy(
    { graph, environment }: LoadedJob,
    maxParallelism: number | undefined,
    point: ReadRestorePoint | undefined,
  ): Promise<void> {
    const { options } = this;
    const { jobId, jobName, allowNonRestoredState } = options;
    await options.onProgram(environment);
    const assignment =
      point === undefined ? undefined : assignRestorePoint(point, { jobId, jobName, graph, allowNonRestoredState });
    for (const dropped of assignment?.dropped ?? []) {
      options.log.warn(`state of operator ${dropped.uid} is dropped: it is not in the job, and that was allowed`);
    }
    this.#execution = new ExecutionGraph(graph);
    const count = Math.max(...graph.vertices.map((vertex) => vertex.parallelism));
    const pool = this.#spawn(graph, count, maxParallelism);
    await this.#await((done) => {
      this.#onReady = done;
    });
    const order = point === undefined || assignment === undefined ? undefined : restoreOrder(point, assignment);
    if (point !== undefined) await this.#noteRestored(point);
    this.#execution.moveAll('INITIALIZING', options.clock.now());
    this.#sendDeploy(pool, graph, count, order);
    await this.#await((done) => {
      this.#onDeployed = done;
    });
    this.#startRecords(graph, pool);
  }

  #spawn(graph: JobGraph, count: number, maxParallelism: number | undefined): WorkerPool {
    const { program, jobId, jobName, attempt, epoch, storageUri } = this.options;
    this.#ready = 0;
    this.#deployed = 0;
    this.#pool = new WorkerPool(
      count,
      { program: { ...program, maxParallelism }, jobId, jobName, attempt, epoch, storageUri, graphHash: graph.hash },
      {
        onMessage: (workerIndex, message) => this.#onMessage(workerIndex, message),
        onWorkerLost: (_workerIndex, error) => this.#failed(error),
      },
      this.options.workerEntry,
    );
    return this.#pool;
  }

  #sendDeploy(pool: WorkerPool, graph: JobGraph, count: number, order: RestoreOrder | undefined): void {
    const rings = allocateRings(graph, count);
    const wakeUps = allocateWakeUps(count);
    for (let workerIndex = 0; workerIndex < count; workerIndex++) {
      const isMine = (subtask: number): boolean => workerOf(subtask, count) === workerIndex;
      pool.send(workerIndex, {
        type: 'deploy',
        wakeUps,
        rings: rings.filter((ring) => isMine(ring.fromSubtask) || isMine(ring.toSubtask)),
        restore:
          order === undefined
            ? undefined
            : { ...order, assignments: order.assignments.filter((each) => isMine(each.subtaskIndex)) },
      });
    }
  }

  async #noteRestored({ candidate, manifest }: ReadRestorePoint): Promise<void> {
    const { checkpointIds, clock, onEvent } = this.options;
    // Ids only grow: the counter must be above the restored one, also when that came from another job.
    if ((await checkpointIds.get()) <= manifest.checkpointId) await checkpointIds.setCount(manifest.checkpointId + 1);
    const location = `${candidate.storageUri}/${candidate.directory}`.replace(/\/+$/, '');
    this.#restored = {
      checkpointId: manifest.checkpointId,
      location,
      at: clock.now(),
      isSavepoint: manifest.kind === 'savepoint',
      isRescale: isRescale(manifest.operators, this.#execution?.graph.operators ?? []),
    };
    onEvent({ event: 'restoring', checkpointId: manifest.checkpointId, from: location });
  }

  #startRecords(graph: JobGraph, pool: WorkerPool): void {
    const { options } = this;
    this.#checkpoints = new JobCheckpoints(jobShapeOf(options.jobId, options.jobName, graph), options, {
      trigger: (barrier, directory) => pool.broadcast({ type: 'trigger', barrier, directory }),
      complete: (checkpointId) => this.#notifyComplete(checkpointId),
      aborted: (checkpointId) => pool.broadcast({ type: 'aborted', checkpointId }),
      fail: (error) => this.#failed(error),
    });
    this.#execution?.moveAll('RUNNING', options.clock.now());
    this.#enter('RUNNING');
    pool.broadcast({ type: 'start' });
    this.#checkpoints.start(this.#restoredView());
    options.onEvent({ event: 'running', workers: pool.size });
  }

  #restoredView(): RestoredView | undefined {
    if (this.#restored === undefined) return undefined;
    const { checkpointId, at, isSavepoint, location } = this.#restored;
    return { id: checkpointId, time: at, isSavepoint, location };
  }

  #enter(state: JobMasterState): void {
    this.#state = state;
    this.#since[state] = this.options.clock.now();
  }

  /** Waits for a step of the deployment, or for the failure or end that prevents it. */
  async #await(register: (done: () => void) => void): Promise<void> {
    if (this.#hasEnded) throw endedMeanwhile();
    const step = Promise.withResolvers<void>();
    register(step.resolve);
    const failed = Promise.withResolvers<never>();
    this.#failDeployment = failed.reject;
    try {
      await Promise.race([step.promise, failed.promise]);
    } finally {
      this.#failDeployment = undefined;
    }
  }
  #failDeployment: ((error: Error) => void) | undefined;

  #failed(error: Error): void {
    // While deploying, a failure may still lead to an older checkpoint; afterwards it ends the attempt.
    if (this.#failDeployment !== undefined) this.#failDeployment(error);
    else this.#end({ outcome: 'failed', error });
  }

  #onMessage(workerIndex: number, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#ready++;
        if (this.#ready === this.#pool?.size) this.#onReady();
        return;
      case 'deployed':
        this.#deployed++;
        if (this.#deployed === this.#pool?.size) this.#onDeployed();
        return;
      case 'acknowledge':
        this.#checkpoints?.acknowledge(message);
        return;
      case 'decline':
        this.#checkpoints?.decline(message);
        return;
      case 'inputFinished':
        this.#execution?.move(message, 'FINISHED', this.options.clock.now());
        if (this.#execution?.allFinished) this.#finish();
        return;
      case 'completed':
        this.#onCompleted(message.requestId);
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
      case 'closed':
        this.#closed++;
        if (this.#closed === this.#pool?.size) this.#onClosed();
        return;
      default:
        assertNever(message);
    }
  }

  #onTaskFailed({ error, vertexId, subtaskIndex }: Extract<FromWorker, { type: 'failed' }>): void {
    const vertex = this.#execution?.graph.vertices.find((each) => each.id === vertexId);
    const where =
      vertex === undefined ? 'a worker' : `${vertex.name} (${(subtaskIndex ?? 0) + 1}/${vertex.parallelism})`;
    if (vertexId !== undefined && subtaskIndex !== undefined) {
      this.#execution?.move({ vertexId, subtaskIndex }, 'FAILED', this.options.clock.now());
    }
    const reported = new WorkerReportedError(error, where);
    this.#failed(error.unrecoverable ? new SuppressRestartsException(reported) : reported);
  }

  #onMetrics(subtasks: Extract<FromWorker, { type: 'metrics' }>['subtasks']): void {
    const execution = this.#execution;
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
    this.options.onEvent({ event: 'progress', vertices });
  }

  /** All input has ended: one last checkpoint lets the sinks commit what they hold; then the job is finished. */
  #finish(): void {
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined || this.#hasEnded) return;
    checkpoints
      .checkpoint()
      .then(() => this.#end({ outcome: 'finished' }))
      .catch((error: unknown) => this.#failed(error instanceof Error ? error : new Error(messageOf(error))));
  }

  /** Resolves when every worker's subtasks have committed. */
  #notifyComplete(checkpointId: number): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return Promise.resolve();
    const requestId = this.#nextRequestId++;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#completions.set(requestId, { left: pool.size, resolve });
    pool.broadcast({ type: 'complete', checkpointId, requestId });
    return promise;
  }

  #onCompleted(requestId: number): void {
    const completion = this.#completions.get(requestId);
    if (completion === undefined) return;
    completion.left--;
    if (completion.left > 0) return;
    this.#completions.delete(requestId);
    completion.resolve();
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
    this.#execution?.moveAll(subtaskState, this.options.clock.now());
    this.#ended.resolve(outcome);
    this.#failDeployment?.(endedMeanwhile());
  }

  /** After a good end user code is closed in order; after a failure nothing is waited for: the process ends. */
  async #tearDown(outcome: JobOutcome): Promise<void> {
    this.#checkpoints?.stop();
    if (outcome.outcome !== 'failed' && outcome.outcome !== 'stopped') await this.#closeWorkers();
    await this.#abandonWorkers();
  }

  async #closeWorkers(): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return;
    pool.expectEnd();
    const closed = Promise.withResolvers<void>();
    this.#onClosed = closed.resolve;
    this.#closed = 0;
    pool.broadcast({ type: 'close' });
    const cancel = this.options.clock.setTimer(CLOSE_DEADLINE_MS, closed.resolve);
    await closed.promise;
    cancel();
  }

  async #abandonWorkers(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.terminate();
    this.onWorkersGone();
  }
}

/** Whether an operator runs at another parallelism than its state was stored at. */
function isRescale(
  stored: readonly { readonly operatorId: string; readonly parallelism: number }[],
  running: readonly { readonly operatorId: string; readonly parallelism: number }[],
): boolean {
  const parallelism = new Map(stored.map((each) => [each.operatorId, each.parallelism]));
  return running.some((each) => (parallelism.get(each.operatorId) ?? each.parallelism) !== each.parallelism);
}

function restoreOrder({ candidate, manifest }: ReadRestorePoint, assignment: RestoreAssignment): RestoreOrder {
  return {
    checkpointId: manifest.checkpointId,
    storageUri: candidate.storageUri,
    directory: candidate.directory,
    assignments: assignment.vertices.flatMap((vertex) => vertex.subtasks),
  };
}

/** Ends a deployment under way; nobody sees it, the outcome is settled by then. */
function endedMeanwhile(): JobExecutionError {
  return new JobExecutionError('JOB_NOT_RUNNING', 'the attempt ended while it was being deployed');
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
