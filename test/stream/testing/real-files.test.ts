/** A job with real files in the kit: the machine's I/O is waited for, and the guarantees are the same. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSink, FileSource, type Job, NdjsonFormat, Types } from 'flinkjob';
import { runJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { job as counters } from '../../../examples/counter-source.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { committedRecords } from '../../oracles/committed-output.ts';

interface Reading {
  readonly sensor: string;
  readonly value: number;
}

test('files are read and written exactly once through crashes and rescales', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const directory = aTemporaryDirectory();
    const lines = Array.from({ length: 400 }, (_, n) => JSON.stringify({ sensor: `s${n % 4}`, value: 1 }));
    writeFileSync(join(directory, 'in.ndjson'), `${lines.join('\n')}\n`);
    const job: Job = (env) => {
      const [from = '', to = ''] = env.args;
      env
        .fromSource(new FileSource<Reading>({ path: from, format: new NdjsonFormat() }))
        .uid('in')
        .keyBy(({ sensor }) => sensor, Types.STRING)
        .reduce((left, right) => ({ sensor: left.sensor, value: left.value + right.value }))
        .uid('sums')
        .addSink(new FileSink<Reading>({ path: to }))
        .uid('out');
    };
    const args = [join(directory, 'in.ndjson'), join(directory, 'out', 'sums')];
    await runJob(job, { seed, args, parallelism: 2, maxParallelism: 8, crashes: 4, rescaleTo: [3, 1, 2] });
    const expected = Array.from(
      { length: 400 },
      (_, n) => `sums {"sensor":"s${n % 4}","value":${Math.floor(n / 4) + 1}}`,
    );
    expect(committedRecords(join(directory, 'out')), `seed ${seed}`).toEqual(expected.sort());
  }
});

test('the example of a counting source commits what it should', async () => {
  const directory = aTemporaryDirectory();
  await runJob(counters, {
    args: [join(directory, 'numbers'), '3000'],
    parallelism: 2,
    crashes: [40, 90],
    checkpointEvery: 20,
  });
  const numbers = committedRecords(directory).map((line) => Number(line.slice('numbers '.length)));
  const twice = Array.from({ length: 6000 }, (_, index) => Math.floor(index / 2));
  expect(numbers.toSorted((left, right) => left - right)).toEqual(twice);
});
