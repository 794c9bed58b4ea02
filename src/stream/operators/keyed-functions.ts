/**
 * map, flatMap and filter on a keyed stream: a rich function finds the state of the record's key. The key is set before
 * the function is called, as Flink's operators do with the key context of their input.
 */
import type { FilterFunction, FlatMapFunction, MapFunction } from '../functions/functions.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import type { KeySelection, OperatorContext } from './operator.ts';
import { FilterOperator, FlatMapOperator, MapOperator } from './stateless.ts';

type Select<K> = (value: unknown) => K;

export class KeyedMapOperator<K, I, O> extends MapOperator<I, O> {
  declare private backend: KeyedStateBackend;
  private readonly select: Select<K>;

  constructor(userFunction: MapFunction<I, O> | ((value: I) => O), key: KeySelection<I, K>) {
    super(userFunction);
    this.select = key.select as Select<K>;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
  }

  override processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select(value));
    super.processElement(value, timestamp);
  }
}

export class KeyedFlatMapOperator<K, I, O> extends FlatMapOperator<I, O> {
  declare private backend: KeyedStateBackend;
  private readonly select: Select<K>;

  constructor(userFunction: FlatMapFunction<I, O> | ((value: I) => Iterable<O>), key: KeySelection<I, K>) {
    super(userFunction);
    this.select = key.select as Select<K>;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
  }

  override processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select(value));
    super.processElement(value, timestamp);
  }
}

export class KeyedFilterOperator<K, T> extends FilterOperator<T> {
  declare private backend: KeyedStateBackend;
  private readonly select: Select<K>;

  constructor(userFunction: FilterFunction<T> | ((value: T) => boolean), key: KeySelection<T, K>) {
    super(userFunction);
    this.select = key.select as Select<K>;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
  }

  override processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select(value));
    super.processElement(value, timestamp);
  }
}
