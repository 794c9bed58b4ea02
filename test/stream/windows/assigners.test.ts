import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_WATERMARK, NO_TIMESTAMP } from '../../../src/stream/exchange/channel.ts';
import { GlobalWindows } from '../../../src/stream/windows/global-windows.ts';
import { EventTimeSessionWindows, ProcessingTimeSessionWindows } from '../../../src/stream/windows/session-windows.ts';
import { SlidingEventTimeWindows, SlidingProcessingTimeWindows } from '../../../src/stream/windows/sliding-windows.ts';
import { GlobalWindow, TimeWindow } from '../../../src/stream/windows/time-window.ts';
import {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../../src/stream/windows/tumbling-windows.ts';
import type { WindowAssigner } from '../../../src/stream/windows/window-assigner.ts';

const at = (assigner: WindowAssigner<unknown>, timestamp: number, value: unknown = 'x'): number[][] =>
  assigner
    .assignWindows(value, timestamp, { getCurrentProcessingTime: () => timestamp })
    .map(({ start, end }) => [start, end]);

test('a tumbling window starts at ts - floorMod(ts - offset, size) and ends a size later', () => {
  const plain = TumblingEventTimeWindows.of(10);
  expect([0, 9, 10, -1, -10, -11].map((ts) => at(plain, ts)[0])).toEqual([
    [0, 10],
    [0, 10],
    [10, 20],
    [-10, 0],
    [-10, 0],
    [-20, -10],
  ]);
  const shifted = TumblingEventTimeWindows.of(10, 3);
  expect([2, 3, 12, 13, -8].map((ts) => at(shifted, ts)[0])).toEqual([
    [-7, 3],
    [3, 13],
    [3, 13],
    [13, 23],
    [-17, -7],
  ]);
  expect(at(TumblingEventTimeWindows.of(10, -3), 6)).toEqual([[-3, 7]]);
});

test('the last instant of a window is its end less one', () => {
  expect(new TimeWindow(0, 10).maxTimestamp()).toBe(9);
  expect(GlobalWindow.get().maxTimestamp()).toBe(MAX_WATERMARK);
});

test('sliding windows are all those that hold the instant, also where size is no multiple of slide', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: -29, max: 29 }),
    fc.array(fc.integer({ min: -200, max: 200 }), { minLength: 1, maxLength: 50 }),
    (size, slide, offset, timestamps) => {
      fc.pre(Math.abs(offset) < slide);
      // One assigner for all instants, so that what it keeps is put to the test too.
      const assigner = SlidingEventTimeWindows.of(size, slide, offset);
      for (const ts of timestamps) {
        const expected: number[][] = [];
        for (let start = offset - 300 * slide; start <= ts; start += slide) {
          if (ts < start + size) expected.unshift([start, start + size]);
        }
        expect(at(assigner, ts)).toEqual(expected);
      }
    },
  );
  fc.assert(property, { numRuns: 300, seed: 1234 });
});

test('records near each other in time get the same window objects', () => {
  const assigner = SlidingEventTimeWindows.of(10, 2);
  const first = assigner.assignWindows('x', 100);
  assigner.assignWindows('x', 102);
  expect(assigner.assignWindows('x', 101)).toBe(first);
});

test('processing-time windows follow the clock, not the record', () => {
  const context = { getCurrentProcessingTime: () => 25 };
  const windowsNow = (assigner: WindowAssigner<unknown>): number[][] =>
    assigner.assignWindows('x', NO_TIMESTAMP, context).map(({ start, end }) => [start, end]);
  expect(windowsNow(TumblingProcessingTimeWindows.of(10))).toEqual([[20, 30]]);
  expect(windowsNow(SlidingProcessingTimeWindows.of(10, 5))).toEqual([
    [25, 35],
    [20, 30],
  ]);
  expect(windowsNow(ProcessingTimeSessionWindows.withGap(7))).toEqual([[25, 32]]);
  expect(TumblingProcessingTimeWindows.of(10).isEventTime()).toBe(false);
});

test('a session lasts from its record for a gap, which the record may choose', () => {
  expect(at(EventTimeSessionWindows.withGap(10), 5)).toEqual([[5, 15]]);
  const dynamic = EventTimeSessionWindows.withDynamicGap<number>((gap) => gap);
  expect(at(dynamic as WindowAssigner<unknown>, 5, 3)).toEqual([[5, 8]]);
  expect(() => at(dynamic as WindowAssigner<unknown>, 5, 0)).toThrow(
    'The gap of a session has to be above 0. The extractor gave 0.',
  );
});

test('there is one global window', () => {
  expect(GlobalWindows.create().assignWindows()).toEqual([GlobalWindow.get()]);
});

test('a record without a timestamp is refused by event-time windows', () => {
  for (const assigner of [
    TumblingEventTimeWindows.of(10),
    SlidingEventTimeWindows.of(10, 5),
    EventTimeSessionWindows.withGap(5),
  ]) {
    expect(() => at(assigner, NO_TIMESTAMP)).toThrow('Call assignTimestampsAndWatermarks() before keyBy()');
  }
});

test('sizes, slides, offsets and gaps that make no windows are refused', () => {
  expect(() => TumblingEventTimeWindows.of(0)).toThrow('TumblingEventTimeWindows needs');
  expect(() => TumblingEventTimeWindows.of(10, 10)).toThrow('not size 10, offset 10.');
  expect(() => TumblingProcessingTimeWindows.of(1.5)).toThrow('whole milliseconds');
  expect(() => SlidingEventTimeWindows.of(10, 0)).toThrow('not size 10, slide 0, offset 0.');
  expect(() => SlidingProcessingTimeWindows.of(10, 5, -5)).toThrow('SlidingProcessingTimeWindows needs');
  expect(() => EventTimeSessionWindows.withGap(0)).toThrow('Session windows need a gap above 0, not 0.');
  expect(() => ProcessingTimeSessionWindows.withGap(Number.NaN)).toThrow('not NaN');
});

test('windows that overlap or touch intersect, and their cover holds both', () => {
  const window = new TimeWindow(10, 20);
  expect(window.intersects(new TimeWindow(20, 25))).toBe(true);
  expect(window.intersects(new TimeWindow(0, 10))).toBe(true);
  expect(window.intersects(new TimeWindow(21, 25))).toBe(false);
  expect(window.cover(new TimeWindow(15, 30))).toEqual(new TimeWindow(10, 30));
});
