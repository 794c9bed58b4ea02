/** How old the lease of a leader is, also after it can no longer be renewed. */
import type { Clock } from '../lib/clock.ts';
import type { LeaseTimes } from '../lib/elector.ts';
import type { WriteGate } from '../lib/write-gate.ts';

const LOOK_EVERY_MS = 1_000;

export class LeaseAge {
  private readonly clock: Clock;
  private readonly gate: WriteGate;
  private readonly times: LeaseTimes;
  private openAt: number;
  private cancel: () => void = () => {};

  constructor(clock: Clock, gate: WriteGate, times: LeaseTimes) {
    this.clock = clock;
    this.gate = gate;
    this.times = times;
    this.openAt = clock.monotonic();
  }

  /** Looks every second whether the gate is open; the result ends it. */
  follow(): () => void {
    this.look();
    this.cancel = this.clock.setTimer(LOOK_EVERY_MS, () => this.follow());
    return () => this.cancel();
  }

  /** Milliseconds since it was renewed; to the second once the gate is closed. */
  get ms(): number {
    this.look();
    const { renewDeadlineMs } = this.times;
    const sinceOpenMs = this.clock.monotonic() - this.openAt;
    return renewDeadlineMs - this.gate.remainingMs() + sinceOpenMs;
  }

  private look(): void {
    if (this.gate.remainingMs() > 0) this.openAt = this.clock.monotonic();
  }
}
