import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLane, LaneReader, LaneWriter } from '../../../src/stream/exchange/lane.ts';
import { WAKE_UP_BYTES, WakeUp } from '../../../src/stream/exchange/wake-up.ts';

function aLane(channels: number, window: number, ringBytes = 4096) {
  const memory = createLane(channels, ringBytes, window);
  const sleeper = new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES));
  const [writer, reader] = [new LaneWriter(memory), new LaneReader(memory, sleeper)];
  const numbers = Array.from({ length: channels }, (_, channel) => channel);
  return {
    memory,
    reader,
    outlets: numbers.map((each) => writer.outlet(each)),
    inlets: numbers.map((each) => reader.inlet(each)),
  };
}

function aFrame(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);
}

test('the frames of each channel come out as they went in, whatever the others do', () => {
  const step = fc.record({
    channel: fc.nat(4),
    length: fc.oneof(fc.nat(40), fc.nat(1008)),
    receives: fc.boolean(),
    takes: fc.array(fc.nat(4), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(64, 256, 5000), (steps, window) => {
      const { reader, outlets, inlets } = aLane(5, window);
      const sent: { info: number; bytes: Uint8Array }[][] = inlets.map(() => []);
      const takeOne = (channel: number): void => {
        const inlet = inlets[channel]!;
        if (!inlet.hasFrame) return;
        const expected = sent[channel]!.shift()!;
        const target = new Uint8Array(inlet.frameLength + 2);
        expect(inlet.frameInfo).toBe(expected.info);
        inlet.take(target, 2);
        expect(target.subarray(2)).toEqual(expected.bytes);
      };
      steps.forEach(({ channel, length, receives, takes }, info) => {
        const bytes = aFrame(length, info);
        if (outlets[channel]!.tryWrite(info, bytes, 0, length)) sent[channel]!.push({ info, bytes });
        if (receives) reader.receive();
        takes.forEach(takeOne);
      });
      reader.receive();
      for (const [channel, waiting] of sent.entries()) while (waiting.length > 0) takeOne(channel);
      expect(inlets.map(({ hasFrame }) => hasFrame)).toEqual([false, false, false, false, false]);
    }),
    { seed: 4, numRuns: 300 },
  );
});

test('a channel that nobody reads stops at its window and does not stand before the others', () => {
  const { reader, outlets, inlets } = aLane(2, 1024);
  let stuck = 0;
  for (; outlets[0]!.tryWrite(1, aFrame(84, stuck), 0, 84); stuck++) reader.receive();
  expect(stuck).toBe(10);
  for (let frame = 0; frame < 1_000; frame++) {
    expect(outlets[1]!.tryWrite(2, aFrame(84, frame), 0, 84)).toBe(true);
    reader.receive();
    inlets[1]!.take(new Uint8Array(84), 0);
  }
  expect(outlets[0]!.tryWrite(1, aFrame(84, 0), 0, 84)).toBe(false);
});

test('a writer without credit is to be woken once half of the window has been consumed, and only once', () => {
  const { reader, outlets, inlets } = aLane(1, 1000);
  while (outlets[0]!.tryWrite(1, aFrame(84, 0), 0, 84));
  reader.receive();
  const answers = Array.from({ length: 10 }, () => inlets[0]!.take(new Uint8Array(84), 0));
  expect(answers.filter((wakes) => wakes)).toHaveLength(1);
  expect(outlets[0]!.tryWrite(1, aFrame(84, 0), 0, 84)).toBe(true);
});

test('a frame larger than the window goes when nothing else is on the way', () => {
  const { reader, outlets, inlets } = aLane(1, 64);
  expect(outlets[0]!.tryWrite(1, aFrame(1_000, 1), 0, 1_000)).toBe(true);
  expect(outlets[0]!.tryWrite(2, aFrame(1, 2), 0, 1)).toBe(false);
  reader.receive();
  const target = new Uint8Array(1_000);
  expect(inlets[0]!.take(target, 0)).toBe(true);
  expect(target).toEqual(aFrame(1_000, 1));
  expect(outlets[0]!.tryWrite(2, aFrame(1, 2), 0, 1)).toBe(true);
});

test('a batch fits twice into the window, so that one is read while another is written', () => {
  for (const window of [1024, 65_536]) {
    const { outlets } = aLane(1, window, 512 * 1024);
    expect(outlets[0]!.batchBytes).toBeLessThanOrEqual(window / 2 - 16);
    expect(outlets[0]!.batchBytes).toBeLessThanOrEqual(16_384);
    expect(outlets[0]!.batchBytes).toBeGreaterThan(400);
  }
});

test('a frame of a channel that is not in the lane is an IOException', () => {
  const { memory } = aLane(2, 1024);
  const reader = new LaneReader(memory, new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES)));
  new LaneWriter(memory).outlet(1).tryWrite(1, aFrame(4, 0), 0, 4);
  expect(() => reader.receive()).toThrow(expect.objectContaining({ code: 'IO' }));
});
