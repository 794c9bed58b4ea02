/**
 * Names that are only types, as values too. Stripping types from a job leaves its imports as they were written, so every
 * name a job may import has to exist at run time. The values mean nothing.
 */
import type { RestartStrategy as RestartStrategyType } from './restart/index.ts';
import type {
  AggregateFn as AggregateFnType,
  AttemptOrigin as AttemptOriginType,
  Counter as CounterType,
  CsvColumnType as CsvColumnTypeType,
  CsvFormatOptions as CsvFormatOptionsType,
  FileSinkOptions as FileSinkOptionsType,
  FileSourceOptions as FileSourceOptionsType,
  FormatContext as FormatContextType,
  FormatReader as FormatReaderType,
  FunctionInitializationContext as FunctionInitializationContextType,
  FunctionSnapshotContext as FunctionSnapshotContextType,
  GeneratorSourceOptions as GeneratorSourceOptionsType,
  InputFile as InputFileType,
  InvalidRecordPolicy as InvalidRecordPolicyType,
  InvalidRecord as InvalidRecordType,
  Job as JobType,
  KeyedStateStore as KeyedStateStoreType,
  NdjsonFormatOptions as NdjsonFormatOptionsType,
  OperatorStateStore as OperatorStateStoreType,
  ParquetFormatOptions as ParquetFormatOptionsType,
  PollResult as PollResultType,
  PrintSinkOptions as PrintSinkOptionsType,
  Random as RandomType,
  ReduceFn as ReduceFnType,
  SourceContext as SourceContextType,
  SourceOutput as SourceOutputType,
  SourceReaderContext as SourceReaderContextType,
  SourceReader as SourceReaderType,
  SplitBounds as SplitBoundsType,
  SplitPosition as SplitPositionType,
  SplitReader as SplitReaderType,
  StateTtlConfig as StateTtlConfigType,
  TransactionContext as TransactionContextType,
  TypeInformation as TypeInformationType,
  TypeSchema as TypeSchemaType,
  WatchedDirectorySourceOptions as WatchedDirectorySourceOptionsType,
} from './stream/index.ts';

/** What stands for a type at run time. */
export interface TypeName {
  readonly type: string;
}

const nameOf = (type: string): TypeName => Object.freeze({ type });

export type AggregateFn<IN, ACC, OUT> = AggregateFnType<IN, ACC, OUT>;
export const AggregateFn: TypeName = nameOf('AggregateFn');
export type AttemptOrigin = AttemptOriginType;
export const AttemptOrigin: TypeName = nameOf('AttemptOrigin');
export type Counter = CounterType;
export const Counter: TypeName = nameOf('Counter');
export type CsvColumnType = CsvColumnTypeType;
export const CsvColumnType: TypeName = nameOf('CsvColumnType');
export type CsvFormatOptions<T> = CsvFormatOptionsType<T>;
export const CsvFormatOptions: TypeName = nameOf('CsvFormatOptions');
export type FileSinkOptions<T> = FileSinkOptionsType<T>;
export const FileSinkOptions: TypeName = nameOf('FileSinkOptions');
export type FileSourceOptions<T> = FileSourceOptionsType<T>;
export const FileSourceOptions: TypeName = nameOf('FileSourceOptions');
export type FormatContext = FormatContextType;
export const FormatContext: TypeName = nameOf('FormatContext');
export type FormatReader<T> = FormatReaderType<T>;
export const FormatReader: TypeName = nameOf('FormatReader');
export type FunctionInitializationContext = FunctionInitializationContextType;
export const FunctionInitializationContext: TypeName = nameOf('FunctionInitializationContext');
export type FunctionSnapshotContext = FunctionSnapshotContextType;
export const FunctionSnapshotContext: TypeName = nameOf('FunctionSnapshotContext');
export type GeneratorSourceOptions<T> = GeneratorSourceOptionsType<T>;
export const GeneratorSourceOptions: TypeName = nameOf('GeneratorSourceOptions');
export type InputFile = InputFileType;
export const InputFile: TypeName = nameOf('InputFile');
export type InvalidRecord = InvalidRecordType;
export const InvalidRecord: TypeName = nameOf('InvalidRecord');
export type InvalidRecordPolicy = InvalidRecordPolicyType;
export const InvalidRecordPolicy: TypeName = nameOf('InvalidRecordPolicy');
export type Job = JobType;
export const Job: TypeName = nameOf('Job');
export type KeyedStateStore = KeyedStateStoreType;
export const KeyedStateStore: TypeName = nameOf('KeyedStateStore');
export type NdjsonFormatOptions<T> = NdjsonFormatOptionsType<T>;
export const NdjsonFormatOptions: TypeName = nameOf('NdjsonFormatOptions');
export type OperatorStateStore = OperatorStateStoreType;
export const OperatorStateStore: TypeName = nameOf('OperatorStateStore');
export type ParquetFormatOptions<T> = ParquetFormatOptionsType<T>;
export const ParquetFormatOptions: TypeName = nameOf('ParquetFormatOptions');
export type PollResult = PollResultType;
export const PollResult: TypeName = nameOf('PollResult');
export type PrintSinkOptions<T> = PrintSinkOptionsType<T>;
export const PrintSinkOptions: TypeName = nameOf('PrintSinkOptions');
export type Random = RandomType;
export const Random: TypeName = nameOf('Random');
export type ReduceFn<T> = ReduceFnType<T>;
export const ReduceFn: TypeName = nameOf('ReduceFn');
export type SourceContext<T> = SourceContextType<T>;
export const SourceContext: TypeName = nameOf('SourceContext');
export type SourceOutput<T> = SourceOutputType<T>;
export const SourceOutput: TypeName = nameOf('SourceOutput');
export type SourceReader<T> = SourceReaderType<T>;
export const SourceReader: TypeName = nameOf('SourceReader');
export type SourceReaderContext = SourceReaderContextType;
export const SourceReaderContext: TypeName = nameOf('SourceReaderContext');
export type SplitBounds = SplitBoundsType;
export const SplitBounds: TypeName = nameOf('SplitBounds');
export type SplitPosition = SplitPositionType;
export const SplitPosition: TypeName = nameOf('SplitPosition');
export type SplitReader<T> = SplitReaderType<T>;
export const SplitReader: TypeName = nameOf('SplitReader');
export type StateTtlConfig = StateTtlConfigType;
export const StateTtlConfig: TypeName = nameOf('StateTtlConfig');
export type TransactionContext = TransactionContextType;
export const TransactionContext: TypeName = nameOf('TransactionContext');
export type TypeInformation<T> = TypeInformationType<T>;
export const TypeInformation: TypeName = nameOf('TypeInformation');
export type TypeSchema = TypeSchemaType;
export const TypeSchema: TypeName = nameOf('TypeSchema');
export type WatchedDirectorySourceOptions<T> = WatchedDirectorySourceOptionsType<T>;
export const WatchedDirectorySourceOptions: TypeName = nameOf('WatchedDirectorySourceOptions');
export type RestartStrategy = RestartStrategyType;
export const RestartStrategy: TypeName = nameOf('RestartStrategy');
