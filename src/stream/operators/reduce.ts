/** Rolling reduce on a keyed stream: emits the new value of the key for every record. Follows Flink's StreamGroupedReduce. */
import type { ReduceFunction } from '../functions/functions.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { ValueStateDescriptor } from '../state/descriptors.ts';
import type { ValueState } from '../state/state.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { KeySelection, OperatorContext } from './operator.ts';
import { OneInputFunctionOperator } from './user-function-operator.ts';

export class KeyedReduceOperator<K, T> extends OneInputFunctionOperator<
  ReduceFunction<T> | ((left: T, right: T) => T)
> {
  declare private backend: KeyedStateBackend;
  declare private values: ValueState<T>;
  private readonly select: (value: unknown) => K;
  private readonly type: TypeInformation<T>;
  private readonly reduce: (left: T, right: T) => T;

  constructor(
    userFunction: ReduceFunction<T> | ((left: T, right: T) => T),
    key: KeySelection<T, K>,
    type: TypeInformation<T>,
  ) {
    super(userFunction);
    this.select = key.select as (value: unknown) => K;
    this.type = type;
    this.reduce = typeof userFunction === 'function' ? userFunction : (left, right) => userFunction.reduce(left, right);
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
  }

  override async open(): Promise<void> {
    await super.open();
    this.values = this.backend.getState(new ValueStateDescriptor('_op_state', this.type));
  }

  processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select(value));
    const current = this.values.value();
    const next = current === null ? (value as T) : this.reduce(current, value as T);
    this.values.update(next);
    this.output.collect(next, timestamp);
  }
}
