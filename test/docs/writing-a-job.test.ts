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
  type KeyedContext,
  KeyedProcessFunction,
  MapStateDescriptor,
  NdjsonFormat,
  type OnTimerContext,
  OutputTag,
  type ProcessContext,
  ProcessFunction,
  type ReadOnlyBroadcastContext,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
  type RuntimeContext,
  Types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from 'flinkjob';
import { CommittedRecords, runJob, testFunction } from 'flinkjob/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeBlocks } from './markdown.ts';

interface Line {
  at: number;
  text: string;
}

interface Reading {
  sensor: string;
  value: number;
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

test('map, filter and flatMap have state of the key', async () => {
  /** Lets a reading through when it differs from the one before it of the same sensor. */
  class Changed extends RichFilterFunction<Reading> {
    declare last: ValueState<number>;

    override open(context: RuntimeContext): void {
      this.last = context.getState(new ValueStateDescriptor('last', Types.DOUBLE));
    }

    override filter({ value }: Reading): boolean {
      const changed = value !== this.last.value();
      this.last.update(value);
      return changed;
    }
  }
  /** Numbers the readings of a sensor. */
  class Numbered extends RichMapFunction<Reading, string> {
    declare count: ValueState<number>;

    override open(context: RuntimeContext): void {
      this.count = context.getState(new ValueStateDescriptor('count', Types.INT, 0));
    }

    override map({ sensor, value }: Reading): string {
      const count = (this.count.value() ?? 0) + 1;
      this.count.update(count);
      return `${sensor} #${count}: ${value}`;
    }
  }
  /** Emits the difference to the reading before, and nothing for the first. */
  class Difference extends RichFlatMapFunction<Reading, Reading> {
    declare last: ValueState<number>;

    override open(context: RuntimeContext): void {
      this.last = context.getState(new ValueStateDescriptor('last', Types.DOUBLE));
    }

    override flatMap({ sensor, value }: Reading, out: Collector<Reading>): void {
      const last = this.last.value();
      if (last !== null) out.collect({ sensor, value: value - last });
      this.last.update(value);
    }
  }
  const job: Job = (env) => {
    const sensors = env.fromCollection(readings).keyBy((reading) => reading.sensor, Types.STRING);
    sensors.map(new Numbered()).uid('numbered').addSink(numbered.sink()).uid('numbers');
    const changes = sensors.filter(new Changed()).uid('changed');
    const differences = changes.keyBy((reading) => reading.sensor, Types.STRING).flatMap(new Difference());
    differences.uid('differences').addSink(changed.sink()).uid('changes');
  };
  const readings: Reading[] = [
    { sensor: 'a', value: 1 },
    { sensor: 'b', value: 5 },
    { sensor: 'a', value: 1 },
    { sensor: 'a', value: 4 },
  ];
  const numbered = new CommittedRecords<string>();
  const changed = new CommittedRecords<Reading>();
  await runJob(job, { crashes: 2, rescaleTo: [2, 1] });
  expect(numbered.records.toSorted()).toEqual(['a #1: 1', 'a #2: 1', 'a #3: 4', 'b #1: 5']);
  expect(changed.records).toEqual([{ sensor: 'a', value: 3 }]);
});

test('an event-time timer tells of a sensor that fell silent', async () => {
  /** Tells of a sensor that has sent nothing for a minute of event time. */
  class Silence extends KeyedProcessFunction<string, Reading, string> {
    declare last: ValueState<number>;

    override open(context: RuntimeContext): void {
      this.last = context.getState(new ValueStateDescriptor('last', Types.SAFE_LONG));
    }

    override processElement(_reading: Reading, context: KeyedContext<string>): void {
      const before = this.last.value();
      const now = Math.max(before ?? 0, context.timestamp() ?? 0);
      if (before !== null) context.timerService().deleteEventTimeTimer(before + 60_000);
      context.timerService().registerEventTimeTimer(now + 60_000);
      this.last.update(now);
    }

    override onTimer(_timestamp: number, context: OnTimerContext<string>, out: Collector<string>): void {
      out.collect(`${context.getCurrentKey()}: silent since ${this.last.value()}`);
      this.last.clear();
    }
  }
  const sensors = await testFunction(() => new Silence(), {
    keyBy: (reading) => reading.sensor,
    keyType: Types.STRING,
  });
  await sensors.push({ sensor: 'a', value: 1 }, 1_000);
  await sensors.push({ sensor: 'b', value: 1 }, 2_000);
  await sensors.push({ sensor: 'a', value: 2 }, 50_000);
  await sensors.crashAndRestore();
  await sensors.watermark(62_000);
  expect(sensors.takeOutput()).toEqual(['b: silent since 2000']);
});

test('a processing-time timer sums up every ten seconds', async () => {
  /** Sums up the readings of a sensor, and emits the sum ten seconds after the first of them. */
  class EveryTenSeconds extends KeyedProcessFunction<string, Reading, Reading> {
    declare sum: ValueState<number>;

    override open(context: RuntimeContext): void {
      this.sum = context.getState(new ValueStateDescriptor('sum', Types.DOUBLE));
    }

    override processElement({ value }: Reading, context: KeyedContext<string>): void {
      const timers = context.timerService();
      const sum = this.sum.value();
      if (sum === null) timers.registerProcessingTimeTimer(timers.currentProcessingTime() + 10_000);
      this.sum.update((sum ?? 0) + value);
    }

    override onTimer(_timestamp: number, context: OnTimerContext<string>, out: Collector<Reading>): void {
      out.collect({ sensor: context.getCurrentKey(), value: this.sum.value() ?? 0 });
      this.sum.clear();
    }
  }
  const sensors = await testFunction(() => new EveryTenSeconds(), {
    keyBy: (reading) => reading.sensor,
    keyType: Types.STRING,
  });
  await sensors.push({ sensor: 'a', value: 1 });
  await sensors.push({ sensor: 'a', value: 2 });
  await sensors.advanceProcessingTime(10_000);
  expect(sensors.takeOutput()).toEqual([{ sensor: 'a', value: 3 }]);
});

test('a strategy finds timestamps', () => {
  const strategy = WatermarkStrategy.forBoundedOutOfOrderness<Line>(5_000).withTimestampAssigner((line) => line.at);
  expect([strategy.outOfOrdernessMs, strategy.assign?.({ at: 7, text: '' }, 0)]).toEqual([5_000, 7]);
});

test('the settings for a project are those under which this project is checked', () => {
  const [shown] = codeBlocks('docs/writing-a-job.md').filter(({ language }) => language === 'json');
  const settings = JSON.parse(shown?.lines.join('\n') ?? '') as object;
  expect(JSON.parse(readFileSync('tsconfig.json', 'utf8'))).toMatchObject(settings);
});

test('every snippet of the page, and of the one on state, is run or in an example', () => {
  const sources = ['test/docs/writing-a-job.test.ts', 'examples/word-count.ts', 'examples/counter-source.ts'];
  const run = [...sources, 'examples/word-count.yaml'].map(unindented).join('\n');
  const snippets = ['docs/writing-a-job.md', 'docs/state.md']
    .flatMap(codeBlocks)
    .filter(({ language }) => language === 'ts' || language === 'yaml');
  expect(snippets.length).toBeGreaterThan(6);
  for (const { lines } of snippets) expect(run).toContain(lines.map((line) => line.trim()).join('\n'));
});

function unindented(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^ +/gm, '');
}
