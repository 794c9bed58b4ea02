import { expect, test } from 'vitest';
import { MIN_WATERMARK, WatermarkValve } from '../../../src/stream/exchange/index.ts';

const nothing = { watermark: undefined, idle: undefined };

test('gives out the smallest watermark once all channels have one', () => {
  const valve = new WatermarkValve(2);
  expect(valve.onWatermark(0, 10)).toEqual(nothing);
  expect(valve.current).toBe(MIN_WATERMARK);
  expect(valve.onWatermark(1, 7)).toEqual({ watermark: 7, idle: undefined });
  expect(valve.onWatermark(1, 12)).toEqual({ watermark: 10, idle: undefined });
});

test('ignores a watermark that goes back', () => {
  const valve = new WatermarkValve(1);
  valve.onWatermark(0, 10);
  expect(valve.onWatermark(0, 9)).toEqual(nothing);
  expect(valve.onWatermark(0, 10)).toEqual(nothing);
});

test('an idle channel holds nothing back', () => {
  const valve = new WatermarkValve(2);
  valve.onWatermark(0, 10);
  expect(valve.onIdle(1, true)).toEqual({ watermark: 10, idle: undefined });
  expect(valve.onWatermark(0, 11)).toEqual({ watermark: 11, idle: undefined });
});

test('the input is idle when all channels are, and active when the first is again', () => {
  const valve = new WatermarkValve(2);
  expect(valve.onIdle(0, true)).toEqual(nothing);
  expect(valve.onIdle(1, true)).toEqual({ watermark: undefined, idle: true });
  expect(valve.onIdle(1, true)).toEqual(nothing);
  expect(valve.onIdle(0, false)).toEqual({ watermark: undefined, idle: false });
});

test('when the last active channel goes idle, the furthest watermark of all is given out', () => {
  const valve = new WatermarkValve(2);
  valve.onWatermark(0, 10);
  valve.onWatermark(1, 5);
  valve.onIdle(0, true);
  expect(valve.onIdle(1, true)).toEqual({ watermark: 10, idle: true });
});

test('a channel that comes back behind the watermark given out does not count until it has caught up', () => {
  const valve = new WatermarkValve(2);
  valve.onWatermark(0, 3);
  valve.onIdle(1, true);
  valve.onWatermark(0, 10);
  valve.onIdle(1, false);
  expect(valve.onWatermark(0, 11)).toEqual({ watermark: 11, idle: undefined });
  expect(valve.onWatermark(1, 8)).toEqual(nothing);
  expect(valve.onWatermark(0, 20)).toEqual({ watermark: 20, idle: undefined });
  expect(valve.onWatermark(1, 21)).toEqual(nothing);
  expect(valve.onWatermark(0, 30)).toEqual({ watermark: 21, idle: undefined });
});

test('an ended channel holds nothing back, and leaves an input of idle channels idle', () => {
  const valve = new WatermarkValve(3);
  valve.onWatermark(0, 10);
  valve.onIdle(1, true);
  expect(valve.onEnd(2)).toEqual({ watermark: 10, idle: undefined });
  expect(valve.onEnd(0)).toEqual({ watermark: undefined, idle: true });
  expect(valve.onEnd(1)).toEqual(nothing);
});

test('the end of the last channel changes neither watermark nor idleness', () => {
  const valve = new WatermarkValve(1);
  valve.onWatermark(0, 10);
  expect(valve.onEnd(0)).toEqual(nothing);
  expect(valve.current).toBe(10);
});
