/**
 * The numbers from `from` to `to`, both included, each once. Subtasks take equal ranges. A capture stores what is left of
 * a range in pieces, so that a restore with more subtasks finds work for all of them. Follows Flink's NumberSequenceSource.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { type PollResult, Source, type SourceOutput, type SourceReader, type SourceReaderContext } from './source.ts';
import { SplitState } from './split-state.ts';

/** Into how many pieces a capture cuts what is left of a subtask. */
const PIECES = 8;

/** Numbers still to come: `next` up to and without `end`. */
interface NumberRange {
  readonly next: number;
  readonly end: number;
}

const RANGE: TypeInformation<NumberRange> = Types.OBJECT({ next: Types.SAFE_LONG, end: Types.SAFE_LONG });

export class NumberSequenceSource extends Source<number> {
  readonly boundedness = 'bounded';
  override readonly type: TypeInformation<number> = Types.SAFE_LONG;
  readonly from: number;
  readonly to: number;

  /** @throws IllegalArgumentException for bounds that are not safe integers, or `from` above `to + 1` */
  constructor(from: number, to: number) {
    super();
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Number.isSafeInteger(to + 1) || from > to + 1)
      throw new IllegalArgumentException(
        `A sequence runs from an integer to an integer that is not smaller; got ${from} and ${to}.`,
      );
    this.from = from;
    this.to = to;
  }

  createReader(context: SourceReaderContext): SourceReader<number> {
    return new NumberSequenceReader(shareOf(this.from, this.to + 1, context));
  }
}

class NumberSequenceReader implements SourceReader<number> {
  readonly #state = new SplitState<NumberRange>('number-sequence', RANGE);
  readonly #share: NumberRange;
  #waiting: NumberRange[] = [];
  #next = 0;
  #end = 0;

  constructor(share: NumberRange) {
    this.#share = share;
  }

  initializeState(context: FunctionInitializationContext): void {
    this.#waiting = joined(this.#state.initialize(context) ?? [this.#share]);
    this.#nextRange();
  }

  open(): void {}

  poll(out: SourceOutput<number>, maxRecords: number): PollResult {
    const stop = Math.min(this.#end, this.#next + maxRecords);
    let value = this.#next;
    while (value < stop) out.collect(value++);
    this.#next = value;
    if (value < this.#end) return 'more';
    return this.#nextRange() ? 'more' : 'end';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  snapshotState(): void {
    this.#state.update([{ next: this.#next, end: this.#end }, ...this.#waiting].flatMap(inPieces));
  }

  close(): void {}

  #nextRange(): boolean {
    const range = this.#waiting.shift();
    if (range === undefined) return false;
    this.#next = range.next;
    this.#end = range.end;
    return true;
  }
}

/** The range of one subtask; the first ones take one number more when it does not come out even. */
function shareOf(from: number, end: number, { subtaskIndex, parallelism }: SourceReaderContext): NumberRange {
  const base = Math.floor((end - from) / parallelism);
  const more = (end - from) % parallelism;
  const next = from + base * subtaskIndex + Math.min(subtaskIndex, more);
  return { next, end: next + base + (subtaskIndex < more ? 1 : 0) };
}

function inPieces({ next, end }: NumberRange): NumberRange[] {
  const size = Math.max(1, Math.ceil((end - next) / PIECES));
  const pieces: NumberRange[] = [];
  for (let start = next; start < end; start += size) pieces.push({ next: start, end: Math.min(end, start + size) });
  return pieces;
}

/** Neighbouring pieces become one range again. */
function joined(pieces: readonly NumberRange[]): NumberRange[] {
  const ranges: NumberRange[] = [];
  for (const piece of pieces) {
    const last = ranges.at(-1);
    if (last !== undefined && last.end === piece.next) ranges[ranges.length - 1] = { next: last.next, end: piece.end };
    else if (piece.next < piece.end) ranges.push(piece);
  }
  return ranges;
}
