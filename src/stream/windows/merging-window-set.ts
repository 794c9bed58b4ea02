/**
 * The windows of one key where windows merge. Contents of a window lie under the window it was at first, its state
 * window: a session that grows record by record moves nothing, and only when two of them meet is one moved into the other.
 *
 *     windows        [0 ─────── 40)        [60 ── 80)        a record at 45 with gap 20: [45, 65)
 *     state windows   0..20                 60..80
 *     after           [0 ───────────────────────── 80)       kept in 0..20, 60..80 moved there
 *
 * Kept in keyed state as numbers, four per window: start, end, start and end of the state window.
 * Follows Flink's MergingWindowSet.
 */
import { IllegalStateException } from '../../lib/java-errors.ts';
import type { TimeWindowLike } from '../state/backend.ts';
import { ValueStateDescriptor } from '../state/descriptors.ts';
import type { ValueState } from '../state/state.ts';
import { Types } from '../types/index.ts';
import { TimeWindow } from './time-window.ts';

/** Where the sets lie. */
export const MERGING_WINDOWS = new ValueStateDescriptor<number[]>('merging-window-set', Types.LIST(Types.DOUBLE));

const NUMBERS = 4;

/** What adding a window came to. */
export interface AddedWindow {
  /** The window that the record is in now. */
  readonly window: TimeWindow;
  /** Windows that are no more because they became part of it; empty when none changed. */
  readonly merged: readonly TimeWindow[];
  /** Where the contents of `window` lie. */
  readonly stateWindow: TimeWindowLike;
  /** State windows whose contents have to be moved into it. */
  readonly mergedStateWindows: readonly TimeWindowLike[];
}

/** Works on the set of the current key: `load`, then `add`, `stateWindowOf`, `retire`, then `save`. */
export class MergingWindowSet {
  readonly #state: ValueState<number[]>;
  #windows: number[] = [];
  #changed = false;

  constructor(state: ValueState<number[]>) {
    this.#state = state;
  }

  /** Reads the set of the current key. */
  load(): void {
    this.#windows = this.#state.value() ?? [];
    this.#changed = false;
  }

  /** Writes the set back if it changed. */
  save(): void {
    if (!this.#changed) return;
    this.#state.update(this.#windows.length === 0 ? null : this.#windows);
    this.#changed = false;
  }

  /** Adds a window; those that overlap or touch it become one with it. */
  add(added: TimeWindow): AddedWindow {
    const touched = this.#touching(added);
    const [first] = touched;
    if (first === undefined) {
      this.#windows.push(added.start, added.end, added.start, added.end);
      this.#changed = true;
      return { window: added, merged: NO_WINDOWS, stateWindow: added, mergedStateWindows: NO_WINDOWS };
    }
    const merged = touched.map((index) => this.#windowAt(index));
    const window = merged.reduce((cover, each) => cover.cover(each), added);
    const stateWindow = this.#stateWindowAt(first);
    const [only] = merged;
    if (merged.length === 1 && only?.equals(window)) {
      return { window, merged: NO_WINDOWS, stateWindow, mergedStateWindows: NO_WINDOWS };
    }
    const mergedStateWindows = touched.slice(1).map((index) => this.#stateWindowAt(index));
    this.#windows[first] = window.start;
    this.#windows[first + 1] = window.end;
    // From the back, so that the places before stay what they are.
    for (const index of touched.slice(1).reverse()) this.#windows.splice(index, NUMBERS);
    this.#changed = true;
    return { window, merged, stateWindow, mergedStateWindows };
  }

  /** Where the contents of a window lie; undefined when there is no such window (any more). */
  stateWindowOf(window: TimeWindowLike): TimeWindowLike | undefined {
    const index = this.#indexOf(window);
    return index < 0 ? undefined : this.#stateWindowAt(index);
  }

  /** Forgets a window. @throws IllegalStateException when it is not in the set */
  retire(window: TimeWindow): void {
    const index = this.#indexOf(window);
    if (index < 0) throw new IllegalStateException(`Window ${window} is not in in-flight window set.`);
    this.#windows.splice(index, NUMBERS);
    this.#changed = true;
  }

  /** Places of the windows that overlap or touch, ascending. They never overlap or touch each other. */
  #touching({ start, end }: TimeWindow): number[] {
    const windows = this.#windows;
    const touched: number[] = [];
    for (let index = 0; index < windows.length; index += NUMBERS) {
      if ((windows[index] as number) <= end && (windows[index + 1] as number) >= start) touched.push(index);
    }
    return touched;
  }

  #indexOf({ start, end }: TimeWindowLike): number {
    const windows = this.#windows;
    for (let index = 0; index < windows.length; index += NUMBERS) {
      if (windows[index] === start && windows[index + 1] === end) return index;
    }
    return -1;
  }

  #windowAt(index: number): TimeWindow {
    return new TimeWindow(this.#windows[index] as number, this.#windows[index + 1] as number);
  }

  #stateWindowAt(index: number): TimeWindowLike {
    return { start: this.#windows[index + 2] as number, end: this.#windows[index + 3] as number };
  }
}

const NO_WINDOWS: readonly TimeWindow[] = [];
