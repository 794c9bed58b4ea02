import { IllegalStateException, UnsupportedOperationException } from '../../lib/java-errors.ts';
import type { KeyedStateStore } from '../functions/checkpointed.ts';
import { type Counter, RuntimeContext } from '../functions/runtime-context.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from '../state/state.ts';
import type { OperatorContext } from './operator.ts';

/** The runtime context of an operator: who it is, and its keyed state where there is a key. */
export class StreamingRuntimeContext extends RuntimeContext implements KeyedStateStore {
  readonly jobId: string;
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly attemptNumber: number;
  readonly args: readonly string[];
  readonly #context: OperatorContext;

  constructor(context: OperatorContext) {
    super();
    const { subtask } = context;
    this.#context = context;
    this.jobId = subtask.jobId;
    this.jobName = subtask.jobName;
    this.taskName = subtask.taskName;
    this.indexOfThisSubtask = subtask.subtaskIndex;
    this.numberOfParallelSubtasks = subtask.parallelism;
    this.maxNumberOfParallelSubtasks = subtask.maxParallelism;
    this.attemptNumber = subtask.attempt;
    this.args = subtask.args;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.#keyed().getState(descriptor);
  }
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#keyed().getListState(descriptor);
  }
  getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV> {
    return this.#keyed().getMapState(descriptor);
  }
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.#keyed().getReducingState(descriptor);
  }
  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.#keyed().getAggregatingState(descriptor);
  }
  getFoldingState(): never {
    throw new UnsupportedOperationException(
      'FoldingState is not offered. Use getAggregatingState with an AggregateFunction.',
    );
  }

  counter(name: string): Counter {
    const { user } = this.#context.metrics;
    if (!user.has(name)) user.set(name, 0);
    return {
      inc: (by = 1) => void user.set(name, (user.get(name) ?? 0) + by),
      getCount: () => user.get(name) ?? 0,
    };
  }

  #keyed(): KeyedStateBackend {
    const backend = this.#context.keyedBackend;
    if (backend !== undefined) return backend;
    throw new IllegalStateException(
      "Keyed state can only be used on a 'keyed stream', i.e., after a 'keyBy()' operation.",
    );
  }
}
