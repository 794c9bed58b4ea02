/** A keyed stream in windows: how long they take records, when they fire, and what comes out. Follows Flink's WindowedStream. */
import {
  IllegalArgumentException,
  NullPointerException,
  UnsupportedOperationException,
} from '../../lib/java-errors.ts';
import type { Collector, ReduceFunction, RichFunction } from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';
import { type WindowContentsDescriptor, WindowOperator } from '../operators/window-operator.ts';
import {
  type AggregateFn,
  AggregatingStateDescriptor,
  ListStateDescriptor,
  type ReduceFn,
  ReducingStateDescriptor,
} from '../state/descriptors.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { TimeWindow } from '../windows/time-window.ts';
import type { Trigger } from '../windows/trigger.ts';
import { MergingWindowAssigner, type WindowAssigner } from '../windows/window-assigner.ts';
import { type ProcessWindowContext, ProcessWindowFunction, WindowFunction } from '../windows/window-functions.ts';
import type { DataStream } from './data-stream.ts';
import type { KeyedStream } from './keyed-stream.ts';

/** A plain function in the place of a WindowFunction. */
export type ApplyFn<T, O, K> = (key: K, window: TimeWindow, elements: Iterable<T>, out: Collector<O>) => void;

export class WindowedStream<T, K> {
  readonly #input: KeyedStream<T, K>;
  readonly #assigner: WindowAssigner<T>;
  #trigger: Trigger<T>;
  #allowedLatenessMs = 0;
  #lateTag: OutputTag<T> | undefined;

  constructor(input: KeyedStream<T, K>, assigner: WindowAssigner<T>) {
    this.#input = input;
    this.#assigner = assigner;
    this.#trigger = assigner.getDefaultTrigger();
  }

  /**
   * When windows fire, instead of the assigner's own trigger.
   * @throws UnsupportedOperationException for a trigger that cannot merge with windows that do
   */
  trigger(trigger: Trigger<T>): this {
    if (this.#assigner instanceof MergingWindowAssigner && !trigger.canMerge()) {
      throw new UnsupportedOperationException(
        'A merging window assigner cannot be used with a trigger that does not support merging.',
      );
    }
    this.#trigger = trigger;
    return this;
  }

  /**
   * How long after its end a window still takes records; each of them fires it again. Event time only.
   * @default 0
   */
  allowedLateness(latenessMs: number): this {
    if (!(latenessMs >= 0)) {
      throw new IllegalArgumentException(`The allowed lateness cannot be negative: ${latenessMs}.`);
    }
    this.#allowedLatenessMs = latenessMs;
    return this;
  }

  /** Sends records that come too late to a side output instead of dropping them: `result.getSideOutput(tag)`. */
  sideOutputLateData(tag: OutputTag<T>): this {
    if (tag === null || tag === undefined) throw new NullPointerException('Side output tag must not be null.');
    this.#lateTag = tag;
    return this;
  }

  /** Combines the records of a window, one by one as they come; optionally a function turns the result into others. */
  reduce(reduce: ReduceFunction<T> | ReduceFn<T>, type?: TypeInformation<T>): DataStream<T>;
  reduce<O>(
    reduce: ReduceFunction<T> | ReduceFn<T>,
    windowFunction: ProcessWindowFunction<T, O, K> | WindowFunction<T, O, K>,
    type?: TypeInformation<O>,
  ): DataStream<O>;
  reduce<O>(
    reduce: ReduceFunction<T> | ReduceFn<T>,
    second?: TypeInformation<T> | ProcessWindowFunction<T, O, K> | WindowFunction<T, O, K>,
    third?: TypeInformation<O>,
  ): DataStream<T> | DataStream<O> {
    refuseRich(reduce, 'ReduceFunction of ReducingState can not be a RichFunction.');
    const reduceFn = typeof reduce === 'function' ? reduce : (left: T, right: T): T => reduce.reduce(left, right);
    const windowFunction = isWindowFunction<T, O, K>(second) ? second : undefined;
    const type = windowFunction === undefined ? (second as TypeInformation<T> | undefined) : undefined;
    const recordType = type ?? this.#recordType();
    const contents = new ReducingStateDescriptor<T>(CONTENTS, reduceFn, recordType);
    if (windowFunction === undefined) return this.#windows<T>('Window(Reduce)', contents, undefined, recordType);
    return this.#windows<O>('Window(Reduce, Process)', contents, windowFunction, third);
  }

  /** Aggregates the records of a window into an accumulator; optionally a function turns the result into others. */
  aggregate<ACC, O>(
    aggregate: AggregateFn<T, ACC, O>,
    accumulatorType?: TypeInformation<ACC>,
    type?: TypeInformation<O>,
  ): DataStream<O>;
  aggregate<ACC, V, O>(
    aggregate: AggregateFn<T, ACC, V>,
    windowFunction: ProcessWindowFunction<V, O, K> | WindowFunction<V, O, K>,
    accumulatorType?: TypeInformation<ACC>,
    type?: TypeInformation<O>,
  ): DataStream<O>;
  aggregate<ACC, V, O>(
    aggregate: AggregateFn<T, ACC, V>,
    second?: TypeInformation<ACC> | ProcessWindowFunction<V, O, K> | WindowFunction<V, O, K>,
    third?: TypeInformation<ACC> | TypeInformation<O>,
    fourth?: TypeInformation<O>,
  ): DataStream<O> {
    refuseRich(aggregate, 'AggregateFunction of AggregatingState can not be a RichFunction.');
    const windowFunction = isWindowFunction<V, O, K>(second) ? second : undefined;
    const [declared, type] = windowFunction === undefined ? [second, third] : [third, fourth];
    const accumulatorType = (declared ?? Types.ANY) as TypeInformation<ACC>;
    const contents = new AggregatingStateDescriptor<T, ACC, V>(CONTENTS, aggregate, accumulatorType);
    const name = windowFunction === undefined ? 'Window(Aggregate)' : 'Window(Aggregate, Process)';
    return this.#windows<O>(name, contents, windowFunction, type as TypeInformation<O> | undefined);
  }

  /** Keeps every record of a window and shows them all to a function when it fires. */
  process<O>(windowFunction: ProcessWindowFunction<T, O, K>, type?: TypeInformation<O>): DataStream<O> {
    const contents = new ListStateDescriptor<T>(CONTENTS, this.#recordType());
    return this.#windows<O>('Window(Process)', contents, windowFunction, type);
  }

  /** As `process`, with Flink's older form of the function, or a plain one. */
  apply<O>(windowFunction: WindowFunction<T, O, K> | ApplyFn<T, O, K>, type?: TypeInformation<O>): DataStream<O> {
    const wanted = typeof windowFunction === 'function' ? new PlainWindowFunction(windowFunction) : windowFunction;
    const contents = new ListStateDescriptor<T>(CONTENTS, this.#recordType());
    return this.#windows<O>('Window(Apply)', contents, wanted, type);
  }

  #recordType(): TypeInformation<T> {
    return this.#input.stream.type() ?? (Types.ANY as TypeInformation<T>);
  }

  #windows<O>(
    name: string,
    contents: unknown,
    windowFunction: ProcessWindowFunction<never, O, K> | WindowFunction<never, O, K> | undefined,
    type: TypeInformation<O> | undefined,
  ): DataStream<O> {
    const options = {
      key: this.#input.key,
      assigner: this.#assigner,
      trigger: this.#trigger,
      contents: contents as WindowContentsDescriptor,
      windowFunction:
        windowFunction instanceof WindowFunction ? new WrappedWindowFunction(windowFunction) : windowFunction,
      allowedLatenessMs: this.#allowedLatenessMs,
      lateTag: this.#lateTag,
    };
    return this.#input.transform<O>('window', name, () => new WindowOperator<T, K>(options), type);
  }
}

/** Name of the state that holds what is in windows. */
const CONTENTS = 'window-contents';

class PlainWindowFunction<T, O, K> extends WindowFunction<T, O, K> {
  readonly apply: ApplyFn<T, O, K>;
  constructor(apply: ApplyFn<T, O, K>) {
    super();
    this.apply = apply;
  }
}

/** The older form behind the newer one. Checkpointing interfaces of the inner function are found through `wrappedFunction`. */
class WrappedWindowFunction<T, O, K> extends ProcessWindowFunction<T, O, K> {
  readonly wrappedFunction: WindowFunction<T, O, K>;
  constructor(wrappedFunction: WindowFunction<T, O, K>) {
    super();
    this.wrappedFunction = wrappedFunction;
  }
  process(key: K, context: ProcessWindowContext, elements: Iterable<T>, out: Collector<O>): void {
    this.wrappedFunction.apply(key, context.window(), elements, out);
  }
  override open(context: RuntimeContext): void | Promise<void> {
    return this.wrappedFunction.open?.(context);
  }
  override close(): void | Promise<void> {
    return this.wrappedFunction.close?.();
  }
}

/** A function with a life of its own cannot live in state, which every subtask makes from its descriptor. */
function refuseRich(userFunction: unknown, message: string): void {
  const { open, close } = userFunction as Partial<RichFunction>;
  if (typeof open !== 'function' && typeof close !== 'function') return;
  throw new UnsupportedOperationException(`${message} Put what needs open() into a ProcessWindowFunction after it.`);
}

function isWindowFunction<T, O, K>(
  candidate: unknown,
): candidate is ProcessWindowFunction<T, O, K> | WindowFunction<T, O, K> {
  return candidate instanceof ProcessWindowFunction || candidate instanceof WindowFunction;
}
