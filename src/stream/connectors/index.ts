/** Sources and sinks; README.md lists what each guarantees. */
export { CollectSink } from './collect-sink.ts';
export { CollectionSource } from './collection-source.ts';
export { CsvFormat, type CsvFormatOptions } from './csv-format.ts';
export type { CsvColumnType } from './csv-record.ts';
export {
  FileChangedError,
  FileUnreadableError,
  InvalidRecordError,
  SinkDirectoryError,
  TransactionLostError,
  UnwritableRecordError,
} from './errors.ts';
export {
  FileFormat,
  type FormatContext,
  type FormatReader,
  INVALID_RECORDS,
  type InputFile,
  type InvalidRecord,
  type InvalidRecordPolicy,
  type SplitBounds,
  type SplitPosition,
  type SplitReader,
} from './file-format.ts';
export { FileSink, type FileSinkOptions, type FileTransaction } from './file-sink.ts';
export { FileSource, type FileSourceOptions } from './file-source.ts';
export { GeneratorSource, type GeneratorSourceOptions, type Random } from './generator-source.ts';
export { NdjsonFormat, type NdjsonFormatOptions } from './ndjson-format.ts';
export { NumberSequenceSource } from './number-sequence-source.ts';
export { ParquetFormat, type ParquetFormatOptions } from './parquet-format.ts';
export { PrintSink, type PrintSinkOptions } from './print-sink.ts';
export { type TransactionContext, TwoPhaseCommitSinkFunction } from './sink.ts';
export { nodeSinkFileSystem, type SinkFileSystem } from './sink-file-system.ts';
export {
  ParallelSourceFunction,
  type PollResult,
  RichParallelSourceFunction,
  Source,
  type SourceContext,
  SourceFunction,
  type SourceOutput,
  type SourceReader,
  type SourceReaderContext,
} from './source.ts';
export {
  type SourceFunctionEnvironment,
  type SourceFunctionOutput,
  SourceFunctionReader,
} from './source-function-reader.ts';
export { type TransactionOwner, TwoPhaseCommitter } from './two-phase-committer.ts';
export { WatchedDirectorySource, type WatchedDirectorySourceOptions } from './watched-directory-source.ts';
