/** What a keyed stream offers besides process, reduce and window. */
import {
  type Collector,
  FilterFunction,
  FlatMapFunction,
  type Job,
  MapFunction,
  type RuntimeContext,
  SinkFunction,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from 'flinkjob';
import { CommittedRecords, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

type Reading = [sensor: string, value: number];
const READING = Types.TUPLE(Types.STRING, Types.DOUBLE);
const readings: Reading[] = Array.from({ length: 60 }, (_, index) => [`s${index % 3}`, index]);

/** Emits the mean of every two values of a key. */
class MeanOfTwo extends FlatMapFunction<Reading, Reading> {
  declare private first: ValueState<number>;

  override open(context: RuntimeContext): void {
    this.first = context.getState(new ValueStateDescriptor('first', Types.DOUBLE));
  }

  override flatMap([sensor, value]: Reading, out: Collector<Reading>): void {
    const first = this.first.value();
    if (first === null) {
      this.first.update(value);
      return;
    }
    out.collect([sensor, (first + value) / 2]);
    this.first.clear();
  }
}

/** Numbers the records of a key. */
class Numbered extends MapFunction<Reading, string> {
  declare private count: ValueState<number>;

  override open(context: RuntimeContext): void {
    this.count = context.getState(new ValueStateDescriptor('count', Types.INT, 0));
  }

  override map([sensor]: Reading): string {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    return `${sensor}#${count}`;
  }
}

/** Lets the first record of a key through. */
class First extends FilterFunction<Reading> {
  declare private seen: ValueState<boolean>;

  override open(context: RuntimeContext): void {
    this.seen = context.getState(new ValueStateDescriptor('seen', Types.BOOLEAN));
  }

  override filter(): boolean {
    const isFirst = this.seen.value() === null;
    this.seen.update(true);
    return isFirst;
  }
}

/** Notes which keys each of its subtasks sees. */
class KeysBySubtask extends SinkFunction<number> {
  readonly #keys: Map<number, Set<number>>;
  #subtask = 0;

  constructor(keys: Map<number, Set<number>>) {
    super();
    this.#keys = keys;
  }

  override open(context: RuntimeContext): void {
    this.#subtask = context.indexOfThisSubtask;
  }

  override invoke(value: number): void {
    const keys = this.#keys.get(this.#subtask) ?? new Set();
    this.#keys.set(this.#subtask, keys.add(value % 10));
  }
}

const key = ([sensor]: Reading): string => sensor;

test('functions after keyBy have the state of the record’s key, also after a crash and a rescale', async () => {
  const means = new CommittedRecords<Reading>();
  const numbers = new CommittedRecords<string>();
  const firsts = new CommittedRecords<Reading>();
  const job: Job = (env) => {
    const keyed = env
      .fromCollection(readings, READING as never)
      .setParallelism(1)
      .keyBy(key, Types.STRING);
    keyed.flatMap(new MeanOfTwo(), READING as never).addSink(means.sink());
    keyed.map(new Numbered(), Types.STRING).addSink(numbers.sink());
    keyed.filter(new First()).addSink(firsts.sink());
  };
  const run = await TestJob.start(job, { seed: 3, parallelism: 2, maxParallelism: 12 });
  await run.step(8);
  await run.checkpoint();
  await run.step(4);
  await run.crashAndRestore();
  await run.step(4);
  await run.rescale(3);
  await run.runUntilFinished();
  const expected = ['s0', 's1', 's2'].flatMap((sensor, first) =>
    Array.from({ length: 10 }, (_, pair): Reading => [sensor, first + 6 * pair + 1.5]),
  );
  expect(means.records.toSorted(byText)).toEqual(expected.toSorted(byText));
  expect(new Set(numbers.records)).toEqual(
    new Set(['s0', 's1', 's2'].flatMap((sensor) => Array.from({ length: 20 }, (_, count) => `${sensor}#${count + 1}`))),
  );
  expect(numbers.records).toHaveLength(60);
  expect(firsts.records.toSorted(byText)).toEqual([
    ['s0', 0],
    ['s1', 1],
    ['s2', 2],
  ]);
});

test('a plain function may follow keyBy', async () => {
  const results = new CommittedRecords<number>();
  const job: Job = (env) => {
    const keyed = env.fromSequence(0, 9).keyBy((n) => n % 3, Types.INT);
    keyed
      .filter((n) => n > 5)
      .map((n) => n * 2)
      .addSink(results.sink());
    keyed.flatMap((n) => (n === 0 ? [-1, -2] : [])).addSink(results.sink());
    keyed
      .map((n) => n + 100)
      .filter((n) => n === 100)
      .addSink(results.sink());
  };
  const run = await TestJob.start(job, { seed: 1, parallelism: 2, maxParallelism: 8 });
  await run.runUntilFinished();
  expect(results.records.toSorted((left, right) => left - right)).toEqual([-2, -1, 12, 14, 16, 18, 100]);
});

test('a sink right after keyBy gets all records of a key in one subtask', async () => {
  const bySubtask = new Map<number, Set<number>>();
  const job: Job = (env) => {
    env
      .fromSequence(0, 99)
      .keyBy((n) => n % 10, Types.INT)
      .addSink(new KeysBySubtask(bySubtask));
  };
  const run = await TestJob.start(job, { seed: 1, parallelism: 3, maxParallelism: 12 });
  await run.runUntilFinished();
  const keys = [...bySubtask.values()].flatMap((each) => [...each]);
  expect(bySubtask.size).toBeGreaterThan(1);
  expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
});

const byText = (left: unknown, right: unknown): number => (String(left) < String(right) ? -1 : 1);
