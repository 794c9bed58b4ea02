/** The snippets of docs/writing-a-job.md, run; the last tests compare the page with what is run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BroadcastContext,
  BroadcastProcessFunction,
  type Collector,
  FileSource,
  FlatMapFunction,
  INVALID_RECORDS,
  type InvalidRecord,
  type Job,
  MapStateDescriptor,
  NdjsonFormat,
  OutputTag,
  type ProcessContext,
  ProcessFunction,
  type ReadOnlyBroadcastContext,
  Types,
  WatermarkStrategy,
} from 'flinkjob';
import { CommittedRecords, runJob } from 'flinkjob/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeBlocks } from './markdown.ts';

interface Line {
  at: number;
  text: string;
}

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'writing-a-job-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('lines that are no JSON go to a side output', async () => {
  const path = join(folder, 'lines.ndjson');
  writeFileSync(path, '{"at":1,"text":"a"}\nno JSON\n');
  const good = new CommittedRecords<Line>();
  const bad = new CommittedRecords<InvalidRecord>();
  const job: Job = (env) => {
    const lines = env.fromSource(
      new FileSource<Line>({ path, format: new NdjsonFormat({ onInvalid: 'side-output' }) }),
    );
    const invalid = lines.getSideOutput(new OutputTag<InvalidRecord>(INVALID_RECORDS));
    lines.addSink(good.sink()).uid('good');
    invalid.addSink(bad.sink()).uid('bad');
  };
  await runJob(job);
  expect(good.records).toEqual([{ at: 1, text: 'a' }]);
  expect(bad.records).toEqual([{ file: path, line: 2, text: 'no JSON' }]);
});

test('a lambda returns what to emit, a function emits it', async () => {
  class Words extends FlatMapFunction<string, string> {
    override flatMap(text: string, out: Collector<string>): void {
      for (const word of text.split(' ')) out.collect(word);
    }
  }
  const words: Job = (env) => {
    const texts = env.fromCollection(['to be', 'or not']);
    const returned = texts.flatMap((text) => text.split(' '));
    const emitted = texts.flatMap(new Words());
    returned.union(emitted).addSink(results.sink());
  };
  const results = new CommittedRecords<string>();
  await runJob(words);
  expect(results.records.toSorted()).toEqual(['be', 'be', 'not', 'not', 'or', 'or', 'to', 'to']);
});

test('a function sorts out into a side output', async () => {
  const odd = new OutputTag<number>('odd', Types.INT);
  class SortOut extends ProcessFunction<number, number> {
    override processElement(value: number, context: ProcessContext, out: Collector<number>): void {
      if (value % 2 === 0) out.collect(value);
      else context.output(odd, value);
    }
  }
  const sorted: Job = (env) => {
    const evens = env.fromSequence(1, 4).process(new SortOut(), Types.INT);
    evens.addSink(evenNumbers.sink()).uid('evens');
    evens.getSideOutput(odd).addSink(oddNumbers.sink()).uid('odds');
  };
  const evenNumbers = new CommittedRecords<number>();
  const oddNumbers = new CommittedRecords<number>();
  await runJob(sorted);
  expect([evenNumbers.records, oddNumbers.records]).toEqual([
    [2, 4],
    [1, 3],
  ]);
});

test('every subtask has the rules', async () => {
  const blocked = new MapStateDescriptor('blocked', Types.STRING, Types.BOOLEAN);
  class Blocker extends BroadcastProcessFunction<string, string, string> {
    override processElement(user: string, context: ReadOnlyBroadcastContext, out: Collector<string>): void {
      if (!context.getBroadcastState(blocked).contains(user)) out.collect(user);
    }
    override processBroadcastElement(user: string, context: BroadcastContext): void {
      context.getBroadcastState(blocked).put(user, true);
    }
  }
  const allowed: Job = (env) => {
    const rules = env.fromCollection(['eve']).broadcast(blocked);
    env.fromCollection(['ada', 'bob']).connect(rules).process(new Blocker()).uid('blocker').addSink(users.sink());
  };
  const users = new CommittedRecords<string>();
  await runJob(allowed, { parallelism: 2 });
  expect(users.records.toSorted()).toEqual(['ada', 'bob']);
});

test('a strategy finds timestamps', () => {
  const strategy = WatermarkStrategy.forBoundedOutOfOrderness<Line>(5_000).withTimestampAssigner((line) => line.at);
  expect([strategy.outOfOrdernessMs, strategy.assign?.({ at: 7, text: '' }, 0)]).toEqual([5_000, 7]);
});

test('every snippet of the page is run, or in an example', () => {
  const sources = ['test/docs/writing-a-job.test.ts', 'examples/word-count.ts', 'examples/counter-source.ts'];
  const run = [...sources, 'examples/word-count.yaml'].map(unindented).join('\n');
  const snippets = codeBlocks('docs/writing-a-job.md').filter(
    ({ language }) => language === 'ts' || language === 'yaml',
  );
  expect(snippets.length).toBeGreaterThan(6);
  for (const { lines } of snippets) expect(run).toContain(lines.map((line) => line.trim()).join('\n'));
});

function unindented(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^ +/gm, '');
}
