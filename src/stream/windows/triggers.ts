/** The triggers that come with the windows. Follow Flink's triggers of the same names. */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { ReducingStateDescriptor } from '../state/descriptors.ts';
import { Types } from '../types/index.ts';
import type { TimeWindow } from './time-window.ts';
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from './trigger.ts';

/** Fires when the watermark passes the end of the window, and again for every late record that is still allowed. */
export class EventTimeTrigger extends Trigger<unknown> {
  static create(): EventTimeTrigger {
    return new EventTimeTrigger();
  }

  onElement(_value: unknown, _timestamp: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    const end = window.maxTimestamp();
    if (end <= context.getCurrentWatermark()) return TriggerResult.FIRE;
    context.registerEventTimeTimer(end);
    return TriggerResult.CONTINUE;
  }

  onEventTime(time: number, window: TimeWindow): TriggerResult {
    return time === window.maxTimestamp() ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.maxTimestamp());
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(window: TimeWindow, context: OnMergeContext): void {
    // Where the watermark is past the end already, the record that caused the merge fires.
    const end = window.maxTimestamp();
    if (end > context.getCurrentWatermark()) context.registerEventTimeTimer(end);
  }
}

/** Fires when the wall clock passes the end of the window. */
export class ProcessingTimeTrigger extends Trigger<unknown> {
  static create(): ProcessingTimeTrigger {
    return new ProcessingTimeTrigger();
  }

  onElement(_value: unknown, _timestamp: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    context.registerProcessingTimeTimer(window.maxTimestamp());
    return TriggerResult.CONTINUE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.FIRE;
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteProcessingTimeTimer(window.maxTimestamp());
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(window: TimeWindow, context: OnMergeContext): void {
    const end = window.maxTimestamp();
    if (end > context.getCurrentProcessingTime()) context.registerProcessingTimeTimer(end);
  }
}

/** Fires as soon as a window holds a number of records since it fired last. Wrapped in a PurgingTrigger it drops them too. */
export class CountTrigger extends Trigger<unknown> {
  readonly #maxCount: number;

  private constructor(maxCount: number) {
    super();
    this.#maxCount = maxCount;
  }

  /** @throws IllegalArgumentException unless maxCount is a whole number above 0 */
  static of(maxCount: number): CountTrigger {
    if (!(Number.isSafeInteger(maxCount) && maxCount > 0)) {
      throw new IllegalArgumentException(`CountTrigger needs a whole number of records above 0, not ${maxCount}.`);
    }
    return new CountTrigger(maxCount);
  }

  onElement(_value: unknown, _timestamp: number, _window: TimeWindow, context: TriggerContext): TriggerResult {
    const count = context.getPartitionedState(COUNT);
    count.add(1);
    if ((count.get() ?? 0) < this.#maxCount) return TriggerResult.CONTINUE;
    count.clear();
    return TriggerResult.FIRE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  clear(_window: TimeWindow, context: TriggerContext): void {
    context.getPartitionedState(COUNT).clear();
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(_window: TimeWindow, context: OnMergeContext): void {
    context.mergePartitionedState(COUNT);
  }
}

/** Drops the contents of a window whenever another trigger fires it. */
export class PurgingTrigger<T> extends Trigger<T> {
  readonly #nested: Trigger<T>;

  private constructor(nested: Trigger<T>) {
    super();
    this.#nested = nested;
  }

  static of<T>(nested: Trigger<T>): PurgingTrigger<T> {
    return new PurgingTrigger(nested);
  }

  onElement(value: T, timestamp: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    return purging(this.#nested.onElement(value, timestamp, window, context));
  }

  onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    return purging(this.#nested.onEventTime(time, window, context));
  }

  onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    return purging(this.#nested.onProcessingTime(time, window, context));
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    this.#nested.clear(window, context);
  }

  override canMerge(): boolean {
    return this.#nested.canMerge();
  }

  override onMerge(window: TimeWindow, context: OnMergeContext): void {
    this.#nested.onMerge(window, context);
  }
}

/** Never fires. What GlobalWindows use until a trigger is set. */
export class NeverTrigger extends Trigger<unknown> {
  onElement(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  clear(): void {}
  override canMerge(): boolean {
    return true;
  }
  override onMerge(): void {}
}

const COUNT = new ReducingStateDescriptor<number>('count-trigger', (left, right) => left + right, Types.SAFE_LONG);

function purging(result: TriggerResult): TriggerResult {
  return result === TriggerResult.FIRE ? TriggerResult.FIRE_AND_PURGE : result;
}
