/**
 * Lets a thread sleep until another has something for it. One per thread, in shared memory; any thread may wake it.
 *
 *     sleeper                                waker
 *     prepareToSleep()                       makes something visible
 *     looks once more for something to do    wake()
 *     await sleep(maxMs), or cancelSleep()
 *
 * No wake-up is lost: either the second look finds what the waker made visible, or `wake` finds the sleeper prepared and
 * ends the sleep, even one that has not begun. `wake` costs one load from memory while nobody sleeps.
 */

/** Bytes of shared memory that a WakeUp needs. */
export const WAKE_UP_BYTES = 8;

const SLEEPING = 0;
const SIGNALS = 1;

export class WakeUp {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  #signalsSeen = 0;

  /** @param memory WAKE_UP_BYTES of shared memory, zero at first, the same for sleeper and wakers */
  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory, 0, 2);
  }

  /** From here on a `wake` ends the next `sleep`. Look for work after this call and before `sleep`. */
  prepareToSleep(): void {
    this.#signalsSeen = Atomics.load(this.#cells, SIGNALS);
    Atomics.store(this.#cells, SLEEPING, 1);
  }

  /** There was something to do after all. */
  cancelSleep(): void {
    Atomics.store(this.#cells, SLEEPING, 0);
  }

  /** Resolves on a wake-up since `prepareToSleep`, or after `maxMs`. The event loop has always had a turn by then. */
  async sleep(maxMs: number): Promise<void> {
    const waiting = waitForChange(this.#cells, this.#signalsSeen, maxMs);
    if (waiting === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    else await atLatest(waiting, maxMs);
    this.cancelSleep();
  }

  /** Wakes the thread if it sleeps or is about to. Call it after what it is to find has become visible. */
  wake(): void {
    if (Atomics.load(this.#cells, SLEEPING) === 0) return;
    if (Atomics.exchange(this.#cells, SLEEPING, 0) === 0) return;
    Atomics.add(this.#cells, SIGNALS, 1);
    Atomics.notify(this.#cells, SIGNALS);
  }
}

/** Settles when the count of signals is no longer `seen`; undefined when that is so already or the time is up. */
function waitForChange(
  cells: Int32Array<SharedArrayBuffer>,
  seen: number,
  maxMs: number,
): Promise<unknown> | undefined {
  if (typeof Atomics.waitAsync !== 'function') return pollForChange(cells, seen, maxMs);
  const result = Atomics.waitAsync(cells, SIGNALS, seen, Math.max(0, maxMs));
  return result.async ? result.value : undefined;
}

/** Where the engine cannot wait without blocking: looks every millisecond. */
async function pollForChange(cells: Int32Array, seen: number, maxMs: number): Promise<void> {
  const end = performance.now() + maxMs;
  while (Atomics.load(cells, SIGNALS) === seen && performance.now() < end) {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
}

/** The timer is not only the limit: waiting for a notification alone would let an idle process exit. */
function atLatest(waiting: Promise<unknown>, maxMs: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, maxMs);
    waiting.then(() => {
      clearTimeout(timer);
      resolve();
    }, reject);
  });
}
