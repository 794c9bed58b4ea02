/**
 * The stream engine. Users see the part of it that the package's main entry (src/index.ts) passes on; the commands also
 * use the JobMaster and what is around it.
 */

export {
  describeManifest,
  describeType,
  type KeyedStateDescription,
  type ManifestDescription,
  type OperatorDescription,
  type OperatorStateDescription,
} from './checkpoint/describe-manifest.ts';
export {
  directoryOfPointer,
  MANIFEST_NAME,
  parseSavepointDirectory,
} from './checkpoint/locations.ts';
export type { CheckpointManifest } from './checkpoint/manifest.ts';
export { readManifest } from './checkpoint/manifest-codec.ts';
export {
  type OperatorOutline,
  outlineFrom,
  outlineOf,
  type StateOutline,
} from './checkpoint/state-outline.ts';
export { type DamagedFile, damagedFiles, type VerifyDepth } from './checkpoint/verify-files.ts';
export { CollectSink } from './connectors/collect-sink.ts';
export { CollectionSource } from './connectors/collection-source.ts';
export { CsvFormat, type CsvFormatOptions } from './connectors/csv-format.ts';
export type { CsvColumnType } from './connectors/csv-record.ts';
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
} from './connectors/file-format.ts';
export { FileSink, type FileSinkOptions } from './connectors/file-sink.ts';
export { FileSource, type FileSourceOptions } from './connectors/file-source.ts';
export { GeneratorSource, type GeneratorSourceOptions, type Random } from './connectors/generator-source.ts';
export { NdjsonFormat, type NdjsonFormatOptions } from './connectors/ndjson-format.ts';
export { NumberSequenceSource } from './connectors/number-sequence-source.ts';
export { ParquetFormat, type ParquetFormatOptions } from './connectors/parquet-format.ts';
export { PrintSink, type PrintSinkOptions } from './connectors/print-sink.ts';
export { type TransactionContext, TwoPhaseCommitSinkFunction } from './connectors/sink.ts';
export {
  ParallelSourceFunction,
  type PollResult,
  RichParallelSourceFunction,
  RichSourceFunction,
  Source,
  type SourceContext,
  SourceFunction,
  type SourceOutput,
  type SourceReader,
  type SourceReaderContext,
} from './connectors/source.ts';
export { WatchedDirectorySource, type WatchedDirectorySourceOptions } from './connectors/watched-directory-source.ts';
export { BroadcastConnectedStream, BroadcastStream } from './datastream/broadcast-stream.ts';
export { ConnectedStreams, DataStream, DataStreamSink } from './datastream/data-stream.ts';
export { type Job, StreamExecutionEnvironment } from './datastream/environment.ts';
export { KeyedConnectedStreams, KeyedStream } from './datastream/keyed-stream.ts';
export { WindowedStream } from './datastream/windowed-stream.ts';
export { MAX_WATERMARK, MIN_WATERMARK } from './exchange/channel.ts';
export type { AttemptOrigin } from './functions/attempt-origin.ts';
export {
  CheckpointedFunction,
  CheckpointListener,
  type FunctionInitializationContext,
  type FunctionSnapshotContext,
  type KeyedStateStore,
  ListCheckpointed,
  type OperatorStateStore,
} from './functions/checkpointed.ts';
export {
  BroadcastContext,
  BroadcastProcessFunction,
  CoFlatMapFunction,
  Collector,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeyedBroadcastOnTimerContext,
  KeyedBroadcastProcessFunction,
  KeyedContext,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  KeyedReadOnlyBroadcastContext,
  MapFunction,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  ReadOnlyBroadcastContext,
  ReduceFunction,
  RichFunction,
  SinkFunction,
  TimerService,
} from './functions/functions.ts';
export { OutputTag } from './functions/output-tag.ts';
export {
  RichCoFlatMapFunction,
  RichCoMapFunction,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
  RichReduceFunction,
  RichSinkFunction,
} from './functions/rich-functions.ts';
export { type Counter, RuntimeContext } from './functions/runtime-context.ts';
export { JobGraphError } from './graph/errors.ts';
export { buildJobGraph, type JobEdge, type JobGraph, type JobVertex, type OperatorNode } from './graph/job-graph.ts';
export { type DeclaredStates, declaredStates } from './job/declared-states.ts';
export { InvalidJobError, JobExecutionError, RestoreError } from './job/errors.ts';
export { JobMaster, type JobMasterState } from './job/job-master.ts';
export {
  buildJob,
  checkJobModule,
  importJob,
  type JobModule,
  type JobProgram,
  type LoadedJob,
  loadJob,
} from './job/job-module.ts';
export type { SavepointSettings } from './job/periodic-savepoints.ts';
export { removeJobBytes } from './job/remove-job-bytes.ts';
export { highestSavepointEpoch, nothingLeftToRestore } from './job/restore-point.ts';
export {
  previewRestore,
  type RestorePreview,
  type RestorePreviewFacts,
  type UnmatchedOperator,
} from './job/restore-preview.ts';
export { type ServedJob, serveJob } from './job/serve-job.ts';
export type { CheckpointSettings, JobEvent, JobLog, JobMasterOptions, JobOutcome } from './job/settings.ts';
export { sweepEndedJob } from './job/sweep-checkpoints.ts';
export { AbstractStreamOperator } from './operators/abstract-operator.ts';
export { WatermarkStrategy } from './operators/watermarks.ts';
export {
  httpUrl,
  NOBODY_LEADS,
  type OpenDoor,
  openDoor,
  type RequestHandler,
  type RestDoor,
  sendReply,
} from './rest/index.ts';
export {
  type AggregateFn,
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  type ReduceFn,
  ReducingStateDescriptor,
  StateDescriptor,
  type StateTtlConfig,
  ValueStateDescriptor,
} from './state/descriptors.ts';
export {
  AggregatingState,
  BroadcastState,
  ListState,
  MapState,
  ReadOnlyBroadcastState,
  ReducingState,
  State,
  ValueState,
} from './state/state.ts';
export { type TypeInformation, type TypeSchema, Types } from './types/index.ts';
export { GlobalWindows } from './windows/global-windows.ts';
export { EventTimeSessionWindows, ProcessingTimeSessionWindows } from './windows/session-windows.ts';
export { SlidingEventTimeWindows, SlidingProcessingTimeWindows } from './windows/sliding-windows.ts';
export { GlobalWindow, TimeWindow } from './windows/time-window.ts';
export { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './windows/trigger.ts';
export { CountTrigger, EventTimeTrigger, ProcessingTimeTrigger, PurgingTrigger } from './windows/triggers.ts';
export { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from './windows/tumbling-windows.ts';
export {
  AggregateFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
  RichWindowFunction,
  WindowFunction,
} from './windows/window-functions.ts';
