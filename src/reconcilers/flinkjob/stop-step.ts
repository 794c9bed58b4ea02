/** Brings the open attempt down because something else is wanted of the job. Pure. */
import { NEEDS_A_RUNNING_JOB } from '../../api/index.ts';
import type { AttemptRecord, Ledger, Stopping, StopReason } from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { derivedId } from '../../lib/derived-id.ts';
import { type FlinkJobFacts, isRunning, isUnheard, livePods, type OperationSeen } from './facts.ts';
import { replaced, stopForgotten, stopNoted } from './ledger-steps.ts';
import type { Saying, Step } from './step.ts';
import { isRescale, targetRevision } from './target.ts';

/** How long a pod may take to end once its savepoint is complete. */
const ENDING_MS = 30_000;
/** A job that does not answer for so long is taken for one that does not run. */
const UNHEARD_MS = 30_000;

/**
 *     savepoint wanted and job running ──► noted in the ledger ──► asked for ──► complete ──► its pods end by themselves
 *                                                                  └── fails, or takes too long ──► closed without one
 *     else ──► closed at once: the newest checkpoint is the restore point
 *
 * With `spec.upgrade.fallback: false` an upgrade is never without one: it waits for a job that runs, and asks again. A step
 * that rests `because` of that lets the job have its pods.
 */
export function stopStep(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord, why: StopReason): Step {
  const { stopping } = open;
  if (stopping !== undefined) return continueStop(facts, ledger, open, stopping, why);
  if (!wantsSavepoint(facts, ledger, open, why)) return close(facts, ledger, why, []);
  if (isRunning(facts, open.number)) return noteStop(facts, ledger, open, why);
  const { rest, now } = facts;
  if (rest.is === 'silent' && isUnheard(facts, open.number) && now >= rest.since && now < rest.since + UNHEARD_MS) {
    return { do: 'rest', untilMs: rest.since + UNHEARD_MS };
  }
  if (!mayFallBack(facts, why)) return WAITS_FOR_THE_JOB;
  return close(facts, ledger, why, why === 'suspend' ? [] : [fallback('the job does not run')]);
}

const WAITS_FOR_THE_JOB: Extract<Step, { do: 'rest' }> = {
  do: 'rest',
  because: { reason: 'Progressing', detail: NEEDS_A_RUNNING_JOB },
};

/** Each time it is noted it is another stop: a job that refused one may be asked for the next. */
function noteStop({ object, now }: FlinkJobFacts, ledger: Ledger, open: AttemptRecord, why: StopReason): Step {
  return stopNoted(ledger, { why, since: now, triggerId: derivedId(object.uid, 'stop', open.number, now) });
}

/**
 * What becomes of a stop that was noted when nobody wants it any more. The job may do it all the same, then it is opened
 * again; once it will not, it is forgotten. Undefined: there is none.
 */
export function withdrawnStop(facts: FlinkJobFacts, ledger: Ledger, { stopping }: AttemptRecord): Step | undefined {
  if (stopping === undefined) return undefined;
  if (facts.now < stopping.since) return stopNoted(ledger, { ...stopping, since: facts.now });
  const deadline = stopping.since + facts.settings.savepointDeadlineMs;
  const isOver = facts.now >= deadline || operationOf(facts, stopping)?.state.is === 'failed';
  return isOver ? stopForgotten(ledger) : { do: 'rest', untilMs: deadline };
}

function operationOf({ operation }: FlinkJobFacts, { triggerId }: Stopping): OperationSeen | undefined {
  return operation?.triggerId === triggerId ? operation : undefined;
}

function continueStop(
  facts: FlinkJobFacts,
  ledger: Ledger,
  open: AttemptRecord,
  stopping: Stopping,
  why: StopReason,
): Step {
  const { now } = facts;
  // Noted by an operator whose clock was ahead: its deadline is not to be later than one of ours.
  if (now < stopping.since) return stopNoted(ledger, { ...stopping, since: now });
  const deadline = stopping.since + deadlineMs(facts, why);
  const operation = operationOf(facts, stopping);
  const isDown = livePods(facts.pods, open.number).length === 0;
  const without = (cause: string): Step => withoutSavepoint(facts, ledger, open, why, cause);
  if (operation?.state.is === 'completed') {
    // Its pods end of it, and say so; if they do not, the savepoint is complete all the same.
    return now < deadline + ENDING_MS && !isDown
      ? { do: 'rest', untilMs: deadline + ENDING_MS }
      : close(facts, ledger, why, []);
  }
  if (operation?.state.is === 'failed') return without(operation.state.cause);
  if (isDown) return without('its pods are gone');
  if (now >= deadline) return without('it was not done in time');
  const isUnknown = operation === undefined || operation.state.is === 'unknown';
  return isUnknown && isRunning(facts, open.number)
    ? ask(stopping.triggerId, operation, now, deadline)
    : { do: 'rest', untilMs: deadline };
}

/** Asking with the same id is asking for the same stop. */
function ask(triggerId: string, before: OperationSeen | undefined, now: number, deadline: number): Step {
  const notBefore = before?.notBefore ?? 0;
  return now >= notBefore
    ? { do: 'stopWithSavepoint', triggerId }
    : { do: 'rest', untilMs: Math.min(notBefore, deadline) };
}

/** The savepoint will not come: it is done without, or asked for anew where it has to be. */
function withoutSavepoint(
  facts: FlinkJobFacts,
  ledger: Ledger,
  open: AttemptRecord,
  why: StopReason,
  cause: string,
): Step {
  if (mayFallBack(facts, why)) return close(facts, ledger, why, [fallback(cause)]);
  const notBefore = facts.operation?.state.is === 'failed' ? facts.operation.notBefore : 0;
  if (facts.now < notBefore) return { ...WAITS_FOR_THE_JOB, untilMs: notBefore };
  return isRunning(facts, open.number) ? noteStop(facts, ledger, open, why) : WAITS_FOR_THE_JOB;
}

function deadlineMs({ desired, settings }: FlinkJobFacts, why: StopReason): number {
  return why === 'delete' && desired.is === 'valid'
    ? desired.settings.deletion.timeoutMs
    : settings.savepointDeadlineMs;
}

function wantsSavepoint(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord, why: StopReason): boolean {
  const { desired } = facts;
  if (desired.is === 'invalid') return false;
  const { mode } = desired.settings.upgrade;
  switch (why) {
    case 'suspend':
      return mode === 'Savepoint';
    case 'upgrade': {
      if (mode === 'Stateless') return false;
      const target = targetRevision(facts, ledger);
      const from = open.revision === undefined ? undefined : facts.revisions.get(open.revision);
      if (isRescale(from, target === undefined ? undefined : facts.revisions.get(target))) return false;
      return mode === 'Savepoint' || isCheckpointTooOld(facts);
    }
    case 'delete':
      return desired.settings.deletion.mode === 'Savepoint';
    case 'rollback':
    case 'restart':
    case 'restore':
      return false;
    default:
      return assertNever(why);
  }
}

/** Mode LastState takes a savepoint where the newest checkpoint is older than it may be. */
function isCheckpointTooOld({ desired, rest, now }: FlinkJobFacts): boolean {
  const maxAgeMs = desired.is === 'valid' ? desired.settings.upgrade.maxCheckpointAgeMs : undefined;
  if (maxAgeMs === undefined) return false;
  return rest.is !== 'answered' || rest.checkpoint === undefined || now - rest.checkpoint.at > maxAgeMs;
}

function mayFallBack({ desired }: FlinkJobFacts, why: StopReason): boolean {
  return why !== 'upgrade' || desired.is === 'invalid' || desired.job.spec.upgrade.fallback;
}

function fallback(cause: string): Saying {
  const note = `No savepoint was taken: ${cause}. The job goes on from its newest checkpoint.`;
  return { type: 'Warning', reason: 'RestoreFallback', note };
}

function close(facts: FlinkJobFacts, ledger: Ledger, why: StopReason, say: readonly Saying[]): Step {
  return replaced(ledger, { now: facts.now, cause: CAUSES[why], say });
}

const CAUSES: Readonly<Record<StopReason, string>> = {
  suspend: 'the job was suspended',
  upgrade: 'the spec has changed',
  rollback: 'the revision is rolled back',
  restart: 'triggers.restart asked for it',
  restore: 'triggers.restore asked for it',
  delete: 'the FlinkJob is deleted',
};
