/** Windows of one size, one after the other. Follow Flink's TumblingEventTimeWindows and TumblingProcessingTimeWindows. */
import { AlignedWindows } from './aligned-windows.ts';
import type { TimeWindow } from './time-window.ts';
import type { Trigger } from './trigger.ts';
import { EventTimeTrigger, ProcessingTimeTrigger } from './triggers.ts';
import { requireTimestamp, WindowAssigner, type WindowAssignerContext } from './window-assigner.ts';

export class TumblingEventTimeWindows extends WindowAssigner<unknown> {
  readonly #windows: AlignedWindows;

  private constructor(windows: AlignedWindows) {
    super();
    this.#windows = windows;
  }

  /** Windows of `sizeMs` from `offsetMs` on. @throws IllegalArgumentException unless size > 0 and |offset| < size */
  static of(sizeMs: number, offsetMs = 0): TumblingEventTimeWindows {
    return new TumblingEventTimeWindows(new AlignedWindows('TumblingEventTimeWindows', sizeMs, sizeMs, offsetMs));
  }

  assignWindows(_value: unknown, timestamp: number): readonly TimeWindow[] {
    return this.#windows.at(requireTimestamp(timestamp));
  }

  getDefaultTrigger(): Trigger<unknown> {
    return EventTimeTrigger.create();
  }

  isEventTime(): boolean {
    return true;
  }
}

export class TumblingProcessingTimeWindows extends WindowAssigner<unknown> {
  readonly #windows: AlignedWindows;

  private constructor(windows: AlignedWindows) {
    super();
    this.#windows = windows;
  }

  /** Windows of `sizeMs` from `offsetMs` on. @throws IllegalArgumentException unless size > 0 and |offset| < size */
  static of(sizeMs: number, offsetMs = 0): TumblingProcessingTimeWindows {
    return new TumblingProcessingTimeWindows(
      new AlignedWindows('TumblingProcessingTimeWindows', sizeMs, sizeMs, offsetMs),
    );
  }

  assignWindows(_value: unknown, _timestamp: number, context: WindowAssignerContext): readonly TimeWindow[] {
    return this.#windows.at(context.getCurrentProcessingTime());
  }

  getDefaultTrigger(): Trigger<unknown> {
    return ProcessingTimeTrigger.create();
  }

  isEventTime(): boolean {
    return false;
  }
}
