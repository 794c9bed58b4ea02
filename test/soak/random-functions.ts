/**
 * The functions of random jobs. None depends on how streams interleave: those that depend on the order of their input
 * are used only where the records of a key come in order, all others combine what commutes and speak at an event time.
 */
import {
  type AggregatingState,
  AggregatingStateDescriptor,
  type BroadcastContext,
  CoFlatMapFunction,
  type Collector,
  type KeyedBroadcastOnTimerContext,
  KeyedBroadcastProcessFunction,
  type KeyedContext,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  type KeyedReadOnlyBroadcastContext,
  type ListState,
  ListStateDescriptor,
  MAX_WATERMARK,
  type MapState,
  MapStateDescriptor,
  type OnTimerContext,
  OutputTag,
  type ProcessContext,
  ProcessFunction,
  type ReducingState,
  ReducingStateDescriptor,
  type RuntimeContext,
  type SourceContext,
  SourceFunction,
  Types,
  type ValueState,
  ValueStateDescriptor,
} from '../../src/index.ts';

/** What flows: the `seq` of a key rises where the stream keeps the order of its records. */
export interface Item {
  readonly key: string;
  readonly seq: number;
  readonly value: number;
  /** The event timestamp. */
  readonly time: number;
}

export const ITEM = Types.OBJECT({
  key: Types.STRING,
  seq: Types.SAFE_LONG,
  value: Types.SAFE_LONG,
  time: Types.SAFE_LONG,
});

/** Results stay below this. */
export const MODULUS = 1_000_003;
export const SIDE = new OutputTag<Item>('side', ITEM);

/** A number that looks random and depends on the record alone. */
export function scramble(text: string, number: number): number {
  let bits = number | 0;
  for (let at = 0; at < text.length; at++) bits = Math.imul(bits ^ text.charCodeAt(at), 0x5bd1e995);
  bits ^= bits >>> 15;
  return Math.imul(bits, 0x2545f491) >>> 1;
}

/** Every record shows how many came before it: one lost, repeated or out of order changes all that follow. */
export class RunningHash extends KeyedProcessFunction<string, Item, Item> {
  declare hash: ValueState<number>;
  declare count: ValueState<number>;

  override open(context: RuntimeContext): void {
    this.hash = context.getState(new ValueStateDescriptor('hash', Types.SAFE_LONG, 1));
    this.count = context.getState(new ValueStateDescriptor('count', Types.INT, 0));
  }

  override processElement(item: Item, _context: KeyedContext<string>, out: Collector<Item>): void {
    const count = (this.count.value() ?? 0) + 1;
    const hash = ((this.hash.value() ?? 0) * 31 + item.value + count) % MODULUS;
    this.count.update(count);
    this.hash.update(hash);
    out.collect({ ...item, value: hash });
  }
}

/** The last three values of the key, and how often each remainder was seen. */
export class RecentValues extends KeyedProcessFunction<string, Item, Item> {
  declare recent: ListState<number>;
  declare seen: MapState<number, number>;
  declare largest: ReducingState<number>;
  declare mean: AggregatingState<number, number>;

  override open(context: RuntimeContext): void {
    this.recent = context.getListState(new ListStateDescriptor('recent', Types.INT));
    this.seen = context.getMapState(new MapStateDescriptor('seen', Types.INT, Types.INT));
    this.largest = context.getReducingState(new ReducingStateDescriptor('largest', Math.max, Types.SAFE_LONG));
    this.mean = context.getAggregatingState(
      new AggregatingStateDescriptor<number, [number, number], number>(
        'mean',
        MEAN,
        Types.TUPLE(Types.DOUBLE, Types.INT) as never,
      ),
    );
  }

  override processElement(item: Item, _context: KeyedContext<string>, out: Collector<Item>): void {
    const recent = [...this.recent.get(), item.value].slice(-3);
    this.recent.update(recent);
    const rest = item.value % 5;
    const times = (this.seen.get(rest) ?? 0) + 1;
    this.seen.put(rest, times);
    this.largest.add(item.value);
    this.mean.add(item.value);
    const value = recent.reduce((sum, each) => sum * 3 + each, times + (this.largest.get() ?? 0));
    out.collect({ ...item, value: (value + (this.mean.get() ?? 0)) % MODULUS });
  }
}

const MEAN = {
  createAccumulator: (): [number, number] => [0, 0],
  add: (value: number, [sum, count]: [number, number]): [number, number] => [sum + value, count + 1],
  getResult: ([sum, count]: [number, number]): number => Math.floor(sum / count),
  merge: (left: [number, number], right: [number, number]): [number, number] => [
    left[0] + right[0],
    left[1] + right[1],
  ],
};

/** Sums per stretch of event time, emitted by timers at its end. */
export class TimedSums extends KeyedProcessFunction<string, Item, Item> {
  declare sums: MapState<number, number>;
  readonly stretchMs: number;

  constructor(stretchMs: number) {
    super();
    this.stretchMs = stretchMs;
  }

  override open(context: RuntimeContext): void {
    this.sums = context.getMapState(new MapStateDescriptor('sums', Types.SAFE_LONG, Types.SAFE_LONG));
  }

  override processElement(item: Item, context: KeyedContext<string>): void {
    const end = endOfStretch(context.timestamp() ?? item.time, this.stretchMs);
    this.sums.put(end, (this.sums.get(end) ?? 0) + item.value + 1);
    context.timerService().registerEventTimeTimer(end);
  }

  override onTimer(time: number, context: OnTimerContext<string>, out: Collector<Item>): void {
    out.collect({ key: context.getCurrentKey(), seq: time, value: this.sums.get(time) ?? -1, time });
    this.sums.remove(time);
  }
}

/** The time of the record decides, not the field: what a window made of older records comes at the end of the window. */
function endOfStretch(time: number, stretchMs: number): number {
  return (Math.floor(time / stretchMs) + 1) * stretchMs - 1;
}

/** Two keyed streams, summed side by side per stretch of event time. */
export class TimedPairs extends KeyedCoProcessFunction<string, Item, Item, Item> {
  declare pairs: MapState<number, [number, number]>;
  readonly stretchMs: number;

  constructor(stretchMs: number) {
    super();
    this.stretchMs = stretchMs;
  }

  override open(context: RuntimeContext): void {
    this.pairs = context.getMapState(
      new MapStateDescriptor('pairs', Types.SAFE_LONG, Types.TUPLE(Types.SAFE_LONG, Types.SAFE_LONG) as never),
    );
  }

  override processElement1(item: Item, context: KeyedContext<string>): void {
    this.#add(item, context, [item.value, 0]);
  }

  override processElement2(item: Item, context: KeyedContext<string>): void {
    this.#add(item, context, [0, item.value]);
  }

  override onTimer(time: number, context: OnTimerContext<string>, out: Collector<Item>): void {
    const [left, right] = this.pairs.get(time) ?? [-1, -1];
    out.collect({ key: context.getCurrentKey(), seq: time, value: (left * 7 + right) % MODULUS, time });
    this.pairs.remove(time);
  }

  #add({ time }: Item, context: KeyedContext<string>, [left, right]: [number, number]): void {
    const end = endOfStretch(context.timestamp() ?? time, this.stretchMs);
    const before = this.pairs.get(end) ?? [0, 0];
    this.pairs.put(end, [before[0] + left, before[1] + right]);
    context.timerService().registerEventTimeTimer(end);
  }
}

/** Keeps what comes until both inputs have ended, then applies the rules that were broadcast. */
export class RulesAtTheEnd extends KeyedBroadcastProcessFunction<string, Item, Item, Item> {
  static readonly rules = new MapStateDescriptor<number, number>('rules', Types.INT, Types.INT);
  declare waiting: ListState<Item>;

  override open(context: RuntimeContext): void {
    this.waiting = context.getListState(new ListStateDescriptor('waiting', ITEM));
  }

  override processElement(item: Item, context: KeyedReadOnlyBroadcastContext<string>): void {
    this.waiting.add(item);
    context.timerService().registerEventTimeTimer(MAX_WATERMARK);
  }

  override processBroadcastElement(rule: Item, context: BroadcastContext): void {
    context.getBroadcastState(RulesAtTheEnd.rules).put(rule.seq, rule.value);
  }

  override onTimer(_time: number, context: KeyedBroadcastOnTimerContext<string>, out: Collector<Item>): void {
    const rules = context.getBroadcastState(RulesAtTheEnd.rules);
    const items = [...this.waiting.get()].sort((left, right) => left.seq - right.seq || left.value - right.value);
    for (const item of items) {
      out.collect({ ...item, value: (item.value + (rules.get(item.seq % 5) ?? -1)) % MODULUS });
    }
    this.waiting.clear();
  }
}

/** Sends a part of the records aside. */
export class SideSplit extends ProcessFunction<Item, Item> {
  override processElement(item: Item, context: ProcessContext, out: Collector<Item>): void {
    if (scramble(item.key, item.seq) % 3 === 0) context.output(SIDE, item);
    else out.collect(item);
  }
}

/** Without state: each side is marked in its own way. */
export class MarkSides extends CoFlatMapFunction<Item, Item, Item> {
  override flatMap1(item: Item, out: Collector<Item>): void {
    out.collect({ ...item, value: (item.value * 2) % MODULUS });
  }
  override flatMap2(item: Item, out: Collector<Item>): void {
    out.collect({ ...item, value: (item.value * 2 + 1) % MODULUS });
  }
}

/** A source that users write themselves: counts under the checkpoint lock and keeps its position in a list. */
export class CountingSource extends SourceFunction<Item> {
  readonly #make: (index: number) => Item;
  readonly #count: number;
  readonly #pauseMs: number;
  readonly #burst: number;
  #next = 0;
  #running = true;

  constructor(options: { count: number; burst: number; pauseMs: number; make: (index: number) => Item }) {
    super();
    this.#make = options.make;
    this.#count = options.count;
    this.#burst = options.burst;
    this.#pauseMs = options.pauseMs;
  }

  override async run(context: SourceContext<Item>): Promise<void> {
    while (this.#running && this.#next < this.#count) {
      await context.withCheckpointLock(() => {
        const end = Math.min(this.#count, this.#next + this.#burst);
        for (; this.#next < end; this.#next++) {
          const item = this.#make(this.#next);
          context.collectWithTimestamp(item, item.time);
          context.emitWatermark(item.time - 1);
        }
      });
      if (this.#pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
  }

  override cancel(): void {
    this.#running = false;
  }

  snapshotState(): number[] {
    return [this.#next];
  }

  restoreState(state: number[]): void {
    this.#next = state[0] ?? 0;
  }
}
