/** Functions and jobs that the tests of the kit share. */
import {
  type Collector,
  type Job,
  type KeyedContext,
  KeyedProcessFunction,
  type RuntimeContext,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from 'flinkjob';
import type { CommittedRecords } from 'flinkjob/testing';

export const COUNT = new ValueStateDescriptor('count', Types.INT, 0);

/** Emits, for every record, `key:n`, n counting the records of the key. */
export class Counting<T> extends KeyedProcessFunction<string, T, string> {
  declare count: ValueState<number>;

  override open(context: RuntimeContext): void {
    this.count = context.getState(COUNT);
  }

  override processElement(_value: T, context: KeyedContext<string>, out: Collector<string>): void {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect(`${context.getCurrentKey()}:${count}`);
  }
}

/** Counts `records` numbers by their remainder, exactly once into `results`. */
export function countingJob(records: number, keys: number, results: CommittedRecords<string>): Job {
  return (env) => {
    env
      .fromSequence(0, records - 1)
      .uid('numbers')
      .map((number) => number)
      .uid('map')
      .keyBy((number) => `k${number % keys}`, Types.STRING)
      .process(new Counting<number>())
      .uid('counting')
      .addSink(results.sink())
      .uid('results');
  };
}

/** What `countingJob` commits, sorted. */
export function expectedCounts(records: number, keys: number): string[] {
  return Array.from({ length: records }, (_, number) => `k${number % keys}:${Math.floor(number / keys) + 1}`).sort();
}
