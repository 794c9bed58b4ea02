import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_WATERMARK } from '../../../src/stream/exchange/channel.ts';
import type { Collector } from '../../../src/stream/functions/functions.ts';
import { OutputTag } from '../../../src/stream/functions/output-tag.ts';
import { ValueStateDescriptor } from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { GlobalWindows } from '../../../src/stream/windows/global-windows.ts';
import { SlidingEventTimeWindows } from '../../../src/stream/windows/sliding-windows.ts';
import { CountTrigger, PurgingTrigger } from '../../../src/stream/windows/triggers.ts';
import {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../../src/stream/windows/tumbling-windows.ts';
import { type ProcessWindowContext, ProcessWindowFunction } from '../../../src/stream/windows/window-functions.ts';
import { averaging, keeping, ListWindow, openWindows, type Pair, shown, timersOf } from './builders.ts';

const late = new OutputTag<Pair>('late');

test('a window fires when the watermark reaches its last instant, and its result carries that instant', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10) });
  harness.process(['a', 1], 3);
  harness.process(['b', 5], 4);
  harness.process(['a', 2], 9);
  harness.process(['a', 7], 10);
  harness.watermark(8);
  expect(harness.take()).toEqual([]);
  harness.watermark(9);
  expect(shown(harness.take()).sort()).toEqual(['a:3@9', 'b:5@9']);
  harness.watermark(19);
  expect(shown(harness.take())).toEqual(['a:7@19']);
  expect(harness.output.watermarks).toEqual([8, 9, 19]);
});

test('after its cleanup a window leaves no state and no timer behind', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), allowedLatenessMs: 5 });
  harness.process(['a', 1], 3);
  harness.watermark(13);
  expect(harness.backend?.numStateEntries()).toBe(1);
  harness.watermark(14);
  expect(harness.backend?.numStateEntries()).toBe(0);
  expect(harness.backend?.snapshot(1)?.states.map(({ name }) => name)).toEqual(['window-contents', 'window-timers']);
  expect((await harness.capture()).keyed?.blocks).toEqual([]);
});

test('a record whose windows are all late is dropped and counted', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10) });
  harness.watermark(9);
  harness.process(['a', 1], 9);
  harness.process(['a', 2], 10);
  harness.watermark(100);
  expect(shown(harness.take())).toEqual(['a:2@19']);
  expect(harness.metrics.lateRecordsDropped).toBe(1);
});

test('late records go to the side output instead, and are not counted', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), lateTag: late });
  harness.watermark(9);
  harness.process(['a', 1], 5);
  expect(harness.output.side.get('late')).toEqual([{ value: ['a', 1], timestamp: 5 }]);
  expect(harness.metrics.lateRecordsDropped).toBe(0);
});

test('a record is late only when all of its windows are', async () => {
  const harness = await openWindows({ assigner: SlidingEventTimeWindows.of(10, 5), lateTag: late });
  harness.watermark(9);
  harness.process(['a', 1], 7);
  harness.watermark(14);
  harness.process(['a', 2], 7);
  expect(shown(harness.take())).toEqual(['a:1@14']);
  expect(harness.sideValues(late)).toEqual([['a', 2]]);
});

test('a record that falls between windows is in none, and is not late', async () => {
  const harness = await openWindows({ assigner: SlidingEventTimeWindows.of(5, 10), lateTag: late });
  harness.process(['a', 1], 7);
  harness.watermark(100);
  expect(harness.take()).toEqual([]);
  expect([harness.metrics.lateRecordsDropped, harness.sideValues(late)]).toEqual([0, []]);
});

test('a record between windows counts as late once its own instant and the lateness are past', async () => {
  const harness = await openWindows({ assigner: SlidingEventTimeWindows.of(5, 10), allowedLatenessMs: 5 });
  harness.watermark(11);
  harness.process(['a', 1], 7);
  expect(harness.metrics.lateRecordsDropped).toBe(0);
  harness.watermark(12);
  harness.process(['a', 1], 7);
  expect(harness.metrics.lateRecordsDropped).toBe(1);
});

test('within the allowed lateness every late record fires its window again', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), allowedLatenessMs: 5 });
  harness.process(['a', 1], 3);
  harness.watermark(9);
  harness.process(['a', 2], 4);
  harness.watermark(13);
  harness.process(['a', 4], 5);
  harness.watermark(14);
  harness.process(['a', 8], 5);
  expect(shown(harness.take())).toEqual(['a:1@9', 'a:3@9', 'a:7@9']);
  expect(harness.metrics.lateRecordsDropped).toBe(1);
});

test('a window is late from the moment that maxTimestamp plus lateness is reached', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), allowedLatenessMs: 5 });
  harness.watermark(13);
  harness.process(['a', 1], 0);
  expect(shown(harness.take())).toEqual(['a:1@9']);
  harness.watermark(14);
  harness.process(['a', 1], 0);
  expect(harness.metrics.lateRecordsDropped).toBe(1);
});

test('a lateness beyond the end of time keeps windows to the end', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), allowedLatenessMs: MAX_WATERMARK });
  harness.process(['a', 1], 0);
  harness.watermark(1_000_000);
  harness.process(['a', 2], 0);
  expect(shown(harness.take())).toEqual(['a:1@9', 'a:3@9']);
  harness.watermark(MAX_WATERMARK);
  expect(harness.metrics.lateRecordsDropped).toBe(0);
});

test('a window that is kept to the end of time has no cleanup timer', async () => {
  for (const allowedLatenessMs of [MAX_WATERMARK, MAX_WATERMARK - 9]) {
    const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), allowedLatenessMs });
    harness.process(['a', 1], 0);
    expect(await timersOf(harness)).toEqual({ event: [9], processing: [] });
  }
});

test('the end of all input fires every window', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10) });
  harness.process(['a', 1], 3);
  harness.process(['a', 2], 33);
  harness.watermark(MAX_WATERMARK);
  expect(shown(harness.take())).toEqual(['a:1@9', 'a:2@39']);
});

test('processing-time windows fire by the clock, never know late records, and leave nothing', async () => {
  const harness = await openWindows(
    { assigner: TumblingProcessingTimeWindows.of(10), allowedLatenessMs: 100 },
    { now: 3 },
  );
  harness.process(['a', 1]);
  harness.moveProcessingTimeTo(9);
  expect(shown(harness.take())).toEqual(['a:1@9']);
  expect(harness.backend?.numStateEntries()).toBe(0);
  harness.watermark(1_000);
  harness.process(['a', 2]);
  harness.moveProcessingTimeTo(100);
  expect(shown(harness.take())).toEqual(['a:2@9']);
  expect(harness.metrics.lateRecordsDropped).toBe(0);
});

test('an aggregate keeps an accumulator and emits its result', async () => {
  const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(10), contents: averaging });
  harness.process(['a', 1], 1);
  harness.process(['a', 4], 2);
  harness.watermark(9);
  expect(harness.values()).toEqual([2.5]);
});

test('a window function sees key, window and all records in order', async () => {
  const seen: unknown[] = [];
  class See extends ProcessWindowFunction<Pair, string, string> {
    process(key: string, context: ProcessWindowContext, elements: Iterable<Pair>, out: Collector<string>): void {
      seen.push([
        key,
        context.window().start,
        context.currentWatermark(),
        context.currentProcessingTime(),
        [...elements],
      ]);
      out.collect('done');
      context.output(late, [key, 0]);
    }
  }
  const harness = await openWindows(
    { assigner: TumblingEventTimeWindows.of(10), contents: keeping, windowFunction: new See() },
    { now: 77 },
  );
  harness.process(['a', 3], 5);
  harness.process(['a', 1], 4);
  harness.watermark(12);
  expect(seen).toEqual([
    [
      'a',
      0,
      12,
      77,
      [
        ['a', 3],
        ['a', 1],
      ],
    ],
  ]);
  expect(harness.output.elements).toEqual([{ value: 'done', timestamp: 9 }]);
  expect(harness.output.side.get('late')).toEqual([{ value: ['a', 0], timestamp: 9 }]);
});

test('a window function after an aggregate sees the one result', async () => {
  class See extends ProcessWindowFunction<number, unknown, string> {
    process(key: string, context: ProcessWindowContext, elements: Iterable<number>, out: Collector<unknown>): void {
      out.collect([key, context.window().end, ...elements]);
    }
  }
  const harness = await openWindows({
    assigner: TumblingEventTimeWindows.of(10),
    contents: averaging,
    windowFunction: new See(),
  });
  harness.process(['a', 1], 1);
  harness.process(['a', 2], 2);
  harness.watermark(9);
  expect(harness.values()).toEqual([['a', 10, 1.5]]);
});

test('window state belongs to one window until it is cleaned up, global state to the key', async () => {
  const firings = new ValueStateDescriptor<number>('firings', Types.INT, 0);
  const all = new ValueStateDescriptor<number>('all-firings', Types.INT, 0);
  class Count extends ProcessWindowFunction<Pair, unknown, string> {
    process(key: string, context: ProcessWindowContext, _elements: Iterable<Pair>, out: Collector<unknown>): void {
      const inWindow = context.windowState().getState(firings);
      const inAll = context.globalState().getState(all);
      inWindow.update((inWindow.value() ?? 0) + 1);
      inAll.update((inAll.value() ?? 0) + 1);
      out.collect([key, context.window().start, inWindow.value(), inAll.value()]);
    }
    override clear(context: ProcessWindowContext): void {
      context.windowState().getState(firings).clear();
    }
  }
  const harness = await openWindows({
    assigner: TumblingEventTimeWindows.of(10),
    allowedLatenessMs: 20,
    windowFunction: new Count(),
  });
  harness.process(['a', 1], 1);
  harness.process(['a', 1], 11);
  harness.watermark(19);
  harness.process(['a', 1], 2);
  expect(harness.values()).toEqual([
    ['a', 0, 1, 1],
    ['a', 10, 1, 2],
    ['a', 0, 2, 3],
  ]);
  expect(harness.backend?.numStateEntries('firings')).toBe(2);
  harness.watermark(1_000);
  expect(harness.backend?.numStateEntries('firings')).toBe(0);
  expect(harness.backend?.numStateEntries('all-firings')).toBe(1);
});

test('a count trigger in the global window fires every n records of a key and keeps or drops them', async () => {
  const keepingAll = await openWindows({ assigner: GlobalWindows.create(), trigger: CountTrigger.of(2) });
  const purging = await openWindows({
    assigner: GlobalWindows.create(),
    trigger: PurgingTrigger.of(CountTrigger.of(2)),
  });
  for (const harness of [keepingAll, purging]) {
    for (const amount of [1, 2, 4, 8, 16]) harness.process(['a', amount]);
    harness.process(['b', 100]);
  }
  expect(keepingAll.values()).toEqual([
    ['a', 3],
    ['a', 15],
  ]);
  expect(purging.values()).toEqual([
    ['a', 3],
    ['a', 12],
  ]);
  expect(keepingAll.output.elements[0]?.timestamp).toBe(MAX_WATERMARK);
});

test('the global window never fires by itself', async () => {
  const harness = await openWindows({ assigner: GlobalWindows.create() });
  harness.process(['a', 1], 5);
  harness.watermark(MAX_WATERMARK);
  expect(harness.take()).toEqual([]);
});

test('sliding and tumbling windows emit what a computation over all records gives', async () => {
  const record = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: -50, max: 150 }),
  );
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 25 }),
    fc.integer({ min: 1, max: 25 }),
    fc.array(record, { maxLength: 60 }),
    async (size, slide, records) => {
      const harness = await openWindows({ assigner: SlidingEventTimeWindows.of(size, slide) });
      const expected = new Map<string, number>();
      for (const [key, amount, ts] of records) {
        harness.process([key, amount], ts);
        for (let start = -100 * slide; start <= ts; start += slide) {
          if (ts >= start + size) continue;
          const id = `${key}@${start + size - 1}`;
          expected.set(id, (expected.get(id) ?? 0) + amount);
        }
      }
      harness.watermark(MAX_WATERMARK);
      const emitted = harness.take<Pair>();
      const ends = emitted.map(({ timestamp }) => timestamp!);
      expect(ends).toEqual([...ends].sort((left, right) => left - right));
      const got = emitted.map(({ value: [key, sum], timestamp }) => [`${key}@${timestamp}`, sum]);
      expect(got.sort()).toEqual([...expected].sort());
      expect(harness.backend?.numStateEntries()).toBe(0);
    },
  );
  await fc.assert(property, { numRuns: 150, seed: 1234 });
});

test('any order of records and watermarks emits the sums of what was not late, once more for each record allowed late', async () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ ts: fc.nat(100), amount: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ watermark: fc.nat(120) }) },
  );
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 20 }),
    fc.nat(30),
    fc.array(action, { maxLength: 60 }),
    async (size, allowedLatenessMs, actions) => {
      const harness = await openWindows({ assigner: TumblingEventTimeWindows.of(size), allowedLatenessMs });
      const sums = new Map<number, number>();
      const expected: string[] = [];
      let watermark = -1;
      let dropped = 0;
      for (const each of actions) {
        if ('watermark' in each) {
          const next = Math.max(watermark, each.watermark);
          for (const [start, sum] of [...sums].sort(([left], [right]) => left - right)) {
            const end = start + size - 1;
            if (end > watermark && end <= next) expected.push(`a:${sum}@${end}`);
          }
          watermark = next;
          harness.watermark(watermark);
        } else {
          const start = each.ts - (each.ts % size);
          const end = start + size - 1;
          if (end + allowedLatenessMs <= watermark) dropped++;
          else {
            sums.set(start, (sums.get(start) ?? 0) + each.amount);
            if (end <= watermark) expected.push(`a:${sums.get(start)}@${end}`);
          }
          harness.process(['a', each.amount], each.ts);
        }
      }
      expect(shown(harness.take())).toEqual(expected);
      expect(harness.metrics.lateRecordsDropped).toBe(dropped);
    },
  );
  await fc.assert(property, { numRuns: 200, seed: 1234 });
});

test('a function for lists is not called for a window whose records were purged', async () => {
  const harness = await openWindows({
    assigner: TumblingEventTimeWindows.of(10),
    trigger: PurgingTrigger.of(TumblingEventTimeWindows.of(10).getDefaultTrigger()),
    allowedLatenessMs: 100,
    contents: keeping,
    windowFunction: new ListWindow(),
  });
  harness.process(['a', 1], 1);
  harness.watermark(9);
  harness.process(['a', 2], 2);
  expect(harness.values()).toEqual([
    ['a', 0, 10, 1],
    ['a', 0, 10, 2],
  ]);
});
