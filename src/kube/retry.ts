/** Whether a call is tried again, and after how long. Pure. */
import type { ApiError } from './errors.ts';

/** What the decision rests on. */
export interface RetryFacts {
  readonly error: ApiError;
  readonly isWrite: boolean;
  /** Tries made so far, at least 1. */
  readonly tries: number;
  /** Until the caller's deadline. */
  readonly remainingMs: number;
  /** From 0 to 1. */
  readonly random: number;
}

const MOST_TRIES = 4;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Milliseconds to wait before the next try, or undefined for no other try. Reads are repeated after any failure that may
 * pass; a write only when it surely did not happen and the server asks to come again, or nothing was sent. What the
 * server asks for is obeyed to the full, or the call ends: it is never tried earlier.
 */
export function pauseBeforeNextTry(facts: RetryFacts): number | undefined {
  const { error, isWrite, tries, remainingMs, random } = facts;
  if (tries >= MOST_TRIES || !mayRepeat(error, isWrite)) return undefined;
  const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + random);
  const pause = Math.max(error.retryAfterMs ?? 0, backoff);
  return pause < remainingMs ? pause : undefined;
}

function mayRepeat(error: ApiError, isWrite: boolean): boolean {
  switch (error.code) {
    case 'KUBE_REFUSED':
      return error.isTooManyRequests;
    case 'KUBE_NO_ANSWER':
      return error.outcome === 'notApplied';
    case 'KUBE_SERVER_ERROR':
      return !isWrite;
    default:
      return false;
  }
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
