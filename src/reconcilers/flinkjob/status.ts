/**
 * The status of a job: a pure function of the facts and of the status there is. Times of transitions are carried over; the
 * newest checkpoint, which changes all the time, is carried along with other changes and else renewed now and then.
 */
import { isDeepStrictEqual } from 'node:util';
import { CONDITIONS, DEFAULT_PARALLELISM, type FlinkJobStatus, LABELS } from '../../api/index.ts';
import { type AttemptRecord, type Ledger, openAttemptOf } from '../../ha/index.ts';
import { conditionsChangeAt, conditionsOf, type Outcome, seconds } from './conditions.ts';
import { type CheckpointTold, type FlinkJobFacts, isOf, isRunning, type PodSeen } from './facts.ts';
import { lastToldOf } from './last-told.ts';
import { type Situation, situation } from './phase.ts';
import { rollbackAt, unprovenRevision } from './revision-proof.ts';
import { savepointExpiresAt, savepointHandled, savepointsOf } from './savepoint-status.ts';
import { isRescale, targetRevision } from './target.ts';

type Upgrade = NonNullable<FlinkJobStatus['upgrade']>;
type Restored = Pick<NonNullable<FlinkJobStatus['attempt']>, 'restoredFrom' | 'restoredAt'>;

const CAUSE_LIMIT = 2_048;
const ECHO_LIMIT = 128;

/**
 * The status to write; undefined: the one that is there says it. The newest checkpoint goes along with another change; by
 * itself it is a reason to write only now and then.
 */
export function statusToWrite(facts: FlinkJobFacts, outcome: Outcome): FlinkJobStatus | undefined {
  if (!isWorthWriting(facts.status, statusOf(facts, outcome))) return undefined;
  return statusOf(facts, outcome, 'newest');
}

/** @param checkpoint `known`: the one that status names stays until it is old */
export function statusOf(
  facts: FlinkJobFacts,
  outcome: Outcome,
  checkpoint: 'known' | 'newest' = 'known',
): FlinkJobStatus {
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
    checkpoint: checkpointOf(facts, before, checkpoint),
    savepoints: savepointsOf(facts),
    handledTriggers: handledOf(facts, handles.is === 'there' ? handles.view.ledger : undefined, before),
    lastHandledReconcileAt: object.reconcileRequest?.slice(0, ECHO_LIMIT),
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
    ...inEffect(facts, last?.revision),
    ...lifeOf(ledger, facts.status),
    attempt: attemptOf(facts, ledger),
    restarts: restartsOf(ledger),
    upgrade: upgradeOf(facts, ledger, found),
    revision: last?.revision,
    pendingChange: pendingOf(facts, ledger),
    rootException: rootOf(ledger),
  };
}

/** What the revision says that runs, or ran last; before there is one, what the spec says. */
function inEffect({ object, revisions }: FlinkJobFacts, name: string | undefined): Partly {
  const revision = name === undefined ? undefined : revisions.get(name);
  if (name === undefined || revision === undefined) return {};
  const { parallelism = DEFAULT_PARALLELISM } = revision.semantic as { readonly parallelism?: number };
  return { parallelism, configHash: name.slice(object.name.length + 1) };
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
  return withoutAbsent(status) as FlinkJobStatus;
}

function withoutAbsent(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutAbsent);
  const said: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) if (field !== undefined) said[key] = withoutAbsent(field);
  return said;
}

/** Whether there is anything to write: the newest checkpoint alone is a reason only now and then. */
export function isWorthWriting(before: FlinkJobStatus | undefined, after: FlinkJobStatus): boolean {
  return !isDeepStrictEqual(comparable(before ?? {}), comparable(after));
}

/** The server merges conditions by their type: those of others, and the order, are not ours. */
function comparable(status: Partly): Partly {
  const own = status.conditions
    ?.filter(({ type }) => (CONDITIONS as readonly string[]).includes(type))
    .sort((a, b) => (a.type < b.type ? -1 : 1));
  return { ...status, conditions: own };
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
    ...restoredOf(facts, last.number),
  };
}

/** As the attempt says itself; known until the next one begins. */
function restoredOf({ rest, status }: FlinkJobFacts, attempt: number): Restored {
  const isHeard = rest.is === 'answered' && rest.attempt === attempt && rest.runningSince !== undefined;
  if (isHeard) {
    const { restored } = rest;
    return restored === undefined ? {} : { restoredFrom: restored.uri, restoredAt: seconds(restored.at) };
  }
  const { number, restoredFrom, restoredAt } = status?.attempt ?? {};
  if (number !== attempt || restoredFrom === undefined || restoredAt === undefined) return {};
  return { restoredFrom, restoredAt };
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
function checkpointOf(
  facts: FlinkJobFacts,
  before: FlinkJobStatus | undefined,
  which: 'known' | 'newest',
): FlinkJobStatus['checkpoint'] {
  const { rest, now, settings, handles } = facts;
  const life = handles.is === 'there' ? handles.view.ledger.life : undefined;
  // Of another life of the state there is nothing to tell.
  const known = life === undefined || life.jobId === before?.jobId ? before?.checkpoint : undefined;
  if (rest.is !== 'answered' || rest.checkpoint === undefined) return wentDownWith(facts, known);
  const age =
    known?.latest?.completed === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(known.latest.completed);
  const open = handles.is === 'there' ? openAttemptOf(handles.view.ledger) : undefined;
  const isGoingDown = open?.stopping !== undefined;
  if (which === 'known' && age < settings.checkpointStatusMs && !isGoingDown) return known;
  return checkpointFields({ checkpoint: rest.checkpoint, failed: rest.failed });
}

/** Of a job that is not asked, because it is down or comes up, the last that it told of. */
function wentDownWith(facts: FlinkJobFacts, known: FlinkJobStatus['checkpoint']): FlinkJobStatus['checkpoint'] {
  const last = facts.rest.is === 'notAsked' ? lastToldOf(facts) : undefined;
  if (last === undefined || last.checkpoint.id <= (known?.latest?.id ?? -1)) return known;
  return checkpointFields(last);
}

function checkpointFields({
  checkpoint,
  failed,
}: Pick<CheckpointTold, 'checkpoint' | 'failed'>): FlinkJobStatus['checkpoint'] {
  const { id, uri, bytes, tookMs, at } = checkpoint;
  return { latest: { id, uri, bytes, tookMs, completed: seconds(at) }, failed };
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

/** When the status will say something else although nothing happens. */
export function statusChangesAt(facts: FlinkJobFacts, status: FlinkJobStatus): number {
  return Math.min(conditionsChangeAt(facts, status), savepointExpiresAt(facts));
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
  const unproven = isOld ? undefined : unprovenRevision(facts, ledger);
  return {
    step: upgradeStep(facts, open, isOld, phase),
    started: facts.status?.upgrade?.started ?? seconds(facts.now),
    ...(unproven === undefined ? {} : { deadline: seconds(rollbackAt(facts, ledger, unproven)) }),
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
