/**
 * What the pod of a job is told: environment variables, and files that they name. Spelled here once, for the builder of the
 * pod and for the process that reads them.
 */

/** Names of the variables. */
export const POD_VARIABLES = {
  /** A FlinkJob as YAML or JSON, of the revision that runs. */
  resource: 'FLINKJOB_RESOURCE',
  /** The program, where it lies beside the resource and not in the image. */
  source: 'FLINKJOB_SOURCE',
  jobId: 'FLINKJOB_JOB_ID',
  attempt: 'FLINKJOB_ATTEMPT',
  /** When the job got its id, RFC 3339. */
  since: 'FLINKJOB_SINCE',
  /** Where the state began; without it, with nothing. */
  restoreFrom: 'FLINKJOB_RESTORE_FROM',
  /** Work in the storage that this pod is there for, as JSON; then it runs no job, and the others matter to it no more. */
  storageOrder: 'FLINKJOB_STORAGE_ORDER',
  podUid: 'FLINKJOB_POD_UID',
  podIp: 'FLINKJOB_POD_IP',
  /** @default 8081, Flink's */
  restPort: 'FLINKJOB_REST_PORT',
  /** @default /dev/termination-log, Kubernetes' */
  terminationLog: 'FLINKJOB_TERMINATION_LOG',
  /** @default info */
  logLevel: 'FLINKJOB_LOG_LEVEL',
} as const;

export const DEFAULT_REST_PORT = 8081;
export const DEFAULT_TERMINATION_LOG = '/dev/termination-log';
