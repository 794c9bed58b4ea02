import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AlignmentMode,
  type CheckpointBarrier,
  type GateListener,
  type GateOptions,
  InputGate,
  LocalChannel,
  NO_TIMESTAMP,
} from '../../../src/stream/exchange/index.ts';
import { aBarrier } from './recorder.ts';

/** A gate over local channels that writes down what it hands over, as short texts. */
class GateUnderTest implements GateListener {
  readonly inputs: LocalChannel[][];
  readonly channels: LocalChannel[];
  readonly gate: InputGate;
  readonly log: string[] = [];
  onBarriers: (barrier: CheckpointBarrier) => void = () => {};

  constructor(channelsPerInput: readonly number[], options: GateOptions = {}) {
    this.inputs = channelsPerInput.map((count) => Array.from({ length: count }, () => new LocalChannel()));
    this.channels = this.inputs.flat();
    this.gate = new InputGate(this.inputs, this, options);
  }

  onRecord(input: number, value: unknown): void {
    this.log.push(input === 0 ? `${value}` : `${value}@${input}`);
  }
  onWatermark(input: number, timestamp: number): void {
    this.log.push(`watermark ${timestamp}${input === 0 ? '' : `@${input}`}`);
  }
  onIdle(input: number, idle: boolean): void {
    this.log.push(`${idle ? 'idle' : 'active'}${input === 0 ? '' : `@${input}`}`);
  }
  onAllBarriers(barrier: CheckpointBarrier): void {
    this.log.push(`capture ${barrier.id}`);
    this.onBarriers(barrier);
  }
  onAlignmentAborted(id: number, reason: string): void {
    this.log.push(`abort ${id} ${reason.replace('CHECKPOINT_DECLINED_', '')}`);
  }
  onEndOfInput(input: number): void {
    this.log.push(`end${input === 0 ? '' : `@${input}`}`);
  }

  /** Writes to channel `channel`: texts are records, numbers barriers, `end` the end. */
  feed(channel: number, ...events: (string | number)[]): this {
    const to = this.channels[channel]!;
    for (const event of events) {
      if (typeof event === 'number') to.writeBarrier(aBarrier(event));
      else if (event === 'end') to.writeEnd();
      else if (event.startsWith('cancel ')) to.writeCancelBarrier(Number(event.slice(7)));
      else if (event.startsWith('watermark ')) to.writeWatermark(Number(event.slice(10)));
      else if (event === 'idle' || event === 'active') to.writeIdle(event === 'idle');
      else to.write(event, NO_TIMESTAMP);
    }
    return this;
  }

  /** Polls until nothing more comes and returns what came. */
  drain(): string[] {
    const from = this.log.length;
    while (this.gate.poll(1000) > 0);
    return this.log.slice(from);
  }
}

const CANCELLED = 'ON_CANCELLATION_BARRIER';
const both = (mode: AlignmentMode, input: number[] = [2]) => new GateUnderTest(input, { mode });

describe('barriers, exactly once', () => {
  test('a channel that delivered the barrier is blocked until all have, and then goes on', () => {
    const gate = both('exactly-once').feed(0, 'a1', 1, 'a2').feed(1, 'b1');
    expect(gate.drain()).toEqual(['a1', 'b1']);
    expect(gate.gate.hasData).toBe(false);
    expect(gate.gate.aligning).toBe(1);
    gate.feed(1, 'b2', 1, 'b3');
    expect(gate.drain()).toEqual(['b2', 'capture 1', 'a2', 'b3']);
    expect(gate.gate.aligning).toBeUndefined();
  });

  test('a task with one channel captures at once', () => {
    const gate = both('exactly-once', [1]).feed(0, 'a1', 1, 'a2');
    expect(gate.drain()).toEqual(['a1', 'capture 1', 'a2']);
  });

  test('nothing is read behind the capture in the same call', () => {
    const gate = both('exactly-once').feed(0, 'a1', 1, 'a2').feed(1, 1, 'b2');
    gate.gate.poll(1000);
    expect(gate.log).toEqual(['a1', 'capture 1']);
    expect(gate.gate.hasData).toBe(true);
  });

  test('alignment spans the channels of both inputs', () => {
    const gate = both('exactly-once', [1, 2]).feed(0, 1, 'a').feed(1, 1, 'b').feed(2, 'c');
    expect(gate.drain()).toEqual(['c@1']);
    gate.feed(2, 1);
    expect(gate.drain()).toEqual(['capture 1', 'a', 'b@1']);
  });

  test('checkpoints follow one another', () => {
    const gate = both('exactly-once').feed(0, 1, 'a', 2).feed(1, 1, 2, 'b');
    expect(gate.drain()).toEqual(['capture 1', 'a', 'capture 2', 'b']);
  });
});

describe('barriers, at least once', () => {
  test('no channel is blocked, the capture comes with the last barrier', () => {
    const gate = both('at-least-once').feed(0, 'a1', 1, 'a2').feed(1, 'b1');
    expect(gate.drain()).toEqual(['a1', 'b1', 'a2']);
    gate.feed(1, 1, 'b2');
    expect(gate.drain()).toEqual(['capture 1', 'b2']);
  });
});

describe.each<AlignmentMode>(['exactly-once', 'at-least-once'])('barriers, %s', (mode) => {
  test('a late barrier of an older checkpoint is ignored', () => {
    const gate = both(mode).feed(0, 2).feed(1, 1, 'b');
    expect(gate.drain()).toEqual(['b']);
    gate.feed(1, 2);
    expect(gate.drain()).toEqual(['capture 2']);
    gate.feed(0, 1, 'a');
    expect(gate.drain()).toEqual(['a']);
  });

  test('a duplicate barrier is ignored', () => {
    const gate = both(mode).feed(0, 1).feed(1, 1);
    expect(gate.drain()).toEqual(['capture 1']);
    gate.feed(0, 1, 'a').feed(1, 1, 'b');
    expect(gate.drain()).toEqual(['a', 'b']);
  });

  test('a duplicate barrier does not stand for the barrier of another channel', () => {
    const gate = both('at-least-once').feed(0, 1, 1, 'a');
    expect(gate.drain()).toEqual(['a']);
    expect(gate.gate.aligning).toBe(1);
  });

  test('a newer barrier overtakes: the older checkpoint is aborted and its channels go on', () => {
    const gate = both(mode).feed(0, 1, 'a').feed(1, 2, 'b');
    const log = gate.drain();
    expect(log[0]).toBe('abort 1 SUBSUMED');
    expect(log).toContain('a');
    expect(gate.gate.aligning).toBe(2);
    gate.feed(0, 2);
    expect(gate.drain()).toContain('capture 2');
  });

  test('a cancelled barrier ends the alignment, once', () => {
    const gate = both(mode).feed(0, 1, 'a').feed(1, 'cancel 1', 'b');
    const log = gate.drain();
    expect(log).toContain(`abort 1 ${CANCELLED}`);
    expect(log).toEqual(expect.arrayContaining(['a', 'b']));
    gate.feed(0, 'cancel 1');
    expect(gate.drain()).toEqual([]);
  });

  test('a checkpoint that was cancelled before its first barrier does not start', () => {
    const gate = both(mode).feed(0, 'cancel 1').feed(1, 1, 'b');
    expect(gate.drain()).toEqual([`abort 1 ${CANCELLED}`, 'b']);
    gate.feed(0, 2).feed(1, 2);
    expect(gate.drain()).toEqual(['capture 2']);
  });

  test('the cancellation of a newer checkpoint aborts the older one too', () => {
    const gate = both(mode).feed(0, 1).feed(1, 'cancel 2');
    expect(gate.drain()).toEqual(['abort 1 SUBSUMED', `abort 2 ${CANCELLED}`]);
  });

  test('the cancellation of an older checkpoint is ignored', () => {
    const gate = both(mode).feed(0, 2).feed(1, 'cancel 1', 2);
    expect(gate.drain()).toEqual(['capture 2']);
  });

  test('the end of a channel counts as its barrier, and is handed over behind the capture', () => {
    const gate = both(mode, [1, 1]).feed(0, 1).feed(1, 'b', 'end');
    gate.gate.poll(1000);
    expect(gate.log).toEqual(['b@1', 'capture 1']);
    expect(gate.gate.hasData).toBe(true);
    expect(gate.drain()).toEqual(['end@1']);
  });

  test('a channel that ended before the checkpoint is not waited for', () => {
    const gate = both(mode).feed(1, 'end');
    expect(gate.drain()).toEqual([]);
    gate.feed(0, 1, 'a');
    expect(gate.drain()).toEqual(['capture 1', 'a']);
  });

  test('a channel that ended behind its barrier counts once', () => {
    const gate = new GateUnderTest([3], { mode }).feed(0, 1, 'end');
    gate.drain();
    gate.feed(1, 1);
    expect(gate.drain()).toEqual([]);
    gate.feed(2, 1);
    expect(gate.drain()).toEqual(['capture 1']);
  });

  test('an input ends when all its channels have', () => {
    const gate = both(mode, [2, 1]).feed(0, 'end').feed(2, 'end');
    expect(gate.drain()).toEqual(['end@1']);
    expect(gate.gate.allEnded).toBe(false);
    gate.feed(1, 'a', 'end');
    expect(gate.drain()).toEqual(['a', 'end']);
    expect(gate.gate.allEnded).toBe(true);
    expect(gate.gate.hasData).toBe(false);
  });
});

describe('reading', () => {
  test('a pause in the callback keeps the gate from reading until it is resumed', () => {
    const gate = both('exactly-once', [1]).feed(0, 1, 'a');
    gate.onBarriers = () => gate.gate.pause();
    expect(gate.drain()).toEqual(['capture 1']);
    expect(gate.gate.poll(10)).toBe(0);
    expect(gate.gate.hasData).toBe(false);
    gate.gate.resume();
    expect(gate.gate.hasData).toBe(true);
    expect(gate.drain()).toEqual(['a']);
  });

  test('the end that completed a checkpoint waits while the gate is paused', () => {
    const gate = both('exactly-once', [1, 1]).feed(0, 1).feed(1, 'end');
    gate.onBarriers = () => gate.gate.pause();
    expect(gate.drain()).toEqual(['capture 1']);
    expect(gate.drain()).toEqual([]);
    gate.gate.resume();
    expect(gate.drain()).toEqual(['end@1']);
  });

  test('takes no more than asked for', () => {
    const gate = both('exactly-once').feed(0, 'a1', 'a2', 'a3').feed(1, 'b1');
    expect(gate.gate.poll(2)).toBe(2);
    expect(gate.log).toHaveLength(2);
  });

  test('channels have turns, so that a full one does not starve the others', () => {
    const gate = new GateUnderTest([2], { sliceRecords: 2 }).feed(0, 'a1', 'a2', 'a3', 'a4').feed(1, 'b1', 'b2', 'b3');
    expect(gate.drain()).toEqual(['a1', 'a2', 'b1', 'b2', 'a3', 'a4', 'b3']);
  });

  test('turns go on across calls', () => {
    const gate = new GateUnderTest([2], { sliceRecords: 1 }).feed(0, 'a1', 'a2').feed(1, 'b1', 'b2');
    for (let call = 0; call < 4; call++) gate.gate.poll(1);
    expect(gate.log).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  test('a test can choose the channel that a call begins with', () => {
    const choices = [1, 1, 0, 1];
    const gate = new GateUnderTest([2], { firstChannel: () => choices.shift() ?? 0 });
    gate.feed(0, 'a1').feed(1, 'b1', 'b2');
    for (let call = 0; call < 3; call++) gate.gate.poll(1);
    expect(gate.log).toEqual(['b1', 'b2', 'a1']);
  });
});

describe('watermarks', () => {
  test('are combined per input and never go back', () => {
    const gate = new GateUnderTest([2, 1]).feed(0, 'watermark 5').feed(2, 'watermark 9');
    expect(gate.drain()).toEqual(['watermark 9@1']);
    gate.feed(1, 'watermark 3', 'watermark 8');
    expect(gate.drain()).toEqual(['watermark 3', 'watermark 5']);
  });

  test('a channel that ended holds nothing back', () => {
    const gate = new GateUnderTest([2]).feed(0, 'watermark 5').feed(1, 'watermark 1', 'end');
    expect(gate.drain()).toEqual(['watermark 1', 'watermark 5']);
  });

  test('the watermark that the end of a channel sets free comes behind the checkpoint that it completes', () => {
    const gate = new GateUnderTest([2]).feed(0, 'watermark 5', 1).feed(1, 'end');
    expect(gate.drain()).toEqual(['capture 1', 'watermark 5']);
  });
});

test('per key, sequence numbers grow by one through any alignment, and each capture separates the same numbers', () => {
  const turns = fc.array(fc.record({ channel: fc.nat(2), records: fc.nat(3), polls: fc.nat(9) }), { maxLength: 60 });
  fc.assert(
    fc.property(turns, fc.integer({ min: 1, max: 4 }), (script, sliceRecords) => {
      // Key = channel. Before barrier n, channel c writes a known number of records; the capture must see just those.
      const gate = new GateUnderTest([2, 1], { sliceRecords });
      const sent = [0, 0, 0];
      const sentAtBarrier: number[][] = [[0], [0], [0]];
      const seen = [0, 0, 0];
      const barriers = [0, 0, 0];
      gate.onRecord = (_, value) => {
        const [key, sequence] = value as [number, number];
        expect(sequence).toBe(seen[key]! + 1);
        seen[key] = sequence;
      };
      gate.onBarriers = ({ id }) => expect(seen).toEqual(sentAtBarrier.map((at) => at[id]));
      const write = (channel: number) => gate.channels[channel]!.write([channel, ++sent[channel]!], NO_TIMESTAMP);
      const mark = (channel: number) => {
        barriers[channel]!++;
        sentAtBarrier[channel]![barriers[channel]!] = sent[channel]!;
        gate.channels[channel]!.writeBarrier(aBarrier(barriers[channel]!));
      };
      for (const { channel, records, polls } of script) {
        for (let index = 0; index < records; index++) write(channel);
        mark(channel);
        if (polls > 0) gate.gate.poll(polls);
      }
      const last = Math.max(...barriers);
      for (const channel of [0, 1, 2]) while (barriers[channel]! < last) mark(channel);
      while (gate.gate.poll(5) > 0);
      expect(seen).toEqual(sent);
      expect(gate.log.filter((line) => line.startsWith('capture'))).toHaveLength(last);
    }),
    { seed: 3, numRuns: 300 },
  );
});
