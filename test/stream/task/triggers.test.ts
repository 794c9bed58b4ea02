import { type Job, Types } from 'flinkjob';
import { CommittedRecords, TestInput, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

test('a checkpoint and a savepoint asked for at once are both taken, in whatever order the subtasks hear of them', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const input = new TestInput<number>();
    const results = new CommittedRecords<number>();
    const job: Job = (env) =>
      void input
        .stream(env)
        .uid('in')
        .keyBy((value) => value, Types.INT)
        .map((value) => value)
        .uid('map')
        .addSink(results.sink())
        .uid('out');
    const run = await TestJob.start(job, { seed, parallelism: 2 });
    for (const value of [1, 2, 3]) input.push(value);
    const taken = await Promise.all([run.checkpoint(), run.savepoint()]);
    expect(taken.map(({ kind }) => kind)).toEqual(['checkpoint', 'savepoint']);
    await run.close();
  }
});
