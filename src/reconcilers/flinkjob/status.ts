/**
 * The status of a job: a pure function of the facts and of the status there is. Times of transitions are carried over; the
 * newest checkpoint, which changes all the time, is carried along with other changes and else renewed now and then.
 */
import {
  type ConditionType,
  type ExplainFacts,
  explain,
  type FlinkJobStatus,
  LABELS,
  needsSomebody,
  type Reason,
} from '../../api/index.ts';
import { type AttemptRecord, type Ledger, openAttemptOf } from '../../ha/index.ts';
import { type FlinkJobFacts, isOf, isRunning, type PodSeen } from './facts.ts';
import { type Situation, situation, troubleOf } from './phase.ts';
import { savepointExpiresAt, savepointHandled, savepointsOf } from './savepoint-status.ts';
import type { Hold } from './step.ts';
import { isRescale, targetRevision } from './target.ts';

type Condition = NonNullable<FlinkJobStatus['conditions']>[number];
type Upgrade = NonNullable<FlinkJobStatus['upgrade']>;

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
const CAUSE_LIMIT = 2_048;

export function statusOf(facts: FlinkJobFacts, outcome: Outcome): FlinkJobStatus {
  const { object, handles, status: before } = facts;
  const found = situation(facts, outcome.because);
  return cleaned({
    observedGeneration: object.generation,
    phase: found.phase,
    conditions: conditionsOf(facts, found, outcome),
    ...asWritten(facts, before),
    ...(handles.is === 'there' ? fromLedger(facts, handles.view.ledger, found) : remembered(before)),
    jobState: facts.rest.is === 'answered' ? facts.rest.state : undefined,
    tasks: tasksOf(facts),
    selector: `${LABELS.job}=${object.name}`,
    checkpoint: checkpointOf(facts, before),
    savepoints: savepointsOf(facts),
    handledTriggers: handledOf(facts, handles.is === 'there' ? handles.view.ledger : undefined, before),
    lastError: errorOf(outcome, before, facts.now),
  });
}

type Partly = { [K in keyof FlinkJobStatus]?: FlinkJobStatus[K] | undefined };

/** What the spec says; of one that is not valid, what it said before. */
function asWritten({ desired }: FlinkJobFacts, before: FlinkJobStatus | undefined): Partly {
  if (desired.is === 'invalid') {
    const { runtime, parallelism, maxParallelism, desiredRevision } = before ?? {};
    return { runtime, parallelism, maxParallelism, desiredRevision };
  }
  const { flink, parallelism, maxParallelism } = desired.settings;
  const runtime = flink === undefined ? 'typescript' : 'flink';
  return { runtime, parallelism, maxParallelism, desiredRevision: desired.revision };
}

function fromLedger(facts: FlinkJobFacts, ledger: Ledger, found: Situation): Partly {
  const last = openAttemptOf(ledger) ?? ledger.attempts.at(-1);
  return {
    ...lifeOf(ledger, facts.status),
    attempt: attemptOf(facts, ledger),
    restarts: restartsOf(ledger),
    upgrade: upgradeOf(facts, ledger, found),
    revision: last?.revision,
    pendingChange: pendingOf(facts, ledger),
    rootException: rootOf(ledger),
  };
}

/** A ledger that was lost, and made anew, has no life until the next attempt takes up the one that status remembers. */
function lifeOf({ life }: Ledger, before: FlinkJobStatus | undefined): Partly {
  if (life !== undefined) return { jobId: life.jobId, startTime: life.since, restoredFrom: life.restoreFrom };
  const { jobId, startTime, restoredFrom } = before ?? {};
  return { jobId, startTime, restoredFrom };
}

/** Without the ledger status is all that is known of the job's past: a later look goes by it. */
function remembered(before: FlinkJobStatus | undefined): Partly {
  const { jobId, startTime, restoredFrom, attempt, restarts, revision, rootException } = before ?? {};
  return { jobId, startTime, restoredFrom, attempt, restarts, revision, rootException };
}

/** No field that says nothing: absent and undefined are the same to the server. */
function cleaned(status: Partly): FlinkJobStatus {
  return JSON.parse(JSON.stringify(status)) as FlinkJobStatus;
}

/** Whether there is anything to write: the newest checkpoint alone is a reason only now and then. */
export function isWorthWriting(before: FlinkJobStatus | undefined, after: FlinkJobStatus): boolean {
  return JSON.stringify(sorted(before ?? {})) !== JSON.stringify(sorted(after));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}

function conditionsOf(facts: FlinkJobFacts, found: Situation, outcome: Outcome): Condition[] {
  const { error } = outcome;
  const shown: Situation = error === undefined ? found : { ...found, reason: error.reason, detail: error.message };
  const words = wordsOf(facts, shown);
  const isDone = ['Succeeded', 'Suspended', 'Finished'].includes(shown.reason);
  const isStalled = error === undefined && needsSomebody(shown.reason) && isLasting(found);
  const isReady = isDone || isBetweenTwoRuns(facts, found);
  const wanted: Omit<Condition, 'lastTransitionTime'>[] = [
    condition(facts, 'Ready', isReady ? 'True' : 'False', shown.reason, words),
    ...(isStalled ? [condition(facts, 'Stalled', 'True', shown.reason, words)] : []),
    ...(isDone || isStalled ? [] : [condition(facts, 'Reconciling', 'True', shown.reason, words)]),
    ...podsHealthy(facts),
    ...checkpointsHealthy(facts),
    ...rolledBack(facts),
    ...observed(facts),
  ];
  return wanted.map((each) => withTransition(each, facts));
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

/** When the status will say something else although nothing happens. */
export function statusChangesAt(facts: FlinkJobFacts, { phase, conditions }: FlinkJobStatus): number {
  const { settings } = facts;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const since = conditions?.find(({ type }) => type === 'Reconciling')?.lastTransitionTime;
  const isBetween = phase === 'Restarting' && ready?.status === 'True' && since !== undefined;
  const unreadyAt = isBetween ? Date.parse(since) + settings.readyHysteresisMs : Number.POSITIVE_INFINITY;
  return Math.min(unreadyAt, savepointExpiresAt(facts));
}

function condition(
  { object }: FlinkJobFacts,
  type: ConditionType,
  status: Condition['status'],
  reason: string,
  message: string,
): Omit<Condition, 'lastTransitionTime'> {
  return { type, status, reason, message: message.slice(0, MESSAGE_LIMIT), observedGeneration: object.generation };
}

function withTransition(fresh: Omit<Condition, 'lastTransitionTime'>, { status, now }: FlinkJobFacts): Condition {
  const before = status?.conditions?.find(({ type }) => type === fresh.type);
  const isSame = before?.status === fresh.status;
  return { ...fresh, lastTransitionTime: isSame ? before.lastTransitionTime : seconds(now) };
}

/** Kubernetes' times have whole seconds. */
function seconds(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, 'Z');
}

function wordsOf(
  { object, desired, settings, rest, status }: FlinkJobFacts,
  { reason, detail, pod, nextAt }: Situation,
): string {
  const newest = rest.is === 'answered' ? rest.checkpoint?.uri : undefined;
  const known: ExplainFacts = {
    job: object.name,
    namespace: object.namespace,
    detail,
    pod,
    image: desired.is === 'valid' ? (desired.job.spec.image ?? settings.image) : undefined,
    nextAt: nextAt === undefined ? undefined : `at ${seconds(nextAt)}`,
    checkpoint: newest ?? status?.checkpoint?.latest?.uri,
  };
  const { cause, remedy } = explain(reason, known);
  return needsSomebody(reason) ? `${cause} ${remedy}` : cause;
}

function podsHealthy(facts: FlinkJobFacts): Omit<Condition, 'lastTransitionTime'>[] {
  const troubled = facts.pods.find(({ trouble, end }) => end === undefined && trouble !== undefined);
  const trouble = troubled === undefined ? undefined : troubleOf(troubled);
  if (trouble === undefined) return [];
  const { cause, remedy } = explain(trouble.reason, {
    ...trouble,
    job: facts.object.name,
    namespace: facts.object.namespace,
    nextAt: undefined,
  });
  return [condition(facts, 'PodsHealthy', 'False', trouble.reason, `${cause} ${remedy}`)];
}

function checkpointsHealthy(facts: FlinkJobFacts): Omit<Condition, 'lastTransitionTime'>[] {
  const { rest } = facts;
  if (rest.is !== 'answered' || (rest.completed === 0 && rest.failed === 0)) return [];
  const before = facts.status?.checkpoint?.failed ?? 0;
  const isFailing = rest.failed > before && rest.completed === 0;
  if (!isFailing) return [condition(facts, 'CheckpointHealthy', 'True', 'Succeeded', 'Checkpoints complete.')];
  const { cause, remedy } = explain('CheckpointsFailing', {
    job: facts.object.name,
    namespace: facts.object.namespace,
  });
  return [condition(facts, 'CheckpointHealthy', 'False', 'CheckpointsFailing', `${cause} ${remedy}`)];
}

function rolledBack(facts: FlinkJobFacts): Omit<Condition, 'lastTransitionTime'>[] {
  const { handles, desired, object } = facts;
  const { bad, badBecause, stable } = (handles.is === 'there' ? handles.view.ledger.revisions : undefined) ?? {};
  if (bad === undefined || desired.is === 'invalid' || desired.revision !== bad) return [];
  const { cause, remedy } = explain('RolledBack', {
    job: object.name,
    namespace: object.namespace,
    detail: badBecause,
    revision: stable,
  });
  return [condition(facts, 'RolledBack', 'True', 'RolledBack', `${cause} ${remedy}`)];
}

function observed(facts: FlinkJobFacts): Omit<Condition, 'lastTransitionTime'>[] {
  const { rest } = facts;
  if (rest.is !== 'silent' || rest.at - rest.since < facts.settings.restTimeoutMs) return [];
  const message = `The REST API of the job has not answered since ${seconds(rest.since)}; what status says of it is from before.`;
  return [condition(facts, 'Observed', 'Unknown', 'ProgressingWithRetry', message)];
}

function tasksOf({ rest }: FlinkJobFacts): FlinkJobStatus['tasks'] {
  return rest.is === 'answered' ? { running: rest.tasksRunning, total: rest.tasksTotal } : undefined;
}

function attemptOf(facts: FlinkJobFacts, ledger: Ledger): FlinkJobStatus['attempt'] {
  const last = ledger.attempts.at(-1);
  if (last === undefined || facts.handles.is !== 'there') return undefined;
  const { epoch, leader } = facts.handles.view.snapshot;
  const leading = last.end === undefined ? leadingPod(facts, leader) : undefined;
  return {
    number: last.number,
    started: seconds(last.startedAt),
    ...(leading === undefined ? {} : { leader: leading.name }),
    epoch,
  };
}

function leadingPod({ pods }: FlinkJobFacts, leader: string): PodSeen | undefined {
  return pods.find((pod) => pod.end === undefined && isOf(pod, leader));
}

function restartsOf(ledger: Ledger): FlinkJobStatus['restarts'] {
  const failures = ledger.attempts.flatMap((attempt) => attempt.failures);
  const last = failures.at(-1);
  const waits = openAttemptOf(ledger) === undefined && ledger.gaveUp === undefined && last !== undefined;
  return {
    count: ledger.restarts,
    ...(last === undefined ? {} : { lastCause: last.cause.slice(0, CAUSE_LIMIT) }),
    ...(waits ? { nextAt: seconds(last.nextAt) } : {}),
  };
}

/** Renewed where the status has none yet, where it is old, and when the job goes down. */
function checkpointOf(facts: FlinkJobFacts, before: FlinkJobStatus | undefined): FlinkJobStatus['checkpoint'] {
  const { rest, now, settings, handles } = facts;
  const life = handles.is === 'there' ? handles.view.ledger.life : undefined;
  // Of another life of the state there is nothing to tell.
  const known = life === undefined || life.jobId === before?.jobId ? before?.checkpoint : undefined;
  if (rest.is !== 'answered' || rest.checkpoint === undefined) return known;
  const age =
    known?.latest?.completed === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(known.latest.completed);
  const open = handles.is === 'there' ? openAttemptOf(handles.view.ledger) : undefined;
  const isGoingDown = open?.stopping !== undefined;
  if (age < settings.checkpointStatusMs && !isGoingDown) return known;
  const { id, uri, bytes, tookMs, at } = rest.checkpoint;
  return { latest: { id, uri, bytes, tookMs, completed: seconds(at) }, failed: rest.failed };
}

function handledOf(
  facts: FlinkJobFacts,
  ledger: Ledger | undefined,
  before: FlinkJobStatus | undefined,
): FlinkJobStatus['handledTriggers'] {
  const savepoint = savepointHandled(facts);
  const handled = { ...before?.handledTriggers, ...ledger?.handled, ...(savepoint === undefined ? {} : { savepoint }) };
  return Object.keys(handled).length === 0 ? undefined : (handled as FlinkJobStatus['handledTriggers']);
}

/** Present from the first sign of another revision until it has proved itself. */
function upgradeOf(facts: FlinkJobFacts, ledger: Ledger, { phase }: Situation): Upgrade | undefined {
  const open = openAttemptOf(ledger);
  const last = open ?? ledger.attempts.at(-1);
  const { stable } = ledger.revisions ?? {};
  if (stable === undefined || last === undefined) return undefined;
  const isOld = last.revision === stable;
  if (isOld && !['Upgrading', 'Rescaling', 'RollingBack'].includes(phase)) return undefined;
  if (phase === 'Suspended' || phase === 'Failed' || phase === 'Succeeded') return undefined;
  return {
    step: upgradeStep(facts, open, isOld, phase),
    started: facts.status?.upgrade?.started ?? seconds(facts.now),
  };
}

function upgradeStep(
  facts: FlinkJobFacts,
  open: AttemptRecord | undefined,
  isOld: boolean,
  phase: string,
): Upgrade['step'] {
  if (phase === 'RollingBack') return 'RollingBack';
  if (phase === 'Rescaling') return 'Rescaling';
  if (open === undefined) return 'Stopping';
  if (isOld) return open.stopping === undefined ? 'Stopping' : 'SavingState';
  return isRunning(facts, open.number) ? 'Stabilizing' : 'Starting';
}

function pendingOf(facts: FlinkJobFacts, ledger: Ledger): FlinkJobStatus['pendingChange'] {
  const running = (openAttemptOf(ledger) ?? ledger.attempts.at(-1))?.revision;
  const target = targetRevision(facts, ledger);
  if (running === undefined || target === undefined || running === target) return undefined;
  return isRescale(facts.revisions.get(running), facts.revisions.get(target)) ? 'Rescale' : 'Restart';
}

function errorOf({ error }: Outcome, before: FlinkJobStatus | undefined, now: number): FlinkJobStatus['lastError'] {
  if (error === undefined) return undefined;
  const { code, message, retryable } = error;
  const known = before?.lastError;
  const isSame = known?.code === code && known.message === message.slice(0, CAUSE_LIMIT);
  return {
    code,
    message: message.slice(0, CAUSE_LIMIT),
    retryable,
    at: isSame && known.at !== undefined ? known.at : seconds(now),
  };
}

function rootOf({ attempts }: Ledger): string | undefined {
  const failed = [...attempts].reverse().find(({ end }) => end?.how === 'failed' || end?.how === 'crashed');
  return failed?.end?.cause.slice(0, CAUSE_LIMIT);
}
