/**
 * What became of a write: done, not done, or unknown. There are three, never two: whoever treats unknown as not done
 * deletes state that is pointed to, whoever treats it as done points to state that is not there.
 */
export type WriteOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'notDone'; readonly reason: NotDoneReason; readonly cause?: unknown }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/**
 * exists: the name holds another state · absent: it holds none · notLeader: the epoch moved on, or this process never led ·
 * moved: another write came first · missing: the object is gone · tooLarge: it would become too large · failed: a step
 * before the write failed, or the store refused it (see the cause).
 */
export type NotDoneReason = 'exists' | 'absent' | 'notLeader' | 'moved' | 'missing' | 'tooLarge' | 'failed';

export const DONE: WriteOutcome = { outcome: 'done' };

export function notDone(reason: NotDoneReason, cause?: unknown): WriteOutcome {
  return cause === undefined ? { outcome: 'notDone', reason } : { outcome: 'notDone', reason, cause };
}
