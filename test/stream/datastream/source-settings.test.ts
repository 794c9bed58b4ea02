/** A source and its watermarks are one operator to whoever writes the job. */
import { type Job, NumberSequenceSource, WatermarkStrategy } from 'flinkjob';
import { TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

test('uid, name and parallelism of a source with watermarks are the source’s', async () => {
  const job: Job = (env) => {
    env
      .fromSource(new NumberSequenceSource(0, 9), WatermarkStrategy.forMonotonousTimestamps<number>())
      .uid('numbers')
      .name('Numbers')
      .setParallelism(3)
      .map((n) => n)
      .addSink(() => {});
  };
  const run = await TestJob.start(job, { seed: 1, parallelism: 2 });
  const [source] = run.graph.vertices;
  expect(source?.parallelism).toBe(3);
  expect(source?.operators.map(({ uid, name }) => [uid, name])).toEqual([
    ['numbers', 'Numbers'],
    ['timestamps-watermarks-1', 'Timestamps/Watermarks'],
  ]);
  await run.close();
});
