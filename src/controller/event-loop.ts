/** How long the event loop of this process was blocked: by how much a timer that should fire twice a second comes too late. */
import type { Clock } from '../lib/clock.ts';

/** Measures until stopped. */
export interface EventLoopMeter {
  /** The longest delay since the last question. Milliseconds; half a second more or less. */
  longestDelayMs(): number;
  stop(): void;
}

const LOOK_EVERY_MS = 500;

/** Starts to measure. */
export function measureEventLoop(clock: Clock): EventLoopMeter {
  let longest = 0;
  let lookedAt = clock.monotonic();
  let cancel = (): void => {};
  const look = (): void => {
    const now = clock.monotonic();
    longest = Math.max(longest, now - lookedAt - LOOK_EVERY_MS);
    lookedAt = now;
  };
  const next = (): void => {
    cancel = clock.setTimer(LOOK_EVERY_MS, () => {
      look();
      next();
    });
  };
  next();
  return {
    longestDelayMs() {
      // Whoever asks right after a block comes before the timer that it has delayed.
      look();
      const answer = longest;
      longest = 0;
      return answer;
    },
    stop: () => cancel(),
  };
}
