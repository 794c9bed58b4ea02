/**
 * The records of a list that the job's code holds. Every worker builds the list anew, so it must be the same each time;
 * a restore with a list that became shorter leaves out what is gone.
 */
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { type PollResult, Source, type SourceOutput, type SourceReader, type SourceReaderContext } from './source.ts';
import { SplitState } from './split-state.ts';
import { freshStridedSplits, STRIDED_SPLIT, StridedCursor, type StridedSplit } from './strided-splits.ts';

export class CollectionSource<T> extends Source<T> {
  readonly boundedness = 'bounded';
  override readonly type: TypeInformation<T> | undefined;
  readonly #records: readonly T[];

  /** @param type how the records cross threads; self-describing when left out */
  constructor(records: Iterable<T>, type?: TypeInformation<T>) {
    super();
    this.#records = [...records];
    this.type = type;
  }

  createReader(context: SourceReaderContext): SourceReader<T> {
    return new CollectionReader(this.#records, context);
  }
}

class CollectionReader<T> implements SourceReader<T> {
  readonly #state = new SplitState<StridedSplit>('collection', STRIDED_SPLIT);
  readonly #records: readonly T[];
  readonly #context: SourceReaderContext;
  #cursor = new StridedCursor([], 0);

  constructor(records: readonly T[], context: SourceReaderContext) {
    this.#records = records;
    this.#context = context;
  }

  initializeState(context: FunctionInitializationContext): void {
    const splits = this.#state.initialize(context) ?? freshStridedSplits(this.#context);
    this.#cursor = new StridedCursor(splits, this.#records.length);
  }

  open(): void {}

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    for (let left = maxRecords; left > 0 && !this.#cursor.isAtEnd; left--) {
      out.collect(this.#records[this.#cursor.take()] as T);
    }
    return this.#cursor.isAtEnd ? 'end' : 'more';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  snapshotState(): void {
    this.#state.update(this.#cursor.splits());
  }

  close(): void {}
}
