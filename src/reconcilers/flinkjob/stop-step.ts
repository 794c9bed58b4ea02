/** Brings the open attempt down because something else is wanted of the job. Pure. */
import { createHash } from 'node:crypto';
import { type AttemptRecord, type Ledger, noteStopping, type StopReason } from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { type FlinkJobFacts, isRunning, livePods } from './facts.ts';
import { replaced } from './ledger-steps.ts';
import type { Saying, Step } from './step.ts';
import { answeredBy, isRescale, targetRevision } from './target.ts';

/** How long a pod may take to end once its savepoint is complete. */
const ENDING_MS = 30_000;

/**
 *     savepoint wanted and job running ──► noted in the ledger ──► asked for ──► complete ──► its pods end by themselves
 *                                                                  └── fails, or takes too long ──► closed without one
 *     else ──► closed at once: the newest checkpoint is the restore point
 */
export function stopStep(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord, why: StopReason): Step {
  const { stopping } = open;
  if (stopping !== undefined) return continueStop(facts, ledger, open, stopping, why);
  if (!wantsSavepoint(facts, ledger, open, why)) return close(facts, ledger, why, []);
  if (!isRunning(facts, open.number)) {
    if (why === 'upgrade' && !mayFallBack(facts))
      return {
        do: 'rest',
        because: {
          reason: 'Progressing',
          detail: 'a savepoint needs a job that runs, and spec.upgrade.fallback is false',
        },
      };
    return close(facts, ledger, why, why === 'suspend' ? [] : [fallback('the job does not run')]);
  }
  const triggerId = createHash('sha256').update(`${facts.object.uid}/stop/${open.number}`).digest('hex').slice(0, 32);
  const noted = noteStopping(ledger, { why, since: facts.now, triggerId });
  return { do: 'writeLedger', why: `stop with savepoint: ${why}`, ledger: noted, say: [] };
}

function continueStop(
  facts: FlinkJobFacts,
  ledger: Ledger,
  open: AttemptRecord,
  stopping: NonNullable<AttemptRecord['stopping']>,
  why: StopReason,
): Step {
  const deadline = stopping.since + deadlineMs(facts, why);
  const operation = facts.operation?.triggerId === stopping.triggerId ? facts.operation : undefined;
  const state = operation?.state ?? { is: 'unknown' as const };
  switch (state.is) {
    case 'completed': {
      // Its pods end of it, and say so; if they do not, the savepoint is complete all the same.
      const isDown = livePods(facts.pods, open.number).length === 0;
      return facts.now < deadline + ENDING_MS && !isDown
        ? { do: 'rest', untilMs: deadline + ENDING_MS }
        : close(facts, ledger, why, []);
    }
    case 'failed':
      return close(facts, ledger, why, [fallback(state.cause)]);
    case 'inProgress':
      return facts.now < deadline
        ? { do: 'rest', untilMs: deadline }
        : close(facts, ledger, why, [fallback('it took too long')]);
    case 'unknown': {
      if (facts.now >= deadline) return close(facts, ledger, why, [fallback('the job did not answer in time')]);
      const isDue = isRunning(facts, open.number) && facts.now >= (operation?.notBefore ?? 0);
      return isDue ? { do: 'stopWithSavepoint', triggerId: stopping.triggerId } : { do: 'rest', untilMs: deadline };
    }
    default:
      return assertNever(state);
  }
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

function mayFallBack({ desired }: FlinkJobFacts): boolean {
  return desired.is === 'invalid' || desired.job.spec.upgrade.fallback;
}

function fallback(cause: string): Saying {
  const note = `No savepoint was taken: ${cause}. The job goes on from its newest checkpoint.`;
  return { type: 'Warning', reason: 'RestoreFallback', note };
}

function close(facts: FlinkJobFacts, ledger: Ledger, why: StopReason, say: readonly Saying[]): Step {
  return replaced(ledger, { now: facts.now, cause: CAUSES[why], say, handled: answeredBy(facts, ledger, why) });
}

const CAUSES: Readonly<Record<StopReason, string>> = {
  suspend: 'the job was suspended',
  upgrade: 'the spec has changed',
  rollback: 'the revision is rolled back',
  restart: 'triggers.restart asked for it',
  restore: 'triggers.restore asked for it',
  delete: 'the FlinkJob is deleted',
};
