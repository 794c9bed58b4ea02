/** What the seed decides, and what no seed may change. */
import { type Job, MapFunction, type RuntimeContext, type SourceContext, SourceFunction, Types } from 'flinkjob';
import { CommittedRecords, TestInput, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { countingJob } from './functions.ts';

/** Writes down which subtask sees which record. */
class Trace extends MapFunction<number, number> {
  readonly #trace: string[];
  #subtask = 0;
  constructor(trace: string[]) {
    super();
    this.#trace = trace;
  }
  override open(context: RuntimeContext): void {
    this.#subtask = context.indexOfThisSubtask;
  }
  override map(value: number): number {
    this.#trace.push(`${this.#subtask}:${value}`);
    return value;
  }
}

async function traceOf(seed: number): Promise<string[]> {
  const trace: string[] = [];
  const job: Job = (env) => {
    const spread = env
      .fromSequence(0, 59)
      .keyBy((n) => n % 10, Types.INT)
      .reduce((_, right) => right);
    spread.map(new Trace(trace)).addSink(new CommittedRecords<number>().sink());
  };
  const run = await TestJob.start(job, { seed, parallelism: 3, maxParallelism: 9 });
  await run.runUntilFinished();
  return trace;
}

test('seeds give different interleavings of the same records', async () => {
  const traces = await Promise.all([1, 2, 3, 4, 5].map(traceOf));
  expect(new Set(traces.map(String)).size).toBe(5);
  expect(new Set(traces.map((trace) => String(trace.toSorted()))).size).toBe(1);
});

test('runs side by side do not disturb each other', async () => {
  const alone = await traceOf(9);
  const [together] = await Promise.all([traceOf(9), traceOf(10), traceOf(11)]);
  expect(together).toEqual(alone);
});

/** Counts in a loop of its own. */
class Loop extends SourceFunction<number> {
  override async run(context: SourceContext<number>): Promise<void> {
    for (let n = 0; n < 200; n++) await context.withCheckpointLock(() => context.collect(n));
  }
  override cancel(): void {}
}

test('a job with a source function repeats, too', async () => {
  const run = async () => {
    const trace: string[] = [];
    const job: Job = (env) => {
      const numbers = env.addSource(() => new Loop()).rebalance();
      numbers.map(new Trace(trace)).addSink(new CommittedRecords<number>().sink());
    };
    const started = await TestJob.start(job, { seed: 4, parallelism: 2, checkpointEvery: 9 });
    await started.runUntilFinished();
    return { trace, steps: started.steps };
  };
  expect(await run()).toEqual(await run());
});

test('records flow while state is being written, and what they change is not in it', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const input = new TestInput<number>();
    const results = new CommittedRecords<string>();
    const run = await TestJob.start(
      (env) => {
        const counted = input
          .stream(env)
          .uid('in')
          .keyBy((n) => n % 2, Types.INT)
          .reduce((left, right) => left + right);
        counted.uid('sum').map(String).uid('text').addSink(results.sink()).uid('out');
      },
      { seed },
    );
    for (let n = 0; n < 10; n++) input.push(2);
    await run.settle();
    run.triggerCheckpoint();
    for (let n = 0; n < 50; n++) input.push(2);
    await run.runUntil(() => run.checkpoints.length === 1);
    await run.crashAndRestore();
    input.end();
    await run.runUntilFinished();
    expect(results.records, `seed ${seed}`).toEqual(Array.from({ length: 60 }, (_, index) => `${2 * (index + 1)}`));
  }
});

test('a checkpoint may be under way when the next one begins', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const results = new CommittedRecords<string>();
    const run = await TestJob.start(countingJob(100, 3, results), { seed, parallelism: 2 });
    for (let checkpoint = 0; checkpoint < 6 && run.status === 'running'; checkpoint++) {
      run.triggerCheckpoint();
      await run.step(6);
    }
    if (run.status === 'running') await run.crashAndRestore();
    await run.runUntilFinished();
    expect(results.records.length, `seed ${seed}`).toBe(100);
  }
});

test('a savepoint commits nothing and is not what a failure restores', async () => {
  const input = new TestInput<string>();
  const results = new CommittedRecords<string>();
  const run = await TestJob.start((env) => void input.stream(env).uid('in').addSink(results.sink()).uid('out'));
  input.push('a');
  await run.settle();
  const savepoint = await run.savepoint();
  expect(results.records).toEqual([]);
  expect(run.latestCheckpoint).toBeUndefined();
  expect(run.checkpoints).toEqual([savepoint]);
  await run.checkpoint();
  expect(results.records).toEqual(['a']);
});
