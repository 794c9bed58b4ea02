/**
 * How many checkpoints failed in a row, and when that is one too many. Pure: each call gives the next record. Follows
 * Flink's CheckpointFailureManager: only failures that say something about the job count, one id counts once, what
 * belongs to a time before the last success does not count, and a success begins anew.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { type CheckpointFailureReason, isCounted } from './failure-reasons.ts';

/** Any number of failures is tolerated. */
export const UNLIMITED_FAILURES = 2_147_483_647;

/** Flink's words; they begin the message with which the job fails. */
export const EXCEEDED_FAILURES_MESSAGE = 'Exceeded checkpoint tolerable failure threshold.';

export interface FailureCount {
  /** Failures in a row that the job survives. */
  readonly tolerable: number;
  readonly count: number;
  /** Ids that have been counted since the last success. */
  readonly counted: readonly number[];
  readonly lastSuccess: number | undefined;
}

/** @throws IllegalArgumentException for a negative number */
export function noFailures(tolerable: number): FailureCount {
  if (!(tolerable >= 0)) {
    throw new IllegalArgumentException('The tolerable failure checkpoint number must be non-negative.');
  }
  return { tolerable, count: 0, counted: [], lastSuccess: undefined };
}

/**
 * Counts a failure; `exceeded` says that the job has to fail, and then the count has begun anew.
 * @param id undefined when the checkpoint failed before it had one: every such failure counts
 */
export function countFailure(
  before: FailureCount,
  id: number | undefined,
  reason: CheckpointFailureReason,
): { readonly next: FailureCount; readonly exceeded: boolean } {
  if (!isCounted(reason) || isOld(before, id)) return { next: before, exceeded: false };
  const count = before.count + 1;
  if (before.tolerable !== UNLIMITED_FAILURES && count > before.tolerable) {
    return { next: { ...before, count: 0, counted: [] }, exceeded: true };
  }
  return {
    next: { ...before, count, counted: id === undefined ? before.counted : [...before.counted, id] },
    exceeded: false,
  };
}

/** Counts a success: one with a higher id than the last ends the row of failures. */
export function countSuccess(before: FailureCount, id: number): FailureCount {
  if (before.lastSuccess !== undefined && id <= before.lastSuccess) return before;
  return { ...before, count: 0, counted: [], lastSuccess: id };
}

function isOld({ lastSuccess, counted }: FailureCount, id: number | undefined): boolean {
  if (id === undefined) return false;
  return (lastSuccess !== undefined && id <= lastSuccess) || counted.includes(id);
}
