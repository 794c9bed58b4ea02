/** The windows themselves: stretches of time, `start` inclusive, `end` exclusive, in milliseconds. Follow Flink's TimeWindow. */
import { MAX_WATERMARK, MIN_WATERMARK } from '../exchange/channel.ts';

/** From `start` (inclusive) to `end` (exclusive). Immutable; two windows with the same bounds are the same window. */
export class TimeWindow {
  readonly start: number;
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** The last instant inside: results of the window carry it as their timestamp. */
  maxTimestamp(): number {
    return this.end - 1;
  }

  /** Whether the two overlap or touch: such windows become one where windows merge. */
  intersects(other: TimeWindow): boolean {
    return this.start <= other.end && this.end >= other.start;
  }

  /** The smallest window that holds both. */
  cover(other: TimeWindow): TimeWindow {
    return new TimeWindow(Math.min(this.start, other.start), Math.max(this.end, other.end));
  }

  equals(other: TimeWindow): boolean {
    return this.start === other.start && this.end === other.end;
  }

  toString(): string {
    return `TimeWindow{start=${this.start}, end=${this.end}}`;
  }

  /** Start of the window of `sizeMs` that holds `timestamp`, where windows begin at `offsetMs` and every size from there. */
  static getWindowStartWithOffset(timestamp: number, offsetMs: number, sizeMs: number): number {
    const remainder = (timestamp - offsetMs) % sizeMs;
    return remainder < 0 ? timestamp - (remainder + sizeMs) : timestamp - remainder;
  }
}

/** All of time: the one window of GlobalWindows. Nothing comes after its end, so it is never cleaned up before. */
export class GlobalWindow extends TimeWindow {
  static readonly #instance = new GlobalWindow(MIN_WATERMARK, MAX_WATERMARK + 1);

  static get(): GlobalWindow {
    return GlobalWindow.#instance;
  }

  override toString(): string {
    return 'GlobalWindow';
  }
}

/** The window with these bounds. */
export function windowOf(start: number, end: number): TimeWindow {
  const all = GlobalWindow.get();
  return start === all.start && end === all.end ? all : new TimeWindow(start, end);
}
