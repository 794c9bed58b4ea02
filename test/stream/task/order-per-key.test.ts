/** Records of a key stay in order, none missing, none twice, through every kind of edge, crash and rescale. */
import {
  type Collector,
  type DataStream,
  type KeyedBroadcastProcessFunction,
  type KeyedContext,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  MapStateDescriptor,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from 'flinkjob';
import { CommittedRecords, runJob } from 'flinkjob/testing';
import { expect, test } from 'vitest';

interface Numbered {
  readonly key: string;
  readonly sequence: number;
}

const NEXT = new ValueStateDescriptor('next', Types.INT, 0);

/** Numbers the records of each key, from 1. */
class Numbering extends KeyedProcessFunction<string, string, Numbered> {
  declare next: ValueState<number>;
  override open(context: RuntimeContext): void {
    this.next = context.getState(NEXT);
  }
  override processElement(key: string, _context: KeyedContext<string>, out: Collector<Numbered>): void {
    const sequence = (this.next.value() ?? 0) + 1;
    this.next.update(sequence);
    out.collect({ key, sequence });
  }
}

/** Says what it saw, and shouts when a number does not follow the one before. */
class Follows {
  declare private last: ValueState<number>;
  open(context: RuntimeContext): void {
    this.last = context.getState(new ValueStateDescriptor('last', Types.INT, 0));
  }
  see({ key, sequence }: Numbered, out: Collector<string>): void {
    const last = this.last.value() ?? 0;
    this.last.update(sequence);
    out.collect(sequence === last + 1 ? `${key}:${sequence}` : `WRONG ${key}: ${sequence} after ${last}`);
  }
}

class FollowsOne extends KeyedProcessFunction<string, Numbered, string> {
  readonly #follows = new Follows();
  override open(context: RuntimeContext): void {
    this.#follows.open(context);
  }
  override processElement(record: Numbered, _context: KeyedContext<string>, out: Collector<string>): void {
    this.#follows.see(record, out);
  }
}

class FollowsTwo extends KeyedCoProcessFunction<string, Numbered, Numbered, string> {
  readonly #follows = new Follows();
  override open(context: RuntimeContext): void {
    this.#follows.open(context);
  }
  override processElement1(record: Numbered, _context: KeyedContext<string>, out: Collector<string>): void {
    this.#follows.see(record, out);
  }
  override processElement2(record: Numbered, _context: KeyedContext<string>, out: Collector<string>): void {
    this.#follows.see(record, out);
  }
}

class FollowsBesideRules implements KeyedBroadcastProcessFunction<string, Numbered, number, string> {
  readonly #follows = new Follows();
  open(context: RuntimeContext): void {
    this.#follows.open(context);
  }
  processElement(record: Numbered, _context: unknown, out: Collector<string>): void {
    this.#follows.see(record, out);
  }
  processBroadcastElement(): void {}
}

const RECORDS = 120;
const KEYS = 5;
const RULES = new MapStateDescriptor('rules', Types.INT, Types.INT);

/** `RECORDS` numbered records over `KEYS` keys that begin with `prefix`. */
function numbered(env: StreamExecutionEnvironment, prefix: string): DataStream<Numbered> {
  return env
    .fromSequence(0, RECORDS - 1)
    .uid(`source ${prefix}`)
    .map((n) => `${prefix}${n % KEYS}`)
    .uid(`keys ${prefix}`)
    .keyBy((key) => key, Types.STRING)
    .process(new Numbering())
    .uid(`numbering ${prefix}`);
}

const expectedFor = (prefix: string): string[] =>
  Array.from({ length: RECORDS }, (_, n) => `${prefix}${n % KEYS}:${Math.floor(n / KEYS) + 1}`);

const byKey = ({ key }: Numbered): string => key;

const shapes: Record<string, (env: StreamExecutionEnvironment) => DataStream<string>> = {
  keyBy: (env) => numbered(env, 'a').keyBy(byKey, Types.STRING).process(new FollowsOne()),
  union: (env) => numbered(env, 'a').union(numbered(env, 'b')).keyBy(byKey, Types.STRING).process(new FollowsOne()),
  connect: (env) =>
    numbered(env, 'a')
      .keyBy(byKey, Types.STRING)
      .connect(numbered(env, 'b').keyBy(byKey, Types.STRING))
      .process(new FollowsTwo()),
  broadcast: (env) =>
    numbered(env, 'a')
      .keyBy(byKey, Types.STRING)
      .connect(
        env
          .fromSequence(0, 30)
          .uid('rules')
          .broadcast(RULES as never),
      )
      .process<string>(new FollowsBesideRules()),
};

for (const [shape, build] of Object.entries(shapes)) {
  test(`sequence numbers per key grow by one through ${shape}`, async () => {
    const prefixes = shape === 'union' || shape === 'connect' ? ['a', 'b'] : ['a'];
    for (let seed = 1; seed <= 8; seed++) {
      const results = new CommittedRecords<string>();
      await runJob((env) => void build(env).uid('follows').addSink(results.sink()).uid('out'), {
        seed,
        parallelism: 2,
        maxParallelism: 10,
        crashes: 4,
        rescaleTo: [3, 1, 4, 2],
        checkpointEvery: 25,
      });
      expect([...results.records].sort(), `seed ${seed}`).toEqual(prefixes.flatMap(expectedFor).sort());
    }
  });
}
