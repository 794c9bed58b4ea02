/** Windows of one size that overlap. Follow Flink's SlidingEventTimeWindows and SlidingProcessingTimeWindows. */
import { AlignedWindows } from './aligned-windows.ts';
import type { TimeWindow } from './time-window.ts';
import type { Trigger } from './trigger.ts';
import { EventTimeTrigger, ProcessingTimeTrigger } from './triggers.ts';
import { requireTimestamp, WindowAssigner, type WindowAssignerContext } from './window-assigner.ts';

export class SlidingEventTimeWindows extends WindowAssigner<unknown> {
  readonly #windows: AlignedWindows;

  private constructor(windows: AlignedWindows) {
    super();
    this.#windows = windows;
  }

  /**
   * Windows of `sizeMs`, one beginning every `slideMs`; with a slide above the size some instants are in no window.
   * @throws IllegalArgumentException unless size and slide are > 0 and |offset| < slide
   */
  static of(sizeMs: number, slideMs: number, offsetMs = 0): SlidingEventTimeWindows {
    return new SlidingEventTimeWindows(new AlignedWindows('SlidingEventTimeWindows', sizeMs, slideMs, offsetMs));
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

export class SlidingProcessingTimeWindows extends WindowAssigner<unknown> {
  readonly #windows: AlignedWindows;

  private constructor(windows: AlignedWindows) {
    super();
    this.#windows = windows;
  }

  /** As SlidingEventTimeWindows, by the wall clock. */
  static of(sizeMs: number, slideMs: number, offsetMs = 0): SlidingProcessingTimeWindows {
    return new SlidingProcessingTimeWindows(
      new AlignedWindows('SlidingProcessingTimeWindows', sizeMs, slideMs, offsetMs),
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
