/**
 * Brings the subtasks of an attempt up: finds the restore point, starts the workers, and hands each its part. When it is
 * done every subtask is restored and open, and no record has flowed.
 *
 * A damaged checkpoint is no failure yet: an older retained one is tried, and it says so. Anything else that goes wrong
 * ends the deployment, and with it the attempt.
 */
import { availableParallelism } from 'node:os';
import { messageOf } from '../../lib/errors.ts';
import type { RestoreAssignment } from '../checkpoint/restore-assignment.ts';
import { storedMaxParallelism } from '../checkpoint/state-outline.ts';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { RestoreOrder } from '../task/worker-protocol.ts';
import { JobExecutionError } from './errors.ts';
import { allocateChannels, allocateWakeUps, checkChannels } from './exchange-memory.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { buildJob, importJob, type LoadedJob } from './job-module.ts';
import { indexesOf, workerOf, workersFor } from './placement.ts';
import {
  assignRestorePoint,
  isDamaged,
  nothingLeftToRestore,
  originOf,
  type ReadRestorePoint,
  type RestoreCandidate,
  readRestorePoint,
  restorablePoints,
  restoreCandidates,
  startPointUnreadable,
  unpublishedCandidates,
} from './restore-point.ts';
import type { JobMasterOptions } from './settings.ts';
import { discardUnpublished } from './sweep-checkpoints.ts';
import { WorkerPool, type WorkerPoolListener } from './worker-pool.ts';

/** What the attempt started from. */
export interface RestoredFrom {
  readonly checkpointId: number;
  readonly location: string;
  readonly at: number;
  readonly isSavepoint: boolean;
  /** The state was stored at another parallelism. */
  readonly isRescale: boolean;
}

export class Deployment {
  readonly #options: JobMasterOptions;
  readonly #listener: WorkerPoolListener;
  #pool: WorkerPool | undefined;
  #execution: ExecutionGraph | undefined;
  #restored: RestoredFrom | undefined;
  #intervalInCodeMs: number | undefined;
  #fail: ((error: Error) => void) | undefined;
  #isAbandoned = false;
  #restorable: NonNullable<AttemptOrigin['restorable']> = [];

  constructor(options: JobMasterOptions, listener: WorkerPoolListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get pool(): WorkerPool | undefined {
    return this.#pool;
  }
  get execution(): ExecutionGraph | undefined {
    return this.#execution;
  }
  /** The checkpoint interval that the program asked for. */
  get intervalInCodeMs(): number | undefined {
    return this.#intervalInCodeMs;
  }
  get restored(): RestoredFrom | undefined {
    return this.#restored;
  }

  /** Resolves when every subtask is restored and open. */
  async run(): Promise<void> {
    const { program } = this.#options;
    const job = await importJob(program.module, program.workingDirectory);
    const candidates = await this.#candidates();
    const { storage, checkpointStore } = this.#options;
    await discardUnpublished(storage, this.#options, checkpointStore);
    this.#restorable = await restorablePoints(this.#options, checkpointStore);
    if (candidates.length === 0) {
      await this.#deploy(await buildJob(job, program), program.maxParallelism, undefined);
      return;
    }
    const damaged: { directory: string; problem: string }[] = [];
    for (const candidate of candidates) {
      try {
        const point = await readRestorePoint(candidate);
        // A job that only has the default maximum adopts the one its state was stored with.
        const maxParallelism = program.maxParallelism ?? storedMaxParallelism(point.manifest);
        await this.#deploy(await buildJob(job, { ...program, maxParallelism }), maxParallelism, point);
        return;
      } catch (error) {
        if (!isDamaged(error)) throw error;
        if (candidate.origin === 'startPoint') throw startPointUnreadable(candidate, error);
        damaged.push({ directory: candidate.directory, problem: messageOf(error) });
        this.#sayDamaged(candidate, error);
        await this.#pool?.terminate();
      }
    }
    throw nothingLeftToRestore(damaged);
  }

  /** Ends the deployment with a failure; false when none is under way. */
  fail(error: Error): boolean {
    this.#fail?.(error);
    return this.#fail !== undefined;
  }

  /** The attempt has ended: whatever is under way stops, and nothing is begun any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#fail?.(endedMeanwhile());
  }

  async #candidates(): Promise<RestoreCandidate[]> {
    const { checkpointStore, storage, storageUri, jobId, restoreFrom, log } = this.#options;
    const published = checkpointStore.getAllCheckpoints();
    if (published.length === 0) {
      const unpublished = await unpublishedCandidates(storage, jobId);
      if (unpublished.length > 0) {
        log.warn('the job has checkpoints in its storage but no handles to them; the newest whole one is restored');
        return unpublished;
      }
    }
    return restoreCandidates(published, storageUri, restoreFrom);
  }

  #sayDamaged(candidate: RestoreCandidate, error: unknown): void {
    this.#options.log.warn(`checkpoint ${candidate.directory} is damaged; trying the one before it`, {
      cause: messageOf(error),
    });
  }

  async #deploy(
    { graph, environment }: LoadedJob,
    maxParallelism: number | undefined,
    point: ReadRestorePoint | undefined,
  ): Promise<void> {
    const options = this.#options;
    const { jobId, jobName, allowNonRestoredState } = options;
    this.#intervalInCodeMs = environment.getCheckpointInterval();
    await options.onProgram(environment);
    const assignment =
      point === undefined ? undefined : assignRestorePoint(point, { jobId, jobName, graph, allowNonRestoredState });
    for (const dropped of assignment?.dropped ?? []) {
      options.log.warn(`state of operator ${dropped.uid} is dropped: it is not in the job, and that was allowed`);
    }
    this.#execution = new ExecutionGraph(graph);
    checkChannels(graph);
    const indexes = indexesOf(graph);
    const count = Math.min(indexes, options.workers ?? workersFor(indexes, availableParallelism()));
    const pool = this.#spawn(graph, count, maxParallelism);
    await this.#await(pool.all('ready'));
    const order = point === undefined || assignment === undefined ? undefined : restoreOrder(point, assignment);
    if (point !== undefined) await this.#noteRestored(point);
    this.#execution.moveAll('INITIALIZING', options.clock.now());
    const hasBegun = options.begun?.before === true;
    sendDeploy(pool, graph, order, originOf(point, { hasBegun, restorable: this.#restorable }));
    await this.#await(pool.all('deployed'));
  }

  #spawn(graph: JobGraph, count: number, maxParallelism: number | undefined): WorkerPool {
    if (this.#isAbandoned) throw endedMeanwhile();
    const { program, jobId, jobName, attempt, epoch, storageUri, workerEntry } = this.#options;
    this.#pool = new WorkerPool(
      count,
      { program: { ...program, maxParallelism }, jobId, jobName, attempt, epoch, storageUri, graphHash: graph.hash },
      this.#listener,
      workerEntry,
    );
    return this.#pool;
  }

  async #noteRestored({ candidate, manifest }: ReadRestorePoint): Promise<void> {
    const { checkpointIds, clock, onEvent } = this.#options;
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

  /** Waits for a step, or for the failure or end that prevents it. */
  async #await(step: Promise<void>): Promise<void> {
    if (this.#isAbandoned) throw endedMeanwhile();
    const failed = Promise.withResolvers<never>();
    this.#fail = failed.reject;
    try {
      await Promise.race([step, failed.promise]);
    } finally {
      this.#fail = undefined;
    }
  }
}

function sendDeploy(pool: WorkerPool, graph: JobGraph, order: RestoreOrder | undefined, origin: AttemptOrigin): void {
  const count = pool.size;
  const { rings, lanes, localCapacity } = allocateChannels(graph, count);
  const wakeUps = allocateWakeUps(count);
  for (let workerIndex = 0; workerIndex < count; workerIndex++) {
    const isMine = (subtask: number): boolean => workerOf(subtask, count) === workerIndex;
    pool.send(workerIndex, {
      type: 'deploy',
      wakeUps,
      channels: {
        rings: rings.filter((ring) => isMine(ring.fromSubtask) || isMine(ring.toSubtask)),
        lanes: lanes.filter((lane) => lane.fromWorker === workerIndex || lane.toWorker === workerIndex),
        localCapacity,
      },
      origin,
      restore:
        order === undefined
          ? undefined
          : { ...order, assignments: order.assignments.filter((each) => isMine(each.subtaskIndex)) },
    });
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
