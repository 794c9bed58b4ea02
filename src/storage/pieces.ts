import type { Chunks } from './storage.ts';

/** Large enough that few calls wait for their turn beside busy records, small enough that hashing one takes a few ms. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Smaller chunks are collected. */
const SMALL_BYTES = 64 * 1024;

/** The bytes of the chunks in order, in pieces of a size that is good to write and to hash: large ones cut, small ones joined. */
export async function* inPieces(chunks: Chunks): AsyncGenerator<Uint8Array> {
  if (chunks instanceof Uint8Array && chunks.byteLength <= PIECE_BYTES) {
    yield chunks;
    return;
  }
  const room = roomFor(chunks);
  let small: Uint8Array | undefined;
  let collected = 0;
  for await (const chunk of iterable(chunks)) {
    if (chunk.byteLength < SMALL_BYTES && collected + chunk.byteLength <= room) {
      small ??= new Uint8Array(room);
      small.set(chunk, collected);
      collected += chunk.byteLength;
      continue;
    }
    if (small !== undefined && collected > 0) yield small.subarray(0, collected);
    collected = 0;
    for (let at = 0; at < chunk.byteLength; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
  if (small !== undefined && collected > 0) yield small.subarray(0, collected);
}

/** A few kilobytes, the most frequent file, do not need a piece of full size. */
function roomFor(chunks: Chunks): number {
  if (!Array.isArray(chunks)) return PIECE_BYTES;
  const total = (chunks as readonly Uint8Array[]).reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return Math.min(PIECE_BYTES, total);
}

function iterable(chunks: Chunks): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return chunks instanceof Uint8Array ? [chunks] : (chunks as Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}
