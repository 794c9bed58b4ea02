/**
 * Decides about checkpoints: when to begin one, when it is complete, failed or too late, and when the job must fail.
 * No I/O, no clock: events and the time come in, decisions go out, and the same events give the same decisions. Follows
 * Flink's CheckpointCoordinator.
 *
 *     request ─► queue ─► takeId ─► trigger ─► all acknowledged ─► finalize ─► done: notifyComplete
 *                                      │              │               └──────► not done: abort; unknown: abort, keep files
 *                                      └── declined, expired, subsumed ──────► abort: notifyAborted, discard
 */
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkRuntimeException } from '../../lib/java-errors.ts';
import {
  countFailure,
  countSuccess,
  EXCEEDED_FAILURES_MESSAGE,
  type FailureCount,
  noFailures,
} from './checkpoint-failure-counter.ts';
import { type CheckpointRequest, enqueue, isSavepoint, isStop, nextRequest } from './checkpoint-requests.ts';
import { CheckpointStatistics } from './checkpoint-statistics.ts';
import { canGoOnWithout, timeoutOf, tookTooLong } from './checkpoint-timeouts.ts';
import type {
  Acknowledgement,
  CoordinatorDecision,
  CoordinatorEvent,
  FinalizeOutcome,
  Time,
} from './coordinator-events.ts';
import type { CompleteCheckpointSettings } from './coordinator-settings.ts';
import { CheckpointException, type CheckpointFailureReason, reasonOf } from './failure-reasons.ts';
import { type JobShape, subtasksOf } from './job-shape.ts';
import { type AcknowledgeOutcome, PendingCheckpoint } from './pending-checkpoint.ts';
import { PeriodicTrigger } from './periodic-trigger.ts';
import { subtaskKey } from './subtask-state.ts';

/** Ended ids that are remembered, to tell a late answer from one to a checkpoint that never was. */
const REMEMBERED_IDS = 16;

/** How a checkpoint is given up. */
interface Abortion {
  readonly reason: CheckpointFailureReason;
  readonly detail?: string;
  readonly cause?: unknown;
  /** It may have been committed: the files stay. */
  readonly keepFiles?: boolean;
}

export class CoordinatorMachine {
  /** What happened so far; written here only, but for what was restored. */
  readonly statistics = new CheckpointStatistics();
  readonly #settings: CompleteCheckpointSettings;
  readonly #parallelism: ReadonlyMap<string, number>;
  readonly #subtasks: ReadonlySet<string>;
  readonly #periodic: PeriodicTrigger;
  readonly #gone = new Set<string>();
  readonly #pending = new Map<number, PendingCheckpoint>();
  /** Complete ones waiting for their turn to be stored, the one that is being stored first. */
  readonly #finalizing: PendingCheckpoint[] = [];
  #state: 'starting' | 'running' | 'stopped' = 'starting';
  #queue: readonly CheckpointRequest[] = [];
  #triggering: CheckpointRequest | undefined;
  #failures: FailureCount;
  #lastCompletedAt: number | undefined;
  #cleaning = 0;
  #recent: readonly { readonly id: number; readonly filesAreKept: boolean }[] = [];
  #highestKept = -1;
  #decisions: CoordinatorDecision[] = [];

  constructor(settings: CompleteCheckpointSettings, job: JobShape) {
    this.#settings = settings;
    this.#periodic = new PeriodicTrigger(settings);
    this.#failures = noFailures(settings.tolerableFailures);
    this.#parallelism = new Map(job.vertices.map(({ vertexId, parallelism }) => [vertexId, parallelism]));
    this.#subtasks = new Set(subtasksOf(job).map(subtaskKey));
  }

  /** Takes an event and says what to do, in this order. */
  handle(event: CoordinatorEvent, time: Time): readonly CoordinatorDecision[] {
    this.#decisions = [];
    this.#take(event, time);
    this.#expire(time);
    this.#runQueue(time);
    return this.#decisions;
  }

  /** Monotonic time of the next `tick` that would decide something; undefined when none would. */
  nextTickAt(): number | undefined {
    const waiting = [...this.#pending.values()].filter((each) => !each.isComplete);
    const at = Math.min(
      this.#periodic.nextAt ?? Number.POSITIVE_INFINITY,
      ...waiting.map((each) => this.#deadline(each)),
    );
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** A `tick` does nothing by itself: deadlines and queue are looked at after every event. */
  #take(event: CoordinatorEvent, time: Time): void {
    switch (event.type) {
      case 'tasksRunning':
        if (this.#state !== 'starting') return;
        this.#state = 'running';
        this.#periodic.start(time.monotonic, event.random);
        return;
      case 'tick':
        return;
      case 'requested':
        this.#request(event.request);
        return;
      case 'idTaken':
        this.#trigger(event.token, event.checkpointId, event.directory, time);
        return;
      case 'idFailed':
        this.#idFailed(event.token, event.cause, time);
        return;
      case 'triggerFailed':
        this.#abortId(event.checkpointId, { reason: 'IO_EXCEPTION', cause: event.cause }, time);
        return;
      case 'acknowledged':
        this.#acknowledge(event.ack, time);
        return;
      case 'declined': {
        const detail = `Subtask ${subtaskKey(event.subtask)}: ${event.message}`;
        this.#abortId(event.checkpointId, { reason: reasonOf(event.reason), detail }, time);
        return;
      }
      case 'finalized':
        this.#finalized(event.checkpointId, event.result, time);
        return;
      case 'cleaning':
      case 'cleaned':
        this.#cleaning += event.type === 'cleaned' ? -1 : 1;
        return;
      case 'taskGone':
        this.#taskGone(subtaskKey(event.subtask));
        return;
      case 'stopped':
        this.#stop(time);
        return;
      default:
        assertNever(event);
    }
  }

  #request(request: CheckpointRequest): void {
    if (this.#state !== 'running') {
      const reason = this.#state === 'stopped' ? 'CHECKPOINT_COORDINATOR_SHUTDOWN' : 'NOT_ALL_REQUIRED_TASKS_RUNNING';
      this.#refuse(request, new CheckpointException(reason, undefined));
      return;
    }
    if (isStop(request.kind)) this.#pausePeriodic();
    this.#enqueue(request);
  }

  #enqueue(request: CheckpointRequest): void {
    const { queue, dropped } = enqueue(this.#queue, request);
    this.#queue = queue;
    if (dropped !== undefined) {
      this.#refuse(dropped, new CheckpointException('TOO_MANY_CHECKPOINT_REQUESTS', undefined));
    }
  }

  #runQueue(time: Time): void {
    if (this.#state !== 'running') return;
    const due = this.#periodic.takeDue(time.monotonic);
    if (due !== undefined) this.#enqueue(due);
    const next = nextRequest({
      queue: this.#queue,
      isTriggering: this.#triggering !== undefined,
      isStopping: [...this.#pending.values()].some(({ request }) => isStop(request.kind)),
      pending: this.#pending.size,
      cleaning: this.#cleaning,
      maxConcurrent: this.#settings.maxConcurrent,
      minPauseMs: this.#settings.minPauseMs,
      lastCompletedAt: this.#lastCompletedAt,
      now: time.monotonic,
    });
    switch (next.do) {
      case 'wait':
        return;
      case 'postpone':
        this.#dequeue(next.request);
        this.#periodic.postpone(time.monotonic, next.forMs);
        return;
      case 'trigger':
        this.#dequeue(next.request);
        this.#triggering = next.request;
        this.#decide({ do: 'takeId', request: next.request });
        return;
      default:
        assertNever(next);
    }
  }

  #dequeue(request: CheckpointRequest): void {
    this.#queue = this.#queue.filter((each) => each !== request);
  }

  #trigger(token: number, id: number, directory: string, time: Time): void {
    const request = this.#triggering;
    if (request?.token !== token) return;
    this.#triggering = undefined;
    const awaited = this.#subtasks.difference(this.#gone);
    if (this.#state !== 'running' || awaited.size === 0) {
      // The id is lost: a gap, which is normal.
      const reason = this.#state === 'running' ? 'NOT_ALL_REQUIRED_TASKS_RUNNING' : 'CHECKPOINT_COORDINATOR_SHUTDOWN';
      this.#refuse(request, new CheckpointException(reason, id));
      return;
    }
    const { now: timestamp, monotonic: startedAt } = time;
    this.#pending.set(
      id,
      new PendingCheckpoint({ id, request, directory, timestamp, startedAt, awaited, gone: this.#gone }),
    );
    this.statistics.triggered(id, request.kind, timestamp, this.#parallelism);
    this.#decide({ do: 'trigger', barrier: { id, timestamp, kind: request.kind }, directory });
    this.#decide({ do: 'report', report: { what: 'triggered', checkpointId: id, kind: request.kind } });
  }

  #idFailed(token: number, cause: unknown, time: Time): void {
    const request = this.#triggering;
    if (request?.token !== token) return;
    this.#triggering = undefined;
    this.#failed(request, new CheckpointException('IO_EXCEPTION', undefined, undefined, cause), time);
  }

  #acknowledge(ack: Acknowledgement, time: Time): void {
    const pending = this.#pending.get(ack.checkpointId);
    const outcome = pending?.acknowledge(ack) ?? 'unknown';
    if (pending === undefined || outcome === 'unknown') {
      this.#dropLate(ack);
      return;
    }
    if (outcome === 'duplicate') return;
    if (ack.result.file !== undefined && ack.result.directory !== pending.directory) {
      const detail = `Subtask ${subtaskKey(ack)} wrote to "${ack.result.directory}" instead of "${pending.directory}".`;
      this.#abort(pending, { reason: 'CHECKPOINT_ASYNC_EXCEPTION', detail }, time);
      return;
    }
    this.statistics.acknowledged(ack, time.now);
    this.#finalizeWhenComplete(pending, outcome);
  }

  #dropLate({ checkpointId, vertexId, subtaskIndex, result }: Acknowledgement): void {
    const { directory, file } = result;
    const ended = this.#recent.find(({ id }) => id === checkpointId);
    const subtask = { vertexId, subtaskIndex };
    this.#decide({ do: 'report', report: { what: 'late', checkpointId, subtask, known: ended !== undefined } });
    // A file of a checkpoint that was committed must never go, however the answer came to be told twice.
    const isCommitted = ended?.filesAreKept ?? checkpointId <= this.#highestKept;
    if (file !== undefined && !isCommitted) this.#decide({ do: 'discardFile', directory, path: file.path });
  }

  #taskGone(key: string): void {
    if (!this.#subtasks.has(key)) return;
    this.#gone.add(key);
    for (const pending of this.#pending.values()) this.#finalizeWhenComplete(pending, pending.gone(key));
  }

  #finalizeWhenComplete(pending: PendingCheckpoint, outcome: AcknowledgeOutcome): void {
    if (outcome !== 'complete') return;
    this.#finalizing.push(pending);
    if (this.#finalizing.length === 1) this.#decide({ do: 'finalize', checkpoint: pending.complete() });
  }

  #finalized(id: number, result: FinalizeOutcome, time: Time): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    switch (result.outcome) {
      case 'done':
        this.#completed(pending, result.lastSubsumedId, time);
        break;
      case 'notDone':
        this.#abort(pending, { reason: 'FINALIZE_CHECKPOINT_FAILURE', cause: result.cause }, time);
        break;
      case 'unknown': {
        const { directory } = pending;
        this.#decide({ do: 'report', report: { what: 'undecided', checkpointId: id, directory, cause: result.cause } });
        this.#abort(pending, { reason: 'FINALIZE_CHECKPOINT_FAILURE', cause: result.cause, keepFiles: true }, time);
        break;
      }
      default:
        assertNever(result);
    }
    const [next] = this.#finalizing;
    if (next !== undefined) this.#decide({ do: 'finalize', checkpoint: next.complete() });
  }

  #completed(pending: PendingCheckpoint, lastSubsumedId: number | undefined, time: Time): void {
    const { id, request, directory } = pending;
    this.#forget(pending, true);
    this.#lastCompletedAt = time.monotonic;
    this.#failures = countSuccess(this.#failures, id);
    this.statistics.completed(id, directory, lastSubsumedId);
    const answer = pending.answer(time.monotonic);
    // A plain savepoint is not what a failure restores: it outdates nothing, and nothing may be committed for it.
    if (request.kind !== 'savepoint') {
      this.#subsumeOlder(id, time);
      this.#decide({ do: 'notifyComplete', checkpointId: id });
    }
    this.#decide({ do: 'answer', token: request.token, answer });
    this.#decide({ do: 'report', report: { what: 'completed', ...answer } });
    if (isStop(request.kind)) this.#stop(time);
  }

  #subsumeOlder(id: number, time: Time): void {
    for (const older of [...this.#pending.values()]) {
      if (older.id < id && !isSavepoint(older.request.kind))
        this.#abort(older, { reason: 'CHECKPOINT_SUBSUMED' }, time);
    }
  }

  #expire(time: Time): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.isComplete || time.monotonic < this.#deadline(pending)) continue;
      this.#abort(
        pending,
        { reason: 'CHECKPOINT_EXPIRED', detail: tookTooLong(pending.request, this.#settings) },
        time,
      );
    }
  }

  #deadline(pending: PendingCheckpoint): number {
    return pending.startedAt + timeoutOf(pending.request, this.#settings);
  }

  #abortId(id: number, abortion: Abortion, time: Time): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined && !pending.isComplete) this.#abort(pending, abortion, time);
  }

  #abort(pending: PendingCheckpoint, { reason, detail, cause, keepFiles = false }: Abortion, time: Time): void {
    const { id, request, directory } = pending;
    this.#forget(pending, keepFiles);
    const error = new CheckpointException(reason, id, detail, cause);
    this.statistics.failed(id, time.now, error.message);
    this.#decide({ do: 'notifyAborted', checkpointId: id });
    if (!keepFiles) {
      this.#cleaning++;
      this.#decide({ do: 'discard', directory });
    }
    this.#failed(request, error, time);
    if (isStop(request.kind) && this.#state === 'running' && !canGoOnWithout(request, reason)) {
      const message = `Stop-with-savepoint failed. ${error.message}`;
      this.#decide({ do: 'failJob', error: new FlinkRuntimeException(message, { cause: error }) });
    }
  }

  #failed(request: CheckpointRequest, error: CheckpointException, time: Time): void {
    this.#decide({
      do: 'report',
      report: { what: 'failed', checkpointId: error.checkpointId, kind: request.kind, error },
    });
    this.#refuse(request, error);
    if (isStop(request.kind) && this.#state === 'running') this.#periodic.resume(time.monotonic);
    if (!isSavepoint(request.kind)) this.#countFailure(error);
  }

  #countFailure(error: CheckpointException): void {
    const { next, exceeded } = countFailure(this.#failures, error.checkpointId, error.reason);
    this.#failures = next;
    if (!exceeded) return;
    const message = `${EXCEEDED_FAILURES_MESSAGE} The latest one: ${error.message}`;
    this.#decide({ do: 'failJob', error: new FlinkRuntimeException(message, { cause: error }) });
  }

  #stop(time: Time): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#pausePeriodic();
    const reason = 'CHECKPOINT_COORDINATOR_SHUTDOWN';
    for (const request of this.#queue) this.#refuse(request, new CheckpointException(reason, undefined));
    this.#queue = [];
    for (const pending of [...this.#pending.values()]) if (!pending.isComplete) this.#abort(pending, { reason }, time);
  }

  #pausePeriodic(): void {
    this.#periodic.pause();
    this.#queue = this.#queue.filter(({ periodic }) => !periodic);
  }

  #forget(pending: PendingCheckpoint, filesAreKept: boolean): void {
    this.#pending.delete(pending.id);
    const waiting = this.#finalizing.indexOf(pending);
    if (waiting >= 0) this.#finalizing.splice(waiting, 1);
    this.#recent = [...this.#recent, { id: pending.id, filesAreKept }].slice(-REMEMBERED_IDS);
    if (filesAreKept) this.#highestKept = Math.max(this.#highestKept, pending.id);
  }

  #refuse(request: CheckpointRequest, error: Error): void {
    if (!request.periodic) this.#decide({ do: 'refuse', token: request.token, error });
  }

  #decide(decision: CoordinatorDecision): void {
    this.#decisions.push(decision);
  }
}
