/**
 * CSV files as RFC 4180 has them: fields in quotes may hold delimiters, quotes and line ends. Because only reading from
 * the beginning tells where a record ends, a file is one split; the position is the number of its records read, and a
 * restore reads over them again.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { CsvColumnType } from './csv-record.ts';
import { CsvSplitReader } from './csv-split-reader.ts';
import { FileFormat, type FormatContext, type FormatReader, type InvalidRecordPolicy } from './file-format.ts';

export interface CsvFormatOptions<T> {
  /** True: the first record names the columns. A list: the names, and the file has no header. @default true */
  readonly header?: true | readonly string[];
  /** What the fields of a column become; an empty field of another type than string becomes null. @default string */
  readonly types?: Readonly<Record<string, CsvColumnType>>;
  /** One character. @default ',' */
  readonly delimiter?: string;
  /** One character, doubled inside a quoted field. @default '"' */
  readonly quote?: string;
  /**
   * What to do with a record that has too few or too many fields, or a field that is not of its type; see NdjsonFormat.
   * A file whose quotes do not match fails the job in any case: nobody knows where the next record begins.
   * @default 'fail'
   */
  readonly onInvalid?: InvalidRecordPolicy;
  /** How the records cross threads; self-describing when left out. */
  readonly type?: TypeInformation<T>;
}

/** The options with their defaults. */
export type CsvSettings = Required<Omit<CsvFormatOptions<unknown>, 'type'>>;

export class CsvFormat<T = Record<string, string>> extends FileFormat<T> {
  override readonly type: TypeInformation<T> | undefined;
  readonly #settings: CsvSettings;

  /** @throws IllegalArgumentException for a delimiter or quote of another length than 1 */
  constructor(options: CsvFormatOptions<T> = {}) {
    super();
    const { header = true, types = {}, delimiter = ',', quote = '"', onInvalid = 'fail' } = options;
    if (delimiter.length !== 1 || quote.length !== 1 || delimiter === quote)
      throw new IllegalArgumentException(
        `delimiter and quote of the CSV format are two different characters; got "${delimiter}" and "${quote}".`,
      );
    this.#settings = { header, types, delimiter, quote, onInvalid };
    this.type = options.type;
  }

  createReader(context: FormatContext): FormatReader<T> {
    const settings = this.#settings;
    return {
      plan: (file) => Promise.resolve(file.sizeBytes === 0 ? [] : [{ start: 0, end: 1 }]),
      open: (file, _bounds, position) => new CsvSplitReader<T>(file, position, settings, context),
    };
  }
}
