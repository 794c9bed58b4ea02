/**
 * The lock under which a task does everything that must not mix: steps, timers, captures, and the critical sections of
 * source functions. Fair: whoever asks first gets it first, so a busy source cannot keep a capture out. Not reentrant.
 */
export class CheckpointLock {
  readonly #waiting: (() => void)[] = [];
  #held = false;
  /**
   * Whether its holder is between the barrier and the end of a capture, when nothing may be emitted. Set by `withCapture`,
   * or by a holder that took the lock another way.
   */
  capturing = false;

  /** Whether somebody holds it now. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Takes the lock if it is free and nobody waits for it; the result gives it back. For the hot path of the task, which
   * must not pay for a promise per step.
   */
  tryAcquireSync(): (() => void) | undefined {
    if (this.#held || this.#waiting.length > 0) return undefined;
    this.#held = true;
    return this.#releaseOnce();
  }

  /** Takes the lock after everybody who asked before; the result gives it back. Prefer `withLock`. */
  acquire(): Promise<() => void> {
    const release = this.tryAcquireSync();
    if (release !== undefined) return Promise.resolve(release);
    // The lock is handed over while it is still marked as held, so nobody can take it in between.
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#releaseOnce())));
  }

  /** Runs `action` alone, after everybody who asked before. The lock is given back also when it fails. */
  async withLock<R>(action: () => R | Promise<R>): Promise<R> {
    const release = this.tryAcquireSync() ?? (await this.acquire());
    try {
      return await action();
    } finally {
      release();
    }
  }

  /** Same as `withLock`, for captures: while it runs, `capturing` is true, also across its awaits. */
  withCapture<R>(action: () => R | Promise<R>): Promise<R> {
    return this.withLock(async () => {
      this.capturing = true;
      try {
        return await action();
      } finally {
        this.capturing = false;
      }
    });
  }

  #releaseOnce(): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#held = false;
      else next();
    };
  }
}
