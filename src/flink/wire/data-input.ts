/**
 * Reads what Java's DataOutputStream wrote, and trusts nothing: no read goes beyond the bytes, no count is believed
 * before the bytes for it are known to be there, and bytes are handed out as views, never as copies.
 */
import { FlinkDataError, type FlinkDataErrorCode } from './errors.ts';
import { readModifiedUtf8 } from './modified-utf8.ts';

/** What is read, and how an error about it is called. */
export interface DataSubject {
  readonly code: FlinkDataErrorCode;
  readonly name: string;
}

/** More things than this nobody lists; each becomes an object of a hundred bytes, and may take but three of a file. */
const MOST_PARTS = 2_000_000;

/** A place in some bytes, moving forward. Every method throws a FlinkDataError when the bytes do not hold what it reads. */
export class DataInput {
  readonly subject: DataSubject;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #parts = 0;

  constructor(bytes: Uint8Array, subject: DataSubject) {
    this.subject = subject;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next byte, which stays unread; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#offset];
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  /** A long that must be a number that JavaScript counts exactly, from `least` on. */
  long(what: string, least = 0): number {
    const value = this.int64();
    const asNumber = Number(value);
    if (!Number.isSafeInteger(asNumber) || asNumber < least) this.fail(`${what} is ${value}`);
    return asNumber;
  }

  /** Java's boolean: any byte but 0 is true. */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  /** An int that says how many things follow, each of at least `eachBytes`. */
  count(what: string, eachBytes: number): number {
    const count = this.int32();
    if (count < 0 || count * eachBytes > this.remaining) {
      this.fail(`${count} ${what} are announced and ${this.remaining} bytes are left`);
    }
    return count;
  }

  /** The same of things that become objects: of these there are only so many in all. */
  parts(what: string, eachBytes: number): number {
    return this.announced(what, this.count(what, eachBytes));
  }

  /** A count that was read already, of things that become objects. */
  announced(what: string, count: number): number {
    this.#parts += count;
    if (this.#parts > MOST_PARTS) this.fail(`with ${count} ${what} it has more than ${MOST_PARTS} parts`);
    return count;
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Text as `writeUTF` writes it. */
  utf(): string {
    return this.utfBody(this.uint16());
  }

  /** Modified UTF-8 of a length that is known already. */
  utfBody(length: number): string {
    const at = this.#offset;
    return readModifiedUtf8(this.bytes(length)) ?? this.#failAt(at, 'text is not modified UTF-8');
  }

  /** Moves to where these bytes come next; false, and no move, where they do not. */
  skipTo(wanted: Uint8Array): boolean {
    const found = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length).indexOf(
      wanted,
      this.#offset,
    );
    if (found >= 0) this.#offset = found;
    return found >= 0;
  }

  /** Ends reading with the error of this subject. */
  fail(reason: string): never {
    return this.#failAt(this.#offset, reason);
  }

  #take(length: number): number {
    if (length > this.remaining) this.fail(`${length} bytes are needed and ${this.remaining} are left`);
    const from = this.#offset;
    this.#offset += length;
    return from;
  }

  #failAt(offset: number, reason: string): never {
    throw new FlinkDataError(this.subject.code, this.subject.name, reason, offset);
  }
}
