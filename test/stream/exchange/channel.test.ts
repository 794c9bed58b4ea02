import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createLane,
  createRing,
  FrameInputChannel,
  FrameOutputChannel,
  type InputChannel,
  LaneReader,
  LaneWriter,
  LocalChannel,
  NO_TIMESTAMP,
  type OutputChannel,
  RingReader,
  RingWriter,
  WAKE_UP_BYTES,
  WakeUp,
} from '../../../src/stream/exchange/index.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { aBarrier, aRecord, type Event, Recorder, writeEvent } from './recorder.ts';

interface Ends {
  readonly output: OutputChannel;
  readonly input: InputChannel;
}

function ringEnds(dataBytes: number, type: TypeInformation<unknown> = Types.ANY): Ends {
  const memory = createRing(dataBytes);
  const nobody = () => new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES));
  return {
    output: new FrameOutputChannel(new RingWriter(memory), type, nobody()),
    input: new FrameInputChannel(new RingReader(memory), type, nobody()),
  };
}

/** One of three channels of a lane; what comes is received before each poll, as a worker does. */
function laneEnds(ringBytes: number, window: number, type: TypeInformation<unknown> = Types.ANY): Ends {
  const memory = createLane(3, ringBytes, window);
  const nobody = () => new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES));
  const reader = new LaneReader(memory, nobody());
  const input = new FrameInputChannel(reader.inlet(1), type, nobody());
  return {
    output: new FrameOutputChannel(new LaneWriter(memory).outlet(1), type, nobody()),
    input: {
      get hasData() {
        reader.receive();
        return input.hasData;
      },
      poll(handler, maxRecords) {
        reader.receive();
        return input.poll(handler, maxRecords);
      },
    },
  };
}

function localEnds(capacity?: number): Ends {
  const channel = new LocalChannel(capacity);
  return { output: channel, input: channel };
}

const timestamp = fc.oneof(fc.constant(NO_TIMESTAMP), fc.integer());
const record: fc.Arbitrary<Event> = fc.record({
  record: fc.oneof(
    fc.integer(),
    fc.record({ id: fc.integer(), name: fc.string() }, { noNullPrototype: true }),
    fc.integer({ min: 0, max: 9000 }).map((length) => 'x'.repeat(length)),
    fc.array(fc.record({ field: fc.boolean() }, { noNullPrototype: true })),
  ),
  timestamp,
});
const control: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ watermark: fc.maxSafeInteger() }),
  fc.record({ idle: fc.boolean() }),
  fc.record({
    barrier: fc.record({
      id: fc.maxSafeNat(),
      timestamp: fc.maxSafeNat(),
      kind: fc.constantFrom(
        'checkpoint' as const,
        'savepoint' as const,
        'stop-with-savepoint' as const,
        'stop-with-savepoint-drain' as const,
      ),
    }),
  }),
  fc.record({ cancel: fc.maxSafeNat() }),
  fc.constant({ end: true } as const),
);
const step = fc.oneof(
  { weight: 8, arbitrary: record.map((event) => ({ event })) },
  { weight: 2, arbitrary: control.map((event) => ({ event })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }).map((poll) => ({ poll })) },
  { weight: 1, arbitrary: fc.constant({ flush: true }) },
);

describe.each<[string, () => Ends]>([
  ['a local channel', () => localEnds(16)],
  ['a ring of 4 KiB', () => ringEnds(4096)],
  ['a ring of 64 KiB', () => ringEnds(65_536)],
  ['a lane with a small ring and a small window', () => laneEnds(4096, 256)],
  ['a lane whose window is larger than its ring', () => laneEnds(4096, 65_536)],
  ['a lane with a large ring', () => laneEnds(65_536, 1024)],
])('%s', (_, ends) => {
  test('hands over everything written, in order, whatever the turns of writer and reader', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { output, input } = ends();
        const recorder = new Recorder();
        const written: Event[] = [];
        for (const next of steps) {
          if ('event' in next) {
            writeEvent(output, next.event);
            written.push(next.event);
          } else if ('poll' in next) input.poll(recorder, next.poll);
          else output.flush();
        }
        drain({ output, input }, recorder);
        expect(recorder.events).toEqual(plain(written));
        expect(output.isAvailable).toBe(true);
        expect(input.hasData).toBe(false);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('hands over exactly as many records as asked for and says how many', () => {
    const { output, input } = ends();
    for (let index = 0; index < 10; index++) output.write(index, index);
    output.flush();
    const recorder = new Recorder();
    expect(input.poll(recorder, 3)).toBe(3);
    expect(input.poll(recorder, 1)).toBe(1);
    expect(recorder.events).toEqual([0, 1, 2, 3].map((value) => aRecord(value, value)));
    expect(input.poll(recorder, 100)).toBe(6);
    expect(input.poll(recorder, 100)).toBe(0);
  });

  test.each<[string, Event]>([
    ['a barrier', { barrier: aBarrier(3) }],
    ['a cancelled barrier', { cancel: 3 }],
    ['the end', { end: true }],
  ])('returns right after %s, and goes on behind it at the next call', (__, event) => {
    const { output, input } = ends();
    for (const each of [aRecord(1), event, aRecord(2)]) writeEvent(output, each);
    output.flush();
    const recorder = new Recorder();
    expect(input.poll(recorder, 10)).toBe(2);
    expect(recorder.events).toEqual([aRecord(1), event]);
    expect(input.hasData).toBe(true);
    expect(input.poll(recorder, 10)).toBe(1);
    expect(recorder.events.at(-1)).toEqual(aRecord(2));
  });

  test('a watermark does not stop the reader', () => {
    const { output, input } = ends();
    for (const each of [aRecord(1), { watermark: 5 }, { idle: true }, aRecord(2)]) writeEvent(output, each);
    output.flush();
    expect(input.poll(new Recorder(), 10)).toBe(4);
  });

  test('takes the overflow, is not available then, and is available again once it was read', () => {
    const { output, input } = ends();
    let count = 0;
    for (; output.isAvailable && count < 100_000; count++) output.write('x'.repeat(500), NO_TIMESTAMP);
    expect(output.isAvailable).toBe(false);
    for (let more = 0; more < 100; more++, count++) output.write('y'.repeat(500), NO_TIMESTAMP);
    const recorder = new Recorder();
    drain({ output, input }, recorder);
    expect(recorder.events).toHaveLength(count);
    expect(output.isAvailable).toBe(true);
  });

  test('keeps the order when more comes than it has room for while it is half read', () => {
    const { output, input } = ends();
    const recorder = new Recorder();
    for (let value = 0; value < 1000; value++) {
      output.write(value, NO_TIMESTAMP);
      if (value % 3 === 0) input.poll(recorder, 1);
    }
    drain({ output, input }, recorder);
    expect(recorder.events).toEqual(Array.from({ length: 1000 }, (_, value) => aRecord(value)));
  });

  test('a record whose handling failed is not handed over again', () => {
    const { output, input } = ends();
    for (const value of ['good', 'bad', 'next']) output.write(value, NO_TIMESTAMP);
    output.flush();
    const recorder = new Recorder();
    const failing = Object.assign(new Recorder(), {
      onRecord(value: unknown) {
        if (value === 'bad') throw new Error('no');
        recorder.onRecord(value, NO_TIMESTAMP);
      },
    });
    expect(() => input.poll(failing, 10)).toThrow('no');
    input.poll(failing, 10);
    expect(recorder.events).toEqual([aRecord('good'), aRecord('next')]);
  });
});

describe('a ring channel', () => {
  test('carries records that are larger than the ring', () => {
    const { output, input } = ringEnds(4096);
    const large = Array.from({ length: 5000 }, (_, index) => ({ index, text: `number ${index}` }));
    output.write('before', NO_TIMESTAMP);
    output.write(large, 7);
    output.write('after', NO_TIMESTAMP);
    const recorder = new Recorder();
    drain({ output, input }, recorder);
    expect(recorder.events).toEqual([aRecord('before'), aRecord(large, 7), aRecord('after')]);
  });

  test('a record that its type refuses leaves the channel as it was, the shapes it brought included', () => {
    const { output, input } = ringEnds(65_536);
    output.write({ a: 1 }, NO_TIMESTAMP);
    expect(() => output.write({ b: { c: 1, bad: () => 1 } }, NO_TIMESTAMP)).toThrow('function bad');
    output.write({ b: { c: 1, bad: 2 } }, NO_TIMESTAMP);
    output.write({ a: 2 }, NO_TIMESTAMP);
    const recorder = new Recorder();
    drain({ output, input }, recorder);
    expect(recorder.events).toEqual([aRecord({ a: 1 }), aRecord({ b: { c: 1, bad: 2 } }), aRecord({ a: 2 })]);
  });

  test('field names go once per channel, not with every record', () => {
    const bytes = (names: string[]) => {
      const memory = createRing(1 << 20);
      const output = new FrameOutputChannel(
        new RingWriter(memory),
        Types.ANY,
        new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES)),
      );
      for (let index = 0; index < 1000; index++) {
        output.write(Object.fromEntries(names.map((name) => [name, 1])), NO_TIMESTAMP);
      }
      output.flush();
      return new Int32Array(memory)[0] as number;
    };
    expect(bytes(['aFieldWithALongName', 'another']) - bytes(['a', 'b'])).toBeLessThan(64);
  });

  test('records without timestamps take no bytes for them', () => {
    const memory = createRing(65_536);
    const output = new FrameOutputChannel(
      new RingWriter(memory),
      Types.BYTE,
      new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES)),
    );
    for (let index = 0; index < 1000; index++) output.write(index % 100, NO_TIMESTAMP);
    output.flush();
    expect(new Int32Array(memory)[0]).toBe(1024);
  });

  test('ends that declare different types get an IOException, not other values', () => {
    const memory = createRing(65_536);
    const wakeUp = new WakeUp(new SharedArrayBuffer(WAKE_UP_BYTES));
    const output = new FrameOutputChannel(new RingWriter(memory), Types.INT, wakeUp);
    const input = new FrameInputChannel(new RingReader(memory), Types.DOUBLE, wakeUp);
    for (let index = 0; index < 3; index++) output.write(index, NO_TIMESTAMP);
    output.flush();
    expect(() => input.poll(new Recorder(), 10)).toThrow(expect.objectContaining({ code: 'IO' }));
  });
});

/** Reads until nothing is left on either side. */
function drain({ output, input }: Ends, recorder: Recorder): void {
  for (let round = 0; round < 100_000; round++) {
    output.flush();
    const events = input.poll(recorder, 7);
    if (events === 0 && output.isAvailable && !input.hasData) return;
  }
  expect.fail('the channel does not become empty');
}

/** Without the null prototypes that the generators give. */
function plain(events: readonly Event[]): Event[] {
  return events.map((event) => structuredClone(event));
}
