import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from '../state/state.ts';

/** A number that a function counts up; shown by REST and the command line. */
export interface Counter {
  inc(by?: number): void;
  getCount(): number;
}

/**
 * What a rich function may ask: who it is, and, after `keyBy`, its state. Keyed state on a stream that is not keyed
 * throws "Keyed state can only be used on a 'keyed stream', i.e., after a 'keyBy()' operation."
 */
export abstract class RuntimeContext {
  abstract readonly jobId: string;
  abstract readonly jobName: string;
  abstract readonly taskName: string;
  /** From 0. */
  abstract readonly indexOfThisSubtask: number;
  abstract readonly numberOfParallelSubtasks: number;
  abstract readonly maxNumberOfParallelSubtasks: number;
  /** From 1; grows with each restart. */
  abstract readonly attemptNumber: number;
  /** Arguments of the job (`spec.args`). */
  abstract readonly args: readonly string[];

  abstract getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  abstract getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  abstract getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV>;
  abstract getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  abstract getAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT>;
  abstract counter(name: string): Counter;
}
