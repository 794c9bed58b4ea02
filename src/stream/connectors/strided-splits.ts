/**
 * Numbered records (0, 1, 2, …) dealt to subtasks like cards: split r of s holds the indexes r, r + s, r + 2s, … There
 * are more splits than subtasks, so that a restore with more subtasks finds work for all. A subtask always takes the
 * lowest index that it has left, so what it emits only rises, also after a restore brought it splits of subtasks that had
 * come less far. (Timestamps that rise with the index then never go back within a subtask, and nothing comes late.)
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

/** Walks over the indexes of several splits below `count`, in ascending order. */
export class StridedCursor {
  readonly #count: number;
  #next: number[] = [];
  #strides: number[] = [];
  /** The splits are level: all within one stride, ascending from the turn on. Then taking turns is taking the lowest. */
  #isLevel = false;
  #turn = 0;

  /** @param count how many records there are; Infinity for an endless source */
  constructor(splits: readonly StridedSplit[], count: number) {
    this.#count = count;
    this.#arrange(splits.filter(({ next }) => next < count));
  }

  get isAtEnd(): boolean {
    return this.#next.length === 0;
  }

  /** The next index; must not be called at the end. */
  take(): number {
    if (!this.#isLevel) this.#findLowest();
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

  #arrange(splits: readonly StridedSplit[]): void {
    const ascending = [...splits].sort((left, right) => left.next - right.next);
    this.#next = ascending.map(({ next }) => next);
    this.#strides = ascending.map(({ stride }) => stride);
    this.#turn = 0;
    const [lowest] = ascending;
    const highest = ascending.at(-1);
    this.#isLevel =
      lowest === undefined ||
      highest === undefined ||
      (highest.next - lowest.next < lowest.stride && ascending.every(({ stride }) => stride === lowest.stride));
  }

  /** While some splits are behind: those first, until all are level. */
  #findLowest(): void {
    let turn = 0;
    let highest = 0;
    for (let at = 0; at < this.#next.length; at++) {
      const next = this.#next[at] as number;
      if (next < (this.#next[turn] as number)) turn = at;
      if (next > highest) highest = next;
    }
    this.#turn = turn;
    if (highest - (this.#next[turn] as number) < (this.#strides[turn] as number)) this.#arrange(this.splits());
  }
}
