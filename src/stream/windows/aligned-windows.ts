import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { TimeWindow } from './time-window.ts';

/** How many recent sets of windows are kept, as a power of two. */
const KEPT = 16;
const NO_WINDOWS: readonly TimeWindow[] = [];

/**
 * The windows of one size that begin every `slideMs`, the same for all keys. Records near each other in time get the very
 * same objects, so that assigning allocates nothing.
 */
export class AlignedWindows {
  readonly #sizeMs: number;
  readonly #slideMs: number;
  readonly #offsetMs: number;
  /** Windows by start of the latest one; a slot is overwritten when another set needs it. */
  readonly #kept: (readonly TimeWindow[])[] = new Array(KEPT).fill(NO_WINDOWS);

  /** @throws IllegalArgumentException naming `what` unless size and slide are above 0 and |offset| is below the slide */
  constructor(what: string, sizeMs: number, slideMs: number, offsetMs: number) {
    const whole = [sizeMs, slideMs, offsetMs].every(Number.isSafeInteger);
    if (!whole || sizeMs <= 0 || slideMs <= 0 || Math.abs(offsetMs) >= slideMs) {
      const asked = sizeMs === slideMs ? `size ${sizeMs}` : `size ${sizeMs}, slide ${slideMs}`;
      throw new IllegalArgumentException(
        `${what} needs whole milliseconds with size and slide > 0 and abs(offset) < slide (the size where there is no slide), not ${asked}, offset ${offsetMs}.`,
      );
    }
    this.#sizeMs = sizeMs;
    this.#slideMs = slideMs;
    this.#offsetMs = offsetMs;
  }

  /** The windows that hold an instant, latest first; none when it falls between windows (slide above size). */
  at(timestamp: number): readonly TimeWindow[] {
    const latest = TimeWindow.getWindowStartWithOffset(timestamp, this.#offsetMs, this.#slideMs);
    const slot = ((latest - this.#offsetMs) / this.#slideMs) & (KEPT - 1);
    const kept = this.#kept[slot] as readonly TimeWindow[];
    if (this.#fits(kept, latest, timestamp)) return kept;
    const made = this.#make(latest, timestamp);
    this.#kept[slot] = made;
    return made;
  }

  /** Where size is no multiple of slide, instants with the same latest window differ in their earliest. */
  #fits(kept: readonly TimeWindow[], latest: number, timestamp: number): boolean {
    const count = kept.length;
    if (count === 0 || (kept[0] as TimeWindow).start !== latest) return false;
    const outside = timestamp - this.#sizeMs;
    return (kept[count - 1] as TimeWindow).start > outside && latest - count * this.#slideMs <= outside;
  }

  #make(latest: number, timestamp: number): readonly TimeWindow[] {
    const windows: TimeWindow[] = [];
    for (let start = latest; start > timestamp - this.#sizeMs; start -= this.#slideMs) {
      windows.push(new TimeWindow(start, start + this.#sizeMs));
    }
    return windows;
  }
}
