/**
 * A job whose graph is drawn from a seed: sources of every kind, stateless and keyed operators, timers, windows, unions,
 * two inputs, broadcast state, side outputs, and file sinks at the ends. Its result is a function of the seed alone: not
 * of the parallelism, not of the speed, not of how streams interleave.
 *
 * Arguments: the seed, the directory of the input files, the directory of the results, records per second of the paced
 * sources (0: as fast as possible).
 */
import { join } from 'node:path';
import {
  type DataStream,
  FileSink,
  FileSource,
  GeneratorSource,
  type Job,
  type KeyedStream,
  NumberSequenceSource,
  type StreamExecutionEnvironment,
  Types,
  WatermarkStrategy,
} from '../../src/index.ts';
import { NdjsonFormat } from '../../src/stream/connectors/ndjson-format.ts';
import { EventTimeSessionWindows } from '../../src/stream/windows/session-windows.ts';
import { SlidingEventTimeWindows } from '../../src/stream/windows/sliding-windows.ts';
import { TumblingEventTimeWindows } from '../../src/stream/windows/tumbling-windows.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import { crashingSinkFileSystem, faultsFromEnvironment } from './crash-point.ts';
import {
  CountingSource,
  ITEM,
  type Item,
  MarkSides,
  MODULUS,
  RecentValues,
  RulesAtTheEnd,
  RunningHash,
  SIDE,
  SideSplit,
  scramble,
  TimedPairs,
  TimedSums,
} from './random-functions.ts';

/** Records of an input file; the driver writes it. */
export const FILE_RECORDS = 3_000;
/** Divisible by every stride of a generator, so that all records of a key come from one split. */
const GENERATOR_KEYS = 144;
const STEP_MS = 10;

/** How many subtasks an operator has when the job has `jobParallelism`. Two operators of one rule always have as many. */
interface Spread {
  readonly rule: string;
  of(jobParallelism: number): number;
}

const AS_THE_JOB: Spread = { rule: 'job', of: (parallelism) => parallelism };
const ONE: Spread = { rule: 'one', of: () => 1 };
const shifted = (by: number): Spread => ({ rule: `+${by}`, of: (parallelism) => ((parallelism - 1 + by) % 3) + 1 });

/** A stream and what operators after it may rely on. */
interface Flow {
  readonly stream: DataStream<Item>;
  readonly spread: Spread;
  /** The records of a key come over one channel, and their `seq` rises. */
  readonly ordered: boolean;
  /** Event timestamps are real; after the end of time there are no windows. */
  readonly timed: boolean;
  /** Whose keys flow here: two flows of one origin may carry the same key. */
  readonly origins: ReadonlySet<string>;
}

/** The names of the sinks whose records keep their order per key. */
export const orderedSinkPrefix = 'ordered';

export const job: Job = (env) => {
  const [seed = '1', inputs = '.', results = 'out', rate = '0'] = env.args;
  new JobPlan(env, Number(seed), inputs, results, Number(rate)).build();
};

class JobPlan {
  readonly #env: StreamExecutionEnvironment;
  readonly #random: SeededRandom;
  readonly #seed: number;
  readonly #inputs: string;
  readonly #results: string;
  readonly #rate: number;
  #flows: Flow[] = [];
  #operators = 0;

  constructor(env: StreamExecutionEnvironment, seed: number, inputs: string, results: string, rate: number) {
    this.#env = env;
    this.#random = new SeededRandom(seed);
    this.#seed = seed;
    this.#inputs = inputs;
    this.#results = results;
    this.#rate = rate;
  }

  build(): void {
    const random = this.#random;
    // The first source is a paced one: it keeps the job running while it is killed.
    this.#flows.push(random.chance(0.7) ? this.#generator('a') : this.#counter('a'));
    for (const name of ['b', 'c'].slice(0, random.between(0, 2))) this.#flows.push(this.#source(name));
    const steps = random.between(3, 9);
    for (let step = 0; step < steps; step++) this.#grow();
    for (const [index, flow] of this.#flows.entries()) this.#sink(flow, index);
  }

  // ---- sources

  #source(name: string): Flow {
    switch (this.#random.between(0, 3)) {
      case 0:
        return this.#generator(name);
      case 1:
        return this.#counter(name);
      case 2:
        return this.#sequence(name);
      default:
        return this.#file(name);
    }
  }

  #generator(name: string): Flow {
    const spread = this.#spread();
    const stream = this.#env.fromSource(
      new GeneratorSource<Item>({
        count: this.#random.between(6_000, 9_000),
        seed: this.#seed,
        ...(this.#rate === 0 ? {} : { recordsPerSecond: this.#rate }),
        generate: (index, random) => ({
          key: `${name}${index % GENERATOR_KEYS}`,
          seq: index,
          value: Math.floor(random() * MODULUS),
          time: index * STEP_MS,
        }),
        type: ITEM,
      }),
    );
    this.#settle(stream, spread, 'generator');
    const timed = this.#timestamps(stream, WatermarkStrategy.forMonotonousTimestamps<Item>(), spread);
    return { stream: timed, spread, ordered: true, timed: true, origins: new Set([name]) };
  }

  #counter(name: string): Flow {
    const burst = this.#random.between(1, 40);
    const options = {
      count: this.#random.between(4_000, 8_000),
      burst,
      pauseMs: this.#rate === 0 ? 0 : Math.max(1, Math.round((burst * 1_000) / this.#rate)),
      make: (index: number): Item => ({
        key: `${name}${index % 11}`,
        seq: index,
        value: scramble(name, index) % MODULUS,
        time: index * STEP_MS,
      }),
    };
    const stream = this.#env.addSource(() => new CountingSource(options), 'Counting Source', ITEM);
    stream.uid(this.#uid('counter'));
    return { stream, spread: ONE, ordered: true, timed: true, origins: new Set([name]) };
  }

  #sequence(name: string): Flow {
    const spread = this.#spread();
    const numbers = this.#env.fromSource(new NumberSequenceSource(0, this.#random.between(1_000, 4_000)));
    numbers.uid(this.#uid('sequence')).setParallelism(spread.of(this.#env.getParallelism()));
    const stream = numbers.map<Item>(
      (index) => ({ key: `${name}${index % 17}`, seq: index, value: scramble(name, index) % MODULUS, time: index }),
      ITEM,
    );
    this.#settle(stream, spread, 'number');
    return this.#readInAnyOrder(stream, spread, name);
  }

  #file(name: string): Flow {
    const spread = this.#spread();
    const stream = this.#env.fromSource(
      new FileSource<Item>({
        path: join(this.#inputs, `${name}.ndjson`),
        format: new NdjsonFormat<Item>({ splitBytes: 8_192, readBytes: 4_096, type: ITEM }),
      }),
    );
    this.#settle(stream, spread, 'file');
    return this.#readInAnyOrder(stream, spread, name);
  }

  /** Time stands still until everything is read, for it is read in any order. */
  #readInAnyOrder(stream: DataStream<Item>, spread: Spread, name: string): Flow {
    const timed = this.#timestamps(stream, WatermarkStrategy.forBoundedOutOfOrderness<Item>(1e12), spread);
    return { stream: timed, spread, ordered: false, timed: true, origins: new Set([name]) };
  }

  #timestamps(stream: DataStream<Item>, strategy: WatermarkStrategy<Item>, spread: Spread): DataStream<Item> {
    const timed = stream.assignTimestampsAndWatermarks(strategy.withTimestampAssigner((item) => item.time));
    this.#settle(timed, spread, 'time');
    return timed;
  }

  // ---- operators

  #grow(): void {
    const random = this.#random;
    const at = random.between(0, this.#flows.length - 1);
    const flow = this.#flows[at] as Flow;
    const grown = this.#flows.length > 1 && random.chance(0.25) ? this.#join(flow, at) : this.#extend(flow);
    // Sometimes the stream before is read too, by another branch.
    if (this.#flows.length < 4 && random.chance(0.25)) this.#flows.push(...grown);
    else this.#flows.splice(this.#flows.indexOf(flow), 1, ...grown);
  }

  #extend(flow: Flow): Flow[] {
    const choices: ((from: Flow) => Flow[])[] = [
      (from) => [this.#stateless(from)],
      (from) => [this.#rekeyed(from)],
      (from) => this.#split(from),
      (from) => [this.#dealt(from)],
    ];
    if (flow.timed) choices.push(this.#timers, this.#timers, this.#windows, this.#windows, this.#rules);
    if (flow.ordered) choices.push(this.#running, this.#running, this.#running);
    return this.#random.oneOf(choices).call(this, flow);
  }

  /** Two flows become one. */
  #join(flow: Flow, at: number): Flow[] {
    const others = this.#flows.filter((_, index) => index !== at);
    const other = this.#random.oneOf(others);
    const kind = flow.timed && other.timed ? this.#random.between(0, 2) : this.#random.between(0, 1);
    this.#flows.splice(this.#flows.indexOf(other), 1);
    if (kind === 0) return [this.#united(flow, other)];
    return [kind === 1 ? this.#marked(flow, other) : this.#paired(flow, other)];
  }

  #stateless(flow: Flow): Flow {
    const spread = this.#sameOrOther(flow);
    const { stream } = flow;
    let next: DataStream<Item>;
    switch (this.#random.between(0, 2)) {
      case 0:
        next = stream.map((item) => ({ ...item, value: (item.value * 3 + 1) % MODULUS }), this.#type());
        break;
      case 1:
        next = stream.filter((item) => scramble(item.key, item.seq) % 4 !== 0);
        break;
      default:
        next = stream.flatMap(
          (item) =>
            Array.from({ length: scramble(item.key, item.seq) % 3 }, (_, copy) => ({
              ...item,
              seq: item.seq * 3 + copy,
            })),
          this.#type(),
        );
    }
    this.#settle(next, spread, 'stateless');
    return { ...flow, stream: next, spread, ordered: flow.ordered && spread.rule === flow.spread.rule };
  }

  #rekeyed(flow: Flow): Flow {
    const keys = this.#random.between(3, 60);
    const [origin] = flow.origins;
    const stream = flow.stream.map(
      (item) => ({ ...item, key: `${origin}/${scramble(item.key, 7) % keys}` }),
      this.#type(),
    );
    this.#settle(stream, flow.spread, 'rekey');
    return { ...flow, stream, ordered: false };
  }

  #split(flow: Flow): Flow[] {
    const main = flow.stream.process(new SideSplit(), this.#type());
    this.#settle(main, flow.spread, 'split');
    return [
      { ...flow, stream: main },
      { ...flow, stream: main.getSideOutput(SIDE) },
    ];
  }

  #dealt(flow: Flow): Flow {
    const spread = this.#spread();
    const stream = flow.stream.rebalance().map((item) => item, this.#type());
    this.#settle(stream, spread, 'dealt');
    return { ...flow, stream, spread, ordered: false };
  }

  #running(flow: Flow): Flow[] {
    const keyed = this.#keyed(flow);
    const kind = this.#random.between(0, 2);
    const stream =
      kind === 0
        ? keyed.process(new RunningHash(), this.#type())
        : kind === 1
          ? keyed.process(new RecentValues(), this.#type())
          : keyed.reduce((left, right) => ({ ...right, value: (left.value * 7 + right.value) % MODULUS }), ITEM);
    return [this.#keyedFlow(flow, stream, 'running')];
  }

  #timers(flow: Flow): Flow[] {
    const stream = this.#keyed(flow).process(new TimedSums(this.#random.between(50, 3_000)), this.#type());
    return [this.#keyedFlow(flow, stream, 'timers')];
  }

  #windows(flow: Flow): Flow[] {
    const random = this.#random;
    const size = random.between(100, 4_000);
    const keyed = this.#keyed(flow);
    switch (random.between(0, 3)) {
      case 0: {
        const windows = keyed.window(TumblingEventTimeWindows.of(size));
        const stream = windows.apply<Item>((key, window, items, out) => {
          out.collect({ key, seq: window.end, value: sumOf(items), time: window.maxTimestamp() });
        }, this.#type());
        return [this.#keyedFlow(flow, stream, 'tumbling')];
      }
      case 1: {
        const windows = keyed.window(SlidingEventTimeWindows.of(size, Math.ceil(size / random.between(2, 3))));
        const stream = windows.apply<Item>((key, window, items, out) => {
          out.collect({ key, seq: window.end, value: sumOf(items), time: window.maxTimestamp() });
        }, this.#type());
        return [this.#keyedFlow(flow, stream, 'sliding')];
      }
      case 2: {
        const windows = keyed.window(EventTimeSessionWindows.withGap(random.between(20, 2_000)));
        const stream = windows.apply<Item>((key, window, items, out) => {
          out.collect({ key, seq: window.end, value: sumOf(items), time: window.maxTimestamp() });
        }, this.#type());
        return [this.#keyedFlow(flow, stream, 'session')];
      }
      default: {
        const windows = keyed.window(TumblingEventTimeWindows.of(size));
        const stream = windows.reduce(
          (left, right) => ({
            key: left.key,
            seq: Math.max(left.seq, right.seq),
            value: (left.value + right.value) % MODULUS,
            time: Math.max(left.time, right.time),
          }),
          ITEM,
        );
        return [{ ...this.#keyedFlow(flow, stream, 'window-reduce'), ordered: false }];
      }
    }
  }

  #rules(flow: Flow): Flow[] {
    const rules = this.#env.fromCollection<Item>(
      [0, 1, 2, 3, 4].map((seq) => ({ key: 'rule', seq, value: scramble('rule', seq) % 1_000, time: 0 })),
      ITEM,
    );
    rules.uid(this.#uid('rules'));
    const few = flow.stream.filter((item) => scramble(item.key, item.seq) % 7 === 0);
    this.#settle(few, flow.spread, 'few');
    const stream = few
      .keyBy((item) => item.key, Types.STRING)
      .connect(rules.broadcast(RulesAtTheEnd.rules as never))
      .process(new RulesAtTheEnd(), this.#type());
    // The sort by seq makes the order of a key rise, copies aside.
    return [{ ...this.#keyedFlow(flow, stream, 'apply-rules'), timed: false, ordered: flow.ordered }];
  }

  #united(left: Flow, right: Flow): Flow {
    const spread = this.#random.chance(0.5) ? left.spread : this.#spread();
    const stream = left.stream.union(right.stream).map((item) => item, this.#type());
    this.#settle(stream, spread, 'united');
    return { ...this.#both(left, right, spread), stream };
  }

  #marked(left: Flow, right: Flow): Flow {
    const spread = this.#random.chance(0.5) ? left.spread : this.#spread();
    const stream = left.stream.connect(right.stream).flatMap(new MarkSides(), this.#type());
    this.#settle(stream, spread, 'marked');
    return { ...this.#both(left, right, spread), stream };
  }

  #paired(left: Flow, right: Flow): Flow {
    const groups = this.#random.between(2, 30);
    const origin = `p${this.#operators}`;
    const group = (item: Item): string => `${origin}/${scramble(item.key, 3) % groups}`;
    const stream = left.stream
      .keyBy(group, Types.STRING)
      .connect(right.stream.keyBy(group, Types.STRING))
      .process(new TimedPairs(this.#random.between(100, 3_000)), this.#type());
    const spread = this.#spread();
    this.#settle(stream, spread, 'paired');
    return { stream, spread, ordered: true, timed: true, origins: new Set([origin]) };
  }

  #both(left: Flow, right: Flow, spread: Spread): Omit<Flow, 'stream'> {
    const isApart = left.origins.isDisjointFrom(right.origins);
    const stay = left.spread.rule === spread.rule && right.spread.rule === spread.rule;
    return {
      spread,
      ordered: left.ordered && right.ordered && isApart && stay,
      timed: left.timed && right.timed,
      origins: left.origins.union(right.origins),
    };
  }

  #keyed({ stream }: Flow): KeyedStream<Item, string> {
    return stream.keyBy((item) => item.key, Types.STRING);
  }

  #keyedFlow(from: Flow, stream: DataStream<Item>, name: string): Flow {
    const spread = this.#spread();
    this.#settle(stream, spread, name);
    return { stream, spread, ordered: true, timed: from.timed, origins: from.origins };
  }

  // ---- sinks

  #sink(flow: Flow, index: number): void {
    const spread = this.#sameOrOther(flow);
    const name = `${flow.ordered ? orderedSinkPrefix : 'any'}-${index}`;
    const sink = new FileSink<Item>({
      path: join(this.#results, name),
      fileSystem: crashingSinkFileSystem(faultsFromEnvironment()),
      ...(this.#random.chance(0.3) ? { rollAtBytes: 3_000 } : {}),
    });
    flow.stream.addSink(sink).uid(`sink-${index}`).setParallelism(spread.of(this.#env.getParallelism()));
  }

  // ---- settings

  #uid(name: string): string {
    return `${name}-${this.#operators++}`;
  }

  #settle(stream: DataStream<Item>, spread: Spread, name: string): void {
    stream.uid(this.#uid(name)).setParallelism(spread.of(this.#env.getParallelism()));
  }

  #spread(): Spread {
    return this.#random.chance(0.7) ? AS_THE_JOB : this.#random.oneOf([ONE, shifted(1), shifted(2)]);
  }

  #sameOrOther(flow: Flow): Spread {
    return this.#random.chance(0.85) ? flow.spread : this.#spread();
  }

  /** Declared types and self-describing records cross threads in different ways. */
  #type(): typeof ITEM | undefined {
    return this.#random.chance(0.7) ? ITEM : undefined;
  }
}

function sumOf(items: Iterable<Item>): number {
  let sum = 0;
  for (const item of items) sum = (sum + item.value + 1) % MODULUS;
  return sum;
}
