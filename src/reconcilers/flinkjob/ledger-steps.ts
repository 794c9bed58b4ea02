/** Steps that change the ledger: what is written, and what is said of it. Pure. */
import { explain } from '../../api/index.ts';
import {
  beginLife,
  closeAttempt,
  endOfJob,
  forgetFailures,
  forgetStopping,
  forgiveRevision,
  giveUp,
  type HandledTriggers,
  type JsonValue,
  type Ledger,
  type LedgerView,
  noteHandled,
  noteRevisions,
  noteStopping,
  openAttempt,
  recordCrash,
  recordFailure,
  type StateLife,
  type Stopping,
  waitAnew,
} from '../../ha/index.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import type { Decision } from './decide.ts';
import { whyGivenUp } from './phase.ts';
import type { Saying, Step } from './step.ts';

/** Opens the next attempt, and with it what it is opened for. */
export function opened(
  view: LedgerView,
  facts: {
    readonly now: number;
    readonly revision: string;
    /** Another life of the state begins with it. */
    readonly life?: StateLife | undefined;
    readonly handled: HandledTriggers;
    /** What was wrong with a revision does not count any more. */
    readonly forgives: boolean;
    readonly why: string;
  },
): Step {
  const { now, revision, life, handled, forgives, why } = facts;
  const last = view.ledger.attempts.at(-1);
  const before = life === undefined ? view.ledger : beginLife(view.ledger, life);
  const known = forgives ? forgiveRevision(before) : before;
  // As with a job that is submitted anew: what another program failed of is not held against this one.
  const isAnew = last !== undefined && (view.ledger.gaveUp !== undefined || last.revision !== revision);
  const able = isAnew ? forgetFailures(known) : known;
  const noted = Object.keys(handled).length === 0 ? able : noteHandled(able, handled);
  const ledger = openAttempt(noted, { at: now, epoch: view.nextEpoch, revision });
  const { number = 0 } = ledger.attempts.at(-1) ?? {};
  return written(ledger, `open attempt ${number}`, [
    { type: 'Normal', reason: 'Submit', note: `Attempt ${number} begins with revision ${revision}: ${why}` },
  ]);
}

/** Closes the open attempt because something else is wanted of the job. */
export function replaced(
  ledger: Ledger,
  facts: {
    readonly now: number;
    readonly cause: string;
    /** With which it ended. */
    readonly savepoint?: string | undefined;
    readonly say?: readonly Saying[];
  },
): Step {
  const { now: at, cause, savepoint, say = [] } = facts;
  const closed = closeAttempt(ledger, {
    how: 'replaced',
    at,
    cause,
    ...(savepoint === undefined ? {} : { savepoint }),
  });
  return written(closed, `close the attempt: ${cause}`, say);
}

/** Notes that the open attempt is being brought down, before it is asked to be. */
export function stopNoted(ledger: Ledger, stopping: Stopping): Step {
  return written(noteStopping(ledger, stopping), `stop with savepoint: ${stopping.why}`, []);
}

/** Forgets a stop that nobody wants any more, and that cannot happen any more. */
export function stopForgotten(ledger: Ledger): Step {
  return written(forgetStopping(ledger), 'the attempt is not to be brought down any more', []);
}

/** Lets a restart that waits begin its wait again. */
export function waitedAnew(ledger: Ledger, now: number): Step {
  return written(waitAnew(ledger, now), 'the clock was set back', []);
}

/** Forgets what was wrong with a revision. */
export function forgiven(ledger: Ledger, revision: string): Step {
  return written(forgiveRevision(ledger), `revision ${revision} is not asked for any more`, []);
}

/** Closes the open attempt for good. */
export function finished({ ledger, snapshot }: LedgerView, now: number): Step {
  const isCancelled = endOfJob(snapshot.entries, ledger.life?.jobId ?? '') === 'CANCELED';
  const cause = isCancelled ? 'the job was cancelled' : 'the job finished';
  const closed = closeAttempt(ledger, { how: 'finished', at: now, cause });
  const note = isCancelled ? 'The job was cancelled.' : 'The job has read all of its input and has finished.';
  return written(closed, 'close the attempt: finished', [{ type: 'Normal', reason: 'JobStatusChanged', note }]);
}

/** Closes the open attempt after a failure; the next one waits its turn. */
export function failed(ledger: Ledger, decision: Extract<Decision, { do: 'closeFailed' }>, now: number): Step {
  const { how, cause, code, restart } = decision;
  const number = ledger.attempts.at(-1)?.number ?? 0;
  const closed = closeAttempt(ledger, { how, at: now, cause, ...(code === undefined ? {} : { code }) });
  const next = recordFailure(closed, {
    time: now,
    cause,
    isNew: restart.isNew,
    delayMs: restart.delayMs,
    nextAt: restart.atMs,
    counters: restart.counters as unknown as JsonValue,
  });
  const note = `Attempt ${number} ${how}: ${cause}. The next one begins in ${formatDurationMs(restart.delayMs)}.`;
  return written(next, `close the attempt: ${how}`, [{ type: 'Warning', reason: 'JobException', note }]);
}

/** Counts the crash of a leader; one that stood by goes on. */
export function crashCounted(
  ledger: Ledger,
  decision: Extract<Decision, { do: 'closeFailed' }>,
  pod: { readonly uid: string; readonly name: string },
  now: number,
): Step {
  const { cause, restart } = decision;
  const next = recordCrash(ledger, {
    time: now,
    cause,
    isNew: restart.isNew,
    delayMs: restart.delayMs,
    nextAt: now,
    counters: restart.counters as unknown as JsonValue,
    pod: pod.uid,
  });
  const note = `Pod ${pod.name} crashed: ${cause}. A pod that stood by goes on with the newest checkpoint.`;
  return written(next, 'count a crash', [{ type: 'Warning', reason: 'Recover', note }]);
}

/** For commands that mend something. */
export interface NamedJob {
  readonly name: string;
  readonly namespace: string;
}

/** Closes the open attempt after a failure that the strategy allows no restart for. */
export function gaveUp(
  ledger: Ledger,
  decision: Extract<Decision, { do: 'giveUp' }>,
  facts: { readonly now: number; readonly spec: string; readonly isInvalid: boolean; readonly job: NamedJob },
): Step {
  const { now, spec, isInvalid } = facts;
  const { how, cause, code, reason, counters } = decision;
  const named = { ...(code === undefined ? {} : { code }), ...(isInvalid ? { isInvalid } : {}) };
  const closed = closeAttempt(ledger, { how, at: now, cause, ...named });
  const next = giveUp(closed, {
    at: now,
    reason,
    spec,
    ...(counters === undefined ? {} : { counters: counters as unknown as JsonValue }),
  });
  const { name: job, namespace } = facts.job;
  const words = explain(whyGivenUp(reason, next.attempts.at(-1)), { job, namespace, detail: cause });
  const note = `${words.cause} ${words.remedy}`;
  return written(next, 'give up', [{ type: 'Warning', reason: 'JobException', note }]);
}

/** Notes that a revision has proved itself. */
export function proved(ledger: Ledger, revision: string): Step {
  return written(noteRevisions(ledger, { stable: revision }), `revision ${revision} has proved itself`, []);
}

/** Notes that a revision has not, so that the one before takes its place. */
export function provedBad(ledger: Ledger, revision: string, because: string): Step {
  const noted = noteRevisions(ledger, { bad: revision, badBecause: because });
  const stable = ledger.revisions?.stable ?? '';
  const note = `Revision ${revision} did not become stable: ${because}. The job goes back to ${stable}; revision ${revision} is tried again when the spec changes or triggers.restart grows.`;
  return written(noted, `revision ${revision} is bad`, [{ type: 'Warning', reason: 'Rollback', note }]);
}

function written(ledger: Ledger, why: string, say: readonly Saying[]): Step {
  return { do: 'writeLedger', why, ledger, say };
}
