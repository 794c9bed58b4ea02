/** The clockwork of periodic checkpoints: when the next one is due. Times are monotonic milliseconds. */
import type { CheckpointRequest } from './checkpoint-requests.ts';
import type { CompleteCheckpointSettings } from './coordinator-settings.ts';

export class PeriodicTrigger {
  readonly #intervalMs: number | undefined;
  readonly #minPauseMs: number;
  #nextAt: number | undefined;
  #requests = 0;

  constructor({ intervalMs, minPauseMs }: CompleteCheckpointSettings) {
    this.#intervalMs = intervalMs;
    this.#minPauseMs = minPauseMs;
  }

  /** When the next one is due; undefined while there is none. */
  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  /** The first one comes after a delay between the pause and the interval, so that many jobs do not begin at once. */
  start(now: number, random: number): void {
    if (this.#intervalMs === undefined) return;
    this.#nextAt = now + this.#minPauseMs + Math.floor(random * (this.#intervalMs - this.#minPauseMs + 1));
  }

  /** A request when one is due. The rate is fixed: those that were missed are left out. */
  takeDue(now: number): CheckpointRequest | undefined {
    const { nextAt } = this;
    if (nextAt === undefined || this.#intervalMs === undefined || now < nextAt) return undefined;
    const missed = Math.floor((now - nextAt) / this.#intervalMs);
    this.#nextAt = nextAt + (missed + 1) * this.#intervalMs;
    // Tokens of periodic requests run below zero: nobody waits for them, and they never meet those of people.
    this.#requests++;
    return { token: -this.#requests, kind: 'checkpoint', periodic: true };
  }

  /** The next one comes after `forMs`, and the rate is kept from there. */
  postpone(now: number, forMs: number): void {
    if (this.#nextAt !== undefined) this.#nextAt = now + forMs;
  }

  pause(): void {
    this.#nextAt = undefined;
  }

  resume(now: number): void {
    if (this.#intervalMs !== undefined) this.#nextAt = now + this.#intervalMs;
  }
}
