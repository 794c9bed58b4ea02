/**
 * Records made by a function from their index and a seeded random source. Record i depends on (seed, i) only, so a
 * restore makes the same records again, at any parallelism. Follows Flink's DataGeneratorSource.
 */
import type { Clock } from '../../lib/clock.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { type PollResult, Source, type SourceOutput, type SourceReader, type SourceReaderContext } from './source.ts';
import { SplitState } from './split-state.ts';
import { freshStridedSplits, STRIDED_SPLIT, StridedCursor, type StridedSplit } from './strided-splits.ts';

/** Gives numbers from 0 up to and without 1. */
export type Random = () => number;

export interface GeneratorSourceOptions<T> {
  /** How many records; endless when left out. */
  readonly count?: number;
  /** @default 0 */
  readonly seed?: number;
  /** Makes record `index`. Must depend on its arguments only. */
  readonly generate: (index: number, random: Random) => T;
  /** Of all subtasks together; as fast as possible when left out. */
  readonly recordsPerSecond?: number;
  /** How the records cross threads; self-describing when left out. */
  readonly type?: TypeInformation<T>;
}

export class GeneratorSource<T> extends Source<T> {
  readonly boundedness: 'bounded' | 'unbounded';
  override readonly type: TypeInformation<T> | undefined;
  readonly #options: GeneratorSourceOptions<T>;

  /** @throws IllegalArgumentException for a count that is not a whole number ≥ 0, a seed that is none, a rate ≤ 0 */
  constructor(options: GeneratorSourceOptions<T>) {
    super();
    const { count, seed = 0, recordsPerSecond } = options;
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0))
      throw new IllegalArgumentException(`count of a generator is a whole number from 0; got ${count}.`);
    if (!Number.isSafeInteger(seed))
      throw new IllegalArgumentException(`seed of a generator is a whole number; got ${seed}.`);
    if (recordsPerSecond !== undefined && !(recordsPerSecond > 0))
      throw new IllegalArgumentException(`recordsPerSecond of a generator is above 0; got ${recordsPerSecond}.`);
    this.boundedness = count === undefined ? 'unbounded' : 'bounded';
    this.type = options.type;
    this.#options = options;
  }

  createReader(context: SourceReaderContext): SourceReader<T> {
    return new GeneratorReader(this.#options, context);
  }
}

class GeneratorReader<T> implements SourceReader<T> {
  readonly #state = new SplitState<StridedSplit>('generator', STRIDED_SPLIT);
  readonly #options: GeneratorSourceOptions<T>;
  readonly #context: SourceReaderContext;
  readonly #random: IndexedRandom;
  #pace: Pace | undefined;
  #cursor = new StridedCursor([], 0);

  constructor(options: GeneratorSourceOptions<T>, context: SourceReaderContext) {
    this.#options = options;
    this.#context = context;
    this.#random = new IndexedRandom(options.seed ?? 0);
  }

  initializeState(context: FunctionInitializationContext): void {
    const splits = this.#state.initialize(context) ?? freshStridedSplits(this.#context);
    this.#cursor = new StridedCursor(splits, this.#options.count ?? Number.POSITIVE_INFINITY);
  }

  open(): void {
    const { recordsPerSecond } = this.#options;
    if (recordsPerSecond !== undefined)
      this.#pace = new Pace(this.#context.clock, recordsPerSecond / this.#context.parallelism);
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    const allowed = this.#pace === undefined ? maxRecords : Math.min(maxRecords, this.#pace.allowance());
    const { generate } = this.#options;
    let made = 0;
    for (; made < allowed && !this.#cursor.isAtEnd; made++) {
      const index = this.#cursor.take();
      out.collect(generate(index, this.#random.at(index)));
    }
    this.#pace?.spend(made);
    if (this.#cursor.isAtEnd) return 'end';
    return allowed < maxRecords ? 'idle' : 'more';
  }

  whenAvailable(): Promise<void> {
    return this.#pace?.whenAllowed() ?? Promise.resolve();
  }

  snapshotState(): void {
    this.#state.update(this.#cursor.splits());
  }

  close(): void {
    this.#pace?.close();
  }
}

/** A random source that starts anew for each index; the returned function is reused. */
class IndexedRandom {
  readonly #seed: number;
  #state = 0;
  readonly #next: Random;

  constructor(seed: number) {
    this.#seed = mix((seed | 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x9e3779b1));
    this.#next = () => {
      // mulberry32: 32 bits of state, one addition and one mix per number.
      this.#state = (this.#state + 0x6d2b79f5) | 0;
      return (mix(this.#state) >>> 0) / 2 ** 32;
    };
  }

  at(index: number): Random {
    this.#state = mix(this.#seed ^ mix(index | 0) ^ Math.imul(Math.floor(index / 2 ** 32) | 0, 0x85ebca6b));
    return this.#next;
  }
}

function mix(value: number): number {
  let bits = Math.imul(value ^ (value >>> 15), value | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return bits ^ (bits >>> 14);
}

/** Spreads records over time; what was not used in the last second is lost, so a stall is not followed by a flood. */
class Pace {
  readonly #clock: Clock;
  readonly #perMs: number;
  #credit = 0;
  #countedAt: number;
  #cancel: (() => void) | undefined;
  #resolve: (() => void) | undefined;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perMs = perSecond / 1000;
    this.#countedAt = clock.monotonic();
  }

  allowance(): number {
    const now = this.#clock.monotonic();
    const most = Math.max(1, this.#perMs * 1000);
    this.#credit = Math.min(most, this.#credit + (now - this.#countedAt) * this.#perMs);
    this.#countedAt = now;
    return Math.floor(this.#credit);
  }

  spend(count: number): void {
    this.#credit -= count;
  }

  whenAllowed(): Promise<void> {
    this.close();
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#cancel = this.#clock.setTimer(Math.max(1, Math.ceil((1 - this.#credit) / this.#perMs)), resolve);
    });
  }

  close(): void {
    this.#cancel?.();
    this.#resolve?.();
  }
}
