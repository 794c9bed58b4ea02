import { IOException } from '../../lib/java-errors.ts';
import type { ShapeReader } from './shapes.ts';
import { SHORT_TEXT_MAX, shortText } from './short-text.ts';

/**
 * Reads what DataOutput wrote. Every read is checked against the end: bytes that were cut or changed give an
 * IOException, never a wrong value from behind the end and never an allocation of a size that the data made up.
 */
export class DataInput {
  position: number;
  end: number;
  /** The counterpart of `DataOutput.shapes`: set exactly when the writer had it set. */
  shapes: ShapeReader | undefined = undefined;

  #buffer: Buffer;
  // Reads numbers of several bytes in one instruction.
  #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.end = bytes.byteLength;
  }

  /** What is read from. A new one is taken up at the same position; set `end` to what it holds. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  set buffer(buffer: Buffer) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  get remaining(): number {
    return this.end - this.position;
  }

  readByte(): number {
    if (this.position + 1 > this.end) this.fail(1);
    return this.#buffer[this.position++] as number;
  }

  readInt32(): number {
    if (this.position + 4 > this.end) this.fail(4);
    const value = this.#view.getInt32(this.position, true);
    this.position += 4;
    return value;
  }

  readInt64(): bigint {
    if (this.position + 8 > this.end) this.fail(8);
    const value = this.#view.getBigInt64(this.position, true);
    this.position += 8;
    return value;
  }

  readFloat64(): number {
    if (this.position + 8 > this.end) this.fail(8);
    const value = this.#view.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  readVarint(): number {
    if (this.position >= this.end) this.fail(1);
    const first = this.#buffer[this.position] as number;
    if (first >= 0x80) return this.#readLongVarint();
    this.position++;
    return first;
  }

  #readLongVarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.readByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new IOException(
      `a variable-length integer at byte ${this.position} has more than 8 bytes: the data is damaged`,
    );
  }

  /** A count of things of at least `minBytes` each that must still fit into what remains. */
  readCount(minBytes = 1): number {
    const count = this.readVarint();
    if (count * minBytes > this.remaining) this.fail(count * minBytes);
    return count;
  }

  readString(): string {
    const header = this.readVarint();
    const wide = header % 2 === 1;
    const size = wide ? header - 1 : header / 2;
    if (!wide) return this.readLatin1(size);
    if (this.position + size > this.end) this.fail(size);
    const text = this.#buffer.toString('utf16le', this.position, this.position + size);
    this.position += size;
    return text;
  }

  /** A string of `size` units of one byte each, without a header. */
  readLatin1(size: number): string {
    const from = this.position;
    if (from + size > this.end) this.fail(size);
    this.position = from + size;
    return size <= SHORT_TEXT_MAX
      ? shortText(this.#buffer, from, size)
      : this.#buffer.toString('latin1', from, from + size);
  }

  /** A view, not a copy. */
  readBytes(): Uint8Array {
    return this.readRaw(this.readVarint());
  }

  /** A view, not a copy. */
  readRaw(size: number): Uint8Array {
    if (this.position + size > this.end) this.fail(size);
    const bytes = this.#buffer.subarray(this.position, this.position + size);
    this.position += size;
    return bytes;
  }

  /** Passes over `size` bytes, which are there. */
  skip(size: number): void {
    if (this.position + size > this.end) this.fail(size);
    this.position += size;
  }

  private fail(count: number): never {
    throw new IOException(
      `${count} bytes wanted at byte ${this.position} of ${this.end}: the data is cut off or damaged`,
    );
  }
}
