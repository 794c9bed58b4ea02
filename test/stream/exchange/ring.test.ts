import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRing, RING_HEADER_BYTES, RingReader, RingWriter } from '../../../src/stream/exchange/ring.ts';

const TAIL_BYTES = 0;
const HEAD_BYTES = 64;

/** A ring whose counters begin at `start`. */
function ringFrom(start: number, dataBytes = 4096) {
  const memory = createRing(dataBytes);
  const header = new DataView(memory);
  header.setInt32(TAIL_BYTES, start, true);
  header.setInt32(HEAD_BYTES, start, true);
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) };
}

function aFrame(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);
}

test.each([0, 4080, 2 ** 31 - 4096, -(2 ** 31), -64])(
  'frames come out as they went in, counters beginning at %i',
  (start) => {
    fc.assert(
      fc.property(fc.array(fc.record({ length: fc.nat(1008), takes: fc.nat(3) }), { maxLength: 40 }), (steps) => {
        const { writer, reader } = ringFrom(start);
        const waiting: { info: number; bytes: Uint8Array }[] = [];
        const takeOne = (): void => {
          const expected = waiting.shift();
          expect(reader.hasFrame).toBe(expected !== undefined);
          if (expected === undefined) return;
          const target = new Uint8Array(reader.frameLength + 3);
          expect(reader.frameInfo).toBe(expected.info);
          reader.take(target, 3);
          expect(target.subarray(3)).toEqual(expected.bytes);
        };
        steps.forEach(({ length, takes }, info) => {
          const bytes = aFrame(length, info);
          while (!writer.tryWrite(info, bytes, 0, length)) takeOne();
          waiting.push({ info, bytes });
          for (let index = 0; index < takes; index++) takeOne();
        });
        while (waiting.length > 0) takeOne();
        expect(reader.hasFrame).toBe(false);
      }),
      { seed: 4, numRuns: 200 },
    );
  },
);

test('a writer that found no room is to be woken once half of the ring is free, and only once', () => {
  const { writer, reader } = ringFrom(0);
  let frames = 0;
  while (writer.tryWrite(1, aFrame(496, 0), 0, 496)) frames++;
  expect(frames).toBe(8);
  const answers = Array.from({ length: 8 }, () => reader.hasFrame && reader.take(new Uint8Array(496), 0));
  expect(answers).toEqual([false, false, false, true, false, false, false, false]);
});

test('a writer that found room is not woken', () => {
  const { writer, reader } = ringFrom(0);
  writer.tryWrite(1, aFrame(10, 0), 0, 10);
  expect(reader.hasFrame).toBe(true);
  expect(reader.take(new Uint8Array(10), 0)).toBe(false);
});

test('a frame says whose it is', () => {
  const { writer, reader } = ringFrom(0);
  writer.tryWrite(1, aFrame(10, 0), 0, 10, 123_456);
  writer.tryWrite(1, aFrame(10, 0), 0, 10);
  const channels = [0, 1].map(() => {
    const channel = reader.hasFrame ? reader.frameChannel : undefined;
    reader.take(new Uint8Array(10), 0);
    return channel;
  });
  expect(channels).toEqual([123_456, 0]);
});

test('part of a buffer can be a frame', () => {
  const { writer, reader } = ringFrom(0);
  writer.tryWrite(1, Uint8Array.of(1, 2, 3, 4, 5), 1, 4);
  const target = new Uint8Array(3);
  expect(reader.hasFrame).toBe(true);
  reader.take(target, 0);
  expect([...target]).toEqual([2, 3, 4]);
});

test('a length that cannot be is an IOException, not a read beyond the ring', () => {
  const { memory, writer, reader } = ringFrom(0);
  writer.tryWrite(1, aFrame(10, 0), 0, 10);
  for (const length of [-1, 4097, 2 ** 31 - 1, 100]) {
    new DataView(memory).setInt32(RING_HEADER_BYTES, length, true);
    expect(reader.hasFrame).toBe(true);
    expect(() => reader.take(new Uint8Array(5000), 0)).toThrow(expect.objectContaining({ code: 'IO' }));
  }
});

test.each([0, 100, 4095, 4097, 6000])('a ring of %i bytes is refused', (bytes) => {
  expect(() => createRing(bytes)).toThrow(`A ring needs a power of two of bytes from 4096 to 2^29, not ${bytes}.`);
});
