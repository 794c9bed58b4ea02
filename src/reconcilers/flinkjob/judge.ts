/**
 * What ended an execution of a job, and whether it counts. Pure. Judged in this order, the first that speaks decides:
 * taken from outside, the ledger's record, the termination message, the exit code. Anything that no record explains (a
 * signal, out of memory, an unknown code) is a crash and counts as one failure.
 */
import { JOB_EXIT, type TerminationRecord } from '../../lib/exit-codes.ts';

/** How an execution (a process, a pod) was seen to end. */
export interface ExecutionEnd {
  readonly attempt: number;
  /** It was removed or evicted from outside, or its node is gone. */
  readonly takenFromOutside: boolean;
  /** Failure that the leader of this attempt wrote to the ledger before it ended. */
  readonly reported:
    | { readonly cause: string; readonly code?: string; readonly suppressRestarts: boolean; readonly isInvalid?: true }
    | undefined;
  readonly termination: TerminationRecord | undefined;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

export type Verdict =
  | { readonly verdict: 'finished'; readonly savepoint?: string }
  /** Counts against the restart strategy. */
  | { readonly verdict: 'failed'; readonly cause: string; readonly code?: string; readonly unrecoverable: boolean }
  | { readonly verdict: 'crashed'; readonly cause: string }
  /** Counts for nothing; the execution is made again. */
  | { readonly verdict: 'lost'; readonly cause: string };

export function judge(end: ExecutionEnd): Verdict {
  if (end.takenFromOutside) return { verdict: 'lost', cause: 'removed from outside' };
  if (end.reported !== undefined) {
    const { cause, code, suppressRestarts } = end.reported;
    return { verdict: 'failed', cause, ...(code === undefined ? {} : { code }), unrecoverable: suppressRestarts };
  }
  return judgeTermination(end) ?? judgeExitCode(end);
}

/** Whether it ended because the job or its configuration is not valid. */
export function isInvalidJob({ reported, termination, exitCode }: ExecutionEnd): boolean {
  return reported?.isInvalid === true || termination?.outcome === 'invalid' || exitCode === JOB_EXIT.invalid;
}

function judgeTermination({ termination, attempt }: ExecutionEnd): Verdict | undefined {
  if (termination === undefined || termination.attempt !== attempt) return undefined;
  const { outcome, cause = outcome, code, savepoint } = termination;
  switch (outcome) {
    case 'finished':
    case 'stoppedWithSavepoint':
      return { verdict: 'finished', ...(savepoint === undefined ? {} : { savepoint }) };
    case 'failed':
    case 'invalid': {
      const unrecoverable = termination.exitCode !== JOB_EXIT.failed;
      return { verdict: 'failed', cause, ...(code === undefined ? {} : { code }), unrecoverable };
    }
    case 'lostLeadership':
    case 'stopped':
      return { verdict: 'lost', cause };
  }
}

function judgeExitCode({ exitCode, signal }: ExecutionEnd): Verdict {
  switch (exitCode) {
    // A job that finished leaves a record. Without one somebody else ended the process, or the record was lost; in that
    // case the next process finds the job's result and ends at once.
    case JOB_EXIT.finished:
      return { verdict: 'crashed', cause: 'ended with code 0 before the job had finished' };
    case JOB_EXIT.failed:
      return { verdict: 'failed', cause: 'the job failed and left no message', unrecoverable: false };
    case JOB_EXIT.suppressRestarts:
    case JOB_EXIT.invalid:
      return {
        verdict: 'failed',
        cause: `the job ended with code ${exitCode} and left no message`,
        unrecoverable: true,
      };
    case JOB_EXIT.lostLeadership:
      return { verdict: 'lost', cause: 'it lost the leadership of the job' };
    case JOB_EXIT.stopped:
      return { verdict: 'lost', cause: 'it was stopped on request' };
    default:
      return {
        verdict: 'crashed',
        cause: crashText(signal, exitCode),
      };
  }
}

function crashText(signal: string | undefined, exitCode: number | undefined): string {
  if (signal === undefined) return `ended with code ${exitCode ?? 'unknown'}`;
  return signal === 'OOMKilled' ? 'killed for using more memory than its limit (OOMKilled)' : `killed by ${signal}`;
}
