/** A source that is a loop of its own: with the checkpoint lock a restart leaves neither gap nor repeat; without, it does. */
import {
  type ListCheckpointed,
  RichParallelSourceFunction,
  type RuntimeContext,
  type SourceContext,
  Types,
} from 'flinkjob';
import { CommittedRecords, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { CounterSource } from '../../../examples/counter-source.ts';

/** Numbers of a source whose critical section is synchronous. */
const LIMIT = 2_000;
/** Numbers of one that takes a while for each. */
const SLOW_LIMIT = 120;
const SEEDS = Array.from({ length: 15 }, (_, seed) => seed + 1);

type Numbers = RichParallelSourceFunction<bigint>;

const aWhile = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes its time between output and position; whether under the lock is for subclasses to say. */
abstract class SlowSource extends RichParallelSourceFunction<bigint> implements ListCheckpointed<bigint> {
  #offset = 0n;
  #isRunning = true;
  override async run(context: SourceContext<bigint>): Promise<void> {
    while (this.#isRunning && this.#offset < SLOW_LIMIT) {
      await this.together(context, async () => {
        context.collect(this.#offset);
        await aWhile();
        this.#offset += 1n;
      });
    }
  }
  protected abstract together(context: SourceContext<bigint>, action: () => Promise<void>): Promise<void>;
  override cancel(): void {
    this.#isRunning = false;
  }
  snapshotState(): bigint[] {
    return [this.#offset];
  }
  restoreState(state: bigint[]): void {
    for (const offset of state) this.#offset = offset;
  }
}

class LockingSource extends SlowSource {
  protected override together(context: SourceContext<bigint>, action: () => Promise<void>): Promise<void> {
    return context.withCheckpointLock(action);
  }
}

/** As LockingSource, but nothing holds output and position together. */
class CarelessSource extends SlowSource {
  protected override together(_context: SourceContext<bigint>, action: () => Promise<void>): Promise<void> {
    return action();
  }
}

/** The numbers that are committed by a job that is killed several times on the way. */
async function countThroughCrashes(create: () => Numbers, seed: number, parallelism = 1): Promise<number[]> {
  const results = new CommittedRecords<bigint>();
  const run = await TestJob.start(
    (env) => {
      env.addSource(create, 'Counter', Types.LONG).uid('counter').addSink(results.sink()).uid('numbers');
    },
    { seed, parallelism, checkpointEvery: 7 },
  );
  for (let crash = 0; crash < 4; crash++) {
    await run.step(10 + ((seed * 7 + crash * 13) % 40));
    expect(run.status).toBe('running');
    await run.crashAndRestore();
  }
  await run.runUntilFinished();
  return results.records.map(Number).sort((left, right) => left - right);
}

const complete = (subtasks: number): number[] =>
  Array.from({ length: LIMIT * subtasks }, (_, index) => Math.floor(index / subtasks));

test('under the lock every number is committed once, wherever the job is killed', async () => {
  for (const seed of SEEDS) {
    expect(await countThroughCrashes(() => new CounterSource(BigInt(LIMIT)), seed), `seed ${seed}`).toEqual(
      complete(1),
    );
  }
});

test('each of several subtasks goes on from its own number', async () => {
  for (const seed of SEEDS.slice(0, 5)) {
    expect(await countThroughCrashes(() => new CounterSource(BigInt(LIMIT)), seed, 3), `seed ${seed}`).toEqual(
      complete(3),
    );
  }
});

test('a critical section may take a while: no capture comes in between', async () => {
  for (const seed of SEEDS) {
    const numbers = await countThroughCrashes(() => new LockingSource(), seed);
    expect(numbers, `seed ${seed}`).toEqual(complete(1).slice(0, SLOW_LIMIT));
  }
});

test('without the lock numbers are repeated', async () => {
  const wrong: number[] = [];
  for (const seed of SEEDS) {
    const numbers = await countThroughCrashes(() => new CarelessSource(), seed);
    if (numbers.length !== SLOW_LIMIT) wrong.push(seed);
  }
  expect(wrong.length).toBeGreaterThan(0);
});

test('the loop is cancelled when the job stops with a savepoint, and goes on from it', async () => {
  const results = new CommittedRecords<bigint>();
  let closed = 0;
  class Closing extends CounterSource {
    override open(_context: RuntimeContext): void {}
    override close(): void {
      closed++;
    }
  }
  const run = await TestJob.start((env) => {
    env
      .addSource(() => new Closing(BigInt(LIMIT)), 'Counter', Types.LONG)
      .uid('counter')
      .addSink(results.sink())
      .uid('n');
  });
  await run.step(4);
  await run.stopWithSavepoint();
  expect(run.status).toBe('finished');
  expect(closed).toBe(1);
  const committed = results.records.length;
  expect(committed).toBeGreaterThan(0);
  expect(committed).toBeLessThan(LIMIT);
  await run.restore({ from: run.checkpoints.at(-1)! });
  await run.runUntilFinished();
  expect(results.records.map(Number)).toEqual(complete(1));
});
