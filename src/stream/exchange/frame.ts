/**
 * What a frame of a ring holds, packed into its info word: kind in bits 0 to 3, whether records have timestamps in bit
 * 4, number of records from bit 8 on.
 */

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
