/**
 * The conditions of a job, as kstatus wants them: `Ready` always; `Reconciling` and `Stalled` only while true, never both; the
 * others where there is something to say. Their words are those of the table of reasons. Pure; times of transitions are
 * carried over from the status there is.
 */
import {
  type ConditionType,
  type ExplainFacts,
  explain,
  type FlinkJobStatus,
  needsSomebody,
  type Reason,
} from '../../api/index.ts';
import type { FlinkJobFacts, PodSeen } from './facts.ts';
import { lastToldOf, savedWith } from './last-told.ts';
import { type Situation, troubleOf } from './phase.ts';
import type { Hold } from './step.ts';
import { storageSeen } from './storage-seen.ts';

type Condition = NonNullable<FlinkJobStatus['conditions']>[number];
/** Without its time. */
type Wanted = Omit<Condition, 'lastTransitionTime'>;

/** What a reconcile came to. */
export interface Outcome {
  /** What the last decision stopped at, if somebody has to do something. */
  readonly because: Hold | undefined;
  /** What kept it from going on. */
  readonly error:
    | { readonly code: string; readonly message: string; readonly retryable: boolean; readonly reason: Reason }
    | undefined;
}

const MESSAGE_LIMIT = 32_768;
/** A pod that ran out of memory is told of for so long. */
const OUT_OF_MEMORY_TOLD_MS = 600_000;

export function conditionsOf(facts: FlinkJobFacts, found: Situation, outcome: Outcome): Condition[] {
  const { error } = outcome;
  const shown: Situation = error === undefined ? found : { ...found, reason: error.reason, detail: error.message };
  const words = wordsOf(facts, shown);
  const isDone = ['Succeeded', 'Suspended', 'Finished'].includes(shown.reason);
  const isStalled = error === undefined && needsSomebody(shown.reason) && isLasting(found);
  const isReady = isDone || isBetweenTwoRuns(facts, found);
  const wanted: Wanted[] = [
    condition(facts, 'Ready', isReady ? 'True' : 'False', shown.reason, words),
    ...(isStalled ? [condition(facts, 'Stalled', 'True', shown.reason, words)] : []),
    ...(isDone || isStalled ? [] : [condition(facts, 'Reconciling', 'True', shown.reason, words)]),
    ...podsHealthy(facts),
    ...storageReachable(facts),
    ...checkpointsHealthy(facts),
    ...rolledBack(facts),
    ...observed(facts),
  ];
  return wanted.map((each) => withTransition(each, facts));
}

/** When a condition will say something else although nothing happens. */
export function conditionsChangeAt(facts: FlinkJobFacts, { phase, conditions }: FlinkJobStatus): number {
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const since = conditions?.find(({ type }) => type === 'Reconciling')?.lastTransitionTime;
  const isBetween = phase === 'Restarting' && ready?.status === 'True' && since !== undefined;
  const unreadyAt = isBetween ? Date.parse(since) + facts.settings.readyHysteresisMs : Number.POSITIVE_INFINITY;
  const killed = outOfMemory(facts);
  return Math.min(unreadyAt, killed === undefined ? Number.POSITIVE_INFINITY : toldUntil(killed));
}

/** What stays so until somebody does something, as opposed to a pod that may come up yet. */
function isLasting({ phase }: Situation): boolean {
  return phase === 'Failed' || phase === 'Pending' || phase === 'Running' || phase === 'Suspended';
}

/** A job that fails and runs again soon does not lose its Ready for it. */
function isBetweenTwoRuns({ status, now, settings }: FlinkJobFacts, { phase }: Situation): boolean {
  if (phase !== 'Restarting') return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const running = status?.conditions?.find(({ type }) => type === 'Reconciling');
  if (ready?.status !== 'True') return false;
  const since = running === undefined ? now : Date.parse(running.lastTransitionTime);
  return now - since < settings.readyHysteresisMs;
}

function condition(
  { object }: FlinkJobFacts,
  type: ConditionType,
  status: Condition['status'],
  reason: string,
  message: string,
): Wanted {
  return { type, status, reason, message: message.slice(0, MESSAGE_LIMIT), observedGeneration: object.generation };
}

function withTransition(fresh: Wanted, { status, now }: FlinkJobFacts): Condition {
  const before = status?.conditions?.find(({ type }) => type === fresh.type);
  const isSame = before?.status === fresh.status;
  return { ...fresh, lastTransitionTime: isSame ? before.lastTransitionTime : seconds(now) };
}

/** Kubernetes' times have whole seconds. */
export function seconds(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, 'Z');
}

function imageOf({ desired, settings }: FlinkJobFacts): string | undefined {
  return desired.is === 'valid' ? (desired.job.spec.image ?? settings.image) : undefined;
}

function wordsOf(facts: FlinkJobFacts, { reason, detail, pod, nextAt, revision }: Situation): string {
  const { object, rest, status } = facts;
  const newest = rest.is === 'answered' ? rest.checkpoint?.uri : lastToldOf(facts)?.checkpoint.uri;
  const known: ExplainFacts = {
    job: object.name,
    namespace: object.namespace,
    detail,
    pod,
    revision,
    image: imageOf(facts),
    nextAt: nextAt === undefined ? undefined : `at ${seconds(nextAt)}`,
    checkpoint: savedWith(facts) ?? newest ?? status?.checkpoint?.latest?.uri,
  };
  const { cause, remedy } = explain(reason, known);
  return needsSomebody(reason) ? `${cause} ${remedy}` : cause;
}

/** Cause and remedy of a reason, where they are not those of the job as a whole. */
function told(facts: FlinkJobFacts, reason: Reason, known: ExplainFacts): string {
  const { name: job, namespace } = facts.object;
  const { cause, remedy } = explain(reason, { job, namespace, ...known });
  return `${cause} ${remedy}`;
}

function podsHealthy(facts: FlinkJobFacts): Wanted[] {
  const troubled = facts.pods.find(({ trouble, end }) => end === undefined && trouble !== undefined);
  const trouble = troubled === undefined ? undefined : troubleOf(troubled);
  if (trouble !== undefined) {
    const { reason, detail, pod } = trouble;
    return [
      condition(facts, 'PodsHealthy', 'False', reason, told(facts, reason, { detail, pod, image: imageOf(facts) })),
    ];
  }
  const killed = outOfMemory(facts);
  if (killed === undefined) return [];
  const { desired } = facts;
  const limit = desired.is === 'valid' ? desired.job.spec.jobManager?.resources?.limits?.['memory'] : undefined;
  const known = { pod: killed.name, memory: limit === undefined ? undefined : String(limit), detail: exitText(killed) };
  return [condition(facts, 'PodsHealthy', 'False', 'OOMKilled', told(facts, 'OOMKilled', known))];
}

/** The last pod that used more memory than it may, of late. */
function outOfMemory({ pods, now }: FlinkJobFacts): PodSeen | undefined {
  const killed = pods.filter(({ end }) => end?.signal === 'OOMKilled');
  return killed.sort((a, b) => toldUntil(b) - toldUntil(a)).find((pod) => now < toldUntil(pod));
}

function toldUntil({ end }: PodSeen): number {
  return (end?.at ?? 0) + OUT_OF_MEMORY_TOLD_MS;
}

function exitText({ end }: PodSeen): string | undefined {
  return end?.exitCode === undefined ? undefined : `exit code ${end.exitCode}`;
}

/** Told while it cannot be reached, and that it can be again. */
function storageReachable(facts: FlinkJobFacts): Wanted[] {
  const seen = storageSeen(facts);
  const wasTold = facts.status?.conditions?.some(({ type }) => type === 'StorageReachable') === true;
  if (seen?.is === 'unreachable' || seen?.is === 'apart') {
    const reason = seen.is === 'apart' ? 'StorageNotShared' : 'StorageUnreachable';
    return [condition(facts, 'StorageReachable', 'False', reason, told(facts, reason, { detail: seen.why }))];
  }
  if (seen === undefined || !wasTold) return [];
  return [condition(facts, 'StorageReachable', 'True', 'Succeeded', 'Checkpoints are stored.')];
}

/** Whether the newest checkpoint that ended was completed. */
function checkpointsHealthy(facts: FlinkJobFacts): Wanted[] {
  const { rest } = facts;
  if (rest.is !== 'answered' || (rest.completed === 0 && rest.failed === 0)) return [];
  const { checkpoint, lastFailure, completed } = rest;
  const isFailing = lastFailure === undefined ? completed === 0 : lastFailure.id > (checkpoint?.id ?? -1);
  if (!isFailing) return [condition(facts, 'CheckpointHealthy', 'True', 'Succeeded', 'Checkpoints complete.')];
  const known = {
    detail: lastFailure?.cause,
    checkpoint: checkpoint === undefined ? undefined : `checkpoint ${checkpoint.id}`,
  };
  const message = told(facts, 'CheckpointsFailing', known);
  return [condition(facts, 'CheckpointHealthy', 'False', 'CheckpointsFailing', message)];
}

function rolledBack(facts: FlinkJobFacts): Wanted[] {
  const { handles, desired } = facts;
  const { bad, badBecause, stable } = (handles.is === 'there' ? handles.view.ledger.revisions : undefined) ?? {};
  if (bad === undefined || desired.is === 'invalid' || desired.revision !== bad) return [];
  const message = told(facts, 'RolledBack', { detail: badBecause, revision: stable });
  return [condition(facts, 'RolledBack', 'True', 'RolledBack', message)];
}

function observed(facts: FlinkJobFacts): Wanted[] {
  const { rest } = facts;
  if (rest.is !== 'silent' || rest.at - rest.since < facts.settings.restTimeoutMs) return [];
  const message = `The REST API of the job has not answered since ${seconds(rest.since)}; what status says of it is from before.`;
  return [condition(facts, 'Observed', 'Unknown', 'ProgressingWithRetry', message)];
}
