/**
 * Drives the readers of a source by hand: any parallelism, captures between polls, restore at another parallelism. Each
 * restore goes through written and read state.
 */
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import type { Source, SourceOutput, SourceReader } from '../../src/stream/connectors/source.ts';
import type { Counter, RuntimeContext } from '../../src/stream/functions/runtime-context.ts';
import { anInitializationContext, OperatorStateDouble, type StoredCapture, shareOfCapture } from './operator-state.ts';

export interface SourceRunOptions {
  readonly parallelism?: number;
  readonly restoreFrom?: StoredCapture;
  readonly clock?: Clock;
  readonly workingDirectory?: string;
}

/** A clock that moves only by hand. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  get waiting(): number {
    return this.#timers.size;
  }
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

/** What one subtask has done. */
export class SubtaskRun<T> implements SourceOutput<T> {
  readonly records: T[] = [];
  readonly side: { tag: string; value: unknown }[] = [];
  readonly counters = new Map<string, number>();
  readonly reader: SourceReader<T>;
  readonly store: OperatorStateDouble;
  ended = false;

  constructor(reader: SourceReader<T>, store: OperatorStateDouble) {
    this.reader = reader;
    this.store = store;
  }

  collect(value: T): void {
    this.records.push(value);
  }
  collectSide(tag: string, value: unknown): void {
    this.side.push({ tag, value });
  }
  emitWatermark(): void {}

  runtimeContext(index: number, parallelism: number): RuntimeContext {
    const counter = (name: string): Counter => ({
      inc: (by = 1) => void this.counters.set(name, (this.counters.get(name) ?? 0) + by),
      getCount: () => this.counters.get(name) ?? 0,
    });
    return { counter, indexOfThisSubtask: index, numberOfParallelSubtasks: parallelism } as unknown as RuntimeContext;
  }

  /** Polls until at least `count` records are there, or the end. */
  async take(count: number, step = 7): Promise<void> {
    while (!this.ended && this.records.length < count) {
      const result = this.reader.poll(this, Math.min(step, count - this.records.length));
      if (result === 'end') this.ended = true;
      else if (result === 'idle') await this.reader.whenAvailable();
    }
  }

  /** Polls once and says how it went. */
  poll(maxRecords = 100): string {
    return this.reader.poll(this, maxRecords);
  }
}

/** A source at some parallelism. */
export class SourceRun<T> {
  readonly subtasks: readonly SubtaskRun<T>[];
  readonly #checkpointId: number;

  private constructor(subtasks: readonly SubtaskRun<T>[], checkpointId: number) {
    this.subtasks = subtasks;
    this.#checkpointId = checkpointId;
  }

  static async start<T>(source: Source<T>, options: SourceRunOptions = {}): Promise<SourceRun<T>> {
    const { parallelism = 1, restoreFrom, clock = new ManualClock(), workingDirectory = process.cwd() } = options;
    const subtasks: SubtaskRun<T>[] = [];
    for (let index = 0; index < parallelism; index++) {
      const stored = restoreFrom && shareOfCapture(restoreFrom, index, parallelism);
      const store = new OperatorStateDouble(stored);
      const reader = source.createReader({ subtaskIndex: index, parallelism, clock, workingDirectory });
      const run = new SubtaskRun<T>(reader, store);
      await reader.initializeState(anInitializationContext(store, restoreFrom?.checkpointId));
      await reader.open(run.runtimeContext(index, parallelism));
      subtasks.push(run);
    }
    const run = new SourceRun(subtasks, (restoreFrom?.checkpointId ?? 0) + 1);
    onTestFinished(() => run.close());
    return run;
  }

  get records(): T[] {
    return this.subtasks.flatMap((subtask) => subtask.records);
  }

  /** Every subtask emits about `count` records. */
  async takeEach(count: number): Promise<void> {
    for (const subtask of this.subtasks) await subtask.take(count);
  }

  async toEnd(): Promise<T[]> {
    for (const subtask of this.subtasks) await subtask.take(Number.POSITIVE_INFINITY, 1000);
    return this.records;
  }

  async capture(): Promise<StoredCapture> {
    for (const { reader } of this.subtasks)
      await reader.snapshotState({ checkpointId: this.#checkpointId, checkpointTimestamp: 0 });
    return { checkpointId: this.#checkpointId, subtasks: this.subtasks.map(({ store }) => store.store()) };
  }

  async close(): Promise<void> {
    for (const { reader } of this.subtasks) await reader.close();
  }
}

/** Runs a source to its end with a capture and restart after each count; returns what counts: what was captured. */
export async function runWithRestarts<T>(
  source: () => Source<T>,
  legs: readonly { readonly parallelism: number; readonly takeEach: number }[],
  options: SourceRunOptions = {},
): Promise<T[]> {
  const kept: T[] = [];
  let restoreFrom: StoredCapture | undefined;
  for (const { parallelism, takeEach } of legs) {
    const leg = await SourceRun.start(source(), { ...options, parallelism, ...(restoreFrom && { restoreFrom }) });
    await leg.takeEach(takeEach);
    restoreFrom = await leg.capture();
    kept.push(...leg.records);
    // Lost work: emitted after the capture, so it must come again.
    await leg.takeEach(takeEach + 5);
    await leg.close();
  }
  const last = await SourceRun.start(source(), { ...options, parallelism: 2, ...(restoreFrom && { restoreFrom }) });
  kept.push(...(await last.toEnd()));
  await last.close();
  return kept;
}
