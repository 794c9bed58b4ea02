/**
 * Windows that last as long as records of their key follow each other within a gap. Follow Flink's
 * EventTimeSessionWindows and ProcessingTimeSessionWindows, the dynamic ones included.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { TimeWindow } from './time-window.ts';
import type { Trigger } from './trigger.ts';
import { EventTimeTrigger, ProcessingTimeTrigger } from './triggers.ts';
import { MergingWindowAssigner, requireTimestamp, type WindowAssignerContext } from './window-assigner.ts';

/** The gap after a record, in milliseconds, above 0. */
export type SessionGapExtractor<T> = (value: T) => number;

export class EventTimeSessionWindows<T = unknown> extends MergingWindowAssigner<T> {
  readonly #gapOf: SessionGapExtractor<T>;

  private constructor(gapOf: SessionGapExtractor<T>) {
    super();
    this.#gapOf = gapOf;
  }

  /** A session ends `gapMs` after its last record. @throws IllegalArgumentException unless gap > 0 */
  static withGap(gapMs: number): EventTimeSessionWindows {
    return new EventTimeSessionWindows(fixedGap(gapMs));
  }

  /** Each record says how long it keeps its session open. */
  static withDynamicGap<T>(gapOf: SessionGapExtractor<T>): EventTimeSessionWindows<T> {
    return new EventTimeSessionWindows(checkedGap(gapOf));
  }

  assignWindows(value: T, timestamp: number): readonly TimeWindow[] {
    const start = requireTimestamp(timestamp);
    return [new TimeWindow(start, start + this.#gapOf(value))];
  }

  getDefaultTrigger(): Trigger<T> {
    return EventTimeTrigger.create();
  }

  isEventTime(): boolean {
    return true;
  }
}

export class ProcessingTimeSessionWindows<T = unknown> extends MergingWindowAssigner<T> {
  readonly #gapOf: SessionGapExtractor<T>;

  private constructor(gapOf: SessionGapExtractor<T>) {
    super();
    this.#gapOf = gapOf;
  }

  /** A session ends `gapMs` after its last record came. @throws IllegalArgumentException unless gap > 0 */
  static withGap(gapMs: number): ProcessingTimeSessionWindows {
    return new ProcessingTimeSessionWindows(fixedGap(gapMs));
  }

  /** Each record says how long it keeps its session open. */
  static withDynamicGap<T>(gapOf: SessionGapExtractor<T>): ProcessingTimeSessionWindows<T> {
    return new ProcessingTimeSessionWindows(checkedGap(gapOf));
  }

  assignWindows(value: T, _timestamp: number, context: WindowAssignerContext): readonly TimeWindow[] {
    const start = context.getCurrentProcessingTime();
    return [new TimeWindow(start, start + this.#gapOf(value))];
  }

  getDefaultTrigger(): Trigger<T> {
    return ProcessingTimeTrigger.create();
  }

  isEventTime(): boolean {
    return false;
  }
}

function fixedGap(gapMs: number): SessionGapExtractor<unknown> {
  if (!(gapMs > 0)) throw new IllegalArgumentException(`Session windows need a gap above 0, not ${gapMs}.`);
  return () => gapMs;
}

function checkedGap<T>(gapOf: SessionGapExtractor<T>): SessionGapExtractor<T> {
  return (value) => {
    const gapMs = gapOf(value);
    if (gapMs > 0) return gapMs;
    throw new IllegalArgumentException(`The gap of a session has to be above 0. The extractor gave ${gapMs}.`);
  };
}
