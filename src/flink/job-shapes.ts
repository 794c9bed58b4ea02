/**
 * The JSON of Flink's monitoring API for processes, jobs and vertices, as Flink 1.18 to 2.x answer it. Field names are
 * Flink's; times are milliseconds since the epoch, durations milliseconds, and -1 stands for "not yet" or "unknown".
 */

/** Flink's JobStatus. */
export const JOB_STATUSES = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] as const;

/** State of a job. */
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Whether a job in this state runs nowhere any more, on any process. Follows Flink's isGloballyTerminalState. */
export function isGloballyTerminal(status: JobStatus): boolean {
  return status === 'FINISHED' || status === 'CANCELED' || status === 'FAILED';
}

/** Flink's ExecutionState. */
export const EXECUTION_STATES = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
  'INITIALIZING',
] as const;

/** State of a subtask. */
export type ExecutionState = (typeof EXECUTION_STATES)[number];

/** `GET /config` */
export interface DashboardConfiguration {
  readonly 'refresh-interval': number;
  readonly 'timezone-name': string;
  /** Milliseconds east of Greenwich. */
  readonly 'timezone-offset': number;
  readonly 'flink-version': string;
  readonly 'flink-revision': string;
  readonly features: {
    readonly 'web-submit': boolean;
    readonly 'web-cancel': boolean;
    readonly 'web-rescale': boolean;
    readonly 'web-history': boolean;
  };
}

/** `GET /overview` */
export interface ClusterOverview {
  readonly taskmanagers: number;
  readonly 'slots-total': number;
  readonly 'slots-available': number;
  readonly 'jobs-running': number;
  readonly 'jobs-finished': number;
  readonly 'jobs-cancelled': number;
  readonly 'jobs-failed': number;
  readonly 'flink-version': string;
  readonly 'flink-commit': string;
}

/** `GET /jobs` */
export interface JobIdsWithStatus {
  readonly jobs: readonly { readonly id: string; readonly status: JobStatus }[];
}

/** Subtasks by state, and their sum. */
export type TaskCounts = Readonly<Record<Lowercase<ExecutionState> | 'total', number>>;

/** One job of `GET /jobs/overview`. */
export interface JobSummary {
  readonly jid: string;
  readonly name: string;
  readonly state: JobStatus;
  readonly 'start-time': number;
  readonly 'end-time': number;
  readonly duration: number;
  readonly 'last-modification': number;
  readonly tasks: TaskCounts;
}

/** `GET /jobs/overview` */
export interface JobsOverview {
  readonly jobs: readonly JobSummary[];
}

/** Counters of a vertex or subtask; `…-complete` says that no subtask is missing in the sum. */
export interface IoMetrics {
  readonly 'read-bytes': number;
  readonly 'read-bytes-complete': boolean;
  readonly 'write-bytes': number;
  readonly 'write-bytes-complete': boolean;
  readonly 'read-records': number;
  readonly 'read-records-complete': boolean;
  readonly 'write-records': number;
  readonly 'write-records-complete': boolean;
  readonly 'accumulated-backpressured-time': number;
  readonly 'accumulated-idle-time': number;
  readonly 'accumulated-busy-time': number;
}

/** A vertex in `GET /jobs/:jobid`. */
export interface JobVertexSummary {
  readonly id: string;
  readonly slotSharingGroupId: string;
  readonly name: string;
  readonly maxParallelism: number;
  readonly parallelism: number;
  readonly status: ExecutionState;
  readonly 'start-time': number;
  readonly 'end-time': number;
  readonly duration: number;
  readonly tasks: Readonly<Record<ExecutionState, number>>;
  readonly metrics: IoMetrics;
}

/** A vertex in a plan. */
export interface PlanNode {
  readonly id: string;
  readonly parallelism: number;
  readonly operator: string;
  readonly operator_strategy: string;
  readonly description: string;
  readonly inputs: readonly {
    readonly num: number;
    readonly id: string;
    readonly ship_strategy: string;
    readonly exchange: string;
  }[];
  readonly optimizer_properties: Readonly<Record<string, never>>;
}

/** A job's graph. */
export interface Plan {
  readonly jid: string;
  readonly name: string;
  readonly type: 'STREAMING' | 'BATCH';
  readonly nodes: readonly PlanNode[];
}

/** `GET /jobs/:jobid/plan` */
export interface JobPlan {
  readonly plan: Plan;
}

/** `GET /jobs/:jobid` */
export interface JobDetails {
  readonly jid: string;
  readonly name: string;
  readonly isStoppable: boolean;
  readonly state: JobStatus;
  readonly 'job-type': 'STREAMING' | 'BATCH';
  readonly 'start-time': number;
  readonly 'end-time': number;
  readonly duration: number;
  /** The job's own setting; -1 when each operator has its default. */
  readonly maxParallelism: number;
  readonly now: number;
  /** When the job entered each state; 0 for never. */
  readonly timestamps: Readonly<Record<JobStatus, number>>;
  readonly vertices: readonly JobVertexSummary[];
  /** Vertices by state. */
  readonly 'status-counts': Readonly<Record<ExecutionState, number>>;
  readonly plan: Plan;
}

/** One subtask's current execution. */
export interface SubtaskDetails {
  readonly subtask: number;
  readonly status: ExecutionState;
  readonly attempt: number;
  readonly endpoint: string;
  /** Flink before 2.0 says `host` where later ones say `endpoint`. */
  readonly host: string;
  readonly 'start-time': number;
  readonly 'end-time': number;
  readonly duration: number;
  readonly metrics: IoMetrics;
  readonly 'taskmanager-id': string;
}

/** `GET /jobs/:jobid/vertices/:vertexid` */
export interface JobVertexDetails {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly now: number;
  readonly subtasks: readonly SubtaskDetails[];
}

/** How hard a subtask is held up by those behind it. */
export type BackPressureLevel = 'ok' | 'low' | 'high';

/** `GET /jobs/:jobid/vertices/:vertexid/backpressure` */
export interface JobVertexBackPressure {
  readonly status: 'ok' | 'deprecated';
  readonly 'backpressure-level': BackPressureLevel;
  readonly backpressureLevel: BackPressureLevel;
  readonly 'end-timestamp': number;
  readonly subtasks: readonly {
    readonly subtask: number;
    readonly 'backpressure-level': BackPressureLevel;
    readonly ratio: number;
    readonly idleRatio: number;
    readonly busyRatio: number;
  }[];
}

/** `GET /jobs/:jobid/accumulators` */
export interface JobAccumulators {
  readonly 'job-accumulators': readonly never[];
  readonly 'user-task-accumulators': readonly {
    readonly name: string;
    readonly type: string;
    readonly value: string;
  }[];
  readonly 'serialized-user-task-accumulators': Readonly<Record<string, string>>;
}

/** `…/metrics`: names only, or with values when some were asked for by `?get=a,b`. */
export type MetricCollection = readonly { readonly id: string; readonly value?: string }[];

/** `…/subtasks/metrics?get=a,b`: one metric over all subtasks. */
export type AggregatedMetrics = readonly {
  readonly id: string;
  readonly min?: number;
  readonly max?: number;
  readonly avg?: number;
  readonly sum?: number;
}[];

/** A failure in `GET /jobs/:jobid/exceptions`. */
export interface ExceptionInfo {
  readonly exceptionName: string;
  readonly stacktrace: string;
  readonly timestamp: number;
  readonly failureLabels: Readonly<Record<string, string>>;
  readonly taskName?: string;
  readonly endpoint?: string;
  readonly taskManagerId?: string;
}

/** `GET /jobs/:jobid/exceptions`, newest first. */
export interface JobExceptions {
  readonly 'root-exception': string | null;
  readonly timestamp: number | null;
  readonly 'all-exceptions': readonly {
    readonly exception: string;
    readonly task: string;
    readonly location: string;
    readonly timestamp: number;
  }[];
  readonly truncated: boolean;
  readonly exceptionHistory: {
    readonly entries: readonly (ExceptionInfo & { readonly concurrentExceptions: readonly ExceptionInfo[] })[];
    readonly truncated: boolean;
  };
}

/** `GET /jobs/:jobid/config` */
export interface JobConfig {
  readonly jid: string;
  readonly name: string;
  readonly 'execution-config': {
    readonly 'execution-mode': string;
    readonly 'restart-strategy': string;
    readonly 'job-parallelism': number;
    readonly 'object-reuse-mode': boolean;
    readonly 'user-config': Readonly<Record<string, string>>;
  };
}

/** `GET /jobs/:jobid/status` */
export interface JobStatusInfo {
  readonly status: JobStatus;
}

/** `GET /jobs/:jobid/execution-result` */
export interface JobExecutionResult {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' };
  readonly 'job-execution-result': {
    readonly id: string;
    readonly 'application-status': 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';
    readonly 'accumulator-results': Readonly<Record<string, never>>;
    readonly 'net-runtime': number;
    readonly 'failure-cause'?: SerializedThrowable;
  } | null;
}

/** An error as Flink sends it; ours has no Java object inside. */
export interface SerializedThrowable {
  readonly class: string;
  readonly 'stack-trace': string;
  readonly 'serialized-throwable': string | null;
  /** Ours only: the code that docs/errors.md explains. */
  readonly code?: string;
}
