/**
 * One watermark out of many: the smallest of all channels that count. A channel does not count while it is idle, after
 * it has ended, or when it came back from idleness behind the watermark already given out. The result never goes back.
 * Follows Flink's StatusWatermarkValve.
 */
import { MIN_WATERMARK } from './channel.ts';

/** What the combined stream is to be told. `undefined` where nothing changed. */
export interface ValveOutput {
  watermark: number | undefined;
  idle: boolean | undefined;
}

/** Combines the watermarks and idleness of the channels of one input. */
export class WatermarkValve {
  readonly #watermarks: Float64Array;
  readonly #idle: Uint8Array;
  readonly #ended: Uint8Array;
  /** Whether the channel's watermark has reached what was given out. */
  readonly #aligned: Uint8Array;
  // One object for all answers: watermarks come often.
  readonly #output: ValveOutput = { watermark: undefined, idle: undefined };
  #given = MIN_WATERMARK;
  #isIdle = false;

  constructor(channels: number) {
    this.#watermarks = new Float64Array(channels).fill(MIN_WATERMARK);
    this.#idle = new Uint8Array(channels);
    this.#ended = new Uint8Array(channels);
    this.#aligned = new Uint8Array(channels).fill(1);
  }

  /** The watermark given out last. */
  get current(): number {
    return this.#given;
  }

  /** A watermark arrived; one behind the channel's last is ignored. The result is valid until the next call. */
  onWatermark(channel: number, timestamp: number): ValveOutput {
    const output = this.#clear();
    if (this.#idle[channel] !== 0 || timestamp <= (this.#watermarks[channel] as number)) return output;
    this.#watermarks[channel] = timestamp;
    if (timestamp >= this.#given) this.#aligned[channel] = 1;
    this.#advance();
    return output;
  }

  onIdle(channel: number, idle: boolean): ValveOutput {
    const output = this.#clear();
    if ((this.#idle[channel] !== 0) === idle || this.#ended[channel] !== 0) return output;
    this.#idle[channel] = idle ? 1 : 0;
    if (idle) {
      this.#leave(channel);
    } else {
      this.#aligned[channel] = (this.#watermarks[channel] as number) >= this.#given ? 1 : 0;
      this.#tellIdle(false);
    }
    return output;
  }

  onEnd(channel: number): ValveOutput {
    const output = this.#clear();
    if (this.#ended[channel] !== 0) return output;
    this.#ended[channel] = 1;
    this.#leave(channel);
    return output;
  }

  /** A channel no longer counts: the others may go on, and if none is left, the furthest of all is given out. */
  #leave(channel: number): void {
    this.#aligned[channel] = 0;
    if (this.#someActive()) {
      this.#advance();
    } else if (this.#someNotEnded()) {
      if (this.#watermarks[channel] === this.#given) this.#give(this.#furthest());
      this.#tellIdle(true);
    }
  }

  #advance(): void {
    let smallest = Number.POSITIVE_INFINITY;
    for (let channel = 0; channel < this.#watermarks.length; channel++) {
      const watermark = this.#watermarks[channel] as number;
      if (this.#aligned[channel] !== 0 && watermark < smallest) smallest = watermark;
    }
    if (smallest !== Number.POSITIVE_INFINITY) this.#give(smallest);
  }

  #give(watermark: number): void {
    if (watermark <= this.#given) return;
    this.#given = watermark;
    this.#output.watermark = watermark;
  }

  #tellIdle(idle: boolean): void {
    if (this.#isIdle === idle) return;
    this.#isIdle = idle;
    this.#output.idle = idle;
  }

  #furthest(): number {
    let furthest = MIN_WATERMARK;
    for (const watermark of this.#watermarks) if (watermark > furthest) furthest = watermark;
    return furthest;
  }

  #someActive(): boolean {
    for (let channel = 0; channel < this.#idle.length; channel++) {
      if (this.#idle[channel] === 0 && this.#ended[channel] === 0) return true;
    }
    return false;
  }

  #someNotEnded(): boolean {
    return this.#ended.includes(0);
  }

  #clear(): ValveOutput {
    this.#output.watermark = undefined;
    this.#output.idle = undefined;
    return this.#output;
  }
}
