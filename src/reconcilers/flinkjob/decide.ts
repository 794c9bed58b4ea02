/**
 * What to do next with a job. A pure function of ledger, spec, clock and what was seen of the execution: whoever decides
 * (the operator, or `flinkjob run` on a laptop) decides the same, also after having been away.
 */
import type { Ledger } from '../../ha/index.ts';
import { openAttemptOf } from '../../ha/index.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import { onFailure, type RestartCounters, type RestartStrategy } from '../../restart/index.ts';
import { type ExecutionEnd, judge } from './judge.ts';

/** The facts a decision is made from. */
export interface JobFacts {
  readonly ledger: Ledger;
  /** What the job wants: run, or stand still with its state kept. */
  readonly wanted: 'Running' | 'Suspended';
  readonly strategy: RestartStrategy;
  /** The execution of the open attempt: not there, there, or ended in some way. */
  readonly execution:
    | { readonly is: 'absent' }
    | { readonly is: 'present' }
    | { readonly is: 'ended'; readonly end: ExecutionEnd };
  readonly now: number;
  /** In [0, 1); for the jitter, drawn once and kept in the ledger. */
  readonly random: () => number;
}

/** What to do. Each case can be read back in a line of the log. */
export type Decision =
  | { readonly do: 'openAttempt'; readonly number: number }
  /** The open attempt has no execution: make one. */
  | { readonly do: 'startExecution'; readonly attempt: number }
  /** The execution ended in a way that counts for nothing: make it again within the attempt. */
  | { readonly do: 'replaceExecution'; readonly attempt: number; readonly cause: string }
  | { readonly do: 'watch'; readonly attempt: number }
  | { readonly do: 'wait'; readonly untilMs: number; readonly cause: string }
  | { readonly do: 'closeFinished'; readonly savepoint?: string }
  | {
      readonly do: 'closeFailed';
      readonly how: 'failed' | 'crashed';
      readonly cause: string;
      readonly code?: string;
      readonly restart: {
        readonly atMs: number;
        readonly delayMs: number;
        readonly isNew: boolean;
        readonly counters: RestartCounters;
      };
    }
  | {
      readonly do: 'giveUp';
      readonly how: 'failed' | 'crashed';
      readonly cause: string;
      readonly code?: string;
      readonly reason: string;
      readonly unrecoverable: boolean;
      readonly counters: RestartCounters | undefined;
    }
  /** Given up before; stays so until somebody changes the job. */
  | { readonly do: 'stayFailed'; readonly reason: string }
  | { readonly do: 'stayFinished' }
  | { readonly do: 'staySuspended' };

export function decide(facts: JobFacts): Decision {
  const { ledger, wanted, execution, now } = facts;
  const open = openAttemptOf(ledger);
  if (open !== undefined) {
    if (execution.is === 'ended') return decideEnded(facts, execution.end);
    return { do: execution.is === 'present' ? 'watch' : 'startExecution', attempt: open.number };
  }
  const last = ledger.attempts.at(-1);
  if (ledger.gaveUp !== undefined) return { do: 'stayFailed', reason: ledger.gaveUp.reason };
  if (last?.end?.how === 'finished') return { do: 'stayFinished' };
  if (wanted === 'Suspended') return { do: 'staySuspended' };
  const waiting = last?.failures.at(-1);
  if (waiting !== undefined && now < waiting.nextAt) {
    // A clock that was set back must not stretch the wait beyond the delay that was drawn.
    const untilMs = Math.min(waiting.nextAt, now + waiting.delayMs);
    return { do: 'wait', untilMs, cause: waiting.cause };
  }
  return { do: 'openAttempt', number: (last?.number ?? 0) + 1 };
}

function decideEnded(facts: JobFacts, end: ExecutionEnd): Decision {
  const verdict = judge(end);
  switch (verdict.verdict) {
    case 'finished':
      return { do: 'closeFinished', ...(verdict.savepoint === undefined ? {} : { savepoint: verdict.savepoint }) };
    case 'lost':
      return { do: 'replaceExecution', attempt: end.attempt, cause: verdict.cause };
    case 'crashed':
      return decideRestart(facts, { how: 'crashed', cause: verdict.cause, unrecoverable: false });
    case 'failed':
      return decideRestart(facts, { how: 'failed', ...verdict });
  }
}

interface Failure {
  readonly how: 'failed' | 'crashed';
  readonly cause: string;
  readonly code?: string;
  readonly unrecoverable: boolean;
}

function decideRestart(
  { ledger, strategy, now, random }: JobFacts,
  { how, cause, code, unrecoverable }: Failure,
): Decision {
  const named = { how, cause, ...(code === undefined ? {} : { code }) };
  const counters = ledger.restartCounters as RestartCounters | undefined;
  const facts = { causes: [], ...(unrecoverable ? { exitCode: JOB_EXIT.suppressRestarts } : {}) };
  const answer = onFailure({ strategy, counters, now, random, ...facts });
  return answer.decision === 'restart'
    ? { do: 'closeFailed', ...named, restart: answer }
    : { do: 'giveUp', ...named, reason: answer.reason, unrecoverable: answer.unrecoverable, counters: answer.counters };
}
