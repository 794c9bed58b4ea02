/** Checkpoints do not keep virtual time from moving. */
import { GeneratorSource } from 'flinkjob';
import { CommittedRecords, runJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

test.each([1, 2, 50])(
  'a paced source ends on several subtasks, with a checkpoint every %i steps',
  async (checkpointEvery) => {
    for (const seed of [1, 2]) {
      const committed = new CommittedRecords<number>();
      await runJob(
        (env) => {
          const paced = new GeneratorSource<number>({ generate: (index) => index, count: 40, recordsPerSecond: 100 });
          const stream = env.fromSource(paced);
          stream.addSink(committed.sink());
          stream.map((n) => n + 1000).addSink(committed.sink());
        },
        { parallelism: 4, seed, checkpointEvery },
      );
      expect(new Set(committed.records).size).toBe(80);
    }
  },
);
