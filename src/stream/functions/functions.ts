/**
 * The functions that users write. Where a plain function is enough (`map`, `filter`, …) the API takes one; a rich
 * function adds `open` and `close`, state and timers. All are abstract classes so that their names exist at run time.
 */

import type { MapStateDescriptor } from '../state/descriptors.ts';
import type { BroadcastState, ReadOnlyBroadcastState } from '../state/state.ts';
import type { OutputTag } from './output-tag.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** Takes what a function emits. Emitting never blocks and never fails. */
export abstract class Collector<T> {
  abstract collect(value: T): void;
}

/** A function with a life: `open` before the first record, `close` after the last or after a failure. */
export abstract class RichFunction {
  open?(context: RuntimeContext): void | Promise<void>;
  close?(): void | Promise<void>;
}

export abstract class MapFunction<IN, OUT> extends RichFunction {
  abstract map(value: IN): OUT;
}
export abstract class FlatMapFunction<IN, OUT> extends RichFunction {
  abstract flatMap(value: IN, out: Collector<OUT>): void;
}
export abstract class FilterFunction<T> extends RichFunction {
  abstract filter(value: T): boolean;
}
export abstract class ReduceFunction<T> extends RichFunction {
  abstract reduce(left: T, right: T): T;
}

/** Registers and deletes timers of the current key. Re-registering a timer does nothing. */
export abstract class TimerService {
  /** Wall clock in milliseconds. */
  abstract currentProcessingTime(): number;
  /** The watermark, Number.MIN_SAFE_INTEGER before the first one. */
  abstract currentWatermark(): number;
  abstract registerProcessingTimeTimer(timestamp: number): void;
  abstract registerEventTimeTimer(timestamp: number): void;
  abstract deleteProcessingTimeTimer(timestamp: number): void;
  abstract deleteEventTimeTimer(timestamp: number): void;
}

/** What a process function sees beside the record. The object is reused: keep nothing of it. */
export abstract class ProcessContext {
  /** Event timestamp of the record, or undefined. */
  abstract timestamp(): number | undefined;
  abstract timerService(): TimerService;
  abstract output<X>(tag: OutputTag<X>, value: X): void;
}
export abstract class KeyedContext<K> extends ProcessContext {
  abstract getCurrentKey(): K;
}
export abstract class OnTimerContext<K> extends KeyedContext<K> {
  abstract timeDomain(): 'event' | 'processing';
}

export abstract class ProcessFunction<IN, OUT> extends RichFunction {
  abstract processElement(value: IN, context: ProcessContext, out: Collector<OUT>): void;
}
export abstract class KeyedProcessFunction<K, IN, OUT> extends RichFunction {
  abstract processElement(value: IN, context: KeyedContext<K>, out: Collector<OUT>): void;
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<OUT>): void;
}

export abstract class CoMapFunction<IN1, IN2, OUT> extends RichFunction {
  abstract map1(value: IN1): OUT;
  abstract map2(value: IN2): OUT;
}
export abstract class CoFlatMapFunction<IN1, IN2, OUT> extends RichFunction {
  abstract flatMap1(value: IN1, out: Collector<OUT>): void;
  abstract flatMap2(value: IN2, out: Collector<OUT>): void;
}
/** Both inputs share key, state and timers when both are keyed. */
export abstract class KeyedCoProcessFunction<K, IN1, IN2, OUT> extends RichFunction {
  abstract processElement1(value: IN1, context: KeyedContext<K>, out: Collector<OUT>): void;
  abstract processElement2(value: IN2, context: KeyedContext<K>, out: Collector<OUT>): void;
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<OUT>): void;
}
export abstract class CoProcessFunction<IN1, IN2, OUT> extends RichFunction {
  abstract processElement1(value: IN1, context: ProcessContext, out: Collector<OUT>): void;
  abstract processElement2(value: IN2, context: ProcessContext, out: Collector<OUT>): void;
}

/** Reads broadcast state. */
export abstract class ReadOnlyBroadcastContext extends ProcessContext {
  abstract getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V>;
}
/** Writes broadcast state; every subtask must write the same. */
export abstract class BroadcastContext extends ProcessContext {
  abstract getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}
export abstract class KeyedReadOnlyBroadcastContext<K> extends ReadOnlyBroadcastContext {
  abstract getCurrentKey(): K;
}
/** What a timer of a keyed broadcast function sees. */
export abstract class KeyedBroadcastOnTimerContext<K> extends KeyedReadOnlyBroadcastContext<K> {
  abstract timeDomain(): 'event' | 'processing';
}
export abstract class BroadcastProcessFunction<IN, BC, OUT> extends RichFunction {
  abstract processElement(value: IN, context: ReadOnlyBroadcastContext, out: Collector<OUT>): void;
  abstract processBroadcastElement(value: BC, context: BroadcastContext, out: Collector<OUT>): void;
}
export abstract class KeyedBroadcastProcessFunction<K, IN, BC, OUT> extends RichFunction {
  abstract processElement(value: IN, context: KeyedReadOnlyBroadcastContext<K>, out: Collector<OUT>): void;
  abstract processBroadcastElement(value: BC, context: BroadcastContext, out: Collector<OUT>): void;
  onTimer?(timestamp: number, context: KeyedBroadcastOnTimerContext<K>, out: Collector<OUT>): void;
}

/** What ends up outside. `invoke` may be called again for the same record after a restart: at-least-once. */
export abstract class SinkFunction<T> extends RichFunction {
  abstract invoke(value: T, timestamp: number | undefined): void;
  /** Called at the end of input, before the last checkpoint. */
  finish?(): void | Promise<void>;
}
