import { CollectSink, type Job, MapFunction } from 'flinkjob';
import { CommittedRecords, runJob, TestJob, TestJobError } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { countingJob, expectedCounts } from './functions.ts';

test('commits every record exactly once through crashes and rescales, whatever the seed', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const results = new CommittedRecords<string>();
    const run = await runJob(countingJob(300, 7, results), {
      seed,
      parallelism: 1 + (seed % 3),
      maxParallelism: 12,
      crashes: 5,
      rescaleTo: [3, 1, 2],
      checkpointEvery: 20 + seed,
    });
    expect(run.status).toBe('finished');
    expect([...results.records].sort(), `seed ${seed}`).toEqual(expectedCounts(300, 7));
  }
});

test('a crash may come at any single step', async () => {
  const steps = (await runJob(countingJob(40, 3, new CommittedRecords()), { parallelism: 2, checkpointEvery: 15 }))
    .steps;
  for (let at = 1; at <= steps; at++) {
    const results = new CommittedRecords<string>();
    await runJob(countingJob(40, 3, results), { parallelism: 2, checkpointEvery: 15, crashes: [at] });
    expect([...results.records].sort(), `crash at ${at}`).toEqual(expectedCounts(40, 3));
  }
});

test('what was complete but not yet committed is committed by the restore itself', async () => {
  let untold = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const results = new CommittedRecords<string>();
    const run = await TestJob.start(countingJob(100, 3, results), { seed, parallelism: 2 });
    await run.step(30);
    run.triggerCheckpoint();
    await run.runUntil(() => run.checkpoints.length === 1);
    const before = results.records.length;
    await run.crashAndRestore();
    const after = results.records.length;
    if (after > before) untold++;
    await run.close();
  }
  expect(untold).toBeGreaterThan(10);
});

test('without a transaction a crash shows: records since the last checkpoint come twice', async () => {
  CollectSink.clear();
  const job: Job = (env) =>
    void env
      .fromSequence(0, 199)
      .map((number) => number)
      .addSink(new CollectSink('plain'));
  const run = await TestJob.start(job, { recordsPerStep: 4 });
  await run.runUntil(() => CollectSink.records('plain').length > 50);
  await run.crashAndRestore();
  await run.runUntilFinished();
  expect(CollectSink.records('plain').length).toBeGreaterThan(200);
  expect(new Set(CollectSink.records('plain')).size).toBe(200);
});

test('the same seed gives the same run, other seeds give others', async () => {
  const runWith = async (seed: number) => {
    const results = new CommittedRecords<string>();
    const run = await runJob(countingJob(120, 5, results), { seed, parallelism: 3, crashes: 3, rescaleTo: [2, 3] });
    return {
      records: results.records,
      steps: run.steps,
      checkpoints: run.checkpoints.map(({ stateBytes }) => stateBytes),
    };
  };
  const first = await runWith(11);
  expect(await runWith(11)).toEqual(first);
  expect((await runWith(12)).records).not.toEqual(first.records);
});

/** Fails at the record that comes after 60 others here. */
class FailsOnce extends MapFunction<number, number> {
  static failures = 0;
  #seen = 0;
  override map(value: number): number {
    if (++this.#seen > 60 && FailsOnce.failures === 0) {
      FailsOnce.failures++;
      throw new Error(`no good: ${value}`);
    }
    return value;
  }
}

test('a failure names operator, step and seed, repeats with the seed, and can be restored from', async () => {
  const attempt = async () => {
    FailsOnce.failures = 0;
    const results = new CommittedRecords<number>();
    const job: Job = (env) => void env.fromSequence(0, 199).map(new FailsOnce()).name('Picky').addSink(results.sink());
    const run = await TestJob.start(job, { seed: 77, parallelism: 2, checkpointEvery: 10 });
    const error = await run.runUntilFinished().then(
      () => undefined,
      (failure: unknown) => failure as TestJobError,
    );
    return { run, error, results };
  };
  const { error } = await attempt();
  expect(error).toBeInstanceOf(TestJobError);
  expect(error).toMatchObject({ code: 'TEST_JOB_FAILED', seed: 77 });
  expect(error?.message).toMatch(/Picky.* \([12]\/2\): no good: \d+ \(seed 77, step \d+; replay with \{ seed: 77 \}\)/);
  expect(error?.cause).toMatchObject({ message: expect.stringContaining('no good') });

  const again = await attempt();
  expect(again.error?.message).toBe(error?.message);
  expect(again.run.status).toBe('failed');
  await again.run.restore();
  await again.run.runUntilFinished();
  expect(again.run.attempt).toBe(2);
  expect([...again.results.records].sort((left, right) => left - right)).toEqual(
    Array.from({ length: 200 }, (_, n) => n),
  );
});

test('a job that waits for what never comes says so', async () => {
  const { TestInput } = await import('flinkjob/testing');
  const input = new TestInput<number>();
  const run = await TestJob.start((env) => void input.stream(env).addSink(new CollectSink('stuck')), {
    patienceMs: 20,
  });
  await expect(run.runUntilFinished()).rejects.toMatchObject({ code: 'TEST_JOB_STUCK' });
  await expect(run.runUntilFinished()).rejects.toThrow(/did not come to the end of the input .*seed 1/);
  input.end();
  await run.runUntilFinished();
  expect(run.status).toBe('finished');
});

test('what cannot be asked now is refused', async () => {
  const run = await runJob((env) => void env.fromSequence(0, 3).addSink(new CollectSink('refused')));
  await expect(run.step()).rejects.toMatchObject({ code: 'TEST_JOB_MISUSED' });
  expect(() => run.crash()).toThrow('the job is finished, not running');
});

test('a program that builds another graph each time is refused', async () => {
  let built = 0;
  const job: Job = (env) => void env.fromSequence(0, 3).uid(`source-${built++}`).addSink(new CollectSink('changing'));
  await expect(TestJob.start(job, { parallelism: 2 })).rejects.toThrow('builds a different graph each time');
});
