/** What Apache Flink speaks and writes: its REST API, its HA data, its checkpoints. See README.md. */
export type {
  CheckpointConfig,
  CheckpointingStatistics,
  CheckpointMeasures,
  CheckpointStatistics,
  CheckpointStatus,
  CheckpointType,
  RestoredCheckpointStatistics,
  StatsSummary,
  SubtaskCheckpointStatistics,
  TaskCheckpointStatistics,
} from './checkpoint-shapes.ts';
export { FlinkClient, type FlinkClientOptions, type OperationOptions, type StateQuery } from './client.ts';
export {
  FlinkOperationFailedError,
  FlinkOperationTimeoutError,
  FlinkResponseError,
  FlinkRestError,
  FlinkUnreachableError,
} from './errors.ts';
export {
  type ConfigMapShape,
  type FlinkConfigMap,
  type LeaseState,
  readFlinkConfigMap,
  writeFlinkConfigMap,
} from './ha-data/config-map.ts';
export { configMapsIn } from './ha-data/config-map-list.ts';
export { type FlinkHaEntry, readEntry, writeEntry } from './ha-data/entries.ts';
export {
  CONFIG_MAP_LIMIT_BYTES,
  type FindingSeverity,
  HA_FINDING_CODES,
  type HaFinding,
  type HaFindingCode,
} from './ha-data/findings.ts';
export { FLINK_LINES, type FlinkLine, flinkLineOf } from './ha-data/flink-lines.ts';
export {
  type HaCheckpoint,
  type HaConfigMap,
  type HaHandle,
  type HaInspection,
  type HaJob,
  type HaLeader,
  type HaLease,
  inspectHaData,
} from './ha-data/inspection.ts';
export { type FlinkLeaseRecord, parseLeaseRecord, renderLeaseRecord } from './ha-data/lease-record.ts';
export {
  type ConfigMapRole,
  checkpointKey as flinkCheckpointKey,
  clusterConfigMapName,
  haLabels,
  jobComponentId,
  jobConfigMapName,
  LEADER_ANNOTATION,
  leaderKey as flinkLeaderKey,
  planKey,
  roleOfConfigMap,
} from './ha-data/names.ts';
export { type HaPointer, pointersIn, stillStands } from './ha-data/pointers.ts';
export {
  planRepair,
  type RefusedRepair,
  type RepairFacts,
  type RepairPlan,
  type RepairStep,
  type RepairWish,
} from './ha-data/repair.ts';
export {
  type CheckedPointer,
  type ContentFacts,
  type EndedJob,
  type FileFacts,
  isStoreFileName,
  type MetadataFacts,
  type OrphanFile,
  type OtherFiles,
  pointerFindings,
  resultFileName,
  verificationFindings,
} from './ha-data/verification.ts';
export { callJson, type HttpJsonAnswer, type HttpJsonCall, type HttpJsonOptions } from './http-json.ts';
export type { HttpRequest, HttpResponse, HttpRoute } from './http-route.ts';
export {
  type AggregatedMetrics,
  type BackPressureLevel,
  type ClusterOverview,
  type DashboardConfiguration,
  EXECUTION_STATES,
  type ExceptionInfo,
  type ExecutionState,
  type IoMetrics,
  isGloballyTerminal,
  JOB_STATUSES,
  type JobAccumulators,
  type JobConfig,
  type JobDetails,
  type JobExceptions,
  type JobExecutionResult,
  type JobIdsWithStatus,
  type JobPlan,
  type JobStatus,
  type JobStatusInfo,
  type JobSummary,
  type JobsOverview,
  type JobVertexBackPressure,
  type JobVertexDetails,
  type JobVertexSummary,
  type MetricCollection,
  type Plan,
  type PlanNode,
  type SerializedThrowable,
  type SubtaskDetails,
  type TaskCounts,
} from './job-shapes.ts';
export {
  describeFlinkMetadata,
  type FlinkMetadataDescription,
  type FlinkOperatorDescription,
  type HeadOfStream,
  type KeyedHandleDescription,
  type OperatorStateDescription as FlinkOperatorStateDescription,
  type SubtaskDescription,
  sizeOfKeyedState,
  streamWithNames,
} from './metadata/describe-metadata.ts';
export { type KeyedStateName, type KeyedStateNames, readKeyedStateNames } from './metadata/keyed-state-names.ts';
export type {
  ChannelState,
  FlinkMetadata,
  KeyedStateHandle,
  KeyGroupBounds,
  MasterState,
  MetadataStream,
  OperatorMetadata,
  OperatorStateHandle,
  SubtaskState,
} from './metadata/metadata.ts';
export { FLINK_METADATA_MAGIC, isFlinkMetadata, readFlinkMetadata } from './metadata/metadata-reader.ts';
export { type StateFile, stateFilesOf } from './metadata/state-files.ts';
export {
  type AsyncOperationResult,
  type CheckpointInfo,
  type CheckpointTriggerRequest,
  type ErrorResponse,
  HEX_ID,
  type SavepointFormat,
  type SavepointInfo,
  type SavepointTriggerRequest,
  type StopWithSavepointRequest,
  type TriggerResponse,
} from './operation-shapes.ts';
export type { StateAnswer, StateUnavailableReason } from './state-answer.ts';
export { isJavaObjectStream, metadataUriIn } from './wire/checkpoint-file.ts';
export { decodeConnectionInfo, encodeConnectionInfo } from './wire/connection-info.ts';
export { FlinkDataError, type FlinkDataErrorCode } from './wire/errors.ts';
export { MARKER_UIDS, type MarkerUid } from './wire/java-classes.ts';
export {
  type LeaderInformation as FlinkLeaderInformation,
  parseLeaderInformation,
  renderLeaderInformation,
} from './wire/leader-information.ts';
export { flinkPathUri, pathOfFlinkUri } from './wire/path-uri.ts';
export {
  type DeleteMarker,
  decodeHandleText,
  decodeStateHandle,
  encodeHandleText,
  encodeStateHandle,
  type FlinkStateHandle,
  type FlinkStream,
} from './wire/state-handle.ts';
