/** Operator state when the parallelism changes, end to end: even-split lists keep their sum, union lists multiply it. */
import {
  type CheckpointedFunction,
  type FunctionInitializationContext,
  type ListState,
  ListStateDescriptor,
  MapFunction,
  Types,
} from 'flinkjob';
import { CommittedRecords, TestInput, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

const SPLIT = new ListStateDescriptor('split', Types.INT);
const UNION = new ListStateDescriptor('union', Types.INT);

interface Restored {
  readonly isRestored: boolean;
  readonly split: number[];
  readonly union: number[];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((left, right) => left + right, 0);

/** Counts its records, once in an even-split list and once in a union list. */
class TwoCounts extends MapFunction<number, number> implements CheckpointedFunction {
  readonly #log: Restored[];
  declare split: ListState<number>;
  declare union: ListState<number>;
  #count = 0;

  constructor(log: Restored[]) {
    super();
    this.#log = log;
  }
  initializeState(context: FunctionInitializationContext): void {
    const store = context.getOperatorStateStore();
    this.split = store.getListState(SPLIT);
    this.union = store.getUnionListState(UNION);
    const [split, union] = [[...this.split.get()], [...this.union.get()]];
    this.#log.push({ isRestored: context.isRestored(), split, union });
    this.#count = sum(split);
  }
  override map(value: number): number {
    this.#count++;
    return value;
  }
  snapshotState(): void {
    this.split.update([this.#count]);
    this.union.update([this.#count]);
  }
}

async function countedThrough(parallelisms: readonly number[], records: number) {
  const log: Restored[] = [];
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start(
    (env) =>
      void input
        .stream(env)
        .uid('in')
        .rebalance()
        .map(new TwoCounts(log))
        .uid('counts')
        .addSink(results.sink())
        .uid('out'),
    { parallelism: parallelisms[0]!, maxParallelism: 8, seed: records },
  );
  for (let n = 0; n < records; n++) input.push(n);
  await run.settle();
  const attempts: Restored[][] = [log.splice(0)];
  for (const parallelism of parallelisms.slice(1)) {
    await run.rescale(parallelism);
    attempts.push(log.splice(0));
  }
  await run.close();
  return attempts;
}

test('a fresh start has nothing to restore', async () => {
  const [fresh] = await countedThrough([2], 10);
  expect(fresh).toEqual(Array.from({ length: 2 }, () => ({ isRestored: false, split: [], union: [] })));
});

for (const [from, to] of [
  [2, 3],
  [3, 2],
] as const) {
  test(`${from} → ${to}: the split sum is unchanged, every subtask sees the whole union`, async () => {
    const [, restored = []] = await countedThrough([from, to], 25);
    expect(restored).toHaveLength(to);
    expect(restored.every(({ isRestored }) => isRestored)).toBe(true);
    expect(sum(restored.flatMap(({ split }) => split))).toBe(25);
    expect(sum(restored.flatMap(({ union }) => union))).toBe(25 * to);
    for (const { union } of restored) expect(union).toHaveLength(from);
  });
}

test('2 → 3 → 2 → 5: sums hold through several changes', async () => {
  const attempts = await countedThrough([2, 3, 2, 5], 40);
  for (const restored of attempts.slice(1)) expect(sum(restored.flatMap(({ split }) => split))).toBe(40);
});

test('a new operator in a restored job is restored too, without state', async () => {
  const log: Restored[] = [];
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start((env) => void input.stream(env).uid('in').addSink(results.sink()).uid('out'));
  const from = await run.checkpoint();
  await run.restore({
    from,
    job: (env) =>
      void input.stream(env).uid('in').map(new TwoCounts(log)).uid('counts').addSink(results.sink()).uid('out'),
  });
  expect(log).toEqual([{ isRestored: true, split: [], union: [] }]);
});

test('state of an operator that is gone is refused, unless dropping it is allowed', async () => {
  const log: Restored[] = [];
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start(
    (env) => void input.stream(env).uid('in').map(new TwoCounts(log)).uid('counts').addSink(results.sink()).uid('out'),
  );
  const from = await run.checkpoint();
  const job = (env: import('flinkjob').StreamExecutionEnvironment): void =>
    void input.stream(env).uid('in').addSink(results.sink()).uid('out');
  await expect(run.restore({ from, job })).rejects.toMatchObject({ code: 'TEST_JOB_FAILED' });
  await run.restore({ from, job, allowNonRestoredState: true });
  expect(run.status).toBe('running');
});
