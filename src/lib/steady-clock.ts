/**
 * A wall clock that does not jump. Deadlines that stand in records are compared with it: a clock of the machine that is set an
 * hour forward must not end what has just begun, and one that is set back must not stretch a minute into an hour.
 */
import type { Clock, Instant } from './clock.ts';

/** So much faster or slower than time passes it runs, at most, while it comes back to the clock of the machine. */
const CATCHES_UP_BY = 0.1;

/**
 * Begins at the wall clock's time, and goes on at the pace of `clock.monotonic()`. Where the wall clock is another one meanwhile,
 * because it was set or because time passes at another pace there, it follows by at most a tenth of the time that passes: a
 * jump of an hour is made up for in ten. `now` never goes back.
 */
export function steadyClock(clock: Clock): Clock {
  let shown = clock.now();
  let readAt = clock.monotonic();
  const now = (): Instant => {
    const monotonic = clock.monotonic();
    const passed = monotonic - readAt;
    const most = passed * CATCHES_UP_BY;
    const behind = clock.now() - (shown + passed);
    shown += passed + Math.min(most, Math.max(-most, behind));
    readAt = monotonic;
    return Math.round(shown);
  };
  return { now, monotonic: () => clock.monotonic(), setTimer: (ms, callback) => clock.setTimer(ms, callback) };
}
