/** ListCheckpointed as Flink has it: one entry per unit that may move, an empty list where nothing is left to give. */
import { type Job, type ListCheckpointed, MapFunction, type RuntimeContext } from 'flinkjob';
import { CommittedRecords, TestInput, TestJob, testStream } from 'flinkjob/testing';
import { expect, test } from 'vitest';

/** What one subtask was told, in order. */
interface Life {
  readonly subtask: number;
  readonly calls: string[];
  readonly restored: string[][];
}

/** Stores `units(subtask)` and writes down what happens to it. */
class Units extends MapFunction<number, number> implements ListCheckpointed<string> {
  readonly #lives: Life[];
  readonly #units: (subtask: number) => string[] | null;
  readonly #calls: string[] = [];
  readonly #restored: string[][] = [];
  #subtask = -1;

  constructor(lives: Life[], units: (subtask: number) => string[] | null) {
    super();
    this.#lives = lives;
    this.#units = units;
  }
  restoreState(state: string[]): void {
    this.#calls.push('restoreState');
    this.#restored.push(state);
  }
  override open(context: RuntimeContext): void {
    this.#subtask = context.indexOfThisSubtask;
    this.#calls.push('open');
    this.#lives.push({ subtask: this.#subtask, calls: this.#calls, restored: this.#restored });
  }
  override map(value: number): number {
    return value;
  }
  snapshotState(): string[] | null {
    return this.#units(this.#subtask);
  }
}

/** Runs three subtasks, takes a checkpoint, restores it with `parallelism`; the lives of both attempts, by subtask. */
async function restoredWith(parallelism: number, units: (subtask: number) => string[] | null) {
  const lives: Life[] = [];
  const input = new TestInput<number>();
  const job: Job = (env) =>
    void input
      .stream(env)
      .uid('in')
      .rebalance()
      .map(new Units(lives, units))
      .uid('units')
      .addSink(new CommittedRecords<number>().sink())
      .uid('out');
  const run = await TestJob.start(job, { parallelism: 3, maxParallelism: 8 });
  const fresh = lives.splice(0);
  await run.rescale(parallelism);
  const after = lives.sort((left, right) => left.subtask - right.subtask);
  await run.close();
  return { fresh, after };
}

const fourEach = (subtask: number): string[] => [0, 1, 2, 3].map((unit) => `${subtask}${'abcd'[unit]}`);
const oneEach = (subtask: number): string[] => [`unit of ${subtask}`];
const ALL = [0, 1, 2].flatMap(fourEach);

test('with the same parallelism every subtask gets its own units back, in their order', async () => {
  const { after } = await restoredWith(3, fourEach);
  expect(after.map(({ restored }) => restored)).toEqual([[fourEach(0)], [fourEach(1)], [fourEach(2)]]);
});

for (const parallelism of [5, 2, 1, 8]) {
  test(`3 → ${parallelism}: every unit goes to exactly one subtask, evenly, in the order of old subtasks`, async () => {
    const { after } = await restoredWith(parallelism, fourEach);
    const lists = after.map(({ restored }) => restored.flat());
    expect(lists).toHaveLength(parallelism);
    expect(lists.flat()).toEqual(ALL);
    const sizes = lists.map((list) => list.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });
}

test('a subtask for which no unit is left gets an empty list, not silence', async () => {
  const { after } = await restoredWith(5, oneEach);
  expect(after.map(({ restored }) => restored)).toEqual([
    [['unit of 0']],
    [['unit of 1']],
    [['unit of 2']],
    [[]],
    [[]],
  ]);
});

test('null stores nothing and comes back as an empty list', async () => {
  const { after } = await restoredWith(3, (subtask) => (subtask === 1 ? null : oneEach(subtask)));
  expect(after.map(({ restored }) => restored)).toEqual([[['unit of 0']], [[]], [['unit of 2']]]);
  const { after: allNull } = await restoredWith(2, () => null);
  expect(allNull.map(({ restored }) => restored)).toEqual([[[]], [[]]]);
});

test('restoreState comes before open, and only when there was something to restore from', async () => {
  const { fresh, after } = await restoredWith(2, fourEach);
  expect(fresh.map(({ calls }) => calls)).toEqual([['open'], ['open'], ['open']]);
  expect(after.map(({ calls }) => calls)).toEqual([
    ['restoreState', 'open'],
    ['restoreState', 'open'],
  ]);
});

class Both extends Units {
  initializeState(): void {}
}

test('a function with both interfaces is refused', async () => {
  const starting = testStream<number, number>((input) => input.map(new Both([], oneEach)));
  await expect(starting).rejects.toThrow(
    'User functions are not allowed to implement CheckpointedFunction AND ListCheckpointed.',
  );
});
