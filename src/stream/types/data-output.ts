import type { ShapeWriter } from './shapes.ts';

/**
 * A growing byte buffer with the primitives that every codec of the runtime writes with. Little-endian, no per-value
 * allocation. The bytes belong to the writer: take them with `toBytes` (a copy) or `view` (until the next write).
 */
export class DataOutput {
  position = 0;
  /**
   * Set by a stream whose reader sees every byte in order: records of one shape then send their field names once per
   * stream. Absent, every value stands alone and can be read by itself, as state must be.
   */
  shapes: ShapeWriter | undefined = undefined;

  #buffer: Buffer;
  // Writes numbers of several bytes in one instruction.
  #view: DataView;

  constructor(initialSize = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialSize);
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.byteLength);
  }

  /** What is written to. A new one goes on at the same position; it may be longer or shorter. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  set buffer(buffer: Buffer) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.position + count > this.#buffer.length) this.grow(count);
  }

  writeByte(value: number): void {
    if (this.position + 1 > this.#buffer.length) this.grow(1);
    this.#buffer[this.position++] = value;
  }

  writeInt32(value: number): void {
    if (this.position + 4 > this.#buffer.length) this.grow(4);
    this.#view.setInt32(this.position, value, true);
    this.position += 4;
  }

  writeInt64(value: bigint): void {
    if (this.position + 8 > this.#buffer.length) this.grow(8);
    this.#view.setBigInt64(this.position, value, true);
    this.position += 8;
  }

  writeFloat64(value: number): void {
    if (this.position + 8 > this.#buffer.length) this.grow(8);
    this.#view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** A non-negative safe integer in 1 to 8 bytes, seven bits each. */
  writeVarint(value: number): void {
    if (this.position + 8 > this.#buffer.length) this.grow(8);
    let rest = value;
    // Divisions only where shifts do not reach.
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) this.#buffer[this.position++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[this.position++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.position++] = rest;
  }

  /** Any JavaScript string without loss (lone surrogates too): one byte per unit where all are below 256, else two. */
  writeString(value: string): void {
    const length = value.length;
    this.reserve(length * 2 + 8);
    const start = this.position;
    this.writeVarint(length * 2);
    const body = this.position;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0xff) {
        this.position = start;
        this.writeVarint(length * 2 + 1);
        this.position += this.#buffer.write(value, this.position, 'utf16le');
        return;
      }
      this.#buffer[body + index] = unit;
    }
    this.position = body + length;
  }

  /** Length first, then the bytes. */
  writeBytes(bytes: Uint8Array): void {
    this.writeVarint(bytes.length);
    this.writeRaw(bytes);
  }

  /** The bytes alone. */
  writeRaw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** What was written, valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.position);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.position);
  }

  reset(): void {
    this.position = 0;
  }

  private grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.position + count));
    this.buffer.copy(larger, 0, 0, this.position);
    this.buffer = larger;
  }
}
