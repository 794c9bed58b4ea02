/** A signal that fires when a caller gives up, a deadline passes or a gate closes, and knows which it was. */
import type { Clock } from '../lib/clock.ts';

export type EndReason = 'deadline' | 'aborted' | 'gate';

/** What may end a call. */
export interface CallLimits {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** Fires when writing is over. */
  readonly gate?: AbortSignal | undefined;
}

/** One call's own end. To be disposed of when the call is over, so that long-lived signals keep nothing of it. */
export class CallEnd implements Disposable {
  private readonly controller = new AbortController();
  private readonly undo: (() => void)[] = [];
  private readonly endsAt: number;
  private readonly clock: Clock;
  /** Why the signal fired; undefined while it has not. */
  reason: EndReason | undefined;

  constructor({ clock, signal, deadlineMs, gate }: CallLimits) {
    this.clock = clock;
    this.endsAt = clock.monotonic() + deadlineMs;
    this.follow(signal, 'aborted');
    if (gate !== undefined) this.follow(gate, 'gate');
    if (this.reason === undefined) this.undo.push(clock.setTimer(deadlineMs, () => this.end('deadline')));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get remainingMs(): number {
    return this.endsAt - this.clock.monotonic();
  }

  [Symbol.dispose](): void {
    for (const step of this.undo.splice(0)) step();
  }

  private follow(signal: AbortSignal, reason: EndReason): void {
    if (signal.aborted) {
      this.end(reason);
      return;
    }
    const listener = () => this.end(reason);
    signal.addEventListener('abort', listener, { once: true });
    this.undo.push(() => signal.removeEventListener('abort', listener));
  }

  private end(reason: EndReason): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.controller.abort(new Error(reason));
  }
}
