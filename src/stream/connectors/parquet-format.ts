/**
 * Parquet files: one split per row group, one plain object per row with the values of the chosen columns. A row group is
 * decoded as a whole, column by column, and handed out row by row; the position is the row in its group.
 */
import type { FileHandle } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { Availability } from './availability.ts';
import { FileUnreadableError } from './errors.ts';
import {
  FileFormat,
  type FormatReader,
  type InputFile,
  type SplitBounds,
  type SplitPosition,
  type SplitReader,
} from './file-format.ts';
import { openInputFile } from './input-files.ts';
import { columnConverter, type ParquetValueOptions, timestampParsers } from './parquet-values.ts';
import { type RowMaker, rowMaker } from './row-maker.ts';
import type { PollResult, SourceOutput } from './source.ts';

export interface ParquetFormatOptions<T> extends ParquetValueOptions {
  /** The columns to read, in this order. @default all */
  readonly columns?: readonly string[];
  /** How the records cross threads; self-describing when left out. */
  readonly type?: TypeInformation<T>;
}

/** Reads Parquet with any of its usual compressions. */
export class ParquetFormat<T = Record<string, unknown>> extends FileFormat<T> {
  override readonly type: TypeInformation<T> | undefined;
  readonly #options: ParquetFormatOptions<T>;

  constructor(options: ParquetFormatOptions<T> = {}) {
    super();
    this.#options = options;
    this.type = options.type;
  }

  createReader(): FormatReader<T> {
    return new ParquetFormatReader<T>(this.#options);
  }
}

/** What is known of a file from its footer. */
interface Footer {
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  /** The number of rows before each row group, and of all at the end. */
  readonly groupStarts: readonly number[];
}

class ParquetFormatReader<T> implements FormatReader<T> {
  readonly #options: ParquetFormatOptions<T>;
  /** The footer last read: the splits of a file are read one after the other. */
  #last: { readonly location: string; readonly sizeBytes: number; readonly footer: Footer } | undefined;

  constructor(options: ParquetFormatOptions<T>) {
    this.#options = options;
  }

  async plan(file: InputFile): Promise<SplitBounds[]> {
    const handle = await openInputFile(file);
    try {
      const { metadata } = await this.footer(file, handle);
      return metadata.row_groups.map((_, group) => ({ start: group, end: group + 1 }));
    } finally {
      await handle.close();
    }
  }

  open(file: InputFile, bounds: SplitBounds, position: SplitPosition): SplitReader<T> {
    return new RowGroupReader<T>(this, file, bounds.start, position.row);
  }

  async footer(file: InputFile, handle: FileHandle): Promise<Footer> {
    const last = this.#last;
    if (last?.location === file.location && last.sizeBytes === file.sizeBytes) return last.footer;
    const metadata = await readable(file, 'its footer', () => parquetMetadataAsync(asyncBuffer(file, handle)));
    const footer = { metadata, columns: this.#columns(file, metadata), groupStarts: groupStarts(metadata) };
    this.#last = { location: file.location, sizeBytes: file.sizeBytes, footer };
    return footer;
  }

  /** Decodes a row group into one array per column. */
  async decode(
    file: InputFile,
    handle: FileHandle,
    group: number,
  ): Promise<{ names: readonly string[]; columns: unknown[][] }> {
    const { metadata, columns: names, groupStarts: starts } = await this.footer(file, handle);
    const rowStart = starts[group];
    const rowEnd = starts[group + 1];
    if (rowStart === undefined || rowEnd === undefined)
      throw new FileUnreadableError(file.path, `it has no row group ${group}; it has ${metadata.row_groups.length}.`);
    const chunks: { columnName: string; columnData: ArrayLike<unknown>; rowStart: number }[] = [];
    await readable(file, `row group ${group}`, () =>
      parquetRead({
        file: asyncBuffer(file, handle),
        metadata,
        columns: [...names],
        rowStart,
        rowEnd,
        compressors: COMPRESSORS,
        parsers: timestampParsers(this.#options),
        onChunk: (chunk) => void chunks.push(chunk),
      }),
    );
    const columns = names.map((): unknown[] => new Array(rowEnd - rowStart).fill(null));
    for (const { columnName, columnData, rowStart: from } of chunks) {
      const column = columns[names.indexOf(columnName)];
      const place = { file: file.path, group, column: columnName };
      if (column !== undefined) columnConverter(this.#options, place)(columnData, column, from - rowStart);
    }
    return { names, columns };
  }

  #columns(file: InputFile, metadata: FileMetaData): readonly string[] {
    const present = topLevelColumns(metadata);
    const chosen = this.#options.columns ?? present;
    const missing = chosen.filter((name) => !present.includes(name));
    if (missing.length === 0) return chosen;
    throw new FileUnreadableError(
      file.path,
      `it has no column ${missing.map((name) => `"${name}"`).join(', ')}. Its columns are ${present.join(', ')}.`,
    );
  }
}

class RowGroupReader<T> implements SplitReader<T> {
  readonly #format: ParquetFormatReader<T>;
  readonly #file: InputFile;
  readonly #group: number;
  readonly #availability = new Availability();
  #loading: Promise<void> | undefined;
  #error: unknown;
  #columns: unknown[][] | undefined;
  #make: RowMaker = () => ({});
  #rows = 0;
  #next: number;

  constructor(format: ParquetFormatReader<T>, file: InputFile, group: number, row: number) {
    this.#format = format;
    this.#file = file;
    this.#group = group;
    this.#next = row;
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    if (this.#error !== undefined) throw this.#error;
    const columns = this.#columns;
    if (columns === undefined) {
      this.#loading ??= this.#load();
      return 'idle';
    }
    const stop = Math.min(this.#rows, this.#next + maxRecords);
    const make = this.#make;
    for (let row = this.#next; row < stop; row++) {
      // Counted before it is emitted: an error downstream does not make the record come twice, the task is lost anyway.
      this.#next = row + 1;
      out.collect(make(columns, row) as T);
    }
    return this.#next < this.#rows ? 'more' : 'end';
  }

  ready(): Promise<void> {
    return this.#availability.wait();
  }

  position(): SplitPosition {
    return { offset: this.#group, row: this.#next };
  }

  async close(): Promise<void> {
    await this.#loading;
  }

  /** The only thing that runs beside `poll`; ends by itself, and what went wrong comes out of the next poll. */
  async #load(): Promise<void> {
    try {
      const handle = await openInputFile(this.#file);
      try {
        const { names, columns } = await this.#format.decode(this.#file, handle, this.#group);
        this.#make = rowMaker(names);
        this.#rows = columns[0]?.length ?? 0;
        this.#columns = columns;
      } finally {
        await handle.close();
      }
    } catch (error) {
      this.#error = error;
    }
    this.#availability.wake();
  }
}

/** Node's own Zstandard is native; the others have no gain worth a second path. */
const COMPRESSORS = { ...compressors, ZSTD: (bytes: Uint8Array): Uint8Array => zstdDecompressSync(bytes) };

function topLevelColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  for (let index = 1; index < schema.length; index = afterSubtree(schema, index)) {
    const name = schema[index]?.name;
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** The schema is a tree written depth first; the index behind the subtree that starts at `index`. */
function afterSubtree(schema: FileMetaData['schema'], index: number): number {
  let next = index + 1;
  for (let children = schema[index]?.num_children ?? 0; children > 0; children--) next = afterSubtree(schema, next);
  return next;
}

function groupStarts({ row_groups: groups }: FileMetaData): number[] {
  const starts = [0];
  for (const group of groups) starts.push((starts.at(-1) ?? 0) + Number(group.num_rows));
  return starts;
}

/** Runs a step of the decoder; what it throws says what the bytes lack, and we add which file and which part of it. */
async function readable<R>(file: InputFile, part: string, step: () => Promise<R>): Promise<R> {
  try {
    return await step();
  } catch (cause) {
    if (cause instanceof FlinkJobError) throw cause;
    throw new FileUnreadableError(file.path, `${part} is not readable as Parquet: ${messageOf(cause)}`, { cause });
  }
}

/** The file as the decoder wants it: slices of bytes, each read in full. */
function asyncBuffer(file: InputFile, handle: FileHandle): AsyncBuffer {
  return {
    byteLength: file.sizeBytes,
    async slice(start, end = file.sizeBytes) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, file.sizeBytes) - start));
      for (let filled = 0; filled < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) throw new FileUnreadableError(file.path, `it ends at byte ${start + filled}.`);
        filled += bytesRead;
      }
      return bytes.buffer;
    },
  };
}
