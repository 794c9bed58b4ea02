/**
 * What to do with a job that failed. The order of the checks is Flink's ExecutionFailureHandler: a failure that no
 * restart can help ends the job before the strategy is told of it; then the strategy counts it; then it is asked.
 */
import type { Instant } from '../lib/clock.ts';
import { causeChain, messageOf } from '../lib/errors.ts';
import type { Random } from './rule.ts';
import {
  backoffMs,
  canRestart,
  describe,
  initialCounters,
  notifyFailure,
  type RestartCounters,
  type RestartStrategy,
} from './strategy.ts';

/** One error of a cause chain, as far as it survives a process boundary. */
export interface FailureCause {
  /** The class, such as `SuppressRestartsException`. */
  name: string;
  message: string;
  /** The error's code where it has one; it also tells subclasses of an unrecoverable error. */
  code?: string;
}

/** How the job failed. */
export interface FailureFacts {
  /** The cause chain, outermost first; empty when the process left none. */
  causes: readonly FailureCause[];
  /** The exit code of the process, where one ended. */
  exitCode?: number;
}

/** What a failure is judged by. */
export interface FailureInput extends FailureFacts {
  strategy: RestartStrategy;
  /** The counters stored with the failure before this one; undefined at the first. */
  counters: RestartCounters | undefined;
  now: Instant;
  random: Random;
}

/** What follows from a failure; `counters` belong into its ledger entry in either case. */
export type RestartDecision =
  | {
      decision: 'restart';
      /** The wall-clock time of the restart. */
      atMs: Instant;
      /** The wait, counted from the failure. */
      delayMs: number;
      /** False when the failure was merged into a restart already on its way: the restart counter stays. */
      isNew: boolean;
      counters: RestartCounters;
    }
  | {
      decision: 'giveUp';
      reason: string;
      /** True when the failure itself rules out a restart; the strategy was not told then. */
      unrecoverable: boolean;
      counters: RestartCounters;
    };

/** Flink's words for a failure that rules out a restart by itself. */
export const NOT_RECOVERABLE = 'The failure is not recoverable';

/** Restart, and when, or give up, and why. Store the answer: asking again would draw another jitter. */
export function onFailure({ strategy, counters: before, now, random, ...facts }: FailureInput): RestartDecision {
  if (isUnrecoverable(facts)) {
    const counters = before ?? initialCounters(strategy);
    return { decision: 'giveUp', reason: NOT_RECOVERABLE, unrecoverable: true, counters };
  }
  const { counters, isNew } = notifyFailure(strategy, before, now, random);
  if (!canRestart(strategy, counters, now)) {
    const reason = `Recovery is suppressed by ${describe(strategy, counters)}`;
    return { decision: 'giveUp', reason, unrecoverable: false, counters };
  }
  const delayMs = backoffMs(strategy, counters, now);
  return { decision: 'restart', atMs: now + delayMs, delayMs, isNew, counters };
}

/**
 * Whether no restart can help: an error anywhere in the chain says so, or the exit code does (11 restarts suppressed,
 * 13 invalid job or configuration).
 */
export function isUnrecoverable({ causes, exitCode }: FailureFacts): boolean {
  if (exitCode !== undefined && UNRECOVERABLE_EXIT_CODES.has(exitCode)) return true;
  return causes.some(
    ({ name, code }) => UNRECOVERABLE_NAMES.has(name) || (code !== undefined && UNRECOVERABLE_CODES.has(code)),
  );
}

/** The facts of everything that was thrown, outermost first. */
export function causesOf(error: unknown): FailureCause[] {
  return causeChain(error).map((link) => {
    const code = codeOf(link);
    const cause = { name: link instanceof Error ? link.name : typeof link, message: messageOf(link) };
    return code === undefined ? cause : { ...cause, code };
  });
}

/**
 * How much of the delay is left at `now`, never more than the whole of it: a wall clock set back does not prolong the
 * wait.
 */
export function remainingDelayMs(scheduled: { atMs: Instant; delayMs: number }, now: Instant): number {
  return Math.max(0, Math.min(scheduled.atMs - now, scheduled.delayMs));
}

const UNRECOVERABLE_NAMES: ReadonlySet<string> = new Set([
  'SuppressRestartsException',
  'StopWithSavepointStoppingException',
  'ClusterDatasetCorruptedException',
]);
const UNRECOVERABLE_CODES: ReadonlySet<string> = new Set(['SUPPRESS_RESTARTS']);
const UNRECOVERABLE_EXIT_CODES: ReadonlySet<number> = new Set([11, 13]);

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
