/** Writes as Java's DataOutputStream does: big-endian numbers and modified UTF-8. */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { modifiedUtf8Length, writeModifiedUtf8 } from './modified-utf8.ts';

/** Bytes that grow. */
export class DataOutput {
  #buffer = Buffer.alloc(1024);
  #length = 0;

  byte(value: number): void {
    const at = this.#room(1);
    this.#buffer[at] = value;
  }

  uint16(value: number): void {
    const at = this.#room(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(BigInt.asIntN(64, value), at);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Text as `writeUTF` writes it. @throws IllegalArgumentException for text of more than 65,535 encoded bytes */
  utf(text: string): void {
    const length = modifiedUtf8Length(text);
    if (length > 0xffff) {
      throw new IllegalArgumentException(`a text takes ${length} bytes; this format holds at most 65535`);
    }
    this.uint16(length);
    this.utfBody(text, length);
  }

  /** Modified UTF-8 without a length before it. */
  utfBody(text: string, length = modifiedUtf8Length(text)): void {
    const at = this.#room(length);
    writeModifiedUtf8(text, this.#buffer, at);
  }

  /** A copy of what was written. */
  written(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
  }

  #room(length: number): number {
    const at = this.#length;
    if (at + length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, at + length));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#length = at + length;
    return at;
  }
}
