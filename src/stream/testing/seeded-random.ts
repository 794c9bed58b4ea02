/**
 * Random choices that a seed repeats (mulberry32: 32 bits of state). For interleavings and test data, for nothing secret.
 */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** @param seed any number; its lower 32 bits count */
  constructor(seed: number) {
    this.seed = seed;
    this.#state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x85ebca6b;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 on, below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several. @throws TypeError for an empty list */
  oneOf<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new TypeError('oneOf needs something to choose from.');
    return choices[this.below(choices.length)] as T;
  }

  /** A copy in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(this.below(rest.length), 1)[0] as T);
  }
}
