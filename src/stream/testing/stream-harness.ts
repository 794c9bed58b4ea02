/**
 * One function, or a few operators, with inputs that the test pushes into and an output it reads at once. Behind it is a
 * whole TestJob: records are routed by key, state is in a backend, checkpoints are bytes.
 *
 * After each call everything that follows from it has been done. What is emitted again after a crash is there again: the
 * output shows what the function emits, not what a transactional sink would commit.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { DataStream } from '../datastream/data-stream.ts';
import type { StreamExecutionEnvironment } from '../datastream/environment.ts';
import type { KeyedProcessFunction, ProcessFunction } from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { RecordedOutput, type TimestampedRecord } from './recorded-output.ts';
import type { TestCheckpoint } from './test-checkpoint.ts';
import { TestInput } from './test-input.ts';
import { TestJob } from './test-job.ts';
import type { RestoreOptions, TestJobOptions } from './test-job-options.ts';

export interface HarnessOptions extends TestJobOptions {
  /** Side outputs to record, for `takeSideOutput`. */
  readonly sideOutputs?: readonly Pick<OutputTag<unknown>, 'id'>[];
}

/** How a keyed function finds the key of a record. */
export interface KeyedHarnessOptions<K, I> extends HarnessOptions {
  readonly keyBy: (value: I) => K;
  readonly keyType: TypeInformation<K>;
}

/** What all harnesses can do. */
abstract class Harness<O> {
  /** The job behind it: state, checkpoints, time, and everything else. */
  readonly job: TestJob;
  readonly #output: RecordedOutput<O>;
  readonly #sides: ReadonlyMap<string, RecordedOutput<unknown>>;

  constructor({ job, output, sides }: Wiring<O>) {
    this.job = job;
    this.#output = output;
    this.#sides = sides;
  }

  /** Records emitted since the last call. */
  takeOutput(): O[] {
    return this.takeRecords().map(({ value }) => value);
  }

  /** The same with their event timestamps. */
  takeRecords(): TimestampedRecord<O>[] {
    return this.#output.take();
  }

  /** Records of a side output since the last call. @throws IllegalArgumentException for a tag that is not recorded */
  takeSideOutput<X>(tag: OutputTag<X>): X[] {
    const side = this.#sides.get(tag.id);
    if (side === undefined) {
      throw new IllegalArgumentException(
        `Side output "${tag.id}" is not recorded: add its tag to the option sideOutputs.`,
      );
    }
    return side.take().map(({ value }) => value as X);
  }

  /** Moves processing time; on the way it stops at every timer. */
  advanceProcessingTime(ms: number): Promise<void> {
    return this.job.advanceProcessingTime(ms);
  }

  checkpoint(): Promise<TestCheckpoint> {
    return this.job.checkpoint();
  }

  /** Kills it and starts it again, from the latest checkpoint unless told otherwise; what came after is read again. */
  async restore(options?: RestoreOptions): Promise<void> {
    await this.job.restore(options);
    await this.job.settle();
  }

  /** Kills it and starts it again from its latest checkpoint, or from the beginning; what came after is read again. */
  crashAndRestore(): Promise<void> {
    return this.restore();
  }

  /** Takes a checkpoint and goes on from it with another parallelism. */
  async rescale(parallelism: number): Promise<void> {
    await this.job.rescale(parallelism);
    await this.job.settle();
  }

  close(): Promise<void> {
    return this.job.close();
  }

  /** Ends the given inputs and goes on to the end: the last watermark fires all that is left. */
  protected async endAll(inputs: readonly { end(): void }[]): Promise<void> {
    for (const input of inputs) input.end();
    await this.job.runUntilFinished({ advanceTime: true });
  }
}

/** A harness with one input. */
export class StreamHarness<I, O> extends Harness<O> {
  readonly #input: TestInput<I>;

  constructor(wiring: Wiring<O>, input: TestInput<I>) {
    super(wiring);
    this.#input = input;
  }

  /** Hands over a record. @throws TestJobError TEST_JOB_FAILED when the function throws */
  async push(value: I, timestamp?: number): Promise<void> {
    this.#input.push(value, timestamp);
    await this.job.settle();
  }

  /** Hands over several records, which may be under way at the same time. */
  async pushAll(values: Iterable<I>): Promise<void> {
    for (const value of values) this.#input.push(value);
    await this.job.settle();
  }

  async watermark(timestamp: number): Promise<void> {
    this.#input.watermark(timestamp);
    await this.job.settle();
  }

  /** Ends the input: the last watermark fires all event-time timers, and everything is closed. */
  finish(): Promise<void> {
    return this.endAll([this.#input]);
  }
}

/** A harness with two inputs. */
export class TwoInputHarness<A, B, O> extends Harness<O> {
  readonly #first: TestInput<A>;
  readonly #second: TestInput<B>;

  constructor(wiring: Wiring<O>, first: TestInput<A>, second: TestInput<B>) {
    super(wiring);
    this.#first = first;
    this.#second = second;
  }

  async push1(value: A, timestamp?: number): Promise<void> {
    this.#first.push(value, timestamp);
    await this.job.settle();
  }

  /** Hands over several records of the first input, which may be under way at the same time. */
  async pushAll1(values: Iterable<A>): Promise<void> {
    for (const value of values) this.#first.push(value);
    await this.job.settle();
  }

  async push2(value: B, timestamp?: number): Promise<void> {
    this.#second.push(value, timestamp);
    await this.job.settle();
  }

  async pushAll2(values: Iterable<B>): Promise<void> {
    for (const value of values) this.#second.push(value);
    await this.job.settle();
  }

  async watermark1(timestamp: number): Promise<void> {
    this.#first.watermark(timestamp);
    await this.job.settle();
  }

  async watermark2(timestamp: number): Promise<void> {
    this.#second.watermark(timestamp);
    await this.job.settle();
  }

  /** The same on both inputs. */
  async watermark(timestamp: number): Promise<void> {
    await this.watermark1(timestamp);
    await this.watermark2(timestamp);
  }

  /** Ends both inputs. */
  finish(): Promise<void> {
    return this.endAll([this.#first, this.#second]);
  }
}

/**
 * One process function on its own.
 * @param create makes the function; called for each subtask, and again after each restore
 * @throws TestJobError TEST_JOB_FAILED when it cannot be opened
 */
export function testFunction<K, I, O>(
  create: () => KeyedProcessFunction<K, I, O>,
  options: KeyedHarnessOptions<K, I>,
): Promise<StreamHarness<I, O>>;
export function testFunction<I, O>(
  create: () => ProcessFunction<I, O>,
  options?: HarnessOptions,
): Promise<StreamHarness<I, O>>;
export function testFunction<K, I, O>(
  create: () => KeyedProcessFunction<K, I, O> | ProcessFunction<I, O>,
  options: HarnessOptions & Partial<KeyedHarnessOptions<K, I>> = {},
): Promise<StreamHarness<I, O>> {
  const { keyBy, keyType } = options;
  return testStream<I, O>((input) => {
    if (keyBy === undefined || keyType === undefined) return input.process(create() as ProcessFunction<I, O>);
    return input.keyBy(keyBy, keyType).process(create() as KeyedProcessFunction<K, I, O>);
  }, options);
}

/** A few operators on one input: windows, maps, whatever a job does with a stream. */
export async function testStream<I, O>(
  build: (input: DataStream<I>, env: StreamExecutionEnvironment) => DataStream<O>,
  options: HarnessOptions = {},
): Promise<StreamHarness<I, O>> {
  const input = new TestInput<I>();
  const wiring = await wire<O>((env) => build(input.stream(env).uid('test-input'), env), options);
  return new StreamHarness(wiring, input);
}

/** A few operators on two inputs: connected streams, broadcast state. */
export async function testTwoInputs<A, B, O>(
  build: (first: DataStream<A>, second: DataStream<B>, env: StreamExecutionEnvironment) => DataStream<O>,
  options: HarnessOptions = {},
): Promise<TwoInputHarness<A, B, O>> {
  const first = new TestInput<A>();
  const second = new TestInput<B>();
  const wiring = await wire<O>(
    (env) => build(first.stream(env).uid('test-input-1'), second.stream(env).uid('test-input-2'), env),
    options,
  );
  return new TwoInputHarness(wiring, first, second);
}

interface Wiring<O> {
  readonly job: TestJob;
  readonly output: RecordedOutput<O>;
  readonly sides: ReadonlyMap<string, RecordedOutput<unknown>>;
}

async function wire<O>(
  build: (env: StreamExecutionEnvironment) => DataStream<O>,
  options: HarnessOptions,
): Promise<Wiring<O>> {
  const output = new RecordedOutput<O>();
  const tags = options.sideOutputs ?? [];
  const sides = new Map(tags.map(({ id }) => [id, new RecordedOutput<unknown>()]));
  const job = await TestJob.start((env) => {
    const result = build(env);
    output.attachTo(result, 'test-output');
    for (const tag of tags) {
      sides.get(tag.id)?.attachTo(result.getSideOutput(tag as OutputTag<unknown>), `test-side-output-${tag.id}`);
    }
  }, options);
  return { job, output, sides };
}
