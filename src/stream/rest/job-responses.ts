/** Facts of a job -> Flink's JSON about jobs. Pure; the instant is handed in. */
import {
  EXECUTION_STATES,
  type ExecutionState,
  isGloballyTerminal,
  JOB_STATUSES,
  type JobAccumulators,
  type JobConfig,
  type JobDetails,
  type JobExceptions,
  type JobExecutionResult,
  type JobPlan,
  type JobStatus,
  type JobSummary,
  type Plan,
  type TaskCounts,
} from '../../flink/index.ts';
import type { ExceptionView, JobView, VertexView } from './job-view.ts';
import { countStates, vertexSummary } from './vertex-responses.ts';

/** `GET /jobs/:jobid` */
export function jobDetails(job: JobView, now: number): JobDetails {
  const timestamps = Object.fromEntries(
    JOB_STATUSES.map((status) => [status, job.stateTimestamps[status] ?? 0]),
  ) as Record<JobStatus, number>;
  const vertices = job.vertices.map((vertex) => vertexSummary(vertex, now));
  return {
    jid: job.jobId,
    name: job.name,
    isStoppable: false,
    state: job.state,
    'job-type': 'STREAMING',
    ...times(job, now),
    maxParallelism: job.maxParallelism ?? -1,
    now,
    timestamps,
    vertices,
    'status-counts': countStates(vertices.map(({ status }) => status)),
    plan: planOf(job),
  };
}

/** One job of `GET /jobs/overview`. */
export function jobSummary(job: JobView, now: number): JobSummary {
  return {
    jid: job.jobId,
    name: job.name,
    state: job.state,
    ...times(job, now),
    'last-modification': Math.max(job.startTime, ...Object.values(job.stateTimestamps)),
    tasks: taskCounts(job.vertices),
  };
}

/** `GET /jobs/:jobid/plan` */
export function jobPlan(job: JobView): JobPlan {
  return { plan: planOf(job) };
}

/** `GET /jobs/:jobid/config` */
export function jobConfig(job: JobView): JobConfig {
  return {
    jid: job.jobId,
    name: job.name,
    'execution-config': {
      'execution-mode': 'PIPELINED',
      'restart-strategy': job.restartStrategy,
      'job-parallelism': job.parallelism,
      'object-reuse-mode': true,
      'user-config': job.userConfig,
    },
  };
}

/** `GET /jobs/:jobid/accumulators`; there are none, and tools ask. */
export function jobAccumulators(): JobAccumulators {
  return { 'job-accumulators': [], 'user-task-accumulators': [], 'serialized-user-task-accumulators': {} };
}

/** `GET /jobs/:jobid/exceptions`, at most `maxExceptions` of them. */
export function jobExceptions(job: JobView, maxExceptions: number): JobExceptions {
  const shown = job.exceptions.slice(0, maxExceptions);
  const truncated = job.exceptionsTruncated || shown.length < job.exceptions.length;
  const root = job.exceptions[0];
  return {
    'root-exception': root?.trace ?? null,
    timestamp: root?.time ?? null,
    'all-exceptions': shown.map(({ trace, taskName = '(unassigned)', worker = '(unassigned)', time }) => ({
      exception: trace,
      task: taskName,
      location: worker,
      timestamp: time,
    })),
    truncated,
    exceptionHistory: { entries: shown.map(exceptionEntry), truncated },
  };
}

/** `GET /jobs/:jobid/execution-result` */
export function jobExecutionResult(job: JobView, now: number): JobExecutionResult {
  if (!isGloballyTerminal(job.state)) return { status: { id: 'IN_PROGRESS' }, 'job-execution-result': null };
  const cause = job.exceptions[0];
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.jobId,
      'application-status': APPLICATION_STATUS[job.state] ?? 'UNKNOWN',
      'accumulator-results': {},
      'net-runtime': times(job, now).duration,
      ...(job.state === 'FAILED' && cause !== undefined
        ? { 'failure-cause': { class: cause.name, 'stack-trace': cause.trace, 'serialized-throwable': null } }
        : {}),
    },
  };
}

const APPLICATION_STATUS: Partial<Record<JobStatus, 'SUCCEEDED' | 'FAILED' | 'CANCELED'>> = {
  FINISHED: 'SUCCEEDED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
};

function times(job: JobView, now: number) {
  return {
    'start-time': job.startTime,
    'end-time': job.endTime ?? -1,
    duration: (job.endTime ?? now) - job.startTime,
  };
}

function taskCounts(vertices: readonly VertexView[]): TaskCounts {
  const states = vertices.flatMap(({ subtasks }) => subtasks.map(({ state }) => state));
  const counts = countStates(states);
  const lower = Object.fromEntries(EXECUTION_STATES.map((state) => [state.toLowerCase(), counts[state]]));
  return { total: states.length, ...(lower as Record<Lowercase<ExecutionState>, number>) };
}

function planOf(job: JobView): Plan {
  const nodes = job.vertices.map((vertex) => ({
    id: vertex.id,
    parallelism: vertex.parallelism,
    operator: '',
    operator_strategy: '',
    description: vertex.operators.map(({ name, uid }) => `${name} (${uid})`).join(' -> ') || vertex.name,
    inputs: vertex.inputs.map(({ vertexId, shipStrategy }, num) => ({
      num,
      id: vertexId,
      ship_strategy: shipStrategy,
      exchange: 'pipelined_bounded',
    })),
    optimizer_properties: {},
  }));
  return { jid: job.jobId, name: job.name, type: 'STREAMING', nodes };
}

function exceptionEntry(exception: ExceptionView) {
  const { name, trace, time, taskName, worker } = exception;
  return {
    exceptionName: name,
    stacktrace: trace,
    timestamp: time,
    failureLabels: {},
    ...(taskName === undefined ? {} : { taskName }),
    ...(worker === undefined ? {} : { endpoint: worker, taskManagerId: worker }),
    concurrentExceptions: [],
  };
}
