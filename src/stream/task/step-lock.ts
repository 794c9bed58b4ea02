/**
 * How a subtask takes its checkpoint lock for a step: at once where it is free; else it waits in line, and steps when it is
 * its turn, so that a source function with long critical sections cannot keep captures out.
 */
import type { CheckpointLock } from './checkpoint-lock.ts';

export class StepLock {
  readonly #lock: CheckpointLock;
  readonly #onTurn: () => void;
  /** The lock, given to us after a wait; the next step uses it. */
  #granted: (() => void) | undefined;
  #isWaiting = false;

  /** @param onTurn called when a step that was refused may be tried again */
  constructor(lock: CheckpointLock, onTurn: () => void) {
    this.#lock = lock;
    this.#onTurn = onTurn;
  }

  /** Takes the lock and returns what gives it back; undefined when a source function holds it. */
  take(): (() => void) | undefined {
    const release = this.#granted ?? this.#lock.tryAcquireSync();
    this.#granted = undefined;
    if (release === undefined && !this.#isWaiting) this.#wait();
    return release;
  }

  #wait(): void {
    this.#isWaiting = true;
    void this.#lock.acquire().then((release) => {
      this.#isWaiting = false;
      this.#granted = release;
      this.#onTurn();
    });
  }
}
