/** Operators without state of their own: map, filter, flatMap, and the sink at the end of a chain. */
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import type { FilterFunction, FlatMapFunction, MapFunction, SinkFunction } from '../functions/functions.ts';
import { TimestampedCollector } from './collector.ts';
import type { OperatorContext } from './operator.ts';
import { OneInputFunctionOperator } from './user-function-operator.ts';

/** A plain function or the function object around it, as `(value) => result`; `this` is kept. */
export function asPlainFunction<I, O>(userFunction: ((value: I) => O) | object, method: string): (value: I) => O {
  if (typeof userFunction === 'function') return userFunction as (value: I) => O;
  const target = userFunction as Record<string, (value: I) => O>;
  return (value) => (target[method] as (value: I) => O).call(target, value);
}

export class MapOperator<I, O> extends OneInputFunctionOperator<MapFunction<I, O> | ((value: I) => O)> {
  readonly #map = asPlainFunction<I, O>(this.userFunction, 'map');

  processElement(value: unknown, timestamp: number): void {
    this.output.collect(this.#map(value as I), timestamp);
  }
}

export class FilterOperator<T> extends OneInputFunctionOperator<FilterFunction<T> | ((value: T) => boolean)> {
  readonly #filter = asPlainFunction<T, boolean>(this.userFunction, 'filter');

  processElement(value: unknown, timestamp: number): void {
    if (this.#filter(value as T)) this.output.collect(value, timestamp);
  }
}

/** A plain function returns what to emit; a FlatMapFunction emits through its collector. */
export class FlatMapOperator<I, O> extends OneInputFunctionOperator<
  FlatMapFunction<I, O> | ((value: I) => Iterable<O>)
> {
  #collector: TimestampedCollector<O> | undefined;

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.#collector = new TimestampedCollector<O>(context.output);
  }

  processElement(value: unknown, timestamp: number): void {
    if (typeof this.userFunction === 'function') {
      for (const result of this.userFunction(value as I)) this.output.collect(result, timestamp);
      return;
    }
    const collector = this.#collector as TimestampedCollector<O>;
    collector.timestamp = timestamp;
    this.userFunction.flatMap(value as I, collector);
  }
}

/** The end of a chain. */
export class SinkOperator<T> extends OneInputFunctionOperator<SinkFunction<T> | ((value: T) => void)> {
  processElement(value: unknown, timestamp: number): void {
    if (typeof this.userFunction === 'function') this.userFunction(value as T);
    else this.userFunction.invoke(value as T, timestamp === NO_TIMESTAMP ? undefined : timestamp);
  }

  override async finish(): Promise<void> {
    if (typeof this.userFunction !== 'function') await this.userFunction.finish?.();
  }
}
