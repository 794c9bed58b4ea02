import {
  type BroadcastContext,
  BroadcastProcessFunction,
  type Collector,
  CoProcessFunction,
  type DataStream,
  type Job,
  type KeyedContext,
  KeyedProcessFunction,
  ListStateDescriptor,
  MAX_WATERMARK,
  MapFunction,
  MapStateDescriptor,
  OutputTag,
  type ProcessContext,
  ProcessFunction,
  type ReadOnlyBroadcastContext,
  ReducingStateDescriptor,
  type RuntimeContext,
  type SourceContext,
  SourceFunction,
  TumblingEventTimeWindows,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from 'flinkjob';
import { CommittedRecords, TestInput, TestJob, testFunction, testStream, testTwoInputs } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { COUNT, Counting } from './functions.ts';

const byFirstLetter = { keyBy: (word: string) => word.charAt(0), keyType: Types.STRING };
const counting = () => testFunction(() => new Counting<string>(), byFirstLetter);

test('shows what comes out as it comes out, and only once', async () => {
  const harness = await counting();
  await harness.push('ant');
  await harness.push('bee');
  expect(harness.takeOutput()).toEqual(['a:1', 'b:1']);
  await harness.pushAll(['ape', 'boa']);
  expect(harness.takeOutput()).toEqual(['a:2', 'b:2']);
  expect(harness.takeOutput()).toEqual([]);
});

test('reads the state of a key', async () => {
  const harness = await counting();
  await harness.pushAll(['ant', 'ape', 'bee']);
  expect(harness.job.state(COUNT, 'a')).toBe(2);
  expect(harness.job.state(COUNT, 'b')).toBe(1);
  expect(harness.job.state(COUNT, 'z')).toBe(0);
});

test('goes on with its state after a crash, and reads again what came after the checkpoint', async () => {
  const harness = await counting();
  await harness.push('ant');
  await harness.checkpoint();
  await harness.push('ape');
  expect(harness.takeOutput()).toEqual(['a:1', 'a:2']);
  await harness.crashAndRestore();
  expect(harness.takeOutput()).toEqual(['a:2']);
  await harness.push('asp');
  expect(harness.takeOutput()).toEqual(['a:3']);
});

test('without a checkpoint a crash goes back to the beginning', async () => {
  const harness = await counting();
  await harness.pushAll(['ant', 'ape']);
  harness.takeOutput();
  await harness.crashAndRestore();
  expect(harness.takeOutput()).toEqual(['a:1', 'a:2']);
});

test('state moves with its keys to any number of subtasks and back', async () => {
  const harness = await testFunction(() => new Counting<string>(), { ...byFirstLetter, maxParallelism: 16 });
  const words = [...'abcdefghijklmnop'];
  await harness.pushAll(words);
  for (const parallelism of [5, 16, 2, 1]) {
    await harness.rescale(parallelism);
    expect(harness.job.parallelism).toBe(parallelism);
    for (const word of words) expect(harness.job.state(COUNT, word)).toBe(1);
  }
  harness.takeOutput();
  await harness.pushAll(words);
  expect(harness.takeOutput().sort()).toEqual(words.map((word) => `${word}:2`));
});

test('any checkpoint can be gone back to, and scratch too', async () => {
  const harness = await counting();
  await harness.push('ant');
  const first = await harness.checkpoint();
  await harness.push('ape');
  await harness.checkpoint();
  await harness.job.restore({ from: first });
  expect(harness.job.state(COUNT, 'a')).toBe(1);
  await harness.job.restore({ from: 'scratch' });
  expect(harness.job.state(COUNT, 'a')).toBe(0);
});

const DEADLINE = new ValueStateDescriptor('deadline', Types.SAFE_LONG);

/** Says when a key has been quiet for 10 s of processing time, and when its event time has passed. */
class Quiet extends KeyedProcessFunction<string, string, string> {
  declare deadline: ValueState<number>;
  override open(context: RuntimeContext): void {
    this.deadline = context.getState(DEADLINE);
  }
  override processElement(_word: string, context: KeyedContext<string>): void {
    const before = this.deadline.value();
    if (before !== null && before !== undefined) context.timerService().deleteProcessingTimeTimer(before);
    const deadline = context.timerService().currentProcessingTime() + 10_000;
    this.deadline.update(deadline);
    context.timerService().registerProcessingTimeTimer(deadline);
    context.timerService().registerEventTimeTimer((context.timestamp() ?? 0) + 1);
  }
  override onTimer(
    timestamp: number,
    context: KeyedContext<string> & { timeDomain(): string },
    out: Collector<string>,
  ): void {
    out.collect(`${context.getCurrentKey()} ${context.timeDomain()} ${timestamp}`);
  }
}

test('processing time moves when the test moves it, and stops at every timer', async () => {
  const harness = await testFunction(() => new Quiet(), { ...byFirstLetter, now: 1_000 });
  await harness.push('ant', 5);
  await harness.advanceProcessingTime(4_000);
  await harness.push('bee', 7);
  await harness.advanceProcessingTime(5_999);
  expect(harness.takeOutput()).toEqual([]);
  await harness.advanceProcessingTime(1);
  expect(harness.takeOutput()).toEqual(['a processing 11000']);
  await harness.advanceProcessingTime(60_000);
  expect(harness.takeOutput()).toEqual(['b processing 15000']);
  expect(harness.job.clock.now()).toBe(71_000);
});

test('event time moves with watermarks', async () => {
  const harness = await testFunction(() => new Quiet(), byFirstLetter);
  await harness.push('ant', 5);
  await harness.push('bee', 9);
  await harness.watermark(8);
  expect(harness.takeRecords()).toEqual([{ value: 'a event 6', timestamp: 6 }]);
  await harness.watermark(MAX_WATERMARK);
  expect(harness.takeOutput()).toEqual(['b event 10']);
});

test('timers survive a crash, and what was due meanwhile fires at once', async () => {
  const harness = await testFunction(() => new Quiet(), byFirstLetter);
  await harness.push('ant', 5);
  await harness.checkpoint();
  harness.job.crash();
  harness.job.clock.advanceBy(20_000);
  await harness.restore({ parallelism: 2 });
  expect(harness.takeOutput()).toEqual(['a processing 10000']);
});

test('finishing fires everything that waits for event time, and commits', async () => {
  const harness = await testFunction(() => new Quiet(), byFirstLetter);
  await harness.push('ant', 5);
  await harness.finish();
  expect(harness.takeOutput()).toContain('a event 6');
  expect(harness.job.status).toBe('finished');
});

const LONG = new OutputTag<string>('long', Types.STRING);

class Splitting extends ProcessFunction<string, number> {
  override processElement(word: string, context: ProcessContext, out: Collector<number>): void {
    if (word === '') throw new Error('an empty word');
    if (word.length > 3) context.output(LONG, word);
    out.collect(word.length);
  }
}

test('side outputs are recorded for the tags that were named', async () => {
  const harness = await testFunction(() => new Splitting(), { sideOutputs: [LONG] });
  await harness.pushAll(['ant', 'horse', 'giraffe']);
  expect(harness.takeOutput()).toEqual([3, 5, 7]);
  expect(harness.takeSideOutput(LONG)).toEqual(['horse', 'giraffe']);
  expect(() => harness.takeSideOutput(new OutputTag('other'))).toThrow('add its tag to the option sideOutputs');
});

test('what the function throws reaches whoever pushed', async () => {
  const harness = await testFunction(() => new Splitting());
  await expect(harness.push('')).rejects.toThrow('an empty word');
  expect(harness.job.status).toBe('failed');
});

test('windows, or any other few operators, are tested as a stream', async () => {
  const harness = await testStream((words: DataStream<string>) =>
    words
      .keyBy((word) => word.charAt(0), Types.STRING)
      .window(TumblingEventTimeWindows.of(10))
      .reduce((left, right) => `${left}+${right}`, Types.STRING),
  );
  await harness.push('ant', 1);
  await harness.push('ape', 9);
  await harness.push('asp', 10);
  expect(
    harness.job.state(new ReducingStateDescriptor('window-contents', (a: string) => a, Types.STRING), 'a', {
      window: { start: 0, end: 10 },
    }),
  ).toBe('ant+ape');
  await harness.rescale(2);
  await harness.watermark(9);
  expect(harness.takeRecords()).toEqual([{ value: 'ant+ape', timestamp: 9 }]);
  await harness.push('ass', 3);
  expect(harness.job.counters()).toMatchObject({ numLateRecordsDropped: 1 });
});

class Tagging extends CoProcessFunction<string, number, string> {
  override processElement1(word: string, _context: ProcessContext, out: Collector<string>): void {
    out.collect(`1 ${word}`);
  }
  override processElement2(number: number, _context: ProcessContext, out: Collector<string>): void {
    out.collect(`2 ${number}`);
  }
}

test('two inputs are pushed one by one', async () => {
  const harness = await testTwoInputs<string, number, string>((words, numbers) =>
    words.connect(numbers).process(new Tagging()),
  );
  await harness.push1('ant');
  await harness.push2(7);
  expect(harness.takeOutput()).toEqual(['1 ant', '2 7']);
});

const RULES = new MapStateDescriptor('rules', Types.STRING, Types.STRING);

class Renaming extends BroadcastProcessFunction<string, [string, string], string> {
  override processElement(word: string, context: ReadOnlyBroadcastContext, out: Collector<string>): void {
    out.collect(context.getBroadcastState(RULES).get(word) ?? word);
  }
  override processBroadcastElement([from, to]: [string, string], context: BroadcastContext): void {
    context.getBroadcastState(RULES).put(from, to);
  }
}

test('broadcast state is the same in every subtask, also in new ones', async () => {
  const harness = await testTwoInputs<string, [string, string], string>(
    (words, rules) => words.connect(rules.broadcast(RULES as never)).process<string>(new Renaming()),
    { parallelism: 2 },
  );
  await harness.push2(['ant', 'ANT']);
  for (const parallelism of [2, 5, 3]) {
    await harness.rescale(parallelism);
    await harness.pushAll1(Array.from({ length: 10 }, () => 'ant'));
    expect(harness.takeOutput()).toEqual(Array.from({ length: 10 }, () => 'ANT'));
  }
});

test('several operators with a state of one name are told apart by uid', async () => {
  const harness = await testStream((words: DataStream<string>) =>
    words
      .keyBy((word) => word.charAt(0), Types.STRING)
      .process(new Counting<string>())
      .uid('first')
      .keyBy((counted) => counted.charAt(0), Types.STRING)
      .process(new Counting<string>())
      .uid('second'),
  );
  await harness.push('ant');
  expect(harness.job.state(COUNT, 'a', { uid: 'second' })).toBe(1);
  expect(() => harness.job.state(COUNT, 'a')).toThrow('Say which one with uid');
  expect(() => harness.job.state(COUNT, 'a', { uid: 'third' })).toThrow('with uid "third" is keyed');
});

test('operator state is read from a checkpoint', async () => {
  const input = new TestInput<number>();
  const run = await TestJob.start(
    (env) => void input.stream(env).uid('in').addSink(new CommittedRecords<number>().sink()),
  );
  input.push(1);
  input.push(2);
  await run.settle();
  const checkpoint = await run.checkpoint();
  const position = new ListStateDescriptor('test-input-position', Types.SAFE_LONG);
  expect(await checkpoint.listState('in', position)).toEqual([[2]]);
  expect(await checkpoint.listState('nobody', position)).toEqual([]);
});

/** A record that is changed after it was emitted. */
class Reusing extends SourceFunction<{ n: number }> {
  override async run(context: SourceContext<{ n: number }>): Promise<void> {
    const record = { n: 0 };
    for (; record.n < 20; record.n++) await context.withCheckpointLock(() => context.collect(record));
  }
  override cancel(): void {}
}

/** Says which subtask saw which number. */
class Seen extends MapFunction<{ n: number }, string> {
  #subtask = 0;
  override open(context: RuntimeContext): void {
    this.#subtask = context.indexOfThisSubtask;
  }
  override map({ n }: { n: number }): string {
    return `${this.#subtask}:${n}`;
  }
}

test('records are copies where they would cross threads', async () => {
  const results = new CommittedRecords<string>();
  const job: Job = (env) => {
    const spread = env.addSource(() => new Reusing()).rebalance();
    spread.map(new Seen()).addSink(results.sink());
  };
  const run = await TestJob.start(job, { parallelism: 2, recordsPerStep: 3 });
  await run.runUntilFinished();
  const elsewhere = results.records.filter((seen) => seen.startsWith('1:'));
  expect(elsewhere).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map((n) => `1:${n}`));
});
