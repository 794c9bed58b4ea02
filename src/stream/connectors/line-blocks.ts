/**
 * Cuts a byte range of a file into blocks of whole lines. A line belongs to the range in which its first byte lies: a
 * range that does not begin the file skips the line it lands in, and reads its last line to the end, beyond its bound.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { InvalidRecordError } from './errors.ts';
import type { InputFile, SplitBounds } from './file-format.ts';
import { openInputFile, refuseChanged } from './input-files.ts';

const NEWLINE = 10;

/** Whole lines as text. */
export interface LineBlock {
  /** Byte offset of the first character. */
  readonly start: number;
  readonly text: string;
  /** `damaged`: not UTF-8; each character stands for one byte. */
  readonly encoding: 'ascii' | 'utf8' | 'damaged';
}

/** Reads the blocks one after the other. */
export class LineBlocks {
  readonly #file: InputFile;
  readonly #bounds: SplitBounds;
  readonly #readBytes: number;
  readonly #maxLineBytes: number;
  #handle: FileHandle | undefined;
  /** Bytes read but not yet given out: the beginning of a line. */
  #carry: Buffer = Buffer.alloc(0);
  #carryStart: number;
  #offset: number;
  #skipsFirstLine: boolean;
  #ended = false;

  /** @param from where to go on: the start of the range, or the start of a line in it */
  constructor(
    file: InputFile,
    bounds: SplitBounds,
    from: number,
    limits: { readonly readBytes: number; readonly maxLineBytes: number },
  ) {
    this.#file = file;
    this.#bounds = bounds;
    this.#readBytes = limits.readBytes;
    this.#maxLineBytes = limits.maxLineBytes;
    // One byte back: when that is the end of a line, as it is at a stored position, the line that begins here is ours.
    this.#skipsFirstLine = from > 0;
    this.#offset = Math.max(0, from - 1);
    this.#carryStart = this.#offset;
  }

  /** The next block, or undefined at the end of the range. Not to be called again before it has resolved. */
  async next(): Promise<LineBlock | undefined> {
    this.#handle ??= await openInputFile(this.#file);
    while (!this.#ended) {
      const atEndOfFile = await this.#readMore(this.#handle);
      if (this.#skipsFirstLine && !this.#skipFirstLine()) {
        if (atEndOfFile) break;
        continue;
      }
      const size = this.#wholeLines(atEndOfFile);
      if (size > 0) return this.#take(size);
      if (atEndOfFile) break;
      this.#refuseEndlessLine();
    }
    this.#ended = true;
    await refuseChanged(this.#file, this.#handle);
    return undefined;
  }

  /** How many lines end before the first line of the range. */
  async countLinesBefore(): Promise<number> {
    if (this.#bounds.start === 0) return 0;
    this.#handle ??= await openInputFile(this.#file);
    const buffer = Buffer.allocUnsafe(this.#readBytes);
    const stop = this.#bounds.start - 1;
    let lines = 1;
    for (let offset = 0; offset < stop; ) {
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, stop - offset), offset);
      if (bytesRead === 0) break;
      lines += newlinesIn(buffer.subarray(0, bytesRead));
      offset += bytesRead;
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** Appends to the carry; true when the file has no more. */
  async #readMore(handle: FileHandle): Promise<boolean> {
    const size = Math.min(this.#readBytes, this.#file.sizeBytes - this.#offset);
    if (size <= 0) return true;
    const chunk = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await handle.read(chunk, 0, size, this.#offset);
    this.#offset += bytesRead;
    const read = chunk.subarray(0, bytesRead);
    this.#carry = this.#carry.length === 0 ? read : Buffer.concat([this.#carry, read]);
    // A file that became shorter: the check at the end says so.
    return bytesRead === 0 || this.#offset >= this.#file.sizeBytes;
  }

  /** False when the end of the first line has not been read yet. */
  #skipFirstLine(): boolean {
    const end = this.#carry.indexOf(NEWLINE);
    const skipped = end === -1 ? this.#carry.length : end + 1;
    this.#carry = this.#carry.subarray(skipped);
    this.#carryStart += skipped;
    if (end === -1) return false;
    this.#skipsFirstLine = false;
    return true;
  }

  /** How many bytes of the carry are whole lines of this range. Ends the range when its last line is among them. */
  #wholeLines(atEndOfFile: boolean): number {
    if (this.#carryStart >= this.#bounds.end) {
      this.#ended = true;
      return 0;
    }
    const endOfLastLine = this.#carry.indexOf(NEWLINE, Math.max(0, this.#bounds.end - 1 - this.#carryStart));
    if (endOfLastLine !== -1 || atEndOfFile) {
      this.#ended = true;
      return endOfLastLine === -1 ? this.#carry.length : endOfLastLine + 1;
    }
    return this.#carry.lastIndexOf(NEWLINE) + 1;
  }

  #take(size: number): LineBlock {
    const bytes = this.#carry.subarray(0, size);
    const start = this.#carryStart;
    this.#carry = this.#carry.subarray(size);
    this.#carryStart += size;
    if (isAscii(bytes)) return { start, text: bytes.toString('latin1'), encoding: 'ascii' };
    if (isUtf8(bytes)) return { start, text: bytes.toString('utf8'), encoding: 'utf8' };
    return { start, text: bytes.toString('latin1'), encoding: 'damaged' };
  }

  #refuseEndlessLine(): void {
    if (this.#carry.length <= this.#maxLineBytes) return;
    throw new InvalidRecordError(
      this.#file.path,
      `byte ${this.#carryStart}`,
      `the line that begins here has more than ${this.#maxLineBytes} bytes`,
      'Is this NDJSON? If so, set maxLineBytes of the format to a larger number.',
    );
  }
}

function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
