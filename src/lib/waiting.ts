import type { Clock } from './clock.ts';

/** Ends after a while, or as soon as the signal fires; never throws. */
export function waitFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return waitUntil(signal, (done) => clock.setTimer(delayMs, done));
}

/** Ends when what was started says so, or as soon as the signal fires. `start` answers how to end what it started. */
export function waitUntil(signal: AbortSignal, start: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = start(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
