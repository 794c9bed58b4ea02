/**
 * The functions that users write for windows. Abstract classes, so that their names exist at run time. Follow Flink's
 * ProcessWindowFunction, WindowFunction and AggregateFunction.
 */
import type { KeyedStateStore } from '../functions/checkpointed.ts';
import { type Collector, RichFunction } from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { AggregateFn } from '../state/descriptors.ts';
import type { TimeWindow } from './time-window.ts';

/** What a window function may ask beside the records. The object is reused: keep nothing of it. */
export abstract class ProcessWindowContext {
  abstract window(): TimeWindow;
  abstract currentProcessingTime(): number;
  abstract currentWatermark(): number;
  /**
   * State of this key in this window, for windows that fire more than once; dropped by `clear` of the function.
   * @throws UnsupportedOperationException where windows merge
   */
  abstract windowState(): KeyedStateStore;
  /** State of this key in all windows. */
  abstract globalState(): KeyedStateStore;
  /** Emits to a side output, with the timestamp of the window's results. */
  abstract output<X>(tag: OutputTag<X>, value: X): void;
}

/** Sees all records of a window when it fires, or, after reduce or aggregate, the one result. */
export abstract class ProcessWindowFunction<IN, OUT, K> extends RichFunction {
  abstract process(key: K, context: ProcessWindowContext, elements: Iterable<IN>, out: Collector<OUT>): void;
  /** The window is cleaned up: drop what `windowState` holds. */
  clear?(context: ProcessWindowContext): void;
}

/** The older form of a window function, for `apply`. */
export abstract class WindowFunction<IN, OUT, K> extends RichFunction {
  abstract apply(key: K, window: TimeWindow, elements: Iterable<IN>, out: Collector<OUT>): void;
}

/** A WindowFunction under Flink's name for one with `open`. */
export abstract class RichWindowFunction<IN, OUT, K> extends WindowFunction<IN, OUT, K> {}

/** Aggregates record by record into an accumulator, so that a window keeps no records. */
export abstract class AggregateFunction<IN, ACC, OUT> implements AggregateFn<IN, ACC, OUT> {
  abstract createAccumulator(): ACC;
  abstract add(value: IN, accumulator: ACC): ACC;
  abstract getResult(accumulator: ACC): OUT;
  /** Joins the accumulators of two windows; called only where windows merge. */
  abstract merge(left: ACC, right: ACC): ACC;
}
