/** Lets the process do other things in the middle of much work: probes answer, leases are renewed. */
import { setImmediate } from 'node:timers/promises';

/** Longer than this nobody else waits. */
const LONGEST_TURN_MS = 5;

export class Breather {
  private turnBegan = Number.NEGATIVE_INFINITY;
  private waiting: Promise<void> | undefined;

  /** Between two pieces of work: pauses when the turn has lasted long enough, else answers nothing to wait for. */
  pause(): Promise<void> | undefined {
    if (this.waiting !== undefined) return this.waiting;
    // Real time, whatever clock is handed in: it is the event loop of this process that is blocked.
    if (performance.now() - this.turnBegan < LONGEST_TURN_MS) return undefined;
    this.waiting = this.nextTurn();
    return this.waiting;
  }

  private async nextTurn(): Promise<void> {
    await setImmediate();
    this.turnBegan = performance.now();
    this.waiting = undefined;
  }
}
