/** Milliseconds since the Unix epoch, wall clock. */
export type Instant = number;

/**
 * Time and timers, handed in so that a ten-minute back-off is tested in a millisecond.
 * `now` is the wall clock; `monotonic` never goes back and has no meaning outside the process.
 */
export interface Clock {
  now(): Instant;
  /** Milliseconds from an arbitrary start; never decreases. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now; the result cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** The machine's own clock. A timer keeps the process alive until it fires or is cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
