/** In which order the operators of a chain are restored, opened, captured and told. Follows Flink. */
import {
  AbstractStreamOperator,
  type CheckpointedFunction,
  type CheckpointListener,
  type FunctionInitializationContext,
  type ListState,
  ListStateDescriptor,
  MapFunction,
  Types,
} from 'flinkjob';
import { CommittedRecords, TestInput, TestJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import type { OneInputOperator } from '../../../src/stream/operators/operator.ts';

const SEEN = new ListStateDescriptor('seen', Types.INT);

/** Writes down every call it gets. */
class Logging extends MapFunction<number, number> implements CheckpointedFunction, CheckpointListener {
  readonly #name: string;
  readonly #log: string[];
  declare seen: ListState<number>;
  #count = 0;

  constructor(name: string, log: string[]) {
    super();
    this.#name = name;
    this.#log = log;
  }
  initializeState(context: FunctionInitializationContext): void {
    this.seen = context.getOperatorStateStore().getListState(SEEN);
    this.#count = [...this.seen.get()][0] ?? 0;
    this.#log.push(`${this.#name} initializeState ${this.#count}`);
  }
  override open(): void {
    this.#log.push(`${this.#name} open`);
  }
  override map(value: number): number {
    this.#count++;
    this.#log.push(`${this.#name} record`);
    return value;
  }
  snapshotState(): void {
    // Put into managed state here, it belongs to this capture.
    this.seen.update([this.#count]);
    this.#log.push(`${this.#name} snapshotState`);
  }
  notifyCheckpointComplete(): void {
    this.#log.push(`${this.#name} complete`);
  }
  override close(): void {
    this.#log.push(`${this.#name} close`);
  }
}

/** An operator that holds a record back until the barrier comes. */
class Holding extends AbstractStreamOperator implements OneInputOperator {
  readonly #log: string[];
  #held: unknown[] = [];
  constructor(log: string[]) {
    super();
    this.#log = log;
  }
  processElement(value: unknown): void {
    this.#held.push(value);
  }
  override prepareSnapshotPreBarrier(): void {
    this.#log.push('holding prepareSnapshotPreBarrier');
    for (const value of this.#held.splice(0)) this.output.collect(value, 0);
  }
  override snapshotState(request: Parameters<AbstractStreamOperator['snapshotState']>[0]) {
    this.#log.push(`holding snapshotState, ${this.#held.length} held`);
    return super.snapshotState(request);
  }
  processWatermark(): void {}
  processIdle(): void {}
}

async function chainOfTwo() {
  const log: string[] = [];
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start((env) => {
    const stream = input.stream(env).uid('in');
    stream
      .map(new Logging('head', log))
      .uid('h')
      .map(new Logging('tail', log))
      .uid('t')
      .addSink(results.sink())
      .uid('o');
  });
  return { log, input, run };
}

test('operators are initialised and opened tail to head, before any record', async () => {
  const { log, input, run } = await chainOfTwo();
  expect(run.graph.vertices).toHaveLength(1);
  input.push(1);
  await run.settle();
  expect(log).toEqual([
    'tail initializeState 0',
    'tail open',
    'head initializeState 0',
    'head open',
    'head record',
    'tail record',
  ]);
});

test('a capture and its notification go tail to head', async () => {
  const { log, run } = await chainOfTwo();
  log.length = 0;
  await run.checkpoint();
  expect(log).toEqual(['tail snapshotState', 'head snapshotState', 'tail complete', 'head complete']);
});

test('a restore goes tail to head with the state of the capture', async () => {
  const { log, input, run } = await chainOfTwo();
  input.push(1);
  await run.settle();
  await run.checkpoint();
  log.length = 0;
  await run.crashAndRestore();
  expect(log).toEqual(['tail initializeState 1', 'tail open', 'head initializeState 1', 'head open']);
});

test('a kill tells nobody; a good end closes tail to head', async () => {
  const { log, input, run } = await chainOfTwo();
  log.length = 0;
  await run.restore();
  expect(log.filter((call) => call.endsWith('close'))).toEqual([]);
  input.end();
  await run.runUntilFinished();
  expect(log.slice(-2)).toEqual(['tail close', 'head close']);
});

test('what an operator emits before the barrier belongs to the capture of those behind it', async () => {
  const log: string[] = [];
  const input = new TestInput<number>();
  const results = new CommittedRecords<number>();
  const run = await TestJob.start((env) => {
    const held = input
      .stream(env)
      .uid('in')
      .transform<number>('hold', () => new Holding(log))
      .uid('hold');
    held.map(new Logging('behind', log)).uid('behind').addSink(results.sink()).uid('out');
  });
  input.push(1);
  input.push(2);
  await run.settle();
  log.length = 0;
  const checkpoint = await run.checkpoint();
  expect(log).toEqual([
    'holding prepareSnapshotPreBarrier',
    'behind record',
    'behind record',
    'behind snapshotState',
    'holding snapshotState, 0 held',
    'behind complete',
  ]);
  expect(await checkpoint.listState('behind', SEEN)).toEqual([[2]]);
  expect(results.records).toEqual([1, 2]);
});

test('no record flows before every subtask of the job is open', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const log: string[] = [];
    const run = await TestJob.start(
      (env) => {
        const numbers = env
          .fromSequence(0, 20)
          .map(new Logging('one', log))
          .keyBy((n) => n % 4, Types.INT);
        numbers
          .reduce((left, right) => left + right)
          .map(new Logging('two', log))
          .addSink(() => {});
      },
      { parallelism: 3, seed },
    );
    await run.runUntilFinished();
    const lastOpen = log.findLastIndex((call) => call.endsWith('open'));
    const firstRecord = log.findIndex((call) => call.endsWith('record'));
    expect(firstRecord).toBeGreaterThan(lastOpen);
  }
});
