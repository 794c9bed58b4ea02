import { type Job, KeyedProcessFunction, MapFunction, type RuntimeContext, Types } from 'flinkjob';
import { CommittedRecords, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

class Opened extends KeyedProcessFunction<number, number, number> {
  override open(_context: RuntimeContext): void {}
  override processElement(): void {}
}

class Plain extends MapFunction<number, number> {
  override map(value: number): number {
    return value;
  }
}

const start = (job: Job) => TestJob.start(job, { seed: 1, parallelism: 1 });

test('one function object in two operators is refused, and both are named', async () => {
  const job: Job = (env) => {
    const counts = new Opened();
    const keyed = env.fromSequence(0, 9).keyBy((n) => n, Types.INT);
    keyed.process(counts).name('First').uid('first');
    keyed.process(counts).name('Second').uid('second');
  };
  await expect(start(job)).rejects.toThrow(
    /one Opened object is used by First "first" \(1\/1\) and by Second "second" \(1\/1\).*Make one for each use/s,
  );
});

test('one transactional sink at the end of two streams is refused', async () => {
  const job: Job = (env) => {
    const sink = new CommittedRecords<number>().sink();
    env.fromSequence(0, 9).addSink(sink);
    env.fromSequence(0, 9).addSink(sink);
  };
  await expect(start(job)).rejects.toThrow(/is used by Sink "sink-1" \(1\/1\) and by Sink "sink-2" \(1\/1\)/);
});

test('lambdas and objects that keep nothing may be used twice', async () => {
  const job: Job = (env) => {
    const plain = new Plain();
    const twice = (n: number): number => n * 2;
    env.fromSequence(0, 9).map(plain).map(plain).map(twice).map(twice);
  };
  const run = await start(job);
  await run.runUntilFinished();
});
