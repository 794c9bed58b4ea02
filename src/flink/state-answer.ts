/**
 * The answer to a query of keyed state, the same on both ends of the wire. Flink has no HTTP interface for queryable
 * state, so this one is ours; an answer is right or it says why there is none.
 */

/** Why a state cannot be read at this moment. */
export type StateUnavailableReason =
  /** The job has failed and runs again soon, or is failing. */
  | 'restarting'
  /** The job changes its parallelism. */
  | 'rescaling'
  /** The job runs but the subtask that owns the key does not serve the state yet. */
  | 'notReady'
  /** The owner of the key did not answer. */
  | 'unreachable'
  /** The process is a standby or has passed its renew deadline; another one may lead. */
  | 'notLeader'
  /** The job has ended. */
  | 'terminated';

/** The answer to one query. */
export type StateAnswer =
  /** The value the task holds now; it may be newer than the last checkpoint. */
  | { readonly status: 'found'; readonly value: unknown; readonly source: 'live' }
  /** The state has no entry for the key, or an expired one; `default` is what the descriptor gives for such a key. */
  | { readonly status: 'notFound'; readonly default?: unknown }
  /** The job serves no state under the name. */
  | { readonly status: 'unknownState' }
  /** The question itself is wrong: a key of another kind, a namespace the state does not have. */
  | { readonly status: 'badRequest'; readonly message: string }
  /** The state's owner failed while it read. */
  | { readonly status: 'failed'; readonly cause: string }
  | { readonly status: 'unavailable'; readonly reason: StateUnavailableReason };
