/**
 * Which of the waiting requests for a checkpoint is next, and whether now. Pure. Follows Flink's
 * CheckpointRequestDecider.
 *
 * Order: savepoints before checkpoints, forced before unforced, a person's before periodic ones, older first.
 */
import type { CheckpointKind } from '../exchange/channel.ts';

export const MOST_QUEUED_REQUESTS = 1_000;

export interface CheckpointRequest {
  /** Counts requests; tells them apart and says which is older. */
  readonly token: number;
  readonly kind: CheckpointKind;
  /** Made by the clock, not by a person. Nobody waits for it. */
  readonly periodic: boolean;
  /** Where a person wants a savepoint; relative to the storage. */
  readonly directory?: string;
}

/** Savepoints of any kind, those with which the job stops included. */
export function isSavepoint(kind: CheckpointKind): boolean {
  return kind !== 'checkpoint';
}

/** The job stops with it. */
export function isStop(kind: CheckpointKind): boolean {
  return kind === 'stop-with-savepoint' || kind === 'stop-with-savepoint-drain';
}

/** Savepoints are forced: they run beside as many checkpoints as there are. */
export const isForced = (request: CheckpointRequest): boolean => isSavepoint(request.kind);

export function compareRequests(left: CheckpointRequest, right: CheckpointRequest): number {
  return (
    Number(isSavepoint(right.kind)) - Number(isSavepoint(left.kind)) ||
    Number(isForced(right)) - Number(isForced(left)) ||
    Number(left.periodic) - Number(right.periodic) ||
    left.token - right.token
  );
}

/**
 * Puts a request into the queue. One periodic request waits at most. A full queue drops its last one, and keeps what
 * people asked for earlier.
 */
export function enqueue(
  queue: readonly CheckpointRequest[],
  request: CheckpointRequest,
): { readonly queue: readonly CheckpointRequest[]; readonly dropped?: CheckpointRequest } {
  if (request.periodic && queue.some(({ periodic }) => periodic)) return { queue };
  if (queue.length >= MOST_QUEUED_REQUESTS && queue.at(-1)?.periodic === false) return { queue, dropped: request };
  const sorted = [...queue, request].sort(compareRequests);
  if (sorted.length <= MOST_QUEUED_REQUESTS) return { queue: sorted };
  const dropped = sorted.at(-1);
  return { queue: sorted.slice(0, -1), ...(dropped === undefined ? {} : { dropped }) };
}

/** What decides whether a checkpoint may begin. */
export interface TriggerFacts {
  readonly queue: readonly CheckpointRequest[];
  /** A checkpoint is getting its id. */
  readonly isTriggering: boolean;
  /** The job is stopping with a savepoint: nothing can go on beside it. */
  readonly isStopping: boolean;
  readonly pending: number;
  /** Failed checkpoints, and sets of replaced ones, whose files are being deleted. */
  readonly cleaning: number;
  readonly maxConcurrent: number;
  readonly minPauseMs: number;
  /** Monotonic. Of the last completed one. */
  readonly lastCompletedAt: number | undefined;
  /** Monotonic. */
  readonly now: number;
}

export type NextRequest =
  | { readonly do: 'wait' }
  | { readonly do: 'trigger'; readonly request: CheckpointRequest }
  /** Too early: the periodic request is dropped, the next one comes when the pause is over. */
  | { readonly do: 'postpone'; readonly request: CheckpointRequest; readonly forMs: number };

export function nextRequest(facts: TriggerFacts): NextRequest {
  const [request] = facts.queue;
  if (request === undefined || facts.isTriggering || facts.isStopping) return { do: 'wait' };
  if (facts.cleaning > facts.maxConcurrent) return { do: 'wait' };
  if (isForced(request)) return { do: 'trigger', request };
  if (facts.pending >= facts.maxConcurrent) return { do: 'wait' };
  const forMs = request.periodic ? restOfPause(facts) : 0;
  return forMs > 0 ? { do: 'postpone', request, forMs } : { do: 'trigger', request };
}

function restOfPause({ lastCompletedAt, minPauseMs, now }: TriggerFacts): number {
  return lastCompletedAt === undefined ? 0 : lastCompletedAt + minPauseMs - now;
}
