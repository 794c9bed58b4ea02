/**
 * The resource: FlinkJob v1alpha1. See README.md.
 */
export {
  CHANGE_CLASSES,
  type ChangeClass,
  changedFields,
  classOfChange,
  type FieldChange,
  jobOfRevision,
  type SemanticSpec,
  semanticSpec,
  specOf,
} from './changes.ts';
export { flinkJobCrd, renderCrd } from './crd.ts';
export { InvalidFlinkJobError } from './errors.ts';
export {
  type ExplainFacts,
  type Explanation,
  explain,
  isReason,
  needsSomebody,
  REASONS,
  type Reason,
} from './explain.ts';
export {
  type ExplainContext,
  explainJob,
  type JobExplanation,
  type ObservedJob,
  type PodTrouble,
} from './explain-job.ts';
export {
  DEFAULT_PARALLELISM,
  type FlinkJob,
  type FlinkJobManifest,
  type FlinkJobSpec,
  type FlinkJobStatus,
  flinkJobSchema,
  MAX_PARALLELISM,
} from './flink-job.ts';
export {
  ANNOTATIONS,
  API_GROUP,
  API_VERSION,
  API_VERSION_NAME,
  CONDITIONS,
  type ConditionType,
  CRD_NAME,
  FINALIZER,
  KIND,
  LABELS,
  PHASES,
  type Phase,
  PLURAL,
  RIGHTS_FINALIZER,
} from './names.ts';
export { nearest } from './nearest.ts';
export { isObject, valueAt } from './plain-values.ts';
export {
  type ChangeFacts,
  NEEDS_A_RUNNING_JOB,
  type PlannedChange,
  type PlannedField,
  plannedChange,
  type StateCheck,
  takesUpState,
} from './planned-change.ts';
export { DEFAULT_REST_PORT, DEFAULT_TERMINATION_LOG, POD_VARIABLES } from './pod-variables.ts';
export { renderReference } from './reference.ts';
export {
  DEFAULT_CHECKPOINT_INTERVAL_MS,
  defaultMaxParallelism,
  type FlinkJobSettings,
  type JobSource,
  type RestartSettings,
  resolveFlinkJob,
} from './resolve.ts';
export type { SchemaNode } from './schema-node.ts';
export { flinkJobNode, type Validation, validateFlinkJob } from './validate.ts';
export { type JobReport, noFlinkJob, parseFlinkJob, type TextReport, validateYaml } from './validate-yaml.ts';
export { formatViolation, type Violation } from './violation.ts';
export { MAX_INPUT_BYTES, readYaml } from './yaml-documents.ts';
