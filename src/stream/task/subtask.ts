/**
 * One subtask: a chain of operators with its inputs and outputs, driven in small synchronous steps. Records, timers,
 * captures and notifications never overlap: a step does one thing at a time, and work that must wait (an asynchronous
 * capture, a commit) pauses the steps until it is done.
 *
 *   created → initializing → running → (end of input) → finishing → inputFinished → closed
 *                                ↘ failed (from anywhere)
 *
 * A subtask whose input has ended stays, takes part in captures and gets notifications, so that what its sinks hold is
 * committed with the last checkpoint. Nothing here knows threads: a worker or the test kit calls `step`.
 */
import type { Clock } from '../../lib/clock.ts';
import type { CheckpointBarrier } from '../exchange/channel.ts';
import type { GateListener, InputGate } from '../exchange/input-gate.ts';
import type { JobVertex } from '../graph/job-graph.ts';
import type { OperatorRestore, OperatorSnapshot, SubtaskInfo } from '../operators/operator.ts';
import type { SourceOperator } from '../operators/source-operator.ts';
import { CheckpointLock } from './checkpoint-lock.ts';
import { OperatorChain } from './operator-chain.ts';
import { TaskProcessingTime } from './processing-time.ts';
import { StepLock } from './step-lock.ts';
import { gateListenerFor } from './subtask-ends.ts';
import { type OutputEdge, SubtaskOutputs } from './subtask-outputs.ts';

/** What a capture of a subtask gives, before any byte is written. */
export interface SubtaskCapture {
  readonly barrier: CheckpointBarrier;
  /** One per operator, tail first. The receiver writes and releases them. */
  readonly snapshots: readonly OperatorSnapshot[];
  /** How long records stood still, milliseconds. */
  readonly syncMs: number;
  /** From the first barrier to the last, milliseconds. */
  readonly alignmentMs: number;
  /** All input had ended. */
  readonly finished: boolean;
}

/** Who hears of what happens in a subtask. Called synchronously; must not throw. */
export interface SubtaskListener {
  captured(capture: SubtaskCapture): void;
  declined(checkpointId: number, reason: string): void;
  /** All input has ended and everything was emitted. */
  inputFinished(): void;
  /** The subtask is dead; the job must fail. */
  failed(error: unknown): void;
  /** Something changed that may let `step` do more. */
  wake(): void;
}

export interface SubtaskOptions {
  readonly vertex: JobVertex;
  readonly info: SubtaskInfo;
  readonly clock: Clock;
  /** Undefined for sources. Made with the listener that the subtask provides. */
  readonly openGate: ((listener: GateListener) => InputGate) | undefined;
  readonly outputs: readonly OutputEdge[];
  readonly workingDirectory: string;
  readonly listener: SubtaskListener;
}

/** What a subtask starts from. */
export interface SubtaskStart {
  /** By operator id; undefined on a fresh start. */
  readonly restored: ReadonlyMap<string, OperatorRestore> | undefined;
  /** 0 on a fresh start. */
  readonly checkpointId: number;
}

/** What a step came to. `idle`: nothing to do until woken; `blocked`: outputs are full. */
export type StepResult = 'more' | 'idle' | 'blocked';

type Phase = 'created' | 'running' | 'finishing' | 'inputFinished' | 'stopped' | 'failed' | 'closed';

export class Subtask {
  readonly vertex: JobVertex;
  readonly info: SubtaskInfo;
  readonly chain: OperatorChain;
  readonly processingTime: TaskProcessingTime;
  readonly #options: SubtaskOptions;
  readonly #gate: InputGate | undefined;
  readonly #source: SourceOperator | undefined;
  readonly #lock = new CheckpointLock();
  readonly #stepLock = new StepLock(this.#lock, () => this.#options.listener.wake());
  readonly #mailbox: (() => void)[] = [];
  #phase: Phase = 'created';
  /** Asynchronous work in progress; steps stand still meanwhile. */
  #paused = 0;
  #sourceIdle = false;
  #alignmentStartedAt: number | undefined;
  /** In the order of their ids. A savepoint may be asked for while a checkpoint waits to be taken. */
  #triggers: readonly CheckpointBarrier[] = [];
  #lastCheckpointId = 0;
  /** What the subtask has stopped for, with which it may end; while records stand still for it. */
  #stoppedFor: CheckpointBarrier | undefined;
  #lastAbortedId = 0;
  #releaseWhenResumed: (() => void) | undefined;
  #activity: 'running' | 'blocked' | 'idle' = 'idle';
  #received = 0;
  readonly #outputs: SubtaskOutputs;

  constructor(options: SubtaskOptions) {
    this.#options = options;
    this.#outputs = new SubtaskOutputs(options.outputs);
    this.vertex = options.vertex;
    this.info = options.info;
    this.processingTime = new TaskProcessingTime(options.clock);
    this.chain = new OperatorChain(options.vertex, {
      subtask: options.info,
      clock: options.clock,
      processingTime: this.processingTime,
      sourceEnvironment: {
        workingDirectory: options.workingDirectory,
        lock: this.#lock,
        outputAvailable: () => this.#outputs.isAvailable,
        whenOutputAvailable: () => this.#outputs.whenAvailable(),
      },
      failTask: (error) => this.#fail(error),
      runOnTask: (action) => this.#post(action),
      targetsOf: (node) => this.#outputs.targetsOf(node),
    });
    this.#source = this.chain.source;
    this.#gate = options.openGate?.(this.#gateListener());
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** When a processing-time timer is due next; Infinity without one. */
  get nextTimerAt(): number {
    return this.processingTime.nextAt;
  }

  /** Restores (or starts fresh) and opens all operators; records flow only after every subtask has been started. */
  async start(start: SubtaskStart): Promise<void> {
    await this.chain.initialize(start.restored, start.checkpointId);
    if (this.#phase === 'created') this.#phase = 'running';
  }

  /** Does a bounded amount of work, synchronously. */
  step(maxRecords: number): StepResult {
    if (this.#paused > 0 || !this.#isAlive()) return 'idle';
    // A source function inside withCheckpointLock holds everything else off, as a captured state must be consistent.
    const release = this.#stepLock.take();
    if (release === undefined) return 'idle';
    let result: StepResult = 'idle';
    try {
      result = this.#step(maxRecords);
    } catch (error) {
      this.#fail(error);
    }
    // Work that goes on after the step (an asynchronous capture) keeps the lock until it is done.
    if (this.#paused > 0) this.#releaseWhenResumed = release;
    else release();
    this.#activity = result === 'more' ? 'running' : result;
    return result;
  }

  /** Records taken from the inputs, or emitted by the source. */
  get recordsIn(): number {
    return this.#source === undefined ? this.#received : (this.chain.operators[0]?.metrics.recordsIn ?? 0);
  }

  /** Records sent to other subtasks. */
  get recordsOut(): number {
    return this.#outputs.records;
  }

  get activity(): 'running' | 'blocked' | 'idle' | 'finished' {
    return this.#phase === 'inputFinished' || this.#phase === 'closed' ? 'finished' : this.#activity;
  }

  /**
   * The coordinator asks for a capture. Sources inject the barrier at the next step; other subtasks take it from their
   * inputs and need this only when all of them have ended.
   */
  trigger(barrier: CheckpointBarrier): void {
    this.#triggers = [...this.#untaken(), barrier];
    this.#options.listener.wake();
  }

  /** The coordinator has the checkpoint: commits what waited for it. Resolves when done. */
  async notifyComplete(checkpointId: number): Promise<void> {
    await this.#exclusively(() => this.chain.notifyComplete(checkpointId));
  }

  /** The checkpoint was given up. What was to stop with it goes on; not after a drain, for its sources have ended. */
  async notifyAborted(checkpointId: number): Promise<void> {
    this.#lastAbortedId = Math.max(this.#lastAbortedId, checkpointId);
    await this.#exclusively(async () => {
      await this.chain.notifyAborted(checkpointId);
      if (this.#stoppedFor?.id === checkpointId && this.#stoppedFor.kind === 'stop-with-savepoint') this.#goOn();
    });
  }

  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#phase = this.#phase === 'failed' ? 'failed' : 'closed';
    await this.chain.close();
  }

  /** As if the process had been killed: nothing more happens and no user code is told; a source's loop stands still. */
  abandon(): void {
    this.#phase = 'closed';
    void this.#lock.acquire();
    void this.#source?.release();
  }

  /** Makes everything emitted so far visible to the subtasks downstream. */
  flush(): void {
    this.#outputs.flush();
  }

  #isAlive(): boolean {
    return this.#phase === 'running' || this.#phase === 'inputFinished' || this.#phase === 'stopped';
  }

  #step(maxRecords: number): StepResult {
    let worked = this.#runMailbox();
    if (this.processingTime.nextAt <= this.#options.clock.now()) worked = this.processingTime.fireDue() || worked;
    if (this.#takeTrigger()) return 'more';
    if (this.#phase !== 'running') return worked ? 'more' : 'idle';
    if (!this.#outputs.isAvailable) {
      this.flush();
      if (!this.#outputs.isAvailable) return 'blocked';
    }
    const more = this.#source === undefined ? this.#pollGate(maxRecords) : this.#pollSource(this.#source, maxRecords);
    return more || worked ? 'more' : 'idle';
  }

  #pollGate(maxRecords: number): boolean {
    const gate = this.#gate;
    if (gate === undefined) return false;
    const events = gate.poll(maxRecords);
    this.#received += events;
    if (gate.aligning !== undefined) this.#alignmentStartedAt ??= this.#options.clock.monotonic();
    if (gate.allEnded && this.#paused === 0 && this.#phase === 'running') this.#endInput();
    return events > 0;
  }

  #pollSource(source: SourceOperator, maxRecords: number): boolean {
    if (this.#sourceIdle) return false;
    const result = source.poll(maxRecords);
    if (result === 'more') return true;
    if (result === 'end') {
      source.emitEndOfTime();
      this.#endInput();
      return true;
    }
    this.#sourceIdle = true;
    const again = (): void => this.#post(() => (this.#sourceIdle = false));
    source.whenAvailable().then(again, (error) => this.#fail(error));
    return false;
  }

  /** Takes the coordinator's trigger where it is this subtask's to take; says whether a capture began. */
  #takeTrigger(): boolean {
    if (this.#triggers.length === 0) return false;
    const isRoot = this.#source !== undefined || this.#phase === 'inputFinished';
    if (!isRoot || this.#phase === 'stopped') return false;
    const [barrier, ...rest] = this.#untaken();
    this.#triggers = rest;
    if (barrier === undefined) return false;
    this.#capture(barrier);
    return true;
  }

  /** Those that have not come with the barriers of an input meanwhile. */
  #untaken(): readonly CheckpointBarrier[] {
    return this.#triggers.filter(({ id }) => id > this.#lastCheckpointId);
  }

  #endInput(): void {
    this.#phase = 'finishing';
    this.#pause(this.chain.finish(), () => {
      this.#outputs.emitEnd();
      this.flush();
      this.#phase = 'inputFinished';
      this.#options.listener.inputFinished();
    });
  }

  /** The synchronous part of a capture: emit what belongs before the barrier, pass the barrier on, copy the state. */
  #capture(barrier: CheckpointBarrier): void {
    if (barrier.kind === 'stop-with-savepoint-drain' && this.#phase === 'running') {
      this.#source?.emitEndOfTime();
      this.#pause(this.chain.finish(), () => this.#captureNow(barrier));
      return;
    }
    this.#captureNow(barrier);
  }

  #captureNow(barrier: CheckpointBarrier): void {
    const startedAt = this.#options.clock.monotonic();
    const alignmentMs = startedAt - (this.#alignmentStartedAt ?? startedAt);
    this.#alignmentStartedAt = undefined;
    this.#lastCheckpointId = barrier.id;
    const finished = this.#phase === 'inputFinished';
    // Until the state has been copied nothing may be emitted, not even by a source function outside the lock.
    this.#lock.capturing = true;
    this.chain.prepareSnapshotPreBarrier(barrier.id);
    if (!finished) this.#outputs.emitBarrier(barrier);
    const result = this.chain.snapshot({ checkpointId: barrier.id, timestamp: barrier.timestamp, kind: barrier.kind });
    const report = (snapshots: readonly OperatorSnapshot[]): void => {
      this.#lock.capturing = false;
      const syncMs = this.#options.clock.monotonic() - startedAt;
      this.#stopWith(barrier);
      this.#options.listener.captured({ barrier, snapshots, syncMs, alignmentMs, finished });
    };
    if (result instanceof Promise) this.#pause(result.then(report));
    else report(result);
  }

  /** Captured for a stop: no record flows until it is decided. One that was given up meanwhile stops nothing. */
  #stopWith(barrier: CheckpointBarrier): void {
    if (!isStop(barrier) || this.#phase !== 'running' || barrier.id <= this.#lastAbortedId) return;
    this.#phase = 'stopped';
    this.#stoppedFor = barrier;
  }

  #goOn(): void {
    this.#stoppedFor = undefined;
    if (this.#phase === 'stopped') this.#phase = 'running';
  }

  #gateListener(): GateListener {
    const head = this.chain.head;
    const aligned = (barrier: CheckpointBarrier): void => {
      if (barrier.id > this.#lastCheckpointId) this.#capture(barrier);
    };
    const { listener } = this.#options;
    const declined = (checkpointId: number, reason: string): void => {
      this.#alignmentStartedAt = undefined;
      this.#outputs.emitCancelBarrier(checkpointId);
      listener.declined(checkpointId, reason);
    };
    return gateListenerFor(head, aligned, declined);
  }

  /** Runs `work` alone: no step meanwhile. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    await this.#lock.withLock(async () => {
      if (this.#phase === 'failed' || this.#phase === 'closed') return;
      this.#paused++;
      try {
        await work();
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#resume();
      }
    });
  }

  #pause(work: Promise<void>, then: () => void = () => {}): void {
    this.#paused++;
    this.#gate?.pause();
    work
      .then(() => {
        if (this.#phase !== 'failed' && this.#phase !== 'closed') then();
      })
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#resume());
  }

  #resume(): void {
    this.#paused--;
    if (this.#paused === 0) {
      this.#gate?.resume();
      const release = this.#releaseWhenResumed;
      this.#releaseWhenResumed = undefined;
      release?.();
    }
    this.#options.listener.wake();
  }

  #post(action: () => void): void {
    this.#mailbox.push(action);
    this.#options.listener.wake();
  }

  #runMailbox(): boolean {
    if (this.#mailbox.length === 0) return false;
    for (const action of this.#mailbox.splice(0)) action();
    return true;
  }

  #fail(error: unknown): void {
    if (this.#phase === 'failed' || this.#phase === 'closed') return;
    this.#phase = 'failed';
    this.#options.listener.failed(error);
  }
}

function isStop(barrier: CheckpointBarrier): boolean {
  return barrier.kind === 'stop-with-savepoint' || barrier.kind === 'stop-with-savepoint-drain';
}
