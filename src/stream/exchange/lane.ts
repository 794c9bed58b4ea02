/**
 * One ring for all channels from one thread to another. With hundreds of subtasks on a few threads there are tens of
 * thousands of pairs of subtasks, and a ring for each would cost more memory than the records ever need.
 *
 *     outlet ─┐                              ┌─> inlet (bytes that wait for their subtask)
 *     outlet ─┼──> ring, frames in order ──> ┼─> inlet
 *     outlet ─┘                              └─> inlet
 *        ^ ───────────── consumed bytes ───────── │      one word per channel in shared memory
 *
 * The reader empties the ring whatever its subtasks do (`receive`), so a channel that nobody reads, as behind a barrier,
 * never stands before the others. What bounds the memory is a window per channel: a writer that has this many bytes on
 * the way waits until the reader has consumed some. One frame may always be on the way, however large. Follows the
 * credits of Flink's network stack.
 */
import { IOException } from '../../lib/java-errors.ts';
import type { FrameReader, FrameWriter } from './frame.ts';
import { createRing, FRAME_HEADER_BYTES, RingReader, RingWriter } from './ring.ts';
import type { WakeUp } from './wake-up.ts';

/** Shared memory of a lane; plain data. */
export interface LaneMemory {
  readonly ring: SharedArrayBuffer;
  /** Two words per channel: bytes consumed, and whether the writer waits. */
  readonly credits: SharedArrayBuffer;
  /** Bytes that may be on the way in each channel. */
  readonly window: number;
}

/** Memory of a lane for channels 0 to `channels` - 1. @param ringBytes a power of two from 4096 on */
export function createLane(channels: number, ringBytes: number, window: number): LaneMemory {
  return { ring: createRing(ringBytes), credits: new SharedArrayBuffer(Math.max(1, channels) * 8), window };
}

const CONSUMED = 0;
const WRITER_WAITS = 1;
const NO_BYTES = new Uint8Array(0);

/** The writing end. */
export class LaneWriter {
  readonly #ring: RingWriter;
  readonly #credits: Int32Array;
  readonly #window: number;

  constructor({ ring, credits, window }: LaneMemory) {
    this.#ring = new RingWriter(ring);
    this.#credits = new Int32Array(credits);
    this.#window = window;
  }

  /** The writing end of a channel; ask once for each. */
  outlet(channel: number): FrameWriter {
    return new LaneOutlet(this.#ring, this.#credits, channel, this.#window);
  }
}

/** The reading end. */
export class LaneReader {
  readonly #ring: RingReader;
  readonly #credits: Int32Array;
  readonly #window: number;
  readonly #writer: WakeUp;
  readonly #inlets: (LaneInlet | undefined)[] = [];

  /** @param writer wakes the writing thread */
  constructor({ ring, credits, window }: LaneMemory, writer: WakeUp) {
    this.#ring = new RingReader(ring);
    this.#credits = new Int32Array(credits);
    this.#window = window;
    this.#writer = writer;
  }

  /** The reading end of a channel; ask once for each, before the first `receive`. */
  inlet(channel: number): FrameReader {
    const inlet = new LaneInlet(this.#credits, channel, this.#window);
    this.#inlets[channel] = inlet;
    return inlet;
  }

  /** Takes what lies in the ring to the inlets. Says whether there was anything. */
  receive(): boolean {
    if (!this.#ring.hasFrame) return false;
    let writerWaits = false;
    do {
      const inlet = this.#inlets[this.#ring.frameChannel];
      if (inlet === undefined) {
        throw new IOException(`a frame of channel ${this.#ring.frameChannel}, which is not in this lane`);
      }
      if (inlet.accept(this.#ring)) writerWaits = true;
    } while (this.#ring.hasFrame);
    if (writerWaits) this.#writer.wake();
    return true;
  }
}

class LaneOutlet implements FrameWriter {
  readonly batchBytes: number;
  readonly initialBytes = 64;
  readonly #ring: RingWriter;
  readonly #credits: Int32Array;
  readonly #at: number;
  readonly #channel: number;
  readonly #window: number;
  #sent = 0;

  constructor(ring: RingWriter, credits: Int32Array, channel: number, window: number) {
    this.#ring = ring;
    this.#credits = credits;
    this.#channel = channel;
    this.#at = channel * 2;
    this.#window = window;
    // Two batches on the way: one is read while the other is written.
    this.batchBytes = Math.min(ring.batchBytes, Math.floor(window / 2) - FRAME_HEADER_BYTES);
  }

  get maxPayload(): number {
    return this.#ring.maxPayload;
  }

  tryWrite(info: number, bytes: Uint8Array, from: number, to: number): boolean {
    const size = creditOf(to - from);
    if (!this.#hasCredit(size)) {
      Atomics.store(this.#credits, this.#at + WRITER_WAITS, 1);
      // Once more: what was consumed before the store was announced to nobody.
      if (!this.#hasCredit(size)) return false;
      Atomics.store(this.#credits, this.#at + WRITER_WAITS, 0);
    }
    if (!this.#ring.tryWrite(info, bytes, from, to, this.#channel)) return false;
    this.#sent = (this.#sent + size) | 0;
    return true;
  }

  #hasCredit(size: number): boolean {
    const onTheWay = (this.#sent - Atomics.load(this.#credits, this.#at + CONSUMED)) | 0;
    return onTheWay === 0 || onTheWay + size <= this.#window;
  }
}

class LaneInlet implements FrameReader {
  readonly initialBytes = 0;
  readonly #credits: Int32Array;
  readonly #at: number;
  readonly #window: number;
  #bytes = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Info and length of the frames that wait, in turn. */
  readonly #frames: number[] = [];
  #first = 0;
  #consumed = 0;

  constructor(credits: Int32Array, channel: number, window: number) {
    this.#credits = credits;
    this.#at = channel * 2;
    this.#window = window;
  }

  get hasFrame(): boolean {
    return this.#first < this.#frames.length;
  }

  get frameInfo(): number {
    return this.#frames[this.#first] as number;
  }

  get frameLength(): number {
    return this.#frames[this.#first + 1] as number;
  }

  /** Takes the frame that is first in the ring. True when the writer waits for room in the ring. */
  accept(ring: RingReader): boolean {
    const length = ring.frameLength;
    if (this.#end + length > this.#bytes.length) this.#makeRoom(length);
    this.#frames.push(ring.frameInfo, length);
    const writerWaits = ring.take(this.#bytes, this.#end);
    this.#end += length;
    return writerWaits;
  }

  take(target: Uint8Array, position: number): boolean {
    const length = this.frameLength;
    target.set(this.#bytes.subarray(this.#start, this.#start + length), position);
    this.#start += length;
    this.#first += 2;
    if (this.#first === this.#frames.length) this.#forgetAll();
    this.#consumed = (this.#consumed + creditOf(length)) | 0;
    Atomics.store(this.#credits, this.#at + CONSUMED, this.#consumed);
    return this.#writerIsToBeWoken();
  }

  /** Not before half of the window is free, as for rings. What is on the way to this inlet is not counted. */
  #writerIsToBeWoken(): boolean {
    if (Atomics.load(this.#credits, this.#at + WRITER_WAITS) === 0) return false;
    const isMostlyFree = this.#first === this.#frames.length || this.#end - this.#start <= this.#window / 2;
    return isMostlyFree && Atomics.exchange(this.#credits, this.#at + WRITER_WAITS, 0) === 1;
  }

  #makeRoom(length: number): void {
    const used = this.#end - this.#start;
    const bytes =
      used + length <= this.#bytes.length
        ? this.#bytes
        : new Uint8Array(Math.max(used + length, this.#bytes.length * 2, 64));
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = used;
    this.#frames.splice(0, this.#first);
    this.#first = 0;
  }

  /** Memory that one large frame needed is not kept. */
  #forgetAll(): void {
    this.#start = 0;
    this.#end = 0;
    this.#frames.length = 0;
    this.#first = 0;
    if (this.#bytes.length > this.#window * 2) this.#bytes = NO_BYTES;
  }
}

/** Frames without a payload count too: what they take besides is bounded with them. */
function creditOf(length: number): number {
  return length + FRAME_HEADER_BYTES;
}
