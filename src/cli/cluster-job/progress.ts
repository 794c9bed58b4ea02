/**
 * How far a request is that was written into a FlinkJob: pure functions of the resource as the operator leaves it. Done,
 * failed for good, or still under way, in words for the progress line.
 */
import { explainJob } from '../../api/index.ts';
import type { FlinkJobObject } from '../../kube/index.ts';
import { ClusterJobError } from './errors.ts';
import { putBackWarning, specChangedAt } from './gitops.ts';
import { specOf, type TriggerName, triggerOf } from './status-report.ts';

/** How far it is. */
export type Progress<R> =
  | { readonly is: 'underWay'; readonly text: string }
  | { readonly is: 'done'; readonly result: R }
  | { readonly is: 'failed'; readonly error: ClusterJobError };

/** `team-a/flights` */
export function titleOf({ metadata = {} }: FlinkJobObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Phases in which a job has nothing to take a savepoint of, and will not have by itself. */
const STANDING_STILL = new Set(['Suspended', 'Suspending', 'Succeeded', 'Failed', 'Deleting']);

/** That a job does not run and will not by itself, why, and what to do; undefined where it does. */
export function standsStill(job: FlinkJobObject, now: number): ClusterJobError | undefined {
  const phase = job.metadata?.deletionTimestamp === undefined ? (job.status?.phase ?? 'Pending') : 'Deleting';
  if (!STANDING_STILL.has(phase)) return undefined;
  return new ClusterJobError(
    'CLUSTER_JOB_NOT_RUNNING',
    `job ${titleOf(job)} is not running (${phase}). ${whyOf(job, now)}`,
  );
}

/** Cause and remedy in one. */
export function whyOf(job: FlinkJobObject, now: number): string {
  const { metadata = {}, status } = job;
  const changedAt = specChangedAt(metadata.managedFields);
  const { cause, remedy } = explainJob({ metadata, spec: { state: specOf(job).state }, status }, { now, changedAt });
  return `${cause} ${remedy}`;
}

/** Of a savepoint that trigger `number` asked for: where it lies. */
export function savepointProgress(job: FlinkJobObject, number: number, now: number): Progress<string> {
  const { handled } = triggerOf(job, 'savepoint');
  const record = job.status?.savepoints?.find(({ trigger = 0 }) => trigger === number);
  const settled = record === undefined ? undefined : settledSavepoint(job, number, record);
  if (settled !== undefined) return settled;
  const lost = putBack(job, 'savepoint', number) ?? (handled < number ? standsStill(job, now) : undefined);
  if (lost !== undefined) return { is: 'failed', error: lost };
  const { state, cause = 'no cause was given' } = record ?? {};
  if (state === 'Failed') return underWay(`savepoint ${number} failed and is tried again: ${cause}`);
  if (state === 'Triggered') return underWay(`savepoint ${number} is being taken`);
  return underWay(`savepoint ${number} is ${handled < number ? 'asked for' : 'taken up'}`);
}

type SavepointRecord = NonNullable<NonNullable<FlinkJobObject['status']>['savepoints']>[number];

/** Complete, or failed for good: before it is handled, the operator tries again by itself. */
function settledSavepoint(
  job: FlinkJobObject,
  number: number,
  { state = 'Completed', uri, cause }: SavepointRecord,
): Progress<string> | undefined {
  if (state === 'Completed' && uri !== undefined) return { is: 'done', result: uri };
  const isOver = state === 'Expired' || (state === 'Failed' && triggerOf(job, 'savepoint').handled >= number);
  if (!isOver) return undefined;
  const ended = state === 'Failed' ? 'failed' : 'was not taken in time';
  const why = cause === undefined ? '' : `: ${cause}`;
  return failed(
    `savepoint ${number} of job ${titleOf(job)} ${ended}${why}. The job goes on. ${askAgain(job, 'savepoint')}`,
  );
}

/** Of a restart: the number of the attempt that runs. */
export function restartProgress(job: FlinkJobObject, number: number, before: number, now: number): Progress<number> {
  const { phase, attempt } = job.status ?? {};
  const { handled } = triggerOf(job, 'restart');
  if (handled < number) {
    const lost = putBack(job, 'restart', number);
    return lost === undefined ? underWay(`restart ${number} is asked for`) : { is: 'failed', error: lost };
  }
  if (phase === 'Running' && (attempt?.number ?? 0) > before) return { is: 'done', result: attempt?.number ?? 0 };
  const broken = brokenOff(job, now);
  if (broken !== undefined) return broken;
  return underWay(`restarting (${phase ?? 'Pending'}${attempt === undefined ? '' : `, attempt ${attempt.number}`})`);
}

/** Where a change of `spec.state` led to. */
export interface ReachedState {
  readonly phase: string;
  /** Where the newest state of the job lies. */
  readonly location?: string;
}

/** Of a change of `spec.state`. */
export function stateProgress(
  job: FlinkJobObject,
  wanted: 'Running' | 'Suspended',
  now: number,
): Progress<ReachedState> {
  const { metadata = {}, status } = job;
  const state = specOf(job).state ?? 'Running';
  if (state !== wanted) {
    const keeper = putBackWarning(metadata.managedFields, ['spec', 'state']) ?? 'somebody else changed it';
    return {
      is: 'failed',
      error: new ClusterJobError(
        'CLUSTER_REQUEST_PUT_BACK',
        `spec.state of job ${titleOf(job)} is ${state} again before it became ${wanted}: ${keeper}`,
      ),
    };
  }
  if ((status?.observedGeneration ?? -1) < (metadata.generation ?? 0)) {
    return underWay(`${wanted === 'Running' ? 'resume' : 'suspension'} is asked for`);
  }
  const phase = status?.phase ?? 'Pending';
  if (phase === wanted || phase === 'Succeeded') {
    const location = newestState(job);
    return { is: 'done', result: { phase, ...(location === undefined ? {} : { location }) } };
  }
  return brokenOff(job, now) ?? underWay(phase);
}

function newestState({ status }: FlinkJobObject): string | undefined {
  const savepoint = status?.savepoints?.find(
    ({ state = 'Completed', uri }) => state === 'Completed' && uri !== undefined,
  );
  const checkpoint = status?.checkpoint?.latest;
  const isNewer = Date.parse(checkpoint?.completed ?? '') > Date.parse(savepoint?.completed ?? '');
  return savepoint === undefined || isNewer ? checkpoint?.uri : savepoint.uri;
}

/** A job that the operator has given up, as its newest word. */
function brokenOff(job: FlinkJobObject, now: number): Progress<never> | undefined {
  const { metadata = {}, status } = job;
  if (metadata.deletionTimestamp !== undefined) return failed(`job ${titleOf(job)} is being deleted`);
  const isCurrent = (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);
  const isStalled = status?.conditions?.some(
    (condition) => condition.type === 'Stalled' && condition.status === 'True',
  );
  if (!isCurrent || !(isStalled || status?.phase === 'Failed')) return undefined;
  return failed(`job ${titleOf(job)} is ${status?.phase}. ${whyOf(job, now)}`);
}

/** A number below the one that was asked for, and not acted on: somebody else wrote over it. */
function putBack(job: FlinkJobObject, trigger: TriggerName, number: number): ClusterJobError | undefined {
  const { asked, handled } = triggerOf(job, trigger);
  if (asked >= number || handled >= number) return undefined;
  const path = ['spec', 'triggers', trigger];
  const keeper = putBackWarning(job.metadata?.managedFields, path) ?? 'somebody else wrote over it';
  return new ClusterJobError(
    'CLUSTER_REQUEST_PUT_BACK',
    `spec.triggers.${trigger} of job ${titleOf(job)} is ${asked} again before ${number} was acted on: ${keeper}`,
  );
}

function askAgain({ metadata = {} }: FlinkJobObject, verb: string): string {
  return `kubectl flinkjob ${verb} ${metadata.name} -n ${metadata.namespace} asks for another.`;
}

function underWay(text: string): Progress<never> {
  return { is: 'underWay', text };
}

function failed(message: string): Progress<never> {
  return { is: 'failed', error: new ClusterJobError('CLUSTER_REQUEST_FAILED', message) };
}
