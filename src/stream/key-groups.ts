/**
 * From the hash of a key to the subtask that owns it. Follows Flink's KeyGroupRangeAssignment and KeyGroupRange, value
 * for value, so that state can be compared with Flink's.
 *
 *     key ── hash (types/key-hash.ts) ── murmur ── mod maxParallelism ──> key group ── · parallelism / max ──> subtask
 *
 * A key group is the unit in which keyed state moves at a rescale. Records are routed by the very functions that place
 * state; that is why a key's state is always where its records arrive.
 */
import { IllegalArgumentException, IndexOutOfBoundsException, NullPointerException } from '../lib/java-errors.ts';

/** The smallest maximum parallelism that is chosen by default. */
export const LOWEST_DEFAULT_MAX_PARALLELISM = 128;

/** The largest parallelism, and the largest number of key groups: 2^15. */
export const HIGHEST_MAX_PARALLELISM = 32_768;

/**
 * The key group of a key with this hash: the hot path, called per record. `hash` is an int32, `maxParallelism` one that
 * `checkMaxParallelism` accepted; neither is checked again.
 */
export function keyGroupOf(hash: number, maxParallelism: number): number {
  const mixed = murmurHash32(hash);
  const mask = maxParallelism - 1;
  return (maxParallelism & mask) === 0 ? mixed & mask : mixed % maxParallelism;
}

/** Murmur3 x86-32 of one int with seed 0, folded to 0 … 2^31 − 1 as Flink's MathUtils.murmurHash does. */
export function murmurHash32(code: number): number {
  let mixed = Math.imul(code, 0xcc9e2d51);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  mixed = (Math.imul((mixed << 13) | (mixed >>> 19), 5) - 430_675_100) ^ 4;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  // The absolute value without a branch, which half of all keys would mispredict. The smallest int has no positive
  // counterpart; the mask takes it to 0.
  const sign = mixed >> 31;
  return ((mixed ^ sign) - sign) & 0x7fffffff;
}

/** The key group of a key, checked: NullPointerException when there is no key, IllegalArgumentException for a bad maximum. */
export function assignToKeyGroup<K>(
  key: K | null | undefined,
  hashOf: (key: K) => number,
  maxParallelism: number,
): number {
  if (key === null || key === undefined) throw new NullPointerException('Assigned key must not be null!');
  checkMaxParallelism(maxParallelism);
  return keyGroupOf(hashOf(key), maxParallelism);
}

/** The subtask that owns a key group; the inverse of `keyGroupRange`. Arguments are not checked. */
export function operatorIndexForKeyGroup(keyGroup: number, parallelism: number, maxParallelism: number): number {
  // At most 2^15 · 2^15: the product is an int, and so is the quotient cut by `| 0`.
  return ((keyGroup * parallelism) / maxParallelism) | 0;
}

/** The key groups that a subtask owns. Throws IllegalArgumentException for a parallelism or subtask that cannot be. */
export function keyGroupRange(subtask: number, parallelism: number, maxParallelism: number): KeyGroupRange {
  checkParallelism(parallelism, maxParallelism);
  if (!(Number.isInteger(subtask) && subtask >= 0 && subtask < parallelism)) {
    throw new IllegalArgumentException(`Subtask ${subtask} does not exist at parallelism ${parallelism}.`);
  }
  const start = Math.floor((subtask * maxParallelism + parallelism - 1) / parallelism);
  const end = Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism);
  return KeyGroupRange.of(start, end);
}

/** The key groups of every subtask, in order: together all groups, each once. */
export function keyGroupRanges(parallelism: number, maxParallelism: number): KeyGroupRange[] {
  return Array.from({ length: parallelism }, (_, subtask) => keyGroupRange(subtask, parallelism, maxParallelism));
}

/** The maximum parallelism of an operator for which nobody set one: half as much again, as a power of two, at least 128. */
export function defaultMaxParallelism(parallelism: number): number {
  checkBounds('Operator parallelism', parallelism);
  const roomToGrow = parallelism + (parallelism >> 1);
  const powerOfTwo = 1 << (32 - Math.clz32(roomToGrow - 1));
  return Math.min(Math.max(powerOfTwo, LOWEST_DEFAULT_MAX_PARALLELISM), HIGHEST_MAX_PARALLELISM);
}

/** Where a maximum parallelism may come from. */
export interface MaxParallelismSources {
  parallelism: number;
  /** Set on the operator. */
  operator?: number | undefined;
  /** Set on the job. */
  job?: number | undefined;
}

/** The number of key groups in force. */
export interface EffectiveMaxParallelism {
  maxParallelism: number;
  /** Set by somebody. A default may change when state is restored, a configured value may not. */
  configured: boolean;
}

/** The operator's setting, else the job's, else the default. Throws IllegalArgumentException when it is out of bounds. */
export function effectiveMaxParallelism({
  parallelism,
  operator,
  job,
}: MaxParallelismSources): EffectiveMaxParallelism {
  const set = operator ?? job;
  const maxParallelism = set ?? defaultMaxParallelism(parallelism);
  checkParallelism(parallelism, maxParallelism);
  return { maxParallelism, configured: set !== undefined };
}

/** Throws IllegalArgumentException unless 1 <= parallelism <= maxParallelism <= 32768. */
export function checkParallelism(parallelism: number, maxParallelism: number): void {
  checkBounds('Operator parallelism', parallelism);
  checkMaxParallelism(maxParallelism);
  if (maxParallelism < parallelism) {
    throw new IllegalArgumentException('Maximum parallelism must not be smaller than parallelism.');
  }
}

/** Throws IllegalArgumentException unless 1 <= maxParallelism <= 32768. */
export function checkMaxParallelism(maxParallelism: number): void {
  checkBounds('Maximum parallelism', maxParallelism);
}

/** Throws IllegalArgumentException when a key group does not belong to the range, which means a key whose hash changed. */
export function checkKeyGroupIn(keyGroup: number, range: KeyGroupRange): void {
  if (range.contains(keyGroup)) return;
  throw new IllegalArgumentException(
    `Key group ${keyGroup} is not in ${range}. Unless you're directly using low level state access APIs, this is most ` +
      'likely caused by non-deterministic shuffle key (hashCode and equals implementation).',
  );
}

/** Consecutive key groups, both ends inclusive; immutable. `{start, end}` survives JSON and messages, `of` makes it again. */
export class KeyGroupRange implements Iterable<number> {
  /** No key group at all. */
  static readonly EMPTY = new KeyGroupRange(0, -1);

  readonly start: number;
  readonly end: number;

  private constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** The range from start to end, or EMPTY when start lies behind end. Throws IllegalArgumentException below 0. */
  static of(start: number, end: number): KeyGroupRange {
    if (start > end) return KeyGroupRange.EMPTY;
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0)) {
      throw new IllegalArgumentException(`A key group range needs whole numbers from 0 on, not ${start} to ${end}.`);
    }
    return new KeyGroupRange(start, end);
  }

  /** How many key groups it holds. */
  get count(): number {
    return this.end - this.start + 1;
  }

  get isEmpty(): boolean {
    return this.end < this.start;
  }

  contains(keyGroup: number): boolean {
    return keyGroup >= this.start && keyGroup <= this.end;
  }

  /** The key groups in both ranges; EMPTY when they share none. */
  intersect(other: KeyGroupRange): KeyGroupRange {
    return KeyGroupRange.of(Math.max(this.start, other.start), Math.min(this.end, other.end));
  }

  equals(other: KeyGroupRange): boolean {
    return this.start === other.start && this.end === other.end;
  }

  /** The n-th key group, counted from 0. Throws IndexOutOfBoundsException for any n that is not one, `count` included. */
  at(n: number): number {
    if (!(Number.isInteger(n) && n >= 0 && n < this.count)) {
      throw new IndexOutOfBoundsException(`Key group index out of bounds: ${n}. ${this} has ${this.count}.`);
    }
    return this.start + n;
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let keyGroup = this.start; keyGroup <= this.end; keyGroup++) yield keyGroup;
  }

  toString(): string {
    return `KeyGroupRange{startKeyGroup=${this.start}, endKeyGroup=${this.end}}`;
  }
}

function checkBounds(what: string, value: number): void {
  if (Number.isInteger(value) && value > 0 && value <= HIGHEST_MAX_PARALLELISM) return;
  throw new IllegalArgumentException(`${what} not within bounds: ${value}`);
}
