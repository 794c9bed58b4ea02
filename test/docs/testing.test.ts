/** The snippets of docs/testing.md, run; the last test compares the two. */
import { readFileSync } from 'node:fs';
import { type Job, MapStateDescriptor, TumblingEventTimeWindows, Types } from 'flinkjob';
import { CommittedRecords, runJob, TestInput, TestJob, testFunction, testStream } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { DelayStatistics } from '../../examples/flight-delays.ts';
import { codeBlocks } from './markdown.ts';

interface Flight {
  origin: string;
  delay: number;
}

const oneTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

test('windows are tested as a stream', async () => {
  const harness = await testStream<Flight, Flight>((flights) =>
    flights
      .keyBy((flight) => flight.origin, Types.STRING)
      .window(TumblingEventTimeWindows.of(60_000))
      .reduce((left, right) => (left.delay > right.delay ? left : right)),
  );
  await harness.push({ origin: 'BOS', delay: 5 }, 1_000);
  await harness.push({ origin: 'BOS', delay: 9 }, 59_999);
  await harness.watermark(59_999);
  expect(harness.takeOutput()).toEqual([{ origin: 'BOS', delay: 9 }]);
});

test('state is read from the subtask that owns the key', async () => {
  const harness = await testFunction(() => new DelayStatistics(), {
    keyBy: (flight) => flight.origin,
    keyType: Types.STRING,
  });
  await harness.push({ origin: 'BOS', delay: 5 });
  await harness.checkpoint();
  await harness.push({ origin: 'BOS', delay: 7 });
  await harness.crashAndRestore();
  const delays = harness.job.state(new MapStateDescriptor('delays', Types.INT, Types.INT), 'BOS');
  expect([...delays.keys()]).toEqual([5, 7]);
});

test('counts are committed exactly once', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const results = new CommittedRecords<number>();
    const job: Job = (env) => {
      env
        .fromSequence(1, 100)
        .map(() => 1)
        .keyBy(() => 'all', Types.STRING)
        .reduce((left, right) => left + right)
        .addSink(results.sink());
    };
    await runJob(job, { seed, parallelism: 2, crashes: 3, rescaleTo: [3, 1] });
    expect(results.records.toSorted((left, right) => left - right)).toEqual(oneTo(100));
  }
});

test('a job is killed and restored between two steps', async () => {
  const input = new TestInput<string>();
  const results = new CommittedRecords<string>();
  const job = await TestJob.start((env) => void input.stream(env).addSink(results.sink()));
  input.push('a');
  await job.settle();
  await job.checkpoint();
  input.push('b');
  await job.settle();
  expect(results.records).toEqual(['a']);
  job.crash();
  await job.restore({ parallelism: 2 });
  input.end();
  await job.runUntilFinished();
  expect(results.records).toEqual(['a', 'b']);
});

test('the table of options has those of runJob, all of them', () => {
  const sources = ['run-job.ts', 'test-job-options.ts'].map((name) =>
    readFileSync(`src/stream/testing/${name}`, 'utf8'),
  );
  const declared = sources.flatMap((source) => {
    const [, body = ''] = /interface (?:RunJobOptions|TestJobOptions)[^{]*\{(.*?)^\}/ms.exec(source) ?? [];
    return [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name);
  });
  const page = readFileSync('docs/testing.md', 'utf8');
  const table = page.slice(page.indexOf('| option of `runJob`')).split('\n\n')[0] ?? '';
  const told = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(told.toSorted()).toEqual(declared.toSorted());
});

test('every snippet of the page is run', () => {
  const run = ['test/docs/testing.test.ts', 'test/examples/flight-delays.test.ts'].map(linesOf).join('\n');
  const snippets = codeBlocks('docs/testing.md').filter(({ language }) => language === 'ts');
  expect(snippets.length).toBeGreaterThan(3);
  for (const { lines } of snippets) expect(run).toContain(lines.map((line) => line.trim()).join('\n'));
});

function linesOf(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^ +/gm, '');
}
