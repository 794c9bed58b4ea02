/**
 * Timers per second, and windows as operators run them, per CPU second, without exchange or capture.
 * Run: node bench/windows.ts [thousands of timers] [thousands of records]
 */
import { systemClock } from '../src/lib/clock.ts';
import { MAX_WATERMARK } from '../src/stream/exchange/channel.ts';
import type { Collector } from '../src/stream/functions/functions.ts';
import type { OperatorContext, Output } from '../src/stream/operators/operator.ts';
import { type WindowContentsDescriptor, WindowOperator } from '../src/stream/operators/window-operator.ts';
import { AggregatingStateDescriptor, ReducingStateDescriptor } from '../src/stream/state/descriptors.ts';
import { createKeyedStateBackend } from '../src/stream/state/keyed-state-backend.ts';
import { TaskProcessingTime } from '../src/stream/task/processing-time.ts';
import { createTimerService } from '../src/stream/timers/internal-timer-service.ts';
import { Types } from '../src/stream/types/index.ts';
import type { TypeInformation } from '../src/stream/types/type-information.ts';
import { EventTimeSessionWindows } from '../src/stream/windows/session-windows.ts';
import { SlidingEventTimeWindows } from '../src/stream/windows/sliding-windows.ts';
import { TumblingEventTimeWindows } from '../src/stream/windows/tumbling-windows.ts';
import type { WindowAssigner } from '../src/stream/windows/window-assigner.ts';
import { type ProcessWindowContext, ProcessWindowFunction } from '../src/stream/windows/window-functions.ts';

const TIMERS = Number(process.argv[2] ?? 100) * 1_000;
const RECORDS = Number(process.argv[3] ?? 1_000) * 1_000;
const ROUNDS = 5;

/** CPU time of this thread, so that other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function backendFor(keyType: unknown): ReturnType<typeof createKeyedStateBackend<unknown>> {
  return createKeyedStateBackend({
    keyType: keyType as TypeInformation<unknown>,
    maxParallelism: 128,
    firstKeyGroup: 0,
    lastKeyGroup: 127,
    clock: systemClock,
  });
}

function benchTimers(name: string, keyType: unknown, keys: readonly unknown[]): void {
  const backend = backendFor(keyType);
  let fired = 0;
  const timers = createTimerService({
    name: 'timers',
    namespace: 'void',
    backend,
    processingTime: new TaskProcessingTime(systemClock),
    target: {
      onEventTime: () => {
        fired++;
      },
      onProcessingTime: () => {},
    },
  });
  const best = { register: Number.POSITIVE_INFINITY, fire: Number.POSITIVE_INFINITY };
  let captureMs = 0;
  for (let round = 0, watermark = 0; round < ROUNDS; round++) {
    const startedAt = cpuMs();
    for (let index = 0; index < keys.length; index++) {
      backend.setCurrentKey(keys[index]);
      timers.registerEventTimeTimer(null, watermark + 1 + ((index * 7919) % 100_003));
    }
    const registeredAt = cpuMs();
    backend.snapshot(round)?.release();
    const capturedAt = cpuMs();
    watermark += 100_003;
    timers.advanceWatermark(watermark);
    const doneAt = cpuMs();
    best.register = Math.min(best.register, registeredAt - startedAt);
    best.fire = Math.min(best.fire, doneAt - capturedAt);
    captureMs = capturedAt - registeredAt;
  }
  if (fired !== keys.length * ROUNDS) throw new Error(`${fired} timers fired`);
  const each = (ms: number): string => `${((ms * 1e6) / keys.length).toFixed(0)} ns`;
  console.log(
    `${keys.length} timers, ${name}: register ${each(best.register)}, fire ${each(best.fire)}, capture ${captureMs.toFixed(1)} ms`,
  );
}

/** Opens an operator whose results go to `output`. */
async function opened(operator: WindowOperator<never, never>, keyType: unknown, output: Output): Promise<void> {
  const context: OperatorContext = {
    subtask: {
      jobId: 'bench',
      jobName: 'bench',
      attempt: 1,
      epoch: 1,
      origin: { from: 'nothing' },
      args: [],
      vertexId: 'bench',
      taskName: 'bench',
      subtaskIndex: 0,
      parallelism: 1,
      maxParallelism: 128,
    },
    uid: 'bench',
    operatorId: 'bench',
    name: 'bench',
    output,
    clock: systemClock,
    processingTime: new TaskProcessingTime(systemClock),
    metrics: { recordsIn: 0, recordsOut: 0, lateRecordsDropped: 0, user: new Map() },
    keyedBackend: backendFor(keyType),
    failTask: (error) => {
      throw error;
    },
    runOnTask: (action) => action(),
  };
  operator.setup(context);
  await operator.initializeState({ restored: undefined });
  await operator.open();
}

interface Bid {
  readonly item: number;
  readonly price: number;
}
/** How many bids an item had in a window. */
interface Count {
  readonly item: number;
  readonly windowEnd: number;
  readonly bids: number;
}

class ToCount extends ProcessWindowFunction<number, Count, number> {
  process(item: number, context: ProcessWindowContext, elements: Iterable<number>, out: Collector<Count>): void {
    for (const bids of elements) out.collect({ item, windowEnd: context.window().end, bids });
  }
}

const counting = new AggregatingStateDescriptor<Bid, number, number>(
  'window-contents',
  { createAccumulator: () => 0, add: (_bid, count) => count + 1, getResult: (count) => count, merge: (a, b) => a + b },
  Types.DOUBLE,
);
const largest = new ReducingStateDescriptor<Count>(
  'window-contents',
  (left, right) => (right.bids > left.bids ? right : left),
  Types.OBJECT({ item: Types.INT, windowEnd: Types.DOUBLE, bids: Types.DOUBLE }) as never,
);

class Discard implements Output {
  results = 0;
  collect(): void {
    this.results++;
  }
  collectSide(): void {}
  emitWatermark(): void {}
  emitIdle(): void {}
}

class Into implements Output {
  readonly #next: WindowOperator<never, never>;
  constructor(next: WindowOperator<never, never>) {
    this.#next = next;
  }
  collect(value: unknown, timestamp: number): void {
    this.#next.processElement(value, timestamp);
  }
  collectSide(): void {}
  emitWatermark(timestamp: number): void {
    this.#next.processWatermark(timestamp);
  }
  emitIdle(): void {}
}

function windows(assigner: WindowAssigner<never>, select: unknown, type: unknown, contents: unknown, fn?: unknown) {
  return new WindowOperator<never, never>({
    key: { select, type } as never,
    assigner,
    trigger: assigner.getDefaultTrigger(),
    contents: contents as WindowContentsDescriptor,
    windowFunction: fn as never,
    allowedLatenessMs: 0,
    lateTag: undefined,
  });
}

/** Counts bids per item and window; with `top`, also finds the item with most bids per window. 20,000 bids per second. */
async function benchWindows(name: string, assigner: WindowAssigner<never>, items: number, top: boolean): Promise<void> {
  const bids = Array.from(
    { length: 65_536 },
    (_, index): Bid => ({ item: Math.imul(index, 7919) % items, price: index }),
  );
  let best = 0;
  let results = 0;
  for (let round = 0; round < 3; round++) {
    const discard = new Discard();
    const counts = windows(assigner, (bid: Bid) => bid.item, Types.INT, counting, new ToCount());
    if (top) {
      const byEnd = (count: Count): number => count.windowEnd;
      const winners = windows(TumblingEventTimeWindows.of(1), byEnd, Types.SAFE_LONG, largest);
      await opened(winners, Types.SAFE_LONG, discard);
      await opened(counts, Types.INT, new Into(winners));
    } else await opened(counts, Types.INT, discard);
    const startedAt = cpuMs();
    for (let index = 0; index < RECORDS; index++) {
      counts.processElement(bids[index & 65_535], index / 20);
      if (index % 2_000 === 1_999) counts.processWatermark(index / 20 - 1);
    }
    counts.processWatermark(MAX_WATERMARK);
    best = Math.max(best, RECORDS / (cpuMs() - startedAt) / 1_000);
    results = discard.results;
  }
  console.log(`${name}, ${items} keys: ${best.toFixed(2)} M records per CPU second, ${results} results`);
}

benchTimers(
  'int keys',
  Types.INT,
  Array.from({ length: TIMERS }, (_, index) => index),
);
benchTimers(
  'string keys',
  Types.STRING,
  Array.from({ length: TIMERS }, (_, index) => `key-${index}`),
);
await benchWindows('tumbling 10 s', TumblingEventTimeWindows.of(10_000) as never, 1_000, false);
await benchWindows('sliding 10 s / 2 s', SlidingEventTimeWindows.of(10_000, 2_000) as never, 1_000, false);
await benchWindows('sliding 10 s / 2 s, top 1', SlidingEventTimeWindows.of(10_000, 2_000) as never, 1_000, true);
await benchWindows('sliding 10 s / 100 ms, top 1', SlidingEventTimeWindows.of(10_000, 100) as never, 1_000, true);
await benchWindows('sessions, gap 1 s', EventTimeSessionWindows.withGap(1_000) as never, 1_000, false);
