/** Time in which what is waited for long comes soon: silence of a watch, a write that is not seen, the pause after many failures. Seconds stay seconds. */
import { type Clock, systemClock } from '../../src/lib/clock.ts';

const LONG_MS = 5_000;
const TIMES = 20;

/** The machine's clock, whose long timers fire twenty times as soon. */
export const hurriedClock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs >= LONG_MS ? delayMs / TIMES : delayMs, callback),
};
