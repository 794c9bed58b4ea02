/**
 * Numbered records (0, 1, 2, …) dealt to subtasks like cards: split r of s holds the indexes r, r + s, r + 2s, … There
 * are more splits than subtasks, so that a restore with more subtasks finds work for all. A subtask takes one index of
 * each of its splits in turn, lowest first, which at parallelism 1 gives 0, 1, 2, … also after a restore.
 */
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { SourceReaderContext } from './source.ts';

/** At least this many splits in all subtasks together. */
const MIN_SPLITS = 16;

/** `next` is the next index to emit; the one after it is `next + stride`. */
export interface StridedSplit {
  readonly next: number;
  readonly stride: number;
}

export const STRIDED_SPLIT: TypeInformation<StridedSplit> = Types.OBJECT({
  next: Types.SAFE_LONG,
  stride: Types.SAFE_LONG,
});

/** The splits with which a subtask starts. */
export function freshStridedSplits({ subtaskIndex, parallelism }: SourceReaderContext): StridedSplit[] {
  const stride = parallelism * Math.max(1, Math.ceil(MIN_SPLITS / parallelism));
  const splits: StridedSplit[] = [];
  for (let next = subtaskIndex; next < stride; next += parallelism) splits.push({ next, stride });
  return splits;
}

/** Walks over the indexes of several splits below `count`. */
export class StridedCursor {
  readonly #next: number[];
  readonly #strides: number[];
  readonly #count: number;
  #turn = 0;

  /** @param count how many records there are; Infinity for an endless source */
  constructor(splits: readonly StridedSplit[], count: number) {
    const open = splits.filter(({ next }) => next < count).sort((left, right) => left.next - right.next);
    this.#next = open.map(({ next }) => next);
    this.#strides = open.map(({ stride }) => stride);
    this.#count = count;
  }

  get isAtEnd(): boolean {
    return this.#next.length === 0;
  }

  /** The next index; must not be called at the end. */
  take(): number {
    const turn = this.#turn;
    const index = this.#next[turn] as number;
    const following = index + (this.#strides[turn] as number);
    if (following < this.#count) {
      this.#next[turn] = following;
      this.#turn = turn + 1 < this.#next.length ? turn + 1 : 0;
    } else {
      this.#next.splice(turn, 1);
      this.#strides.splice(turn, 1);
      if (this.#turn >= this.#next.length) this.#turn = 0;
    }
    return index;
  }

  /** What is left. */
  splits(): StridedSplit[] {
    return this.#next.map((next, at) => ({ next, stride: this.#strides[at] ?? 1 }));
  }
}
