/**
 * Records into windows, results out when triggers say so. Follows Flink's WindowOperator.
 *
 *     record ─> assigner ─> for each window that is not late: contents.add, trigger.onElement, cleanup timer
 *     timer  ─> trigger.onEventTime / onProcessingTime ─> FIRE: emit;  PURGE: drop the contents
 *           └─> cleanup time: contents, trigger state, merging set are dropped
 *
 * A window is cleaned up at its last instant plus the allowed lateness, and late from then on; a record all of whose
 * windows are late goes to the side output for late data, or is dropped and counted. Results carry the window's last
 * instant as their timestamp. Where windows merge, contents lie under a state window (merging-window-set.ts), triggers
 * and timers belong to the window itself.
 *
 * All of it is keyed state and timers, so a capture between two records holds everything.
 */
import { MAX_WATERMARK } from '../exchange/channel.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { KeyedStateBackend, Merging } from '../state/backend.ts';
import type { AggregatingStateDescriptor, ListStateDescriptor, ReducingStateDescriptor } from '../state/descriptors.ts';
import type { State } from '../state/state.ts';
import { createTimerService } from '../timers/internal-timer-service.ts';
import type { InternalTimerService, TimerNamespace, Triggerable } from '../timers/timer-service.ts';
import { MERGING_WINDOWS, MergingWindowSet } from '../windows/merging-window-set.ts';
import { GlobalWindow, type TimeWindow, windowOf } from '../windows/time-window.ts';
import { type Trigger, TriggerResult } from '../windows/trigger.ts';
import { EventTimeTrigger } from '../windows/triggers.ts';
import { MergingWindowAssigner, type WindowAssigner, type WindowAssignerContext } from '../windows/window-assigner.ts';
import type { ProcessWindowFunction } from '../windows/window-functions.ts';
import { TimestampedCollector } from './collector.ts';
import type { KeySelection, OperatorContext } from './operator.ts';
import { OneInputFunctionOperator } from './user-function-operator.ts';
import { OperatorTriggerContext, WindowFunctionContext } from './window-contexts.ts';
import { WindowStates } from './window-state.ts';

/** How the contents of windows are kept: every record, or one value into which records are combined. */
export type WindowContentsDescriptor =
  | ListStateDescriptor<never>
  | ReducingStateDescriptor<never>
  | AggregatingStateDescriptor<never, never, never>;

export interface WindowOperatorOptions<T, K> {
  readonly key: KeySelection<T, K>;
  readonly assigner: WindowAssigner<T>;
  readonly trigger: Trigger<T>;
  readonly contents: WindowContentsDescriptor;
  /** What turns contents into results; undefined emits a combined value as it is. */
  readonly windowFunction: ProcessWindowFunction<never, unknown, K> | undefined;
  /** Event time only. */
  readonly allowedLatenessMs: number;
  /** Where late records go; undefined drops and counts them. */
  readonly lateTag: OutputTag<T> | undefined;
}

/** Contents of a window, whichever way they are kept. */
interface Contents extends State, Merging {
  add(value: unknown): void;
  get(): unknown;
}

/** A window function as the operator calls it: the types are the stream's business. */
type AnyWindowFunction = ProcessWindowFunction<unknown, unknown, unknown>;

export class WindowOperator<T, K> extends OneInputFunctionOperator<Partial<AnyWindowFunction>> implements Triggerable {
  readonly #select: (value: unknown) => unknown;
  readonly #assigner: WindowAssigner<T>;
  readonly #trigger: Trigger<T>;
  readonly #contentsDescriptor: WindowContentsDescriptor;
  readonly #function: AnyWindowFunction | undefined;
  readonly #lateTag: OutputTag<unknown> | undefined;
  readonly #allowedLatenessMs: number;
  readonly #isEventTime: boolean;
  readonly #isMerging: boolean;
  readonly #keepsRecords: boolean;
  /** The trigger does no more than set a timer for the end of the window, and that is the cleanup time too. */
  readonly #triggerCleansUp: boolean;
  declare private backend: KeyedStateBackend;
  declare private timers: InternalTimerService;
  declare private triggerContext: OperatorTriggerContext;
  declare private functionContext: WindowFunctionContext;
  declare private assignerContext: WindowAssignerContext;
  declare private collector: TimestampedCollector<unknown>;
  declare private contents: Contents;
  declare private mergingWindows: MergingWindowSet;
  #lastWindow: TimeWindow = GlobalWindow.get();

  constructor(options: WindowOperatorOptions<T, K>) {
    super((options.windowFunction ?? {}) as Partial<AnyWindowFunction>);
    const { key, assigner, trigger, contents, windowFunction, allowedLatenessMs, lateTag } = options;
    this.#select = key.select as (value: unknown) => unknown;
    this.#assigner = assigner;
    this.#trigger = trigger;
    this.#contentsDescriptor = contents;
    this.#function = windowFunction as AnyWindowFunction | undefined;
    this.#lateTag = lateTag as OutputTag<unknown> | undefined;
    this.#isEventTime = assigner.isEventTime();
    this.#allowedLatenessMs = this.#isEventTime ? allowedLatenessMs : 0;
    this.#isMerging = assigner instanceof MergingWindowAssigner;
    this.#keepsRecords = contents.kind === 'list';
    // The class itself: a subclass may do something else.
    const isPlain = trigger.constructor === EventTimeTrigger;
    this.#triggerCleansUp = isPlain && this.#isEventTime && allowedLatenessMs === 0;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
    this.collector = new TimestampedCollector<unknown>(context.output);
    this.timers = createTimerService({
      name: 'window-timers',
      namespace: 'window',
      backend: this.backend,
      processingTime: context.processingTime,
      target: this,
    });
    const { timers } = this;
    const states = new WindowStates(this.backend);
    this.assignerContext = { getCurrentProcessingTime: () => timers.currentProcessingTime() };
    this.triggerContext = new OperatorTriggerContext(timers, states);
    this.functionContext = new WindowFunctionContext({
      timers,
      states,
      globalState: this.runtimeContext,
      output: context.output,
      merging: this.#isMerging,
    });
  }

  override async open(): Promise<void> {
    this.contents = contentsOf(this.backend, this.#contentsDescriptor);
    if (this.#isMerging) this.mergingWindows = new MergingWindowSet(this.backend.getState(MERGING_WINDOWS));
    await super.open();
    this.timers.start();
  }

  override async close(): Promise<void> {
    this.timers.close();
    await super.close();
  }

  override processWatermark(timestamp: number): void {
    this.timers.advanceWatermark(timestamp);
    this.output.emitWatermark(timestamp);
  }

  processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.#select(value));
    const windows = this.#assigner.assignWindows(value as T, timestamp, this.assignerContext);
    const taken = this.#isMerging
      ? this.#addMerging(value, timestamp, windows)
      : this.#addToEach(value, timestamp, windows);
    if (!taken) this.#skip(value, timestamp);
  }

  onEventTime(timestamp: number, namespace: TimerNamespace): void {
    const window = this.#enter(namespace);
    if (window === undefined) return;
    this.#react(this.#trigger.onEventTime(timestamp, window, this.triggerContext), window);
    if (this.#isEventTime && timestamp === this.#cleanupTime(window)) this.#clear(window);
  }

  onProcessingTime(timestamp: number, namespace: TimerNamespace): void {
    const window = this.#enter(namespace);
    if (window === undefined) return;
    this.#react(this.#trigger.onProcessingTime(timestamp, window, this.triggerContext), window);
    if (!this.#isEventTime && timestamp === this.#cleanupTime(window)) this.#clear(window);
  }

  /** Adds a record to its windows; says whether one of them took it. */
  #addToEach(value: unknown, timestamp: number, windows: readonly TimeWindow[]): boolean {
    let taken = false;
    for (let index = 0; index < windows.length; index++) {
      const window = windows[index] as TimeWindow;
      if (this.#isLate(window)) continue;
      taken = true;
      this.contents.setWindow(window.start, window.end);
      if (this.#triggerCleansUp) this.#addAndTime(window, value);
      else this.#addTo(window, value, timestamp);
    }
    return taken;
  }

  /** The common case: one timer, at the end of the window, was set when the window got its first record. */
  #addAndTime(window: TimeWindow, value: unknown): void {
    const before = this.backend.numStateEntries(this.#contentsDescriptor.name);
    this.contents.add(value);
    if (this.backend.numStateEntries(this.#contentsDescriptor.name) === before) return;
    this.timers.registerEventTimeTimer(window, window.maxTimestamp());
  }

  #addMerging(value: unknown, timestamp: number, windows: readonly TimeWindow[]): boolean {
    const set = this.mergingWindows;
    set.load();
    let taken = false;
    for (const assigned of windows) {
      const { window, merged, stateWindow, mergedStateWindows } = set.add(assigned);
      if (merged.length > 0) this.#merge(window, merged);
      if (mergedStateWindows.length > 0) this.contents.mergeWindows(stateWindow, mergedStateWindows);
      // Only a window that met no other can be late: those in the set are cleaned up as soon as they are.
      if (this.#isLate(window)) {
        set.retire(window);
        continue;
      }
      taken = true;
      this.contents.setWindow(stateWindow.start, stateWindow.end);
      this.#addTo(window, value, timestamp);
    }
    set.save();
    return taken;
  }

  /** The contents stand at the window already. */
  #addTo(window: TimeWindow, value: unknown, timestamp: number): void {
    this.contents.add(value);
    this.triggerContext.window = window;
    const result = this.#trigger.onElement(value as T, timestamp, window, this.triggerContext);
    if (result !== TriggerResult.CONTINUE) this.#react(result, window);
    if (!this.#triggerCleansUp) this.#registerCleanup(window);
  }

  /** Trigger state and timers follow into the new window; the old ones lose theirs. */
  #merge(window: TimeWindow, merged: readonly TimeWindow[]): void {
    const context = this.triggerContext;
    context.window = window;
    context.merged = merged;
    this.#trigger.onMerge(window, context);
    for (const old of merged) {
      context.window = old;
      this.#trigger.clear(old, context);
      this.#deleteCleanup(old);
    }
  }

  /** Makes a timer's window the current one; undefined when it is no more (its trigger left a timer behind). */
  #enter(namespace: TimerNamespace): TimeWindow | undefined {
    if (namespace === null) return undefined;
    const { start, end } = namespace;
    if (this.#lastWindow.start !== start || this.#lastWindow.end !== end) this.#lastWindow = windowOf(start, end);
    const window = this.#lastWindow;
    this.triggerContext.window = window;
    if (!this.#isMerging) {
      this.contents.setWindow(start, end);
      return window;
    }
    this.mergingWindows.load();
    const stateWindow = this.mergingWindows.stateWindowOf(window);
    if (stateWindow === undefined) return undefined;
    this.contents.setWindow(stateWindow.start, stateWindow.end);
    return window;
  }

  #react(result: TriggerResult, window: TimeWindow): void {
    if (result === TriggerResult.FIRE || result === TriggerResult.FIRE_AND_PURGE) this.#emit(window);
    if (result === TriggerResult.PURGE || result === TriggerResult.FIRE_AND_PURGE) this.contents.clear();
  }

  /** Emits the result of a window that has contents. */
  #emit(window: TimeWindow): void {
    const contents = this.contents.get();
    if (contents === null || contents === undefined) return;
    this.collector.timestamp = window.maxTimestamp();
    if (this.#function === undefined) {
      this.collector.collect(contents);
      return;
    }
    const elements = this.#keepsRecords ? asArray(contents as Iterable<unknown>) : [contents];
    if (elements.length === 0) return;
    this.functionContext.setWindow(window);
    this.#function.process(this.backend.getCurrentKey(), this.functionContext, elements, this.collector);
  }

  #clear(window: TimeWindow): void {
    this.contents.clear();
    this.#trigger.clear(window, this.triggerContext);
    if (this.#function?.clear !== undefined) {
      this.functionContext.setWindow(window);
      this.#function.clear(this.functionContext);
    }
    if (!this.#isMerging) return;
    this.mergingWindows.retire(window);
    this.mergingWindows.save();
  }

  /** No window took the record. It is late, unless it fell between windows. */
  #skip(value: unknown, timestamp: number): void {
    if (!this.#isEventTime || timestamp + this.#allowedLatenessMs > this.timers.currentWatermark()) return;
    if (this.#lateTag === undefined) this.context.metrics.lateRecordsDropped++;
    else this.output.collectSide(this.#lateTag, value, timestamp);
  }

  #isLate(window: TimeWindow): boolean {
    return this.#isEventTime && this.#cleanupTime(window) <= this.timers.currentWatermark();
  }

  /** When nothing of the window is needed any more; the end of time where the sum would lie behind it. */
  #cleanupTime(window: TimeWindow): number {
    return Math.min(window.maxTimestamp() + this.#allowedLatenessMs, MAX_WATERMARK);
  }

  #registerCleanup(window: TimeWindow): void {
    const at = this.#cleanupTime(window);
    // At the end of time there is nobody left to clean up for.
    if (at === MAX_WATERMARK) return;
    if (this.#isEventTime) this.timers.registerEventTimeTimer(window, at);
    else this.timers.registerProcessingTimeTimer(window, at);
  }

  #deleteCleanup(window: TimeWindow): void {
    const at = this.#cleanupTime(window);
    if (at === MAX_WATERMARK) return;
    if (this.#isEventTime) this.timers.deleteEventTimeTimer(window, at);
    else this.timers.deleteProcessingTimeTimer(window, at);
  }
}

function contentsOf(backend: KeyedStateBackend, descriptor: WindowContentsDescriptor): Contents {
  switch (descriptor.kind) {
    case 'list':
      return backend.getWindowListState(descriptor) as unknown as Contents;
    case 'reducing':
      return backend.getWindowReducingState(descriptor) as unknown as Contents;
    default:
      return backend.getWindowAggregatingState(descriptor) as unknown as Contents;
  }
}

function asArray(elements: Iterable<unknown>): readonly unknown[] {
  return Array.isArray(elements) ? elements : [...elements];
}
