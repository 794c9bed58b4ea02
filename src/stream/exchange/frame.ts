/**
 * Frames: what bytes between threads are cut into, the two ends that they pass, and what a frame holds, packed into its info word: kind in bits 0 to 3, whether records have timestamps in bit
 * 4, number of records from bit 8 on.
 */

/** Where frames go in. */
export interface FrameWriter {
  /** The longest payload of a frame. */
  readonly maxPayload: number;
  /** How long the payload of a batch of records should become, a little above allowed. */
  readonly batchBytes: number;
  /** Bytes of memory that a batch begins with; it grows as it must. */
  readonly initialBytes: number;
  /** Writes `bytes[from … to)` as a frame. False when there is no room now; the reader then says when there is. */
  tryWrite(info: number, bytes: Uint8Array, from: number, to: number): boolean;
}

/** Where frames come out. `frameLength`, `frameInfo` and `take` are for when `hasFrame` has said true. */
export interface FrameReader {
  /** Bytes of memory that the reading of frames begins with; it grows as it must. */
  readonly initialBytes: number;
  readonly hasFrame: boolean;
  /** Payload bytes of the frame that is there. */
  readonly frameLength: number;
  /** What the writer said of the frame that is there. */
  readonly frameInfo: number;
  /** Copies the payload to `target` at `position` and frees the frame. True when the writer waits for room: wake it. */
  take(target: Uint8Array, position: number): boolean;
}

/** Records, or the last piece of records that were too long for one frame. */
export const RECORDS = 1;
/** Bytes that go before those of the next frame. */
export const PIECE = 2;
export const WATERMARK = 3;
export const IDLE = 4;
export const BARRIER = 5;
export const CANCEL_BARRIER = 6;
export const END = 7;

/** Most records in a frame. */
export const MAX_RECORDS = 8192;

/** Packs the info word. */
export function frameInfo(kind: number, withTimestamps: boolean, records: number): number {
  return kind | (withTimestamps ? 16 : 0) | (records << 8);
}

export function kindOf(info: number): number {
  return info & 15;
}

export function hasTimestamps(info: number): boolean {
  return (info & 16) !== 0;
}

export function recordsIn(info: number): number {
  return info >>> 8;
}
