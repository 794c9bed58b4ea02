/** What was seen of a job → one record: the stable form of `flinkjob status -o json` on a cluster. Pure. */
import { explainJob, type FlinkJobStatus, type JobExplanation, needsSomebody } from '../../api/index.ts';
import type { CheckpointStatistics } from '../../flink/index.ts';
import type { FlinkJobObject } from '../../kube/index.ts';
import { parseDurationMs } from '../../lib/durations.ts';
import type { EventReport } from './event-report.ts';
import { type FieldKeeper, keepersOfSpec, specChangedAt } from './gitops.ts';
import type { JobSeen } from './look-at-job.ts';
import { type PodReport, podReports, podTroubles } from './pod-report.ts';

/** Names are those of the resource's status where it has them; instants are RFC 3339. */
export interface ClusterStatusReport {
  readonly name: string;
  readonly namespace: string;
  readonly phase: string;
  /** When a condition changed last. */
  readonly since?: string;
  /** Why it is so, and what mends it. */
  readonly explanation: JobExplanation & { readonly needsSomebody: boolean };
  readonly conditions: readonly ConditionReport[];
  readonly generation: number;
  readonly observedGeneration: number;
  readonly deleting?: string;
  /** What happens next by itself, and when. */
  readonly next?: { readonly at: string; readonly what: string };
  readonly jobId?: string;
  readonly runtime?: string;
  readonly image?: string;
  readonly parallelism?: number;
  readonly maxParallelism?: number;
  readonly tasks?: { readonly running: number; readonly total: number };
  readonly attempt?: NonNullable<FlinkJobStatus['attempt']>;
  readonly restarts?: NonNullable<FlinkJobStatus['restarts']>;
  readonly checkpoint?: CheckpointReport;
  readonly failedCheckpoints?: number;
  readonly savepoints: NonNullable<FlinkJobStatus['savepoints']>;
  readonly restoredFrom?: string;
  readonly revision?: string;
  readonly desiredRevision?: string;
  readonly pendingChange?: string;
  readonly upgrade?: NonNullable<FlinkJobStatus['upgrade']>;
  /** Triggers that were asked for and are not handled yet. */
  readonly pendingTriggers: readonly TriggerReport[];
  readonly lastError?: NonNullable<FlinkJobStatus['lastError']>;
  readonly rootException?: string;
  readonly pods: readonly PodReport[];
  readonly events: readonly EventReport[];
  /** Tools that keep the spec. */
  readonly keepers: readonly FieldKeeper[];
  /** What could not be seen. */
  readonly notes: readonly string[];
}

export interface ConditionReport {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

export interface CheckpointReport {
  readonly id: number;
  readonly uri?: string | undefined;
  readonly bytes?: number | undefined;
  readonly tookMs?: number | undefined;
  readonly completed?: string | undefined;
}

/** A trigger such as `savepoint`. */
export interface TriggerReport {
  readonly trigger: TriggerName;
  readonly asked: number;
  readonly handled: number;
}

const TRIGGERS = ['savepoint', 'restart', 'restore'] as const;

/** The counters of `spec.triggers`. */
export type TriggerName = (typeof TRIGGERS)[number];

/** The part of a spec that is read here; it is what somebody wrote, and may be anything. */
export interface SpecSeen {
  readonly image?: string;
  readonly parallelism?: number;
  readonly state?: string;
  readonly deletion?: { readonly timeout?: string };
  readonly triggers?: Partial<Record<TriggerName, number>>;
}

/** `spec` of an object that nobody has checked. */
export function specOf({ spec }: FlinkJobObject): SpecSeen {
  return typeof spec === 'object' && spec !== null ? (spec as SpecSeen) : {};
}

/** A trigger's highest number: one more than it asks. */
export function triggerOf(job: FlinkJobObject, trigger: TriggerName): { asked: number; handled: number } {
  return { asked: specOf(job).triggers?.[trigger] ?? 0, handled: job.status?.handledTriggers?.[trigger] ?? 0 };
}

/** Everything one screen says. */
export function statusReport(seen: JobSeen, now: number): ClusterStatusReport {
  const { job, events, notes } = seen;
  const { metadata = {}, status } = job;
  const spec = specOf(job);
  const explanation = explainSeen(seen, now);
  return {
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Deleting',
    ...present('since', metadata.deletionTimestamp ?? newestChange(status)),
    explanation: { ...explanation, needsSomebody: needsSomebody(explanation.reason) },
    conditions: (status?.conditions ?? []).map(conditionReport),
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? -1,
    ...present('deleting', metadata.deletionTimestamp),
    ...present('next', nextOf(job, now)),
    ...present('image', spec.image),
    ...present('parallelism', status?.parallelism ?? spec.parallelism),
    ...pick(status, ['jobId', 'runtime', 'maxParallelism', 'tasks', 'attempt', 'restarts']),
    ...checkpointsIn(seen),
    savepoints: status?.savepoints ?? [],
    ...pick(status, ['restoredFrom', 'revision', 'desiredRevision', 'pendingChange', 'upgrade']),
    pendingTriggers: TRIGGERS.map((trigger) => ({ trigger, ...triggerOf(job, trigger) })).filter(
      ({ asked, handled }) => asked > handled,
    ),
    ...pick(status, ['lastError', 'rootException']),
    pods: podReports(seen.pods, attemptOf(status)),
    events,
    keepers: keepersOfSpec(metadata.managedFields),
    notes,
  };
}

/** The next thing that happens although nobody does anything, where its time is known. */
function nextOf({ metadata = {}, status, ...job }: FlinkJobObject, now: number): ClusterStatusReport['next'] {
  const { deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) {
    const timeoutMs = parseDurationMs(specOf({ metadata, ...job }).deletion?.timeout ?? '');
    if (timeoutMs === undefined) return undefined;
    return upcoming(Date.parse(deletionTimestamp) + timeoutMs, 'what is not done is skipped', now);
  }
  const { restarts, attempt, upgrade, phase } = status ?? {};
  if (phase === 'Restarting' && restarts?.nextAt !== undefined) {
    return upcoming(Date.parse(restarts.nextAt), `attempt ${(attempt?.number ?? 0) + 1} begins`, now);
  }
  if (upgrade?.deadline === undefined) return undefined;
  return upcoming(Date.parse(upgrade.deadline), 'the change is rolled back, unless it runs well by then', now);
}

function upcoming(at: number, what: string, now: number): ClusterStatusReport['next'] {
  return at > now ? { at: new Date(at).toISOString(), what } : undefined;
}

/** What a job that comes up waits for, as its pods and tasks tell. */
function doingOf(
  reports: readonly PodReport[],
  { attempt, tasks, phase }: Partial<FlinkJobStatus>,
): string | undefined {
  if (phase !== 'Starting' && phase !== 'Restarting' && phase !== 'Upgrading' && phase !== 'Rescaling')
    return undefined;
  const own = reports.filter(({ attempt: number, role }) => number === attempt?.number && role !== 'ended');
  const [first] = own;
  if (attempt === undefined) return undefined;
  if (first === undefined) return `attempt ${attempt.number} has no pod yet`;
  if (own.every(({ isReady }) => !isReady))
    return `pod ${first.name} of attempt ${attempt.number} is coming up (${first.state})`;
  if (tasks !== undefined && tasks.running < tasks.total) return `${tasks.running} of ${tasks.total} tasks run`;
  return attempt.leader === undefined ? `nobody leads attempt ${attempt.number} yet` : undefined;
}

/** Why the job is where it is, with what its pods say. */
export function explainSeen(
  { job, pods, events }: Pick<JobSeen, 'job' | 'pods' | 'events'>,
  now: number,
): JobExplanation {
  const { metadata = {}, status } = job;
  const { state } = specOf(job);
  return explainJob(
    { metadata, spec: { state }, status },
    {
      now,
      pods: podTroubles(pods, attemptOf(status), events),
      doing: doingOf(podReports(pods, attemptOf(status)), status ?? {}),
      changedAt: specChangedAt(metadata.managedFields),
    },
  );
}

function attemptOf(status: FlinkJobStatus | undefined): { number?: number; leader?: string } {
  const { number, leader } = status?.attempt ?? {};
  return { ...present('number', number), ...present('leader', leader) };
}

function conditionReport({ type, status, reason, message, lastTransitionTime }: Condition): ConditionReport {
  return { type, status, reason, message, since: lastTransitionTime };
}

type Condition = NonNullable<FlinkJobStatus['conditions']>[number];

/** Of those that say where the job is. */
function newestChange(status: FlinkJobStatus | undefined): string | undefined {
  const times = (status?.conditions ?? [])
    .filter(({ type }) => type === 'Ready' || type === 'Reconciling' || type === 'Stalled')
    .map(({ lastTransitionTime }) => lastTransitionTime);
  return times.sort().at(-1);
}

/** What the job answers is newer than what was written down. */
function checkpointsIn({ job, checkpoints }: JobSeen): Pick<ClusterStatusReport, 'checkpoint' | 'failedCheckpoints'> {
  const recorded = job.status?.checkpoint;
  const live = checkpoints?.latest.completed;
  const latest = live === undefined || live === null ? recorded?.latest : checkpointReport(live);
  return {
    ...present('checkpoint', latest),
    ...present('failedCheckpoints', checkpoints?.counts.failed ?? recorded?.failed),
  };
}

/** A checkpoint of the REST API. */
export function checkpointReport(statistics: CheckpointStatistics): CheckpointReport {
  const { id, external_path: uri, state_size: bytes, end_to_end_duration: tookMs } = statistics;
  const completed = statistics.trigger_timestamp + tookMs;
  return { id, uri, bytes, tookMs, completed: new Date(completed).toISOString() };
}

function pick<K extends keyof FlinkJobStatus>(
  status: FlinkJobStatus | undefined,
  keys: readonly K[],
): { [P in K]?: NonNullable<FlinkJobStatus[P]> } {
  const entries = keys.map((key) => [key, status?.[key]] as const).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [P in K]?: NonNullable<FlinkJobStatus[P]> };
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
