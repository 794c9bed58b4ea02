/**
 * All that a task reads: the channels of its one or two logical inputs, in fair turns, with barriers aligned over all
 * channels and watermarks combined per input.
 *
 * Callbacks are synchronous and come from `poll` only. After `onAllBarriers`, and after `pause`, nothing more is read in
 * that call: everything before the barrier has been handed over and nothing behind it. A task whose capture takes longer
 * than the callback calls `pause` in it and `resume` when the capture is done; any other lets `poll` return and calls it
 * again. Where the end of a channel completes a checkpoint, the end itself is handed over after the capture, so that a
 * job restored from it sees the end once, and not twice.
 */
import type { AlignmentAbortReason, AlignmentMode } from './barrier-aligner.ts';
import { BarrierAligner } from './barrier-aligner.ts';
import type { ChannelHandler, CheckpointBarrier, InputChannel } from './channel.ts';
import { type ValveOutput, WatermarkValve } from './watermark-valve.ts';

/** Who takes what the gate reads. `inputIndex` is 0, or 1 for the second input of a connected stream. */
export interface GateListener {
  onRecord(inputIndex: number, value: unknown, timestamp: number): void;
  /** The combined watermark of the input; grows with each call. */
  onWatermark(inputIndex: number, timestamp: number): void;
  /** All channels of the input that have not ended are idle, or no longer. */
  onIdle(inputIndex: number, idle: boolean): void;
  /** The barrier has arrived on all channels: capture now, then forward it. */
  onAllBarriers(barrier: CheckpointBarrier): void;
  /** The checkpoint will not complete here: decline it and forward the cancellation. */
  onAlignmentAborted(id: number, reason: AlignmentAbortReason): void;
  /** All channels of the input have ended. */
  onEndOfInput(inputIndex: number): void;
}

/** How the gate reads. */
export interface GateOptions {
  /** @default 'exactly-once' */
  readonly mode?: AlignmentMode;
  /** Records taken from one channel before the next has its turn. @default 256 */
  readonly sliceRecords?: number;
  /** Picks the channel that `poll` begins with, for tests that replay an interleaving. @default fair turns */
  readonly firstChannel?: (channels: number) => number;
}

export class InputGate {
  readonly #channels: readonly GateChannel[];
  readonly #sliceRecords: number;
  readonly #firstChannel: ((channels: number) => number) | undefined;
  readonly #aligner: BarrierAligner;
  readonly #inputs: readonly GateInput[];
  readonly #newlyEnded: GateChannel[] = [];
  #next = 0;
  #paused = false;
  #stopped = false;
  #open: number;

  /** @param inputs the channels of each logical input, one or two of them */
  constructor(inputs: readonly (readonly InputChannel[])[], listener: GateListener, options: GateOptions = {}) {
    this.#sliceRecords = options.sliceRecords ?? 256;
    this.#firstChannel = options.firstChannel;
    this.#inputs = inputs.map((channels, index) => new GateInput(index, channels.length, listener));
    const count = inputs.reduce((sum, channels) => sum + channels.length, 0);
    this.#open = count;
    this.#aligner = new BarrierAligner(count, options.mode ?? 'exactly-once', {
      onAllBarriers: (barrier) => {
        this.#stopped = true;
        listener.onAllBarriers(barrier);
      },
      onAlignmentAborted: (id, reason) => listener.onAlignmentAborted(id, reason),
    });
    let index = 0;
    const onEnd = (channel: GateChannel): void => {
      this.#newlyEnded.push(channel);
      this.#aligner.onEnd(channel.index);
    };
    this.#channels = inputs.flatMap((channels, input) =>
      channels.map((source, place) => {
        const of = this.#inputs[input] as GateInput;
        return new GateChannel(index++, source, of, place, listener, this.#aligner, onEnd);
      }),
    );
  }

  /** Hands over up to `maxRecords` events. Returns how many; 0 when there is nothing to read now, or while paused. */
  poll(maxRecords: number): number {
    if (this.#paused) return 0;
    this.#stopped = false;
    if (this.#firstChannel !== undefined) this.#next = this.#firstChannel(this.#channels.length);
    let events = this.#handOverEnds();
    let quiet = 0;
    while (!this.#stopped && events < maxRecords && quiet < this.#channels.length) {
      const channel = this.#takeTurn();
      const taken = this.#isReadable(channel)
        ? channel.source.poll(channel, Math.min(maxRecords - events, this.#sliceRecords))
        : 0;
      quiet = taken === 0 ? quiet + 1 : 0;
      events += taken;
      if (this.#newlyEnded.length > 0) this.#handOverEnds();
    }
    return events;
  }

  /** Stops reading: at once when called from `onAllBarriers`, else after the slice being read. */
  pause(): void {
    this.#paused = true;
    this.#stopped = true;
  }

  resume(): void {
    this.#paused = false;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Whether `poll` would hand over something. False while paused and for channels that wait for a barrier. */
  get hasData(): boolean {
    if (this.#paused) return false;
    if (this.#newlyEnded.length > 0) return true;
    for (const channel of this.#channels) if (this.#isReadable(channel) && channel.source.hasData) return true;
    return false;
  }

  /** Whether every channel has ended and that has been handed over. */
  get allEnded(): boolean {
    return this.#open === 0;
  }

  /** The checkpoint whose barriers are being waited for. */
  get aligning(): number | undefined {
    return this.#aligner.aligning;
  }

  #takeTurn(): GateChannel {
    const channel = this.#channels[this.#next % this.#channels.length] as GateChannel;
    this.#next = (this.#next + 1) % this.#channels.length;
    return channel;
  }

  #isReadable(channel: GateChannel): boolean {
    return !channel.ended && !this.#aligner.isBlocked(channel.index);
  }

  /** What follows from the end of channels; held back until a checkpoint that it completed has been captured. */
  #handOverEnds(): number {
    let count = 0;
    while (!this.#stopped && this.#newlyEnded.length > 0) {
      const channel = this.#newlyEnded.shift() as GateChannel;
      this.#open--;
      count++;
      channel.input.onChannelEnd(channel.place);
    }
    return count;
  }
}

/** One logical input: its watermark, its idleness, its end. */
class GateInput {
  readonly index: number;
  readonly #listener: GateListener;
  readonly #valve: WatermarkValve;
  #open: number;

  constructor(index: number, channels: number, listener: GateListener) {
    this.index = index;
    this.#listener = listener;
    this.#valve = new WatermarkValve(channels);
    this.#open = channels;
  }

  onWatermark(place: number, timestamp: number): void {
    this.#tell(this.#valve.onWatermark(place, timestamp));
  }

  onIdle(place: number, idle: boolean): void {
    this.#tell(this.#valve.onIdle(place, idle));
  }

  onChannelEnd(place: number): void {
    this.#tell(this.#valve.onEnd(place));
    this.#open--;
    if (this.#open === 0) this.#listener.onEndOfInput(this.index);
  }

  #tell({ watermark, idle }: ValveOutput): void {
    if (watermark !== undefined) this.#listener.onWatermark(this.index, watermark);
    if (idle !== undefined) this.#listener.onIdle(this.index, idle);
  }
}

/** One channel, and who takes what it carries. */
class GateChannel implements ChannelHandler {
  readonly index: number;
  readonly source: InputChannel;
  readonly input: GateInput;
  /** Among the channels of its input. */
  readonly place: number;
  ended = false;
  readonly #inputIndex: number;
  readonly #listener: GateListener;
  readonly #aligner: BarrierAligner;
  readonly #onEnd: (channel: GateChannel) => void;

  constructor(
    index: number,
    source: InputChannel,
    input: GateInput,
    place: number,
    listener: GateListener,
    aligner: BarrierAligner,
    onEnd: (channel: GateChannel) => void,
  ) {
    this.index = index;
    this.source = source;
    this.input = input;
    this.place = place;
    this.#inputIndex = input.index;
    this.#listener = listener;
    this.#aligner = aligner;
    this.#onEnd = onEnd;
  }

  onRecord(value: unknown, timestamp: number): void {
    this.#listener.onRecord(this.#inputIndex, value, timestamp);
  }

  onWatermark(timestamp: number): void {
    this.input.onWatermark(this.place, timestamp);
  }

  onIdle(idle: boolean): void {
    this.input.onIdle(this.place, idle);
  }

  onBarrier(barrier: CheckpointBarrier): void {
    this.#aligner.onBarrier(this.index, barrier);
  }

  onCancelBarrier(id: number): void {
    this.#aligner.onCancel(id);
  }

  onEnd(): void {
    if (this.ended) return;
    this.ended = true;
    this.#onEnd(this);
  }
}
