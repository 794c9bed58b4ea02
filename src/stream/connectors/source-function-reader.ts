/**
 * Runs a SourceFunction, a loop of its own, as a reader. The loop emits straight into the task's output, so it has to
 * share the task's lock: what it does under `withCheckpointLock` (emit, move its position) no capture can cut in two.
 *
 *   task                          loop
 *   ────                          ────
 *   lock { step }                 await withCheckpointLock(…)   waits while the task holds the lock,
 *   lock { capture }                lock { collect; offset++ }  or while the outputs can take no more
 *   …                             …
 *
 * A `collect` outside the lock is atomic too as long as no `await` stands between it and the change of the position.
 * The loop begins at the first poll, when everything downstream is open, and `close` waits until it has returned.
 */
import { setImmediate } from 'node:timers/promises';
import { IllegalStateException } from '../../lib/java-errors.ts';
import type { FunctionInitializationContext, FunctionSnapshotContext } from '../functions/checkpointed.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';
import { FunctionLifecycle } from '../operators/function-lifecycle.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import type { ListState } from '../state/state.ts';
import type { CheckpointLock } from '../task/checkpoint-lock.ts';
import { Types } from '../types/index.ts';
import { Availability } from './availability.ts';
import type { PollResult, SourceContext, SourceFunction, SourceOutput, SourceReader } from './source.ts';

/** Where the loop's records go. `emitIdle` is called where it is there. */
export interface SourceFunctionOutput<T> extends SourceOutput<T> {
  emitIdle?(idle: boolean): void;
}

/** What the task gives to a source function. */
export interface SourceFunctionEnvironment<T> {
  /** For messages. */
  readonly name: string;
  readonly output: SourceFunctionOutput<T>;
  /** The task holds it during each step, and by `withCapture` during each capture. */
  readonly lock: CheckpointLock;
  /** Whether the task's outputs can take more. */
  outputAvailable(): boolean;
  /** Resolves when they can again. */
  whenOutputAvailable(): Promise<void>;
  /** Told at once when the loop fails; `poll` throws the same error. */
  failTask(error: unknown): void;
}

/** After this many critical sections the loop lets timers and messages through. */
const SECTIONS_PER_TURN = 32;

export class SourceFunctionReader<T> implements SourceReader<T> {
  readonly #function: SourceFunction<T>;
  readonly #environment: SourceFunctionEnvironment<T>;
  readonly #lifecycle: FunctionLifecycle;
  readonly #cancellation = new AbortController();
  readonly #availability = new Availability();
  #finishedFlags: ListState<boolean> | undefined;
  #subtask = { index: 0, parallelism: 1 };
  #running: Promise<void> | undefined;
  #finished = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(sourceFunction: SourceFunction<T>, environment: SourceFunctionEnvironment<T>) {
    this.#function = sourceFunction;
    this.#environment = environment;
    this.#lifecycle = new FunctionLifecycle(sourceFunction, environment.name);
  }

  async initializeState(context: FunctionInitializationContext): Promise<void> {
    this.#finishedFlags = context.getOperatorStateStore().getUnionListState(FINISHED);
    await this.#lifecycle.initialize({
      restoredCheckpointId: context.isRestored() ? (context.getRestoredCheckpointId() ?? 0) : undefined,
      operatorState: context.getOperatorStateStore(),
      get keyedState() {
        return context.getKeyedStateStore();
      },
    });
  }

  async open(context: RuntimeContext): Promise<void> {
    this.#subtask = { index: context.indexOfThisSubtask, parallelism: context.numberOfParallelSubtasks };
    this.#finished = this.#hadFinished();
    await this.#lifecycle.open(context);
  }

  poll(): PollResult {
    this.#availability.reset();
    if (!this.#finished) this.#running ??= this.#run();
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#finished ? 'end' : 'idle';
  }

  whenAvailable(): Promise<void> {
    return this.#finished || this.#failure !== undefined ? Promise.resolve() : this.#availability.wait();
  }

  snapshotState(context: FunctionSnapshotContext): void | Promise<void> {
    this.#finishedFlags?.update([this.#finished]);
    return this.#lifecycle.snapshot({
      checkpointId: context.checkpointId,
      timestamp: context.checkpointTimestamp,
      kind: 'checkpoint',
    });
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#lifecycle.notifyCheckpointComplete(checkpointId);
  }

  /** Cancels the loop and waits for it: a function that does not return after `cancel` keeps this waiting. */
  async close(): Promise<void> {
    if (this.#running !== undefined && !this.#finished) this.#function.cancel();
    this.#cancellation.abort();
    await this.#running;
    this.#availability.wake();
    await this.#lifecycle.close();
  }

  /** Never rejects: the outcome is read by `poll`. */
  async #run(): Promise<void> {
    const { signal } = this.#cancellation;
    try {
      await this.#function.run(new LoopContext<T>(this.#environment, signal));
      // A loop that was cancelled is not at its end: a capture taken now must let it go on after a restore.
      this.#finished = !signal.aborted;
    } catch (error) {
      if (!(signal.aborted && error instanceof SourceCancelledError)) this.#fail(error);
    }
    this.#availability.wake();
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    this.#environment.failTask(error);
  }

  /** Every subtask stores one flag, so the union list has them in order of subtask, unless the parallelism changed. */
  #hadFinished(): boolean {
    const flags = [...(this.#finishedFlags?.get() ?? [])];
    const { index, parallelism } = this.#subtask;
    if (flags.length === parallelism) return flags[index] === true;
    return flags.length > 0 && flags.every(Boolean);
  }
}

/** Ends the loop of a cancelled source function that still asks for the lock or emits. */
export class SourceCancelledError extends IllegalStateException {
  constructor() {
    super('the source was cancelled: its loop should have ended');
  }
}

const FINISHED = new ListStateDescriptor<boolean>('source-function-finished', Types.BOOLEAN);

/** What the loop sees. */
class LoopContext<T> implements SourceContext<T> {
  readonly signal: AbortSignal;
  readonly #environment: SourceFunctionEnvironment<T>;
  readonly #output: SourceFunctionOutput<T>;
  readonly #lock: CheckpointLock;
  #idle = false;
  #sections = 0;
  #insideSection = false;

  constructor(environment: SourceFunctionEnvironment<T>, signal: AbortSignal) {
    this.#environment = environment;
    this.#output = environment.output;
    this.#lock = environment.lock;
    this.signal = signal;
  }

  collect(value: T): void {
    this.#beforeEmitting();
    this.#output.collect(value);
  }

  collectWithTimestamp(value: T, timestamp: number): void {
    this.#beforeEmitting();
    this.#output.collect(value, timestamp);
  }

  emitWatermark(timestamp: number): void {
    this.#beforeEmitting();
    this.#output.emitWatermark(timestamp);
  }

  markAsTemporarilyIdle(): void {
    if (this.#idle) return;
    this.#idle = true;
    this.#output.emitIdle?.(true);
  }

  async withCheckpointLock<R>(action: () => R | Promise<R>): Promise<R> {
    if (this.#insideSection)
      throw new IllegalStateException('withCheckpointLock was called inside itself: the lock is held already.');
    // A loop that only awaits the lock would never let a timer or message of this thread through.
    if (++this.#sections % SECTIONS_PER_TURN === 0) await setImmediate();
    while (!this.#environment.outputAvailable()) await this.#unlessCancelled(this.#environment.whenOutputAvailable());
    this.#refuseCancelled();
    const release = this.#lock.tryAcquireSync() ?? (await this.#acquire());
    try {
      return await this.#section(action);
    } finally {
      release();
    }
  }

  /** The task may hold the lock while it waits for this loop to end, so a cancelled loop stops waiting. */
  #acquire(): Promise<() => void> {
    const acquired = this.#lock.acquire();
    return this.#unlessCancelled(acquired, (release) => release());
  }

  #section<R>(action: () => R | Promise<R>): R | Promise<R> {
    // The lock may come long after it was asked for.
    this.#refuseCancelled();
    this.#insideSection = true;
    try {
      return action();
    } finally {
      this.#insideSection = false;
    }
  }

  #beforeEmitting(): void {
    this.#refuseCancelled();
    if (this.#lock.capturing)
      throw new IllegalStateException(
        'a source function emitted while a checkpoint was being taken, which would lose or repeat the record. ' +
          'Emit and move the position inside withCheckpointLock.',
      );
    if (!this.#idle) return;
    this.#idle = false;
    this.#output.emitIdle?.(false);
  }

  #refuseCancelled(): void {
    if (this.signal.aborted) throw new SourceCancelledError();
  }

  /** The result of `work`, or SourceCancelledError as soon as the source is cancelled; what comes later is dropped. */
  #unlessCancelled<R>(work: Promise<R>, drop?: (late: R) => void): Promise<R> {
    return new Promise((resolve, reject) => {
      const { signal } = this;
      const cancelled = (): void => reject(new SourceCancelledError());
      signal.addEventListener('abort', cancelled, { once: true });
      if (signal.aborted) cancelled();
      work.then(
        (result) => {
          signal.removeEventListener('abort', cancelled);
          if (signal.aborted) drop?.(result);
          else resolve(result);
        },
        (error: unknown) => reject(error),
      );
    });
  }
}
