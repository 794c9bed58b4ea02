import { GlobalWindow, type TimeWindow } from './time-window.ts';
import type { Trigger } from './trigger.ts';
import { NeverTrigger } from './triggers.ts';
import { WindowAssigner } from './window-assigner.ts';

/** One window for all of time. It fires only by a trigger that is set, for example CountTrigger. Follows Flink's GlobalWindows. */
export class GlobalWindows extends WindowAssigner<unknown> {
  readonly #windows: readonly TimeWindow[] = [GlobalWindow.get()];

  private constructor() {
    super();
  }

  static create(): GlobalWindows {
    return new GlobalWindows();
  }

  assignWindows(): readonly TimeWindow[] {
    return this.#windows;
  }

  getDefaultTrigger(): Trigger<unknown> {
    return new NeverTrigger();
  }

  isEventTime(): boolean {
    return false;
  }
}
