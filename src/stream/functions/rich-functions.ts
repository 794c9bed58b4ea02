/**
 * The names under which Flink users know functions with `open`, `close` and a runtime context. Here every function class
 * is rich, so each of these is its namesake and nothing more; either may be extended.
 */
import {
  CoFlatMapFunction,
  CoMapFunction,
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  ReduceFunction,
  SinkFunction,
} from './functions.ts';

/** A MapFunction under Flink's name for one with `open`. */
export abstract class RichMapFunction<IN, OUT> extends MapFunction<IN, OUT> {}
/** A FlatMapFunction under Flink's name for one with `open`. */
export abstract class RichFlatMapFunction<IN, OUT> extends FlatMapFunction<IN, OUT> {}
/** A FilterFunction under Flink's name for one with `open`. */
export abstract class RichFilterFunction<T> extends FilterFunction<T> {}
/** A ReduceFunction under Flink's name for one with `open`. */
export abstract class RichReduceFunction<T> extends ReduceFunction<T> {}
/** A CoMapFunction under Flink's name for one with `open`. */
export abstract class RichCoMapFunction<IN1, IN2, OUT> extends CoMapFunction<IN1, IN2, OUT> {}
/** A CoFlatMapFunction under Flink's name for one with `open`. */
export abstract class RichCoFlatMapFunction<IN1, IN2, OUT> extends CoFlatMapFunction<IN1, IN2, OUT> {}
/** A SinkFunction under Flink's name for one with `open`. */
export abstract class RichSinkFunction<T> extends SinkFunction<T> {}
