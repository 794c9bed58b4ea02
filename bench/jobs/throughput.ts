/**
 * The jobs that throughput is measured with. `args[0]` names one, `args[1]` is the number of records, `args[2]` the number
 * of keys. Keyed count is the job of the comparison with Apache Flink: sequence → map → keyBy → ValueState count → discard.
 */
import { writeSync } from 'node:fs';
import {
  type Collector,
  type DataStream,
  type Job,
  type KeyedContext,
  KeyedProcessFunction,
  type RuntimeContext,
  SinkFunction,
  SlidingEventTimeWindows,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  Types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from 'flinkjob';

type Pair<K> = [key: K, value: number];

/** Counts records by key; emits the key with its new count, as the Flink job does. */
class Count<K> extends KeyedProcessFunction<K, Pair<K>, Pair<K>> {
  declare private count: ValueState<number>;

  override open(context: RuntimeContext): void {
    this.count = context.getState(new ValueStateDescriptor('count', Types.SAFE_LONG));
  }

  override processElement(pair: Pair<K>, _context: KeyedContext<K>, out: Collector<Pair<K>>): void {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect([pair[0], count]);
  }
}

const PAIR = Types.TUPLE(Types.INT, Types.SAFE_LONG) as never;
const STRING_PAIR = Types.TUPLE(Types.STRING, Types.SAFE_LONG) as never;

/** Throws records away, and says at the end what the process spent on them: one JSON line on stdout per subtask. */
class Discard<T> extends SinkFunction<T> {
  private records = 0;
  private startedAt = 0;
  private cpuAtStart: NodeJS.CpuUsage = { user: 0, system: 0 };

  override invoke(): void {
    if (this.records === 0) {
      this.startedAt = Date.now();
      this.cpuAtStart = process.cpuUsage();
    }
    this.records++;
  }

  override finish(): void {
    const { user, system } = process.cpuUsage(this.cpuAtStart);
    const { records, startedAt } = this;
    const line = {
      records,
      startedAt,
      wallMs: Date.now() - startedAt,
      cpuMs: (user + system) / 1_000,
      rssBytes: process.memoryUsage.rss(),
    };
    writeSync(1, `${JSON.stringify(line)}\n`);
  }
}

function discard<T>(stream: DataStream<T>): void {
  stream.addSink(new Discard<T>()).uid('discard');
}

const jobs: Record<string, (env: StreamExecutionEnvironment, records: number, keys: number) => void> = {
  passthrough: (env, records) => discard(env.fromSequence(1, records).uid('source')),
  map: (env, records) =>
    discard(
      env
        .fromSequence(1, records)
        .uid('source')
        .map((value) => value + 1)
        .uid('map'),
    ),
  ints: (env, records, keys) =>
    discard(
      env
        .fromSequence(1, records)
        .uid('source')
        .map((value): Pair<number> => [(value * 7919) % keys, value], PAIR)
        .uid('map')
        .keyBy((pair) => pair[0], Types.INT)
        .process(new Count<number>())
        .uid('count'),
    ),
  strings: (env, records, keys) =>
    discard(
      env
        .fromSequence(1, records)
        .uid('source')
        .map((value): Pair<string> => [`user-${(value * 7919) % keys}`, value], STRING_PAIR)
        .uid('map')
        .keyBy((pair) => pair[0], Types.STRING)
        .process(new Count<string>())
        .uid('count'),
    ),
  json: (env, records, keys) =>
    discard(
      env
        .fromSequence(1, records)
        .uid('source')
        .map(
          (value) => `{"id":${value},"user":${(value * 7919) % keys},"type":"click","amount":12.5,"ts":1700000000000}`,
        )
        .uid('write')
        .map((text): Pair<number> => {
          const { user, id } = JSON.parse(text) as { user: number; id: number };
          return [user, id];
        }, PAIR)
        .uid('parse')
        .keyBy((pair) => pair[0], Types.INT)
        .process(new Count<number>())
        .uid('count'),
    ),
  /** Per window of the last 1,000 ms of event time, sliding by 100 ms: the key with the most records. */
  window: (env, records, keys) =>
    discard(
      env
        .fromSequence(1, records)
        .uid('source')
        .assignTimestampsAndWatermarks(
          WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((value) => value / 100),
        )
        .uid('time')
        .map((value): Pair<number> => [(value * 7919) % keys, 1], PAIR)
        .uid('map')
        .keyBy((pair) => pair[0], Types.INT)
        .window(SlidingEventTimeWindows.of(1_000, 100))
        .reduce((left, right) => [left[0], left[1] + right[1]], PAIR)
        .uid('count')
        .keyBy(() => 0, Types.INT)
        .window(TumblingEventTimeWindows.of(100))
        .reduce((left, right) => (left[1] >= right[1] ? left : right), PAIR)
        .uid('top'),
    ),
};

export const job: Job = (env) => {
  const [name = 'ints', records = '20000000', keys = '100000'] = env.args;
  const define = jobs[name];
  if (define === undefined) throw new Error(`no such job: ${name}; there are ${Object.keys(jobs).join(', ')}`);
  define(env, Number(records), Number(keys));
};
