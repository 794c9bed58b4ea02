/**
 * Records and watermarks that the test pushes. Everything pushed is kept, and the position is part of the job's state, so
 * a restored job reads again what came after its checkpoint, as from a log.
 */
import { IllegalStateException } from '../../lib/java-errors.ts';
import { Availability } from '../connectors/availability.ts';
import {
  type PollResult,
  Source,
  type SourceOutput,
  type SourceReader,
  type SourceReaderContext,
} from '../connectors/source.ts';
import type { DataStream } from '../datastream/data-stream.ts';
import type { StreamExecutionEnvironment } from '../datastream/environment.ts';
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import type { ListState } from '../state/state.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';

type InputEvent<T> =
  | { readonly type: 'record'; readonly value: T; readonly timestamp: number | undefined }
  | { readonly type: 'watermark'; readonly timestamp: number };

/** What readers share with the test. */
interface InputLog<T> {
  readonly events: InputEvent<T>[];
  readonly readers: Set<Availability>;
  hasEnded: boolean;
}

export class TestInput<T> {
  readonly #log: InputLog<T> = { events: [], readers: new Set(), hasEnded: false };
  readonly #type: TypeInformation<T> | undefined;

  /** @param type how the records cross threads; self-describing when left out */
  constructor(type?: TypeInformation<T>) {
    this.#type = type;
  }

  /** @param timestamp event time in milliseconds; none when left out */
  push(value: T, timestamp?: number): void {
    this.#add({ type: 'record', value, timestamp });
  }

  /** No record with this timestamp or an earlier one comes after this. */
  watermark(timestamp: number): void {
    this.#add({ type: 'watermark', timestamp });
  }

  /** Nothing comes after this. */
  end(): void {
    this.#log.hasEnded = true;
    this.#wake();
  }

  /** The stream of what is pushed, read by one subtask whatever the job's parallelism. */
  stream(env: StreamExecutionEnvironment, name = 'Test Input'): DataStream<T> {
    return env.fromSource(this.source(), undefined, name).setParallelism(1);
  }

  /** The source behind `stream`, for jobs that take one. It must run with parallelism 1. */
  source(): Source<T> {
    return new TestSource<T>(this.#log, this.#type);
  }

  #add(event: InputEvent<T>): void {
    if (this.#log.hasEnded) throw new IllegalStateException('The input has ended: nothing can be pushed any more.');
    this.#log.events.push(event);
    this.#wake();
  }

  #wake(): void {
    for (const reader of this.#log.readers) reader.wake();
  }
}

class TestSource<T> extends Source<T> {
  readonly boundedness = 'bounded';
  override readonly type: TypeInformation<T> | undefined;
  readonly #log: InputLog<T>;

  constructor(log: InputLog<T>, type: TypeInformation<T> | undefined) {
    super();
    this.#log = log;
    this.type = type;
  }

  createReader({ parallelism }: SourceReaderContext): SourceReader<T> {
    if (parallelism > 1) {
      throw new IllegalStateException(
        'A TestInput is one sequence, read by one subtask: use input.stream(env), or setParallelism(1) after fromSource.',
      );
    }
    return new TestReader<T>(this.#log);
  }
}

const POSITION = new ListStateDescriptor<number>('test-input-position', Types.SAFE_LONG);

class TestReader<T> implements SourceReader<T> {
  readonly #log: InputLog<T>;
  readonly #availability = new Availability();
  #state: ListState<number> | undefined;
  #position = 0;

  constructor(log: InputLog<T>) {
    this.#log = log;
  }

  initializeState(context: FunctionInitializationContext): void {
    this.#state = context.getOperatorStateStore().getListState(POSITION);
    this.#position = [...this.#state.get()][0] ?? 0;
  }

  open(): void {
    this.#log.readers.add(this.#availability);
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    this.#availability.reset();
    const { events, hasEnded } = this.#log;
    for (let left = maxRecords; left > 0 && this.#position < events.length; left--) {
      const event = events[this.#position++] as InputEvent<T>;
      if (event.type === 'watermark') out.emitWatermark(event.timestamp);
      else out.collect(event.value, event.timestamp);
    }
    if (this.#position < events.length) return 'more';
    return hasEnded ? 'end' : 'idle';
  }

  whenAvailable(): Promise<void> {
    return this.#availability.wait();
  }

  snapshotState(): void {
    this.#state?.update([this.#position]);
  }

  close(): void {
    this.#log.readers.delete(this.#availability);
  }
}
