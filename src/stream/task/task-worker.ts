/**
 * One worker: the subtasks of some indexes (subtask i of every vertex) in one thread, driven in turns. A turn gives steps
 * until nothing is left to do or its time is up, then the event loop runs (messages, file writes), then the next turn;
 * with nothing to do the worker sleeps until another thread, a message or a timer wakes it.
 *
 * The worker never retries: the first failure of a subtask is reported and ends the job.
 */
import type { MessagePort } from 'node:worker_threads';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import { openStorage, type Storage } from '../../storage/index.ts';
import { writeSubtaskState } from '../checkpoint/checkpoint-writer.ts';
import { StateReader } from '../checkpoint/state-reader.ts';
import type { SubtaskRef } from '../checkpoint/subtask-state.ts';
import { WakeUp } from '../exchange/wake-up.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { JobExecutionError } from '../job/errors.ts';
import { buildJob, importJob } from '../job/job-module.ts';
import { indexesHostedBy, indexesOf } from '../job/placement.ts';
import { connectSubtasks } from './connect-subtasks.ts';
import { serializeError } from './serialized-error.ts';
import { ServedStates } from './served-states.ts';
import { SliceQueue } from './slice-queue.ts';
import type { Subtask, SubtaskCapture, SubtaskListener } from './subtask.ts';
import { inSubtask, SubtaskFailure } from './subtask-failure.ts';
import { Turns } from './turns.ts';
import { WorkerChannels } from './worker-channels.ts';
import type { FromWorker, RestoreOrder, SubtaskMetrics, ToWorker, WorkerData } from './worker-protocol.ts';

/** Longest time without letting the event loop run. */
const TURN_MS = 4;
/** The same while state is being written: encoding gets a slice after each turn, so short turns end a checkpoint sooner. */
const TURN_WHILE_WRITING_MS = 1;
/** Longest sleep; bounds how late a lost wake-up would be noticed. */
const MAX_SLEEP_MS = 100;
const METRICS_EVERY_MS = 250;

/** Where a crash of a worker would matter, besides SUBTASK_FAULT_POINTS and, as `storage-…`, those of the storage. */
export const WORKER_FAULT_POINTS = [
  'task-state-read',
  'task-restored',
  'task-told-of-completion',
  'task-committed',
] as const;

type Deploy = Extract<ToWorker, { type: 'deploy' }>;

export class TaskWorker {
  readonly #port: MessagePort;
  readonly #data: WorkerData;
  readonly #faults: FaultPoint;
  readonly #storage: Storage;
  readonly #captures = new Map<number, AbortController>();
  readonly #directories = new Map<number, string>();
  readonly #early: { readonly ref: SubtaskRef; readonly capture: SubtaskCapture }[] = [];
  #lastTriggered = 0;
  readonly #served: ServedStates;
  /** One for each index that is hosted here. */
  #graphs: ReadonlyMap<number, JobGraph> = new Map();
  #subtasks: Subtask[] = [];
  #turns: Turns | undefined;
  #wakeUp: WakeUp | undefined;
  #started = false;
  #closing = false;
  #metricsAt = 0;
  readonly #slices = new SliceQueue();
  /** Captures whose bytes are not stored yet. */
  #writing = 0;

  /** @param faults called where a crash would matter, so that a test can crash there */
  constructor(port: MessagePort, data: WorkerData, faults: FaultPoint = noFaults) {
    this.#port = port;
    this.#data = data;
    this.#faults = faults;
    this.#storage = openStorage(data.storageUri, { faults: (point) => faults(`storage-${point}`) });
    this.#served = new ServedStates(data.jobId, (message) => this.#send(message));
  }

  /** Loads the job, reports, and serves messages until told to close. */
  async run(): Promise<void> {
    try {
      this.#graphs = await this.#buildGraphs();
      this.#port.on('message', (message: ToWorker) => this.#onMessage(message));
      this.#send({ type: 'ready', graphHash: this.#data.graphHash });
    } catch (error) {
      this.#send({ type: 'failed', error: serializeError(error) });
    }
  }

  /** Imports the program once and runs it for each index, so that every subtask has functions of its own. */
  async #buildGraphs(): Promise<ReadonlyMap<number, JobGraph>> {
    const { program, graphHash, workerIndex, workerCount } = this.#data;
    const job = await importJob(program.module, program.workingDirectory);
    const graphs = new Map<number, JobGraph>();
    let indexes = [workerIndex];
    for (let place = 0; place < indexes.length; place++) {
      const { graph } = await buildJob(job, program);
      if (graph.hash !== graphHash) {
        throw new JobExecutionError(
          'JOB_GRAPH_NOT_DETERMINISTIC',
          `the job's program builds a different graph each time (${graph.hash} for one subtask, ${graphHash} in the JobMaster). It must depend on nothing but its arguments: no time, randomness or global state.`,
        );
      }
      if (place === 0) indexes = indexesHostedBy(workerIndex, workerCount, indexesOf(graph));
      graphs.set(indexes[place] as number, graph);
    }
    return graphs;
  }

  #onMessage(message: ToWorker): void {
    // One failure path for everything asynchronous: report it, the job fails.
    this.#handle(message).catch((error: unknown) => this.#fail(error));
    this.#wakeUp?.wake();
  }

  async #handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'deploy':
        await this.#deploy(message);
        return;
      case 'start':
        this.#started = true;
        await this.#loop();
        return;
      case 'trigger':
        this.#onTrigger(message);
        return;
      case 'complete':
        await this.#faults('task-told-of-completion');
        await Promise.all(
          this.#subtasks.map((each) => inSubtask(refOf(each), each.notifyComplete(message.checkpointId))),
        );
        await this.#faults('task-committed');
        this.#forget(message.checkpointId);
        this.#send({ type: 'completed', requestId: message.requestId });
        return;
      case 'aborted':
        this.#captures.get(message.checkpointId)?.abort();
        // Only this one: a savepoint that was given up says nothing of the checkpoint before it.
        this.#captures.delete(message.checkpointId);
        this.#directories.delete(message.checkpointId);
        await Promise.all(
          this.#subtasks.map((each) => inSubtask(refOf(each), each.notifyAborted(message.checkpointId))),
        );
        return;
      case 'query':
        this.#query(message);
        return;
      case 'close':
        await this.#close();
        return;
      default:
        assertNever(message);
    }
  }

  async #deploy({ channels: memory, wakeUps, origin, restore }: Deploy): Promise<void> {
    const { workerIndex, workerCount } = this.#data;
    const [graph] = this.#graphs.values();
    const ownWakeUp = wakeUps[workerIndex];
    if (graph === undefined || ownWakeUp === undefined)
      throw new JobExecutionError('WORKER_NOT_READY', 'deployed before the job was loaded');
    this.#wakeUp = new WakeUp(ownWakeUp);
    const channels = new WorkerChannels({ workerIndex, workerCount, edges: graph.edges, memory, wakeUps });
    this.#subtasks = connectSubtasks({
      graphs: this.#graphs,
      data: { ...this.#data, origin },
      clock: systemClock,
      channels,
      listenerOf: (ref) => this.#listener(ref),
    });
    this.#turns = new Turns(
      this.#subtasks,
      () => channels.receive(),
      () => performance.now(),
    );
    for (const subtask of this.#subtasks) this.#served.watch(subtask);
    await this.#startSubtasks(restore);
    this.#send({ type: 'deployed' });
  }

  /** One after the other: restoring is bound by memory and CPU, and the first failure is the one to report. */
  async #startSubtasks(restore: RestoreOrder | undefined): Promise<void> {
    if (restore === undefined) {
      for (const subtask of this.#subtasks) {
        await inSubtask(refOf(subtask), subtask.start({ restored: undefined, checkpointId: 0 }));
      }
      return;
    }
    const { checkpointId, directory, storageUri, assignments } = restore;
    const reader = new StateReader({ storage: openStorage(storageUri), directory });
    for (const subtask of this.#subtasks) {
      const assignment = assignments.find((each) => sameSubtask(each, refOf(subtask)));
      const restored = assignment === undefined ? new Map() : await inSubtask(refOf(subtask), reader.read(assignment));
      await this.#faults('task-state-read');
      await inSubtask(refOf(subtask), subtask.start({ restored, checkpointId }));
      await this.#faults('task-restored');
    }
  }

  async #loop(): Promise<void> {
    while (!this.#closing) {
      const worked = this.#turn();
      this.#reportMetrics();
      if (worked) await new Promise<void>((resolve) => setImmediate(resolve));
      else await this.#sleep();
    }
  }

  /** Says whether more is left to do. */
  #turn(): boolean {
    return this.#turns?.run(this.#writing > 0 ? TURN_WHILE_WRITING_MS : TURN_MS) === true;
  }

  async #sleep(): Promise<void> {
    const wakeUp = this.#wakeUp;
    if (wakeUp === undefined) return;
    wakeUp.prepareToSleep();
    // Anything that arrived before prepareToSleep woke nobody: look once more.
    if (this.#turn()) {
      wakeUp.cancelSleep();
      return;
    }
    const nextTimer = Math.min(...this.#subtasks.map((subtask) => subtask.nextTimerAt));
    const untilTimer = Math.max(0, nextTimer - systemClock.now());
    await wakeUp.sleep(Math.min(MAX_SLEEP_MS, untilTimer));
  }

  #listener(ref: SubtaskRef): SubtaskListener {
    return {
      captured: (capture) => this.#write(ref, capture),
      declined: (checkpointId, reason) =>
        this.#send({ type: 'decline', ...ref, checkpointId, reason, message: reason }),
      inputFinished: () => this.#send({ type: 'inputFinished', ...ref }),
      failed: (error) => this.#fail(error, ref),
      wake: () => this.#wakeUp?.wake(),
    };
  }

  /** The asynchronous part of a capture; its failure declines the checkpoint and leaves the task running. */
  #write(ref: SubtaskRef, capture: SubtaskCapture): void {
    const { barrier, snapshots, syncMs, alignmentMs, finished } = capture;
    const startedAt = performance.now();
    const directory = this.#directories.get(barrier.id);
    if (directory === undefined) {
      this.#hold(ref, capture);
      return;
    }
    const abort = this.#captures.get(barrier.id) ?? new AbortController();
    this.#captures.set(barrier.id, abort);
    this.#writing++;
    writeSubtaskState({
      ...ref,
      storage: this.#storage,
      directory,
      snapshots,
      signal: abort.signal,
      breathe: () => this.#slices.next(),
      faults: this.#faults,
    })
      .finally(() => {
        this.#writing--;
      })
      .then(
        (result) => {
          const asyncMs = performance.now() - startedAt;
          this.#send({
            type: 'acknowledge',
            ...ref,
            checkpointId: barrier.id,
            syncMs,
            asyncMs,
            alignmentMs,
            finished,
            result,
          });
        },
        (error: unknown) => {
          const { message } = serializeError(error);
          this.#send({
            type: 'decline',
            ...ref,
            checkpointId: barrier.id,
            reason: 'CHECKPOINT_ASYNC_EXCEPTION',
            message,
          });
        },
      );
  }

  /**
   * A barrier travels through memory from another thread, so it may be here before the message that says where the state
   * goes: then the capture waits for that message. Of a checkpoint that was given up meanwhile nobody waits for the state.
   */
  #hold(ref: SubtaskRef, capture: SubtaskCapture): void {
    if (capture.barrier.id > this.#lastTriggered) this.#early.push({ ref, capture });
    else for (const snapshot of capture.snapshots) snapshot.keyed?.release();
  }

  #onTrigger({ barrier, directory }: Extract<ToWorker, { type: 'trigger' }>): void {
    this.#directories.set(barrier.id, directory);
    this.#lastTriggered = barrier.id;
    for (const { ref, capture } of this.#early.splice(0)) this.#write(ref, capture);
    for (const subtask of this.#subtasks) subtask.trigger(barrier);
  }

  /** A value that cannot leave the thread fails the query, never the job. */
  #query({ requestId, request }: Extract<ToWorker, { type: 'query' }>): void {
    try {
      this.#send({ type: 'queryResult', requestId, response: this.#served.answer(request) });
    } catch (error) {
      const { message } = serializeError(error);
      this.#send({ type: 'queryResult', requestId, response: { kind: 'failed', cause: message } });
    }
  }

  #reportMetrics(): void {
    const now = performance.now();
    if (now < this.#metricsAt) return;
    this.#metricsAt = now + METRICS_EVERY_MS;
    this.#send({ type: 'metrics', subtasks: this.#subtasks.map(metricsOf) });
  }

  async #close(): Promise<void> {
    this.#closing = true;
    this.#reportMetricsNow();
    this.#served.unregisterAll();
    // Each is closed, whatever the others do. The job has ended by now: an error is said, and changes nothing.
    for (const subtask of this.#subtasks) {
      await subtask.close().catch((error: unknown) => {
        const { message } = serializeError(error);
        process.stderr.write(`warning: ${subtask.vertex.name} did not close in order: ${message}\n`);
      });
    }
    this.#send({ type: 'closed' });
    this.#port.close();
  }

  #reportMetricsNow(): void {
    this.#metricsAt = 0;
    this.#reportMetrics();
  }

  #forget(checkpointId: number): void {
    for (const id of [...this.#directories.keys()]) if (id <= checkpointId) this.#directories.delete(id);
    for (const id of [...this.#captures.keys()]) if (id <= checkpointId) this.#captures.delete(id);
  }

  #fail(error: unknown, ref?: SubtaskRef): void {
    if (error instanceof SubtaskFailure) {
      this.#fail(error.cause, error.ref);
      return;
    }
    this.#send({ type: 'failed', error: serializeError(error), ...(ref ?? {}) });
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  /** Whether records may flow yet. */
  get started(): boolean {
    return this.#started;
  }
}

function refOf(subtask: Subtask): SubtaskRef {
  return { vertexId: subtask.vertex.id, subtaskIndex: subtask.info.subtaskIndex };
}

function sameSubtask(left: SubtaskRef, right: SubtaskRef): boolean {
  return left.vertexId === right.vertexId && left.subtaskIndex === right.subtaskIndex;
}

function metricsOf(subtask: Subtask): SubtaskMetrics {
  const user: Record<string, number> = {};
  for (const { metrics } of subtask.chain.operators) {
    for (const [name, value] of metrics.user) user[name] = (user[name] ?? 0) + value;
    if (metrics.lateRecordsDropped > 0) {
      user.numLateRecordsDropped = (user.numLateRecordsDropped ?? 0) + metrics.lateRecordsDropped;
    }
  }
  return {
    ...refOf(subtask),
    recordsIn: subtask.recordsIn,
    recordsOut: subtask.recordsOut,
    state: subtask.activity,
    user,
  };
}
