/**
 * The ledger: the attempts of a job, how they ended, and what the restart strategy made of it. Pure transitions; who
 * writes it, and under which condition, is in ledger-store.ts. Restart decisions are a function of ledger, spec and
 * clock, so whoever reads it decides the same.
 *
 *     openAttempt ──► (reportFailure, by the job's leader) ──► closeAttempt ──► recordFailure | giveUp ──► openAttempt …
 */

import type { Instant } from '../lib/clock.ts';
import { IllegalStateException } from '../lib/java-errors.ts';
import { HaObjectCorruptException } from './errors.ts';
import type { Epoch } from './handle-backend.ts';
import { wrongInLedger } from './ledger-check.ts';

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Why something ended, in words, with the code of the error where it has one. */
export interface AttemptCause {
  readonly cause: string;
  readonly code?: string;
}

/** What the leader of an attempt said before it exited. The first report counts. */
export interface FailureReport extends AttemptCause {
  readonly at: Instant;
  readonly epoch: Epoch;
  /** Whether a restart cannot help. */
  readonly suppressRestarts?: boolean;
  /** Whether the job or its configuration is not valid. */
  readonly isInvalid?: true;
}

/** How an attempt ended. A failure and a crash count against the restart strategy, the others do not. */
export interface AttemptEnd extends AttemptCause {
  readonly how: 'finished' | 'failed' | 'replaced' | 'crashed';
  readonly at: Instant;
  /** The job or its configuration is not valid (exit code 13): nothing was wrong with the run. */
  readonly isInvalid?: true;
  /** Where the savepoint lies with which it ended, and from which the next attempt goes on. */
  readonly savepoint?: string;
}

/** What the restart strategy made of one failure; drawn once, so that nobody draws another jitter. */
export interface FailureEntry {
  readonly time: Instant;
  readonly cause: string;
  /** False when it was merged into a restart that was on its way. */
  readonly isNew: boolean;
  readonly delayMs: number;
  /** When the next attempt opens. */
  readonly nextAt: Instant;
  /** The strategy's memory after this failure. */
  readonly counters: JsonValue;
  /** Uid of the pod that crashed while the attempt went on; it is counted once. */
  readonly pod?: string;
}

/** One execution of the job between two restarts. */
export interface AttemptRecord {
  readonly number: number;
  /** Revision of the spec that it runs; absent where there are none, on a laptop. */
  readonly revision?: string;
  /** How it is being brought down, noted before it is asked to: who looks next goes on with that. */
  readonly stopping?: Stopping;
  /** The epoch its opening raised. */
  readonly epoch: Epoch;
  readonly startedAt: Instant;
  readonly reported?: FailureReport;
  readonly end?: AttemptEnd;
  readonly failures: readonly FailureEntry[];
}

/** A stop with savepoint under way. */
export interface Stopping {
  readonly why: StopReason;
  readonly since: Instant;
  /** Names the operation, 32 hex digits: asking again with it asks for the same one. */
  readonly triggerId: string;
}

/** Why an attempt is brought down although it runs. */
export type StopReason = 'suspend' | 'upgrade' | 'rollback' | 'restart' | 'restore' | 'delete';

/** The life of a job's state, in a cluster: from when it began empty, or from a point given by hand, until it is dropped. */
export interface StateLife {
  /** The job's id, and the name of its directory in storage. */
  readonly jobId: string;
  /** When it began, RFC 3339. */
  readonly since: string;
  /** What it began from. */
  readonly restoreFrom?: string;
}

/** Values of `spec.triggers` that were acted on; written with what they asked for, so that a crash asks for nothing twice. */
export interface HandledTriggers {
  readonly savepoint?: number | undefined;
  readonly restart?: number | undefined;
  readonly restore?: number | undefined;
}

/** What is known of revisions beyond what each attempt runs. */
export interface KnownRevisions {
  /** The last one that proved itself. */
  readonly stable?: string;
  /** One that did not, and was rolled back: it is not tried again. */
  readonly bad?: string;
  /** What was wrong with it. */
  readonly badBecause?: string;
}

/** The attempts of one job, oldest first; old ones are dropped, the newest stays. */
export interface Ledger {
  readonly version: 1;
  readonly attempts: readonly AttemptRecord[];
  /** The restart strategy's memory after the newest failure; undefined before the first. */
  readonly restartCounters?: JsonValue;
  /** How often the job was restarted after a failure, attempts dropped from this list included. */
  readonly restarts: number;
  /** What the job's code asked for with setRestartStrategy, as the process of an attempt found it. */
  readonly restartStrategyInCode?: JsonValue;
  /** An attempt had all functions of the job open: they have looked at what lies where they write. */
  readonly hasBegun?: true;
  /** Absent on a laptop, where the directory says which state is meant. */
  readonly life?: StateLife;
  readonly handled?: HandledTriggers;
  readonly revisions?: KnownRevisions;
  /** The strategy allows no further restart. Opening an attempt takes it back. */
  readonly gaveUp?: {
    readonly at: Instant;
    readonly reason: string;
    /** Names the version of the spec that it was given up by; absent on a laptop. */
    readonly spec?: string;
  };
}

/** The ledger of a job that was never started. */
export const EMPTY_LEDGER: Ledger = { version: 1, attempts: [], restarts: 0 };

/** The ledger keeps below this, so that handles find room beside it. */
export const LEDGER_LIMIT_BYTES = 6 * 1024;
/** Causes are cut to this many characters. */
const CAUSE_LIMIT = 600;

/** The attempt that is open, or undefined. */
export function openAttemptOf(ledger: Ledger): AttemptRecord | undefined {
  const last = ledger.attempts.at(-1);
  return last?.end === undefined ? last : undefined;
}

/** Opens the next attempt; an IllegalStateException when one is open. `epoch` is the one this opening raises to. */
export function openAttempt(
  ledger: Ledger,
  facts: { readonly at: Instant; readonly epoch: Epoch; readonly revision?: string },
): Ledger {
  const open = openAttemptOf(ledger);
  if (open !== undefined) throw new IllegalStateException(`attempt ${open.number} is still open`);
  const { gaveUp: _, ...rest } = ledger;
  const { at, epoch, revision } = facts;
  const number = (ledger.attempts.at(-1)?.number ?? 0) + 1;
  const attempt = { number, epoch, startedAt: at, failures: [], ...(revision === undefined ? {} : { revision }) };
  return trimmed({ ...rest, attempts: [...ledger.attempts, attempt] });
}

/** Closes the open attempt; an IllegalStateException when none is. */
export function closeAttempt(ledger: Ledger, end: AttemptEnd): Ledger {
  if (openAttemptOf(ledger) === undefined) throw new IllegalStateException('no attempt is open');
  return trimmed(withLast(ledger, (attempt) => ({ ...attempt, end: { ...end, cause: cut(end.cause) } })));
}

/**
 * Notes why the open attempt is failing, as its leader knows it; the attempt stays open until it is closed. Changes nothing
 * when another attempt is open, or it has a report already.
 */
export function reportFailure(ledger: Ledger, number: number, report: FailureReport): Ledger {
  const open = openAttemptOf(ledger);
  if (open?.number !== number || open.reported !== undefined) return ledger;
  return trimmed(withLast(ledger, (attempt) => ({ ...attempt, reported: { ...report, cause: cut(report.cause) } })));
}

/** Notes that the open attempt is being brought down; an IllegalStateException when none is open. */
export function noteStopping(ledger: Ledger, stopping: Stopping): Ledger {
  if (openAttemptOf(ledger) === undefined) throw new IllegalStateException('no attempt is open');
  return trimmed(withLast(ledger, (attempt) => ({ ...attempt, stopping })));
}

/** Forgets that the open attempt was to be brought down; it goes on. */
export function forgetStopping(ledger: Ledger): Ledger {
  return withLast(ledger, ({ stopping: _, ...attempt }) => attempt);
}

/** Forgets what the strategy remembers of failures: a job that is started anew has all of its attempts. */
export function forgetFailures({ restartCounters: _, ...rest }: Ledger): Ledger {
  return rest;
}

/** Lets the restart that waits begin its wait again: by a clock that was set back its end is too far away. */
export function waitAnew(ledger: Ledger, now: Instant): Ledger {
  return withLast(ledger, (attempt) => ({
    ...attempt,
    failures: attempt.failures.map((failure, at) =>
      at === attempt.failures.length - 1 ? { ...failure, time: now, nextAt: now + failure.delayMs } : failure,
    ),
  }));
}

/**
 * Begins another life of the state: the next attempt finds nothing of the one before, and the strategy forgets it too. An
 * IllegalStateException while an attempt is open: it would go on with a state that is not its own.
 */
export function beginLife(ledger: Ledger, life: StateLife): Ledger {
  if (openAttemptOf(ledger) !== undefined) throw new IllegalStateException('an attempt is open');
  const { restartCounters: _, restartStrategyInCode: __, hasBegun: ___, ...rest } = ledger;
  return trimmed({ ...rest, life });
}

/** Notes trigger values that were acted on. */
export function noteHandled(ledger: Ledger, handled: HandledTriggers): Ledger {
  return trimmed({ ...ledger, handled: { ...ledger.handled, ...handled } });
}

/** Notes what was learnt of revisions; what is not named stays. */
export function noteRevisions(ledger: Ledger, revisions: KnownRevisions): Ledger {
  return trimmed({ ...ledger, revisions: { ...ledger.revisions, ...revisions } });
}

/** Forgets what was wrong with a revision: it may be tried again. */
export function forgiveRevision(ledger: Ledger): Ledger {
  const { bad: _, badBecause: __, ...revisions } = ledger.revisions ?? {};
  return { ...ledger, revisions };
}

/** A ledger in place of one that was lost: its attempts count on, so that no pod has the name of an earlier one. */
export function ledgerAfterLoss(facts: {
  readonly lastAttempt: number;
  readonly epoch: Epoch;
  readonly at: Instant;
  /** How often the job is known to have been restarted. */
  readonly restarts: number;
}): Ledger {
  const { lastAttempt: number, epoch, at, restarts } = facts;
  if (number === 0) return EMPTY_LEDGER;
  const end: AttemptEnd = { how: 'replaced', at, cause: 'the record of the job was lost' };
  return { ...EMPTY_LEDGER, restarts, attempts: [{ number, epoch, startedAt: at, end, failures: [] }] };
}

/** Notes what the restart strategy made of the end of the newest attempt; an IllegalStateException when it is open. */
export function recordFailure(ledger: Ledger, entry: FailureEntry): Ledger {
  if (ledger.attempts.length === 0 || openAttemptOf(ledger) !== undefined) {
    throw new IllegalStateException('a failure is recorded on an attempt that was closed');
  }
  return withFailure(ledger, entry);
}

/** Counts the crash of a leader whose attempt goes on with one that stood by; an IllegalStateException when none is open. */
export function recordCrash(ledger: Ledger, entry: FailureEntry & { readonly pod: string }): Ledger {
  if (openAttemptOf(ledger) === undefined) throw new IllegalStateException('no attempt is open');
  return withFailure(ledger, entry);
}

function withFailure(ledger: Ledger, entry: FailureEntry): Ledger {
  const recorded = withLast(ledger, (attempt) => ({
    ...attempt,
    failures: [...attempt.failures, { ...entry, cause: cut(entry.cause) }],
  }));
  return trimmed({
    ...recorded,
    restartCounters: entry.counters,
    restarts: Math.min(ledger.restarts + (entry.isNew ? 1 : 0), Number.MAX_SAFE_INTEGER),
  });
}

/** Notes that there will be no restart. `counters` as they are after the failure that led to it. */
export function giveUp(
  ledger: Ledger,
  facts: { readonly at: Instant; readonly reason: string; readonly spec?: string; readonly counters?: JsonValue },
): Ledger {
  const { at, reason, spec, counters } = facts;
  return trimmed({
    ...ledger,
    gaveUp: { at, reason: cut(reason), ...(spec === undefined ? {} : { spec }) },
    ...(counters === undefined ? {} : { restartCounters: counters }),
  });
}

/** Notes the restart strategy found in the job's code; undefined: it sets none. */
export function noteRestartStrategyInCode(ledger: Ledger, strategy: JsonValue | undefined): Ledger {
  const { restartStrategyInCode: _, ...rest } = ledger;
  return strategy === undefined ? rest : { ...rest, restartStrategyInCode: strategy };
}

/** Notes that the open attempt has all functions of the job open. */
export function noteBegun(ledger: Ledger): Ledger {
  return { ...ledger, hasBegun: true };
}

/** When the next attempt is to open, as the newest failure drew it; undefined when none waits. */
export function nextAttemptAt(ledger: Ledger): Instant | undefined {
  return ledger.gaveUp === undefined ? ledger.attempts.at(-1)?.failures.at(-1)?.nextAt : undefined;
}

export function encodeLedger(ledger: Ledger): string {
  return JSON.stringify(ledger);
}

/** The ledger of a text; no text is an empty ledger. `store` names the object in the error. */
export function decodeLedger(text: string | undefined, store: string): Ledger {
  if (text === undefined) return EMPTY_LEDGER;
  let ledger: unknown;
  try {
    ledger = JSON.parse(text);
  } catch (error) {
    throw new HaObjectCorruptException(store, 'its ledger is not JSON', { cause: error });
  }
  const wrong = wrongInLedger(ledger);
  if (wrong !== undefined) throw new HaObjectCorruptException(store, `its ledger cannot be used: ${wrong}`);
  return ledger as Ledger;
}

/**
 * The ledger within its limit: what is needed to decide stays, what people may like to read goes first. In order: the
 * counters of older failures, the oldest attempts, and the middle of the strategy's own wishes never.
 */
function trimmed(ledger: Ledger): Ledger {
  let smaller = ledger;
  if (isTooLarge(smaller)) smaller = withoutOldCounters(smaller);
  while (isTooLarge(smaller) && smaller.attempts.length > 1) {
    smaller = { ...smaller, attempts: smaller.attempts.slice(1) };
  }
  while (isTooLarge(smaller) && (smaller.attempts.at(-1)?.failures.length ?? 0) > 1) {
    smaller = withLast(smaller, (attempt) => ({ ...attempt, failures: attempt.failures.slice(1) }));
  }
  return smaller;
}

function isTooLarge(ledger: Ledger): boolean {
  return Buffer.byteLength(encodeLedger(ledger)) > LEDGER_LIMIT_BYTES;
}

/** Only the newest counters decide anything, and those stand in the ledger itself. */
function withoutOldCounters(ledger: Ledger): Ledger {
  const attempts = ledger.attempts.map((attempt) => ({
    ...attempt,
    failures: attempt.failures.map((failure) => ({ ...failure, counters: null })),
  }));
  return { ...ledger, attempts };
}

function withLast(ledger: Ledger, change: (attempt: AttemptRecord) => AttemptRecord): Ledger {
  const last = ledger.attempts.at(-1);
  return last === undefined ? ledger : { ...ledger, attempts: [...ledger.attempts.slice(0, -1), change(last)] };
}

function cut(text: string): string {
  return text.length <= CAUSE_LIMIT ? text : `${text.slice(0, CAUSE_LIMIT - 1)}…`;
}
