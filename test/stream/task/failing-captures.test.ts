/** What follows when user code or the runtime fails around a checkpoint: the rules of Flink since 1.11. */
import {
  type CheckpointedFunction,
  type CheckpointListener,
  type Collector,
  type FunctionInitializationContext,
  type KeyedContext,
  KeyedProcessFunction,
  MapFunction,
  type RuntimeContext,
  type TypeInformation,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from 'flinkjob';
import { CommittedRecords, TestInput, TestJob, testFunction, testStream } from 'flinkjob/testing';
import { expect, test } from 'vitest';

type Moment = 'initializeState' | 'snapshotState' | 'snapshotState later' | 'complete' | 'open' | 'close' | 'nothing';

/** Fails at one moment of its life, as long as it is told to. */
class Failing extends MapFunction<number, number> implements CheckpointedFunction, CheckpointListener {
  readonly #when: { at: Moment };
  constructor(when: { at: Moment }) {
    super();
    this.#when = when;
  }
  #fail(moment: Moment): void {
    if (this.#when.at === moment) throw new Error(`failed in ${moment}`);
  }
  initializeState(_context: FunctionInitializationContext): void {
    this.#fail('initializeState');
  }
  override open(): void {
    this.#fail('open');
  }
  override map(value: number): number {
    return value;
  }
  snapshotState(): void | Promise<void> {
    this.#fail('snapshotState');
    if (this.#when.at === 'snapshotState later') return Promise.reject(new Error('failed in snapshotState later'));
  }
  notifyCheckpointComplete(): void {
    this.#fail('complete');
  }
  override close(): void {
    this.#fail('close');
  }
}

async function failingJob(when: { at: Moment }) {
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start(
    (env) =>
      void input
        .stream(env)
        .uid('in')
        .map(new Failing(when))
        .name('Fragile')
        .uid('f')
        .addSink(results.sink())
        .uid('out'),
  );
  return { input, results, run };
}

test('snapshotState that throws fails the job at once', async () => {
  const { run } = await failingJob({ at: 'snapshotState' });
  await expect(run.checkpoint()).rejects.toMatchObject({ code: 'TEST_JOB_FAILED' });
  expect(run.status).toBe('failed');
  expect(run.checkpoints).toEqual([]);
});

test('snapshotState that rejects fails the job too', async () => {
  const { run } = await failingJob({ at: 'snapshotState later' });
  await expect(run.checkpoint()).rejects.toThrow(/Fragile.*failed in snapshotState later/);
});

for (const moment of ['initializeState', 'open'] as const) {
  test(`${moment} that throws fails the attempt; the next one may succeed`, async () => {
    const when: { at: Moment } = { at: 'nothing' };
    const { input, results, run } = await failingJob(when);
    input.push(1);
    await run.checkpoint();
    when.at = moment;
    const text =
      moment === 'open' ? 'failed in open' : 'Failed to restore state to function: Fragile: failed in initializeState';
    await expect(run.crashAndRestore()).rejects.toThrow(text);
    when.at = 'nothing';
    await run.restore();
    input.push(2);
    input.end();
    await run.runUntilFinished();
    expect(results.records).toEqual([1, 2]);
  });
}

test('notifyCheckpointComplete that throws fails the job; the checkpoint stays complete', async () => {
  const when: { at: Moment } = { at: 'complete' };
  const { input, run } = await failingJob(when);
  input.push(1);
  await run.settle();
  await expect(run.checkpoint()).rejects.toThrow('failed in complete');
  expect(run.latestCheckpoint?.id).toBe(1);
  when.at = 'nothing';
  await run.restore();
  expect(run.status).toBe('running');
});

test('close that throws is not lost', async () => {
  const { run } = await failingJob({ at: 'close' });
  await expect(run.close()).rejects.toThrow('failed in close');
});

/** A type that cannot be written while `broken` says so. */
function breakableType(broken: { now: boolean }): TypeInformation<object> {
  return Object.create(Types.ANY, {
    write: {
      value: (out: never, value: never) => {
        if (broken.now) throw new Error('cannot be written now');
        (Types.ANY as TypeInformation<unknown>).write(out, value);
      },
    },
  }) as TypeInformation<object>;
}

/** Keeps the last value of a key. */
class Last<T> extends KeyedProcessFunction<string, T, T> {
  readonly #type: TypeInformation<T>;
  declare last: ValueState<T>;
  constructor(type: TypeInformation<T>) {
    super();
    this.#type = type;
  }
  override open(context: RuntimeContext): void {
    this.last = context.getState(new ValueStateDescriptor('last', this.#type));
  }
  override processElement(value: T, _context: KeyedContext<string>, out: Collector<T>): void {
    this.last.update(value);
    out.collect(value);
  }
}

test('an asynchronous part that fails declines the checkpoint; the job runs on and the next one completes', async () => {
  const broken = { now: false };
  const harness = await testFunction(() => new Last(breakableType(broken)), {
    keyBy: () => 'key',
    keyType: Types.STRING,
  });
  await harness.push({ n: 1 });
  broken.now = true;
  const declined = harness.checkpoint();
  await expect(declined).rejects.toMatchObject({ code: 'TEST_CHECKPOINT_DECLINED' });
  await expect(declined).rejects.toThrow('CHECKPOINT_ASYNC_EXCEPTION');
  await expect(declined).rejects.toThrow('cannot be written now');
  expect(harness.job.status).toBe('running');
  broken.now = false;
  await harness.push({ n: 2 });
  await harness.checkpoint();
  await harness.crashAndRestore();
  expect(harness.job.state(new ValueStateDescriptor('last', Types.ANY), 'key')).toEqual({ n: 2 });
});

/** Counts the checkpoints that were given up. */
class Told extends MapFunction<object, object> implements CheckpointListener {
  readonly #aborted: number[];
  constructor(aborted: number[]) {
    super();
    this.#aborted = aborted;
  }
  override map(value: object): object {
    return value;
  }
  notifyCheckpointComplete(): void {}
  notifyCheckpointAborted(checkpointId: number): void {
    this.#aborted.push(checkpointId);
  }
}

test('everybody is told of a checkpoint that was given up', async () => {
  const broken = { now: false };
  const aborted: number[] = [];
  const harness = await testStream<object, object>(
    (input) =>
      input
        .keyBy(() => 'key', Types.STRING)
        .process(new Last(breakableType(broken)))
        .rebalance()
        .map(new Told(aborted)),
    { parallelism: 2 },
  );
  await harness.push({ n: 1 });
  broken.now = true;
  await expect(harness.checkpoint()).rejects.toMatchObject({ code: 'TEST_CHECKPOINT_DECLINED' });
  await harness.job.settle();
  expect(aborted).toEqual([1, 1]);
});

test('state that cannot be written does not get through a checkpoint', async () => {
  const harness = await testFunction(() => new Last(Types.ANY as TypeInformation<unknown>), {
    keyBy: () => 'key',
    keyType: Types.STRING,
  });
  const outcome = harness.push({ callback: () => 1 }).then(() => harness.checkpoint());
  await expect(outcome).rejects.toThrow(/function/);
});

test('state of another type than declared does not get through a checkpoint', async () => {
  const harness = await testFunction(() => new Last(Types.STRING as unknown as TypeInformation<number>), {
    keyBy: () => 'key',
    keyType: Types.STRING,
  });
  const outcome = harness.push(7).then(() => harness.checkpoint());
  await expect(outcome).rejects.toThrow(/string/i);
});
