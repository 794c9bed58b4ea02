import { expect, test } from 'vitest';
import type { DataStream } from '../../../src/stream/datastream/data-stream.ts';
import { StreamExecutionEnvironment } from '../../../src/stream/datastream/environment.ts';
import type { WindowedStream } from '../../../src/stream/datastream/windowed-stream.ts';
import { CheckpointedFunction } from '../../../src/stream/functions/checkpointed.ts';
import { type Collector, ReduceFunction } from '../../../src/stream/functions/functions.ts';
import { OutputTag } from '../../../src/stream/functions/output-tag.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { EventTimeSessionWindows } from '../../../src/stream/windows/session-windows.ts';
import type { TimeWindow } from '../../../src/stream/windows/time-window.ts';
import { Trigger, type TriggerResult } from '../../../src/stream/windows/trigger.ts';
import { CountTrigger } from '../../../src/stream/windows/triggers.ts';
import { TumblingEventTimeWindows } from '../../../src/stream/windows/tumbling-windows.ts';
import type { WindowAssigner } from '../../../src/stream/windows/window-assigner.ts';
import {
  AggregateFunction,
  type ProcessWindowContext,
  ProcessWindowFunction,
  WindowFunction,
} from '../../../src/stream/windows/window-functions.ts';
import { type OperatorHarness, openHarness } from '../../builders/operator-harness.ts';

interface Bid {
  readonly item: string;
  readonly price: number;
}

const BID = Types.OBJECT({ item: Types.STRING, price: Types.INT });

function bids(assigner: WindowAssigner<Bid> = TumblingEventTimeWindows.of(10)): WindowedStream<Bid, string> {
  return new StreamExecutionEnvironment()
    .fromCollection<Bid>([], BID)
    .keyBy((bid) => bid.item, Types.STRING)
    .window(assigner);
}

/** Runs the operator of a stream over two bids for one item and one for another, all in the first window. */
async function results<O>(stream: DataStream<O>): Promise<unknown[]> {
  const harness = await harnessOf(stream);
  harness.process({ item: 'a', price: 3 }, 1);
  harness.process({ item: 'a', price: 5 }, 2);
  harness.process({ item: 'b', price: 4 }, 3);
  harness.watermark(9);
  await harness.close();
  return harness.values();
}

function harnessOf<O>(stream: DataStream<O>): Promise<OperatorHarness> {
  const { body } = stream.inputs[0]!.transformation;
  if (body.kind !== 'oneInput') throw new Error(`a ${body.kind}`);
  return openHarness(body.create, { keyType: Types.STRING });
}

const higher = (left: Bid, right: Bid): Bid => (left.price >= right.price ? left : right);

class TotalPrice extends AggregateFunction<Bid, number, string> {
  createAccumulator(): number {
    return 0;
  }
  add(bid: Bid, sum: number): number {
    return sum + bid.price;
  }
  getResult(sum: number): string {
    return `total ${sum}`;
  }
  merge(left: number, right: number): number {
    return left + right;
  }
}

/** Emits [key, window end, ...elements]. */
class Show<T> extends ProcessWindowFunction<T, unknown, string> {
  process(key: string, context: ProcessWindowContext, elements: Iterable<T>, out: Collector<unknown>): void {
    out.collect([key, context.window().end, ...elements]);
  }
}

test('reduce emits one record per key and window', async () => {
  class Highest extends ReduceFunction<Bid> {
    reduce(left: Bid, right: Bid): Bid {
      return higher(left, right);
    }
  }
  const expected = [
    { item: 'a', price: 5 },
    { item: 'b', price: 4 },
  ];
  expect(await results(bids().reduce(higher))).toEqual(expected);
  expect(await results(bids().reduce(new Highest()))).toEqual(expected);
});

test('reduce with a window function shows it the one record', async () => {
  expect(await results(bids().reduce(higher, new Show<Bid>()))).toEqual([
    ['a', 10, { item: 'a', price: 5 }],
    ['b', 10, { item: 'b', price: 4 }],
  ]);
});

test('aggregate emits the result of the accumulator, or shows it to a window function', async () => {
  expect(await results(bids().aggregate(new TotalPrice()))).toEqual(['total 8', 'total 4']);
  expect(await results(bids().aggregate(new TotalPrice(), Types.INT, Types.STRING))).toEqual(['total 8', 'total 4']);
  expect(await results(bids().aggregate(new TotalPrice(), new Show<string>(), Types.INT))).toEqual([
    ['a', 10, 'total 8'],
    ['b', 10, 'total 4'],
  ]);
});

test('process and apply see all records', async () => {
  class Old extends WindowFunction<Bid, unknown, string> {
    apply(key: string, window: TimeWindow, elements: Iterable<Bid>, out: Collector<unknown>): void {
      out.collect([key, window.end, ...elements]);
    }
  }
  const expected = [
    ['a', 10, { item: 'a', price: 3 }, { item: 'a', price: 5 }],
    ['b', 10, { item: 'b', price: 4 }],
  ];
  expect(await results(bids().process(new Show<Bid>()))).toEqual(expected);
  expect(await results(bids().apply(new Old()))).toEqual(expected);
  expect(await results(bids().apply((key, { end }, elements, out) => out.collect([key, end, ...elements])))).toEqual(
    expected,
  );
});

test('the life of a window function goes through apply: open, state, close', async () => {
  const calls: string[] = [];
  class Living extends WindowFunction<Bid, unknown, string> implements CheckpointedFunction {
    override open(): void {
      calls.push('open');
    }
    override close(): void {
      calls.push('close');
    }
    initializeState(): void {
      calls.push('initializeState');
    }
    snapshotState(): void {
      calls.push('snapshotState');
    }
    apply(): void {
      calls.push('apply');
    }
  }
  expect(CheckpointedFunction).toBeDefined();
  const harness = await harnessOf(bids().apply(new Living()));
  harness.process({ item: 'a', price: 1 }, 1);
  await harness.capture();
  harness.watermark(9);
  await harness.close();
  expect(calls).toEqual(['initializeState', 'open', 'snapshotState', 'apply', 'close']);
});

test('lateness, trigger and side output reach the operator', async () => {
  const late = new OutputTag<Bid>('late');
  const harness = await harnessOf(
    bids().allowedLateness(5).sideOutputLateData(late).trigger(CountTrigger.of(2)).reduce(higher),
  );
  harness.watermark(13);
  harness.process({ item: 'a', price: 1 }, 1);
  harness.process({ item: 'a', price: 2 }, 1);
  expect(harness.values()).toEqual([{ item: 'a', price: 2 }]);
  harness.watermark(14);
  harness.process({ item: 'a', price: 3 }, 1);
  expect(harness.sideValues(late)).toEqual([{ item: 'a', price: 3 }]);
});

test('contents are stored with the type of the stream', async () => {
  const harness = await harnessOf(bids().process(new Show<Bid>()));
  harness.process({ item: 'a', price: 1 }, 1);
  const { keyed } = await harness.capture();
  expect(keyed?.states.find(({ name }) => name === 'window-contents')?.type).toEqual(BID.schema);
});

test('the operator is a keyed one, and its results keep their declared type', () => {
  const stream = bids().aggregate(new TotalPrice(), Types.INT, Types.STRING);
  const { transformation } = stream.inputs[0]!;
  expect(transformation.keyType).toBe(Types.STRING);
  expect(transformation.name).toBe('Window(Aggregate)');
  expect(stream.type()).toBe(Types.STRING);
  expect(bids().reduce(higher).type()).toBe(BID);
});

test('rich reduce and aggregate functions are refused', () => {
  class RichReduce extends ReduceFunction<Bid> {
    override open(): void {}
    reduce(left: Bid): Bid {
      return left;
    }
  }
  class RichTotal extends TotalPrice {
    close(): void {}
  }
  expect(() => bids().reduce(new RichReduce())).toThrow('ReduceFunction of ReducingState can not be a RichFunction.');
  expect(() => bids().aggregate(new RichTotal())).toThrow('can not be a RichFunction.');
});

test('a negative lateness, no tag, and a trigger that cannot merge are refused', () => {
  class Plain extends Trigger<Bid> {
    onElement(): TriggerResult {
      return 'CONTINUE';
    }
    onEventTime(): TriggerResult {
      return 'CONTINUE';
    }
    onProcessingTime(): TriggerResult {
      return 'CONTINUE';
    }
    clear(): void {}
  }
  expect(() => bids().allowedLateness(-1)).toThrow('The allowed lateness cannot be negative');
  expect(() => bids().sideOutputLateData(undefined as never)).toThrow('Side output tag must not be null.');
  expect(() => bids(EventTimeSessionWindows.withGap(1)).trigger(new Plain())).toThrow(
    'A merging window assigner cannot be used with a trigger that does not support merging.',
  );
  expect(() => bids().trigger(new Plain())).not.toThrow();
});
