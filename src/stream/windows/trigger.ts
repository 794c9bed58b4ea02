/** When a window gives its result. Follows Flink's Trigger, TriggerResult and their contexts. */
import { UnsupportedOperationException } from '../../lib/java-errors.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from '../state/state.ts';
import type { TimeWindow } from './time-window.ts';

/** What happens to a window: nothing, its result is emitted, its contents are dropped, or both in this order. */
export const TriggerResult = {
  CONTINUE: 'CONTINUE',
  FIRE: 'FIRE',
  PURGE: 'PURGE',
  FIRE_AND_PURGE: 'FIRE_AND_PURGE',
} as const;
export type TriggerResult = (typeof TriggerResult)[keyof typeof TriggerResult];

/** Times, timers and state of the current key and window. The object is reused: keep nothing of it. */
export abstract class TriggerContext {
  abstract getCurrentProcessingTime(): number;
  abstract getCurrentWatermark(): number;
  abstract registerProcessingTimeTimer(timestamp: number): void;
  abstract registerEventTimeTimer(timestamp: number): void;
  abstract deleteProcessingTimeTimer(timestamp: number): void;
  abstract deleteEventTimeTimer(timestamp: number): void;
  /** State of this key and window; to be dropped in `clear`. */
  abstract getPartitionedState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  abstract getPartitionedState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  abstract getPartitionedState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  abstract getPartitionedState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT>;
  abstract getPartitionedState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV>;
}

/** The context while windows become one. */
export abstract class OnMergeContext extends TriggerContext {
  /** Moves a state of the windows that were merged into the new one. Value and map states cannot merge. */
  abstract mergePartitionedState<T>(descriptor: ListStateDescriptor<T>): void;
  abstract mergePartitionedState<T>(descriptor: ReducingStateDescriptor<T>): void;
  abstract mergePartitionedState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): void;
}

/**
 * Decides when windows fire. Instances are shared by subtasks and windows: what a trigger remembers of a window lies in
 * partitioned state, and `clear` drops it.
 */
export abstract class Trigger<T> {
  /** A record was added to the window. */
  abstract onElement(value: T, timestamp: number, window: TimeWindow, context: TriggerContext): TriggerResult;
  /** An event-time timer of the window fired; not always one that this trigger registered. */
  abstract onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult;
  /** A processing-time timer of the window fired. */
  abstract onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult;
  /** The window is cleaned up, or was merged away: drop its timers and state. */
  abstract clear(window: TimeWindow, context: TriggerContext): void;

  /** Whether the trigger can be used with windows that merge. */
  canMerge(): boolean {
    return false;
  }

  /** Several windows became `window`; their timers are gone, register new ones. Called only where `canMerge`. */
  onMerge(_window: TimeWindow, _context: OnMergeContext): void {
    throw new UnsupportedOperationException('This trigger does not support merging.');
  }
}
