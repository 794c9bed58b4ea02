/**
 * Java's modified UTF-8: U+0000 takes two bytes, and each half of a surrogate pair takes three, so any Java or
 * JavaScript string, lone surrogates included, has exactly one encoding.
 */

/** The number of bytes that a string takes. */
export function modifiedUtf8Length(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at++) length += unitLength(text.charCodeAt(at));
  return length;
}

/** Writes a string into bytes that have room for it; returns the place after it. */
export function writeModifiedUtf8(text: string, into: Uint8Array, from: number): number {
  let to = from;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const length = unitLength(unit);
    if (length === 1) {
      into[to] = unit;
    } else if (length === 2) {
      into[to] = 0xc0 | (unit >> 6);
      into[to + 1] = 0x80 | (unit & 0x3f);
    } else {
      into[to] = 0xe0 | (unit >> 12);
      into[to + 1] = 0x80 | ((unit >> 6) & 0x3f);
      into[to + 2] = 0x80 | (unit & 0x3f);
    }
    to += length;
  }
  return to;
}

/**
 * The string in these bytes; undefined when they are not modified UTF-8. Like Java it reads longer encodings than
 * necessary and a plain zero byte.
 */
export function readModifiedUtf8(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const coded = bytes.findIndex((byte) => byte > 0x7f);
  if (coded < 0) return buffer.toString('latin1');
  const units = Buffer.alloc(bytes.length * 2);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const size = sequenceLength(bytes[at] ?? 0);
    const unit = size === 0 ? -1 : unitAt(bytes, at, size);
    if (unit < 0) return undefined;
    units.writeUInt16LE(unit, length);
    length += 2;
    at += size;
  }
  return units.toString('utf16le', 0, length);
}

function unitLength(unit: number): number {
  if (unit >= 1 && unit <= 0x7f) return 1;
  return unit <= 0x7ff ? 2 : 3;
}

/** By its first byte; 0 when no sequence begins with it. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >> 5 === 0b110) return 2;
  return first >> 4 === 0b1110 ? 3 : 0;
}

/** -1 when the sequence is cut off or broken. */
function unitAt(bytes: Uint8Array, at: number, size: number): number {
  const first = bytes[at] ?? 0;
  if (size === 1) return first;
  let unit = first & (size === 2 ? 0x1f : 0x0f);
  for (let next = at + 1; next < at + size; next++) {
    const byte = bytes[next];
    if (byte === undefined || byte >> 6 !== 0b10) return -1;
    unit = (unit << 6) | (byte & 0x3f);
  }
  return unit;
}
