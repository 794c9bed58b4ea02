/** Parses the lines of one split; the next block of lines is read while this one is parsed. */
import { isUtf8 } from 'node:buffer';
import { assertNever } from '../../lib/assert-never.ts';
import { messageOf } from '../../lib/errors.ts';
import { Availability } from './availability.ts';
import { InvalidRecordError } from './errors.ts';
import {
  type FormatContext,
  INVALID_RECORDS,
  type InputFile,
  type InvalidRecord,
  type SplitBounds,
  type SplitPosition,
  type SplitReader,
} from './file-format.ts';
import { type LineBlock, LineBlocks } from './line-blocks.ts';
import type { NdjsonSettings } from './ndjson-format.ts';
import type { PollResult, SourceOutput } from './source.ts';

const BYTE_ORDER_MARK = '\uFEFF';

export class NdjsonSplitReader<T> implements SplitReader<T> {
  readonly #file: InputFile;
  readonly #settings: NdjsonSettings;
  readonly #context: FormatContext;
  readonly #blocks: LineBlocks;
  readonly #availability = new Availability();
  #block: LineBlock | undefined;
  /** Index of the next line in the text of the block. */
  #at = 0;
  #offset: number;
  #row: number;
  #ahead: LineBlock | undefined;
  #working: Promise<void> | undefined;
  #ended = false;
  #error: unknown;
  #linesBefore: number | undefined;

  constructor(
    file: InputFile,
    bounds: SplitBounds,
    position: SplitPosition,
    settings: NdjsonSettings,
    context: FormatContext,
  ) {
    this.#file = file;
    this.#settings = settings;
    this.#context = context;
    this.#offset = position.offset;
    this.#row = position.row;
    this.#linesBefore = bounds.start === 0 ? 0 : undefined;
    this.#blocks = new LineBlocks(file, bounds, position.offset, settings);
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    this.#availability.reset();
    for (let left = maxRecords; left > 0; left--) {
      if (this.#error !== undefined) throw this.#error;
      const block = this.#currentBlock();
      if (block === undefined) return this.#ended ? 'end' : 'idle';
      const { text } = block;
      const newline = text.indexOf('\n', this.#at);
      const end = newline === -1 ? text.length : newline;
      if (!this.#emitLine(out, text.slice(this.#at, end), block)) return 'idle';
      this.#at = newline === -1 ? text.length : newline + 1;
      this.#row++;
    }
    return 'more';
  }

  ready(): Promise<void> {
    return this.#availability.wait();
  }

  position(): SplitPosition {
    return { offset: this.#byteOffset(), row: this.#row };
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#blocks.close();
  }

  /** The block with the next line; undefined while it is being read, and at the end. */
  #currentBlock(): LineBlock | undefined {
    if (this.#block !== undefined && this.#at < this.#block.text.length) return this.#block;
    if (this.#block !== undefined) this.#offset = this.#byteOffset();
    this.#block = this.#ahead;
    this.#ahead = undefined;
    if (this.#block !== undefined)
      this.#at = this.#block.start === 0 && this.#block.text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
    if (!this.#ended) this.#work(() => this.#readAhead());
    return this.#block;
  }

  /** False when the line must wait until its number is known. */
  #emitLine(out: SourceOutput<T>, line: string, block: LineBlock): boolean {
    if (line.length === 0 || line === '\r') return true;
    const text = block.encoding === 'damaged' ? repaired(line) : line;
    if (text === undefined) return this.#invalid(out, line, 'it is not UTF-8');
    let value: T;
    try {
      value = JSON.parse(text) as T;
    } catch (error) {
      return text.trim().length === 0 || this.#invalid(out, text, `it is not JSON: ${messageOf(error)}`);
    }
    out.collect(value);
    return true;
  }

  #invalid(out: SourceOutput<T>, text: string, why: string): boolean {
    const { onInvalid } = this.#settings;
    if (onInvalid !== 'skip' && this.#linesBefore === undefined) {
      this.#work(() => this.#countLines());
      return false;
    }
    const line = (this.#linesBefore ?? 0) + this.#row + 1;
    switch (onInvalid) {
      case 'fail':
        throw new InvalidRecordError(
          this.#file.path,
          `line ${line} (byte ${this.#byteOffset()})`,
          why,
          "Correct the line, or set onInvalid of the format to 'skip' or 'side-output'.",
        );
      case 'side-output':
        out.collectSide(INVALID_RECORDS, {
          file: this.#file.path,
          line,
          text: text.replace(/\r$/, ''),
        } satisfies InvalidRecord);
        break;
      case 'skip':
        break;
      default:
        assertNever(onInvalid);
    }
    this.#context.countInvalid();
    return true;
  }

  #byteOffset(): number {
    const { start, text, encoding } = this.#block ?? { start: this.#offset, text: '', encoding: 'ascii' };
    return start + (encoding === 'utf8' ? Buffer.byteLength(text.slice(0, this.#at)) : Math.min(this.#at, text.length));
  }

  /** Runs one step beside `poll`, after the one before; what goes wrong comes out of the next poll. */
  #work(step: () => Promise<void>): void {
    const before = this.#working ?? Promise.resolve();
    this.#working = before
      .then(step)
      .catch((error: unknown) => {
        this.#error = error;
      })
      .finally(() => this.#availability.wake());
  }

  async #readAhead(): Promise<void> {
    if (this.#ahead !== undefined || this.#ended) return;
    this.#ahead = await this.#blocks.next();
    if (this.#ahead === undefined) this.#ended = true;
  }

  async #countLines(): Promise<void> {
    this.#linesBefore ??= await this.#blocks.countLinesBefore();
  }
}

/** The text behind bytes that stand one per character, or undefined where they are not UTF-8. */
function repaired(line: string): string | undefined {
  const bytes = Buffer.from(line, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
