/** Reads the records of one CSV file through a parser stream. */
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CsvError, Parser } from 'csv-parse';
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { Availability } from './availability.ts';
import type { CsvSettings } from './csv-format.ts';
import { CsvColumns } from './csv-record.ts';
import { FileUnreadableError, InvalidRecordError, reasonOf } from './errors.ts';
import {
  type FormatContext,
  INVALID_RECORDS,
  type InputFile,
  type InvalidRecord,
  type SplitPosition,
  type SplitReader,
} from './file-format.ts';
import { openInputFile, refuseChanged } from './input-files.ts';
import type { PollResult, SourceOutput } from './source.ts';

const READ_BYTES = 256 * 1024;
/** A field that never ends, for want of a quote, must not take all memory. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

export class CsvSplitReader<T> implements SplitReader<T> {
  readonly #file: InputFile;
  readonly #settings: CsvSettings;
  readonly #context: FormatContext;
  readonly #parser: Parser;
  readonly #availability = new Availability();
  #reading: Promise<void> | undefined;
  #columns: CsvColumns | undefined;
  /** Records read so far, the header not counted. */
  #row = 0;
  /** Records up to here were emitted before the restore. */
  readonly #firstRow: number;
  #ended = false;
  #closed = false;
  #error: unknown;

  constructor(file: InputFile, position: SplitPosition, settings: CsvSettings, context: FormatContext) {
    this.#file = file;
    this.#settings = settings;
    this.#context = context;
    this.#firstRow = position.row;
    this.#parser = new Parser({
      bom: true,
      delimiter: settings.delimiter,
      quote: settings.quote,
      escape: settings.quote,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_BYTES,
    });
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    this.#availability.reset();
    this.#reading ??= this.#read();
    for (let left = maxRecords; left > 0; left--) {
      if (this.#error !== undefined) throw this.#error;
      const fields = this.#parser.read() as string[] | null;
      if (fields === null) return this.#ended ? 'end' : 'idle';
      if (this.#columns === undefined && this.#settings.header === true) this.#columns = this.#columnsOf(fields);
      else this.#take(fields, out);
    }
    return 'more';
  }

  ready(): Promise<void> {
    return this.#availability.wait();
  }

  position(): SplitPosition {
    return { offset: 0, row: Math.max(this.#row, this.#firstRow) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#parser.destroy();
    await this.#reading;
  }

  #take(fields: readonly string[], out: SourceOutput<T>): void {
    this.#columns ??= this.#columnsOf(this.#settings.header === true ? fields : this.#settings.header);
    this.#row++;
    if (this.#row <= this.#firstRow) return;
    const made = this.#columns.recordOf(fields);
    if ('record' in made) out.collect(made.record as T);
    else this.#invalid(fields, made.invalid, out);
  }

  #columnsOf(names: readonly string[]): CsvColumns {
    const made = CsvColumns.of(names, this.#settings.types);
    if ('columns' in made) return made.columns;
    throw new InvalidRecordError(
      this.#file.path,
      'header',
      made.invalid,
      'Correct the file, or header and types of the format.',
    );
  }

  #invalid(fields: readonly string[], why: string, out: SourceOutput<T>): void {
    const { onInvalid, delimiter } = this.#settings;
    switch (onInvalid) {
      case 'fail':
        throw new InvalidRecordError(
          this.#file.path,
          `record ${this.#row}`,
          why,
          "Correct the record, or set onInvalid of the format to 'skip' or 'side-output'.",
        );
      case 'side-output': {
        const text = fields.join(delimiter);
        out.collectSide(INVALID_RECORDS, { file: this.#file.path, line: this.#row, text } satisfies InvalidRecord);
        break;
      }
      case 'skip':
        break;
      default:
        assertNever(onInvalid);
    }
    this.#context.countInvalid();
  }

  /** Feeds the parser until the end of the file; never rejects. */
  async #read(): Promise<void> {
    let handle: FileHandle | undefined;
    try {
      this.#parser.on('readable', () => this.#availability.wake());
      handle = await openInputFile(this.#file);
      const ended = new Promise<void>((resolve) => this.#parser.once('close', resolve).once('end', resolve));
      await pipeline(handle.createReadStream({ autoClose: false, highWaterMark: READ_BYTES }), this.#parser);
      // The parser has seen everything, but its records wait to be polled.
      await ended;
      await refuseChanged(this.#file, handle);
      this.#ended = true;
    } catch (error) {
      if (!this.#closed) this.#error = this.#explained(error);
    } finally {
      await handle?.close();
      this.#availability.wake();
    }
  }

  #explained(cause: unknown): unknown {
    if (cause instanceof FlinkJobError) return cause;
    if (!(cause instanceof CsvError)) return new FileUnreadableError(this.#file.path, reasonOf(cause), { cause });
    const { lines, records } = cause as unknown as { lines?: number; records?: number };
    return new InvalidRecordError(
      this.#file.path,
      `line ${lines ?? '?'} (after ${records ?? '?'} records, the header counted)`,
      `it is not CSV: ${messageOf(cause)}`,
      'Correct the file, or delimiter and quote of the format.',
    );
  }
}
