/**
 * A queue of frames in shared memory with one writing and one reading thread, and no locks.
 *
 *     ┌ header ────────────────────────────┐┌ data, a power of two of bytes, used in a circle ───────────────┐
 *     │ tail │ head │ is the writer waiting ││ length · info · channel · payload ┊ length · info · … ┊ free… │
 *     └────────────────────────────────────┘└────────────────────────────────────────────────────────────────┘
 *
 * Tail and head count bytes and are never reduced; their difference is what lies in the ring. The writer fills a frame
 * and then moves the tail, the reader empties one and then moves the head: neither ever sees half a frame. Frames begin
 * at multiples of 16, so that only payloads run over the edge.
 */
import { IllegalArgumentException, IOException } from '../../lib/java-errors.ts';
import type { FrameReader, FrameWriter } from './frame.ts';

/** Bytes before the data. */
export const RING_HEADER_BYTES = 192;

// A cache line each: writer and reader would else take it from one another with every frame.
const TAIL = 0;
const HEAD = 16;
const WRITER_WAITS = 32;
/** Of a frame: length, info, channel, and a word that nothing is in. */
export const FRAME_HEADER_BYTES = 16;

const BATCH_BYTES = 16 * 1024;

/** Memory of a ring. @param dataBytes a power of two from 4096 on */
export function createRing(dataBytes = 512 * 1024): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(RING_HEADER_BYTES + dataBytes);
  checkCapacity(memory);
  return memory;
}

/** The writing end. */
export class RingWriter implements FrameWriter {
  readonly #header: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #tail: number;
  /** As last seen; the reader may be further. */
  #head: number;

  constructor(memory: SharedArrayBuffer) {
    this.#capacity = checkCapacity(memory);
    this.#header = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
    this.#words = new Int32Array(memory, RING_HEADER_BYTES);
    this.#bytes = new Uint8Array(memory, RING_HEADER_BYTES);
    this.#tail = Atomics.load(this.#header, TAIL);
    this.#head = Atomics.load(this.#header, HEAD);
  }

  /** Leaves some room, so that the record that completes a batch of a small ring still fits into the frame. */
  get batchBytes(): number {
    return Math.min(BATCH_BYTES, Math.floor(this.maxPayload * 0.875));
  }

  get initialBytes(): number {
    return this.batchBytes + 1024;
  }

  /** The longest payload. Longer ones would leave the reader idle while the writer fills the rest of the ring. */
  get maxPayload(): number {
    return this.#capacity / 4 - FRAME_HEADER_BYTES;
  }

  /**
   * Writes `bytes[from … to)` as a frame. False when there is no room now; the reader then says when half of the ring is
   * free.
   *
   * @param channel whose frame it is, where a ring carries those of several @default 0
   */
  tryWrite(info: number, bytes: Uint8Array, from: number, to: number, channel = 0): boolean {
    const length = to - from;
    const size = frameSize(length);
    if (!this.#hasRoom(size)) {
      Atomics.store(this.#header, WRITER_WAITS, 1);
      // Once more: room made before the store was announced to nobody.
      if (!this.#hasRoom(size)) return false;
      Atomics.store(this.#header, WRITER_WAITS, 0);
    }
    const at = this.#tail & (this.#capacity - 1);
    this.#words[at >> 2] = length;
    this.#words[(at >> 2) + 1] = info;
    this.#words[(at >> 2) + 2] = channel;
    this.#copyIn(bytes, from, to, at + FRAME_HEADER_BYTES);
    this.#tail = (this.#tail + size) | 0;
    Atomics.store(this.#header, TAIL, this.#tail);
    return true;
  }

  #hasRoom(size: number): boolean {
    if (((this.#tail - this.#head) | 0) + size <= this.#capacity) return true;
    this.#head = Atomics.load(this.#header, HEAD);
    return ((this.#tail - this.#head) | 0) + size <= this.#capacity;
  }

  #copyIn(bytes: Uint8Array, from: number, to: number, position: number): void {
    const at = position & (this.#capacity - 1);
    const first = Math.min(to - from, this.#capacity - at);
    this.#bytes.set(bytes.subarray(from, from + first), at);
    if (from + first < to) this.#bytes.set(bytes.subarray(from + first, to), 0);
  }
}

/** The reading end. `frameLength`, `frameInfo` and `take` are for when `hasFrame` has said true. */
export class RingReader implements FrameReader {
  readonly initialBytes = BATCH_BYTES + 1024;
  readonly #header: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #head: number;
  /** As last seen; the writer may be further. */
  #tail: number;

  constructor(memory: SharedArrayBuffer) {
    this.#capacity = checkCapacity(memory);
    this.#header = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
    this.#words = new Int32Array(memory, RING_HEADER_BYTES);
    this.#bytes = new Uint8Array(memory, RING_HEADER_BYTES);
    this.#head = Atomics.load(this.#header, HEAD);
    this.#tail = Atomics.load(this.#header, TAIL);
  }

  /** Whether a frame is there. */
  get hasFrame(): boolean {
    if (this.#head !== this.#tail) return true;
    this.#tail = Atomics.load(this.#header, TAIL);
    return this.#head !== this.#tail;
  }

  /** Payload bytes of the frame that is there. */
  get frameLength(): number {
    const length = this.#words[this.#offset >> 2] as number;
    const isInside = length >= 0 && length <= this.#capacity && frameSize(length) <= ((this.#tail - this.#head) | 0);
    if (isInside) return length;
    throw new IOException(`a frame of ${length} bytes in a ring of ${this.#capacity}: its memory is damaged`);
  }

  /** What the writer said of the frame that is there. */
  get frameInfo(): number {
    return this.#words[(this.#offset >> 2) + 1] as number;
  }

  /** Whose frame it is. */
  get frameChannel(): number {
    return this.#words[(this.#offset >> 2) + 2] as number;
  }

  /** Copies the payload to `target` at `position` and frees the frame. True when the writer waits for room: wake it. */
  take(target: Uint8Array, position: number): boolean {
    const length = this.frameLength;
    const at = (this.#offset + FRAME_HEADER_BYTES) & (this.#capacity - 1);
    const first = Math.min(length, this.#capacity - at);
    target.set(this.#bytes.subarray(at, at + first), position);
    if (first < length) target.set(this.#bytes.subarray(0, length - first), position + first);
    this.#head = (this.#head + frameSize(length)) | 0;
    Atomics.store(this.#header, HEAD, this.#head);
    return this.#writerIsToBeWoken();
  }

  get #offset(): number {
    return this.#head & (this.#capacity - 1);
  }

  /** Not before half of the ring is free: a writer woken for every frame would sleep and wake in turns. */
  #writerIsToBeWoken(): boolean {
    if (Atomics.load(this.#header, WRITER_WAITS) === 0) return false;
    const used = (Atomics.load(this.#header, TAIL) - this.#head) | 0;
    return used <= this.#capacity / 2 && Atomics.exchange(this.#header, WRITER_WAITS, 0) === 1;
  }
}

function frameSize(length: number): number {
  return FRAME_HEADER_BYTES + ((length + 15) & ~15);
}

function checkCapacity(memory: SharedArrayBuffer): number {
  const capacity = memory.byteLength - RING_HEADER_BYTES;
  if (capacity >= 4096 && capacity <= 1 << 29 && (capacity & (capacity - 1)) === 0) return capacity;
  throw new IllegalArgumentException(`A ring needs a power of two of bytes from 4096 to 2^29, not ${capacity}.`);
}
