/** Which windows a record belongs to. Follows Flink's WindowAssigner and MergingWindowAssigner. */
import { FlinkRuntimeException } from '../../lib/java-errors.ts';
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import type { TimeWindow } from './time-window.ts';
import type { Trigger } from './trigger.ts';

/** What an assigner may ask beside the record. */
export interface WindowAssignerContext {
  /** Wall clock in milliseconds. */
  getCurrentProcessingTime(): number;
}

/** Assigns windows to records. Instances are shared by subtasks: they hold settings, never state. */
export abstract class WindowAssigner<T> {
  /**
   * The windows of a record; none drops it. The array may be used again for other records: it is only read.
   * @param timestamp the record's event timestamp, NO_TIMESTAMP without one
   */
  abstract assignWindows(value: T, timestamp: number, context: WindowAssignerContext): readonly TimeWindow[];
  /** The trigger that is used when none is set. */
  abstract getDefaultTrigger(): Trigger<T>;
  /** Whether windows end by watermark; otherwise by the wall clock. */
  abstract isEventTime(): boolean;
}

/** An assigner whose windows become one, per key, as soon as they overlap or touch. */
export abstract class MergingWindowAssigner<T> extends WindowAssigner<T> {}

/** The timestamp of a record for event-time windows. @throws FlinkRuntimeException when it has none */
export function requireTimestamp(timestamp: number): number {
  if (timestamp > NO_TIMESTAMP) return timestamp;
  throw new FlinkRuntimeException(
    'A record without a timestamp came to an event-time window. Call assignTimestampsAndWatermarks() before keyBy(), or use processing-time windows.',
  );
}
