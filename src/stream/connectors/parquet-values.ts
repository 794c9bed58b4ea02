/** How values of Parquet columns become values of records. Nulls stay null, everything else has one kind per column. */
import type { ParquetParsers } from 'hyparquet';
import { InvalidRecordError } from './errors.ts';

export interface ParquetValueOptions {
  /**
   * What 64-bit integers become. `number` refuses values above 2^53 rather than round them.
   * @default 'number'
   */
  readonly int64?: 'number' | 'bigint';
  /** What timestamps and dates become: milliseconds since 1970, or Date. @default 'millis' */
  readonly timestamps?: 'millis' | 'date';
}

/** Where a value lies, for messages. */
export interface ColumnPlace {
  readonly file: string;
  readonly group: number;
  readonly column: string;
}

/** How the decoder makes timestamps. */
export function timestampParsers({ timestamps = 'millis' }: ParquetValueOptions): Partial<ParquetParsers> {
  if (timestamps === 'date') return {};
  return {
    timestampFromMilliseconds: (millis) => Number(millis),
    timestampFromMicroseconds: (micros) => Number(micros / 1000n),
    timestampFromNanoseconds: (nanos) => Number(nanos / 1_000_000n),
    dateFromDays: (days) => days * 86_400_000,
  };
}

/** Copies decoded values into `target` from index `at` on; what falls outside is left out. */
export type ColumnConverter = (values: ArrayLike<unknown>, target: unknown[], at: number) => void;

/** @throws InvalidRecordError for a 64-bit integer that a number cannot hold, unless bigint is asked for */
export function columnConverter({ int64 = 'number' }: ParquetValueOptions, place: ColumnPlace): ColumnConverter {
  const asTheyAre = int64 === 'bigint';
  return (values, target, at) => {
    const stop = Math.min(values.length, target.length - at);
    for (let index = Math.max(0, -at); index < stop; index++) {
      const value = values[index];
      target[at + index] = asTheyAre ? (value ?? null) : plain(value, place, at + index);
    }
  };
}

function toNumber(value: bigint, place: ColumnPlace, row: number): number {
  const converted = Number(value);
  if (Number.isSafeInteger(converted)) return converted;
  throw new InvalidRecordError(
    place.file,
    `row ${row} of row group ${place.group}`,
    `column "${place.column}" holds ${value}, which a number cannot hold exactly`,
    "Read the file with int64: 'bigint'.",
  );
}

/** Lists and structs, converted all the way down. */
function withoutBigints(value: object, place: ColumnPlace, row: number): unknown {
  if (Array.isArray(value)) return value.map((element) => plain(element, place, row));
  if (value instanceof Date || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field, place, row)]));
}

function plain(value: unknown, place: ColumnPlace, row: number): unknown {
  if (typeof value === 'bigint') return toNumber(value, place, row);
  return typeof value === 'object' && value !== null ? withoutBigints(value, place, row) : (value ?? null);
}
