/** Jute, the encoding of ZooKeeper's protocol: big-endian numbers, and strings and buffers behind their length. */

/** How one answer that announces itself is bounded; a server sends no more than its own limit, 1 MiB as a rule. */
export const LARGEST_FRAME_BYTES = 64 * 1024 * 1024;

/** Builds one frame, its length in front. */
export class JuteWriter {
  #buffer = Buffer.allocUnsafe(256);
  #end = 4;

  int(value: number): this {
    this.#room(4);
    this.#end = this.#buffer.writeInt32BE(value, this.#end);
    return this;
  }

  long(value: bigint): this {
    this.#room(8);
    this.#end = this.#buffer.writeBigInt64BE(BigInt.asIntN(64, value), this.#end);
    return this;
  }

  bool(value: boolean): this {
    this.#room(1);
    this.#end = this.#buffer.writeUInt8(value ? 1 : 0, this.#end);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.int(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  string(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  /** Everything written, as it goes over the wire. */
  frame(): Buffer {
    this.#buffer.writeInt32BE(this.#end - 4, 0);
    return this.#buffer.subarray(0, this.#end);
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#buffer.length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

/** Reads one frame, without its length. Reading past its end throws a RangeError. */
export class JuteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int(): number {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  long(): bigint {
    this.#at += 8;
    return this.#buffer.readBigInt64BE(this.#at - 8);
  }

  bool(): boolean {
    this.#at += 1;
    return this.#buffer.readUInt8(this.#at - 1) !== 0;
  }

  /** A missing buffer (length −1) is an empty one. */
  bytes(): Buffer {
    const length = Math.max(0, this.int());
    if (this.#at + length > this.#buffer.length) throw new RangeError(`${length} bytes are announced, and not there`);
    this.#at += length;
    // Copied: what a caller keeps must not keep a whole frame.
    return Buffer.from(this.#buffer.subarray(this.#at - length, this.#at));
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  strings(): string[] {
    const count = Math.max(0, this.int());
    const strings: string[] = [];
    for (let i = 0; i < count; i += 1) strings.push(this.string());
    return strings;
  }
}
