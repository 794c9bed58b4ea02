/**
 * NDJSON: one JSON value per line, UTF-8. A file is cut at byte offsets so that several subtasks read one file; a record
 * belongs to the split in which its first byte lies. Blank lines are skipped. The position is the byte offset of the
 * next line and the number of lines before it in the split.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import {
  FileFormat,
  type FormatContext,
  type FormatReader,
  type InputFile,
  type InvalidRecordPolicy,
  type SplitBounds,
  type SplitPosition,
  type SplitReader,
} from './file-format.ts';
import { NdjsonSplitReader } from './ndjson-split-reader.ts';

export interface NdjsonFormatOptions<T> {
  /**
   * What to do with a line that is not JSON: fail the job, leave it out and count it (`invalidRecords`), or count it and
   * send it to the side output `invalid-records` as {file, line, text}.
   * @default 'fail'
   */
  readonly onInvalid?: InvalidRecordPolicy;
  /** Most bytes of a split. More splits mean finer rescaling and more state. @default 32 MiB */
  readonly splitBytes?: number;
  /** Longest line; a longer one fails the job, for it is most likely no NDJSON at all. @default 64 MiB */
  readonly maxLineBytes?: number;
  /** Bytes read at once. @default 1 MiB */
  readonly readBytes?: number;
  /** How the records cross threads; self-describing when left out. */
  readonly type?: TypeInformation<T>;
}

/** The options with their defaults. */
export type NdjsonSettings = Required<Omit<NdjsonFormatOptions<unknown>, 'type' | 'splitBytes'>>;

const MIB = 1024 * 1024;
/** Smaller parts of a file are not worth a subtask of their own. */
const MIN_SPLIT_BYTES = 64 * 1024;

export class NdjsonFormat<T = unknown> extends FileFormat<T> {
  override readonly type: TypeInformation<T> | undefined;
  readonly #settings: NdjsonSettings;
  readonly #splitBytes: number | undefined;

  /** @throws IllegalArgumentException for sizes that are not whole numbers above 0 */
  constructor(options: NdjsonFormatOptions<T> = {}) {
    super();
    const { onInvalid = 'fail', splitBytes, maxLineBytes = 64 * MIB, readBytes = MIB } = options;
    for (const [name, value] of Object.entries({ splitBytes, maxLineBytes, readBytes })) {
      if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
        throw new IllegalArgumentException(`${name} of the NDJSON format is a whole number above 0; got ${value}.`);
    }
    this.#settings = { onInvalid, maxLineBytes, readBytes };
    this.#splitBytes = splitBytes;
    this.type = options.type;
  }

  createReader(context: FormatContext): FormatReader<T> {
    const settings = this.#settings;
    const splitBytes = this.#splitBytes;
    return {
      plan: (file: InputFile, pieces: number | 'whole') =>
        Promise.resolve(byteRanges(file.sizeBytes, pieces, splitBytes)),
      open: (file: InputFile, bounds: SplitBounds, position: SplitPosition): SplitReader<T> =>
        new NdjsonSplitReader<T>(file, bounds, position, settings, context),
    };
  }
}

/** Ranges that cover a file without gap. */
function byteRanges(sizeBytes: number, pieces: number | 'whole', splitBytes = 32 * MIB): SplitBounds[] {
  const even = pieces === 'whole' ? sizeBytes : Math.max(MIN_SPLIT_BYTES, Math.ceil(sizeBytes / pieces));
  const step = pieces === 'whole' ? even : Math.min(even, splitBytes);
  const ranges: SplitBounds[] = [];
  for (let start = 0; start < sizeBytes; start += step) ranges.push({ start, end: Math.min(sizeBytes, start + step) });
  return ranges;
}
