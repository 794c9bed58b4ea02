/**
 * What the JobMaster knows of its attempt -> what REST shows. Pure.
 *
 * A process knows one attempt. Whether a failed job runs again is decided by whoever supervises it, so a failure that a
 * restart may mend is shown as FAILING, which is not an end; FAILED is shown only where nothing can follow.
 */
import type { ExecutionState, JobStatus } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Instant } from '../../lib/clock.ts';
import { causeChain, messageOf } from '../../lib/errors.ts';
import { causesOf, isUnrecoverable } from '../../restart/index.ts';
import { JobGraphError } from '../graph/errors.ts';
import type { JobVertex } from '../graph/job-graph.ts';
import type { Partitioning } from '../graph/transformation.ts';
import type {
  CheckpointsView,
  CheckpointView,
  ExceptionView,
  JobView,
  SubtaskView,
  VertexInputView,
  VertexView,
} from '../rest/index.ts';
import { InvalidJobError } from './errors.ts';
import type { ExecutionGraph, SubtaskExecution, SubtaskState } from './execution-graph.ts';
import type { JobMasterState } from './job-master.ts';
import { workerOf } from './placement.ts';
import type { JobMasterOptions, JobOutcome } from './settings.ts';
import { WorkerReportedError } from './worker-pool.ts';

/** One attempt at one instant. */
export interface JobFacts {
  readonly options: Pick<JobMasterOptions, 'jobId' | 'jobName' | 'attempt' | 'epoch' | 'program' | 'storageUri'> & {
    readonly checkpoints: JobMasterOptions['checkpoints'];
  };
  readonly state: JobMasterState;
  readonly since: Readonly<Partial<Record<JobMasterState, Instant>>>;
  readonly startedAt: Instant;
  readonly outcome: JobOutcome | undefined;
  /** Undefined until the graph is built. */
  readonly execution: ExecutionGraph | undefined;
  /** Undefined until records flow. */
  readonly checkpoints: CheckpointsView | undefined;
}

/** The attempt as REST shows it. */
export function jobViewOf(facts: JobFacts): JobView {
  const { options, since, startedAt, execution, outcome } = facts;
  const { program } = options;
  const state = shownState(facts);
  const workers = Math.max(0, ...(execution?.graph.vertices.map(({ parallelism }) => parallelism) ?? []));
  const endTime = state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED' ? since[facts.state] : undefined;
  return {
    jobId: options.jobId,
    name: options.jobName,
    state,
    stateTimestamps: timestamps(facts, state),
    startTime: startedAt,
    ...(endTime === undefined ? {} : { endTime }),
    attempt: options.attempt,
    // Attempts are all that a process can count; a planned one (a rescale, a resume) is one of them.
    restarts: options.attempt - 1,
    parallelism: program.parallelism,
    ...(program.maxParallelism === undefined ? {} : { maxParallelism: program.maxParallelism }),
    workers,
    vertices: execution === undefined ? [] : execution.graph.vertices.map((each) => vertexView(each, facts, workers)),
    checkpoints: checkpointsView(facts.checkpoints ?? NO_CHECKPOINTS, withoutCredentials(options.storageUri)),
    checkpointConfig: checkpointConfig(facts),
    exceptions: outcome?.outcome === 'failed' ? [exceptionView(outcome.error, facts, workers)] : [],
    exceptionsTruncated: false,
    restartStrategy: 'decided by the supervisor of this process',
    userConfig: userConfig(facts),
    metrics: userMetrics(execution),
  };
}

/** Whether a failure ends the job whatever its restart strategy says. */
export function isFinal(error: Error): boolean {
  const isInvalid = causeChain(error).some((each) => each instanceof InvalidJobError || each instanceof JobGraphError);
  return isInvalid || isUnrecoverable({ causes: causesOf(error) });
}

const NO_CHECKPOINTS: CheckpointsView = {
  counts: { restored: 0, inProgress: 0, completed: 0, failed: 0 },
  history: [],
  latest: {},
};

function shownState({ state, outcome }: JobFacts): JobStatus {
  return outcome?.outcome === 'failed' && !isFinal(outcome.error) ? 'FAILING' : state;
}

function timestamps({ since, state: own }: JobFacts, shown: JobStatus): JobView['stateTimestamps'] {
  const { [own]: entered, ...before } = since;
  return { ...before, ...(entered === undefined ? {} : { [shown]: entered }) };
}

function vertexView(vertex: JobVertex, { execution, options }: JobFacts, workers: number): VertexView {
  return {
    id: vertex.id,
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    operators: vertex.operators.map(({ uid, name }) => ({ uid, name })),
    inputs: vertex.inputs.map(({ from, partitioning }): VertexInputView => {
      const source = execution?.graph.vertices.find(({ operators }) => operators.includes(from));
      return { vertexId: source?.id ?? from.operatorId, shipStrategy: shipStrategy(partitioning) };
    }),
    subtasks: (execution?.of(vertex) ?? []).map((subtask) => subtaskView(subtask, options.attempt, workers)),
  };
}

function shipStrategy({ how }: Partitioning): string {
  switch (how) {
    case 'forward':
      return 'FORWARD';
    case 'hash':
      return 'HASH';
    case 'rebalance':
      return 'REBALANCE';
    case 'broadcast':
      return 'BROADCAST';
    default:
      return assertNever(how);
  }
}

function subtaskView(subtask: SubtaskExecution, attempt: number, workers: number): SubtaskView {
  const { state, startedAt, endedAt, metrics, spentMs, recentMs } = subtask;
  const recent = recentMs.running + recentMs.blocked + recentMs.idle + recentMs.finished;
  const ratio = (ms: number): number => (endedAt !== undefined || recent === 0 ? 0 : ms / recent);
  return {
    state: executionState(state),
    attempt: attempt - 1,
    ...(startedAt === undefined ? {} : { startTime: startedAt }),
    ...(endedAt === undefined ? {} : { endTime: endedAt }),
    worker: `worker-${workerOf(subtask.subtaskIndex, workers)}`,
    recordsIn: metrics?.recordsIn ?? 0,
    recordsOut: metrics?.recordsOut ?? 0,
    bytesIn: 0,
    bytesOut: 0,
    backPressuredMs: Math.round(spentMs.blocked),
    idleMs: Math.round(spentMs.idle),
    busyMs: Math.round(spentMs.running),
    backPressuredRatio: ratio(recentMs.blocked),
    idleRatio: ratio(recentMs.idle),
    busyRatio: ratio(recentMs.running),
  };
}

/** The same words in Flink. */
function executionState(state: SubtaskState): ExecutionState {
  return state;
}

/** The coordinator names directories within the storage; outside they are URIs. */
function checkpointsView(view: CheckpointsView, storageUri: string): CheckpointsView {
  const root = storageUri.replace(/\/+$/, '');
  const shown = <T extends CheckpointView>(one: T): T =>
    one.location === undefined || one.location.includes('://') ? one : { ...one, location: `${root}/${one.location}` };
  const { completed, savepoint, failed, restored } = view.latest;
  return {
    counts: view.counts,
    history: view.history.map(shown),
    latest: {
      ...(completed === undefined ? {} : { completed: shown(completed) }),
      ...(savepoint === undefined ? {} : { savepoint: shown(savepoint) }),
      ...(failed === undefined ? {} : { failed: shown(failed) }),
      ...(restored === undefined ? {} : { restored: { ...restored, location: withoutCredentials(restored.location) } }),
    },
  };
}

function checkpointConfig({ options: { checkpoints, storageUri } }: JobFacts): JobView['checkpointConfig'] {
  const { intervalMs, timeoutMs, minPauseMs, tolerableFailures, onCancel } = checkpoints;
  return {
    ...(intervalMs === undefined || intervalMs === 0 ? {} : { intervalMs }),
    timeoutMs,
    minPauseMs,
    maxConcurrent: 1,
    tolerableFailures,
    onCancel,
    storage: withoutCredentials(storageUri),
  };
}

function exceptionView(error: Error, { since, state, execution, startedAt }: JobFacts, workers: number): ExceptionView {
  const failed = execution?.all().find((subtask) => subtask.state === 'FAILED');
  const vertex = execution?.graph.vertices.find(({ id }) => id === failed?.vertexId);
  const where =
    failed === undefined || vertex === undefined
      ? {}
      : {
          taskName: `${vertex.name} (${failed.subtaskIndex + 1}/${vertex.parallelism})`,
          worker: `worker-${workerOf(failed.subtaskIndex, workers)}`,
        };
  const lines = linesOf(error);
  return { name: nameOf(error), trace: lines.join('\nCaused by: '), time: since[state] ?? startedAt, ...where };
}

/** The outermost error that says what happened; a wrapper that only says "do not restart" is not one. */
function nameOf(error: Error): string {
  const reported = causeChain(error).find((each) => each instanceof WorkerReportedError);
  return reported === undefined ? error.name : reported.serialized.name;
}

/** Messages of the chain, outermost first; what crossed a thread brings its own chain with it. */
function linesOf(error: Error): string[] {
  return causeChain(error).flatMap((each) => {
    if (each instanceof WorkerReportedError) return each.serialized.chain;
    return each instanceof Error ? `${each.name}: ${each.message}` : messageOf(each);
  });
}

function userConfig({ options }: JobFacts): Readonly<Record<string, string>> {
  const { checkpoints, program, epoch } = options;
  return {
    epoch: String(epoch),
    parallelism: String(program.parallelism),
    'checkpoints.interval': intervalText(checkpoints.intervalMs),
    'checkpoints.retained': String(checkpoints.retained),
    'checkpoints.onCancel': checkpoints.onCancel,
    'storage.uri': withoutCredentials(options.storageUri),
  };
}

/** What functions count, summed over the subtasks of a vertex: `<vertex>.<counter>`. */
function userMetrics(execution: ExecutionGraph | undefined): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const vertex of execution?.graph.vertices ?? []) {
    for (const { metrics } of execution?.of(vertex) ?? []) {
      for (const [name, value] of Object.entries(metrics?.user ?? {})) {
        const id = `${vertex.name}.${name}`;
        sums[id] = (sums[id] ?? 0) + value;
      }
    }
  }
  return sums;
}

/** A URI without user, password, query and fragment: nothing of it may be a secret. */
function withoutCredentials(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1').replace(/[?#].*$/, '');
}

/** Undefined only before the program has been loaded. */
function intervalText(intervalMs: number | undefined): string {
  if (intervalMs === undefined) return 'not known yet';
  return intervalMs === 0 ? 'none' : `${intervalMs} ms`;
}
