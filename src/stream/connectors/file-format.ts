/**
 * The seam between sources that find files and formats that read them. A format says into which splits a file can be
 * cut, and reads one split from any position it has handed out. Splits and positions are plain numbers, stored as state.
 */

import type { TypeInformation } from '../types/type-information.ts';
import type { PollResult, SourceOutput } from './source.ts';

/** The id of the side output that takes records which are not what the format says. */
export const INVALID_RECORDS = 'invalid-records';

/** What to do with a record that is not what the format says. */
export type InvalidRecordPolicy = 'fail' | 'skip' | 'side-output';

/** What the side output `invalid-records` carries. */
export interface InvalidRecord {
  readonly file: string;
  /** From 1; in CSV the number of the record, the header not counted. */
  readonly line: number;
  readonly text: string;
}

/** A file as the source found it. */
export interface InputFile {
  /** As configured or listed; stored in state and shown in messages. */
  readonly path: string;
  /** Where it lies, absolute. */
  readonly location: string;
  readonly sizeBytes: number;
}

/** A part of a file, in the format's own units: bytes of NDJSON, row groups of Parquet. */
export interface SplitBounds {
  readonly start: number;
  readonly end: number;
}

/** The next record of a split. What the numbers mean is the format's affair; a fresh split begins at {start, 0}. */
export interface SplitPosition {
  readonly offset: number;
  readonly row: number;
}

/** What a format may ask of its source. */
export interface FormatContext {
  /** Counts a record that was left out. */
  countInvalid(): void;
}

/** Reads one split. Opening, reading and decoding happen behind `ready`; failures come out of `poll`. */
export interface SplitReader<T> {
  /** Same contract as SourceReader.poll. */
  poll(out: SourceOutput<T>, maxRecords: number): PollResult;
  /** Resolves when `poll` may have more; never rejects. */
  ready(): Promise<void>;
  /** The first record that `poll` has not emitted. */
  position(): SplitPosition;
  /** Gives the file back; never rejects. */
  close(): Promise<void>;
}

/** One subtask's use of a format. */
export interface FormatReader<T> {
  /**
   * The splits of a file, in order.
   * @param pieces how many subtasks would like a part; `whole` asks for as few splits as possible
   */
  plan(file: InputFile, pieces: number | 'whole'): Promise<SplitBounds[]>;
  open(file: InputFile, bounds: SplitBounds, position: SplitPosition): SplitReader<T>;
}

/** How the bytes of a file become records. Holds configuration only. */
export abstract class FileFormat<T> {
  /** How the records cross threads; self-describing when undefined. */
  readonly type: TypeInformation<T> | undefined = undefined;
  abstract createReader(context: FormatContext): FormatReader<T>;
}
