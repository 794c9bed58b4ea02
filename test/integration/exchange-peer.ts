/**
 * One of two threads that send each other records through rings or lanes, and check what they get: every record once, in order,
 * per key numbered without a gap, barriers and watermarks where they belong. Runs as a worker; answers with what it saw.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  type ChannelHandler,
  type CheckpointBarrier,
  FrameInputChannel,
  FrameOutputChannel,
  type LaneMemory,
  LaneReader,
  LaneWriter,
  NO_TIMESTAMP,
  RingReader,
  RingWriter,
  WakeUp,
} from '../../src/stream/exchange/index.ts';
import { type TypeInformation, Types } from '../../src/stream/types/index.ts';

export interface PeerSetup {
  readonly records: number;
  readonly kind: 'tuple' | 'any';
  /** A ring, or a lane, whose channel 1 is used. */
  readonly output: SharedArrayBuffer | LaneMemory;
  readonly input: SharedArrayBuffer | LaneMemory;
  readonly self: SharedArrayBuffer;
  readonly other: SharedArrayBuffer;
  /** Records taken per turn; a small number keeps the ring that is read full. */
  readonly take: number;
}

export interface PeerResult {
  readonly records: number;
  readonly barriers: number;
  readonly blockedTurns: number;
  readonly longestSleepMs: number;
}

/** So long that a lost wake-up shows. */
const LONGEST_SLEEP_MS = 20_000;

const KEYS = 7;
const BARRIER_EVERY = 10_000;

function aValue(kind: PeerSetup['kind'], index: number): unknown {
  const key = index % KEYS;
  const sequence = Math.floor(index / KEYS);
  if (kind === 'tuple') return [key, sequence];
  return index % 3 === 0 ? { key, sequence } : { key, sequence, text: `record ${index}`, more: [index, { index }] };
}

/** Checks each event against what comes next. */
class Checker implements ChannelHandler {
  records = 0;
  barriers = 0;
  ended = false;
  readonly #kind: PeerSetup['kind'];
  readonly #seen: number[] = new Array(KEYS).fill(-1);

  constructor(kind: PeerSetup['kind']) {
    this.#kind = kind;
  }

  onRecord(value: unknown, timestamp: number): void {
    const index = this.records++;
    const { key, sequence } = this.#keyAndSequence(value);
    if (sequence !== (this.#seen[key] as number) + 1)
      throw new Error(`key ${key}: ${sequence} after ${this.#seen[key]}`);
    this.#seen[key] = sequence;
    if (key !== index % KEYS) throw new Error(`record ${index} came in the place of another`);
    if (timestamp !== timestampOf(index)) throw new Error(`record ${index} has timestamp ${timestamp}`);
  }

  onWatermark(timestamp: number): void {
    if (timestamp !== this.records) throw new Error(`watermark ${timestamp} behind record ${this.records}`);
  }

  onIdle(): void {}

  onBarrier({ id }: CheckpointBarrier): void {
    if (id !== this.barriers + 1 || this.records !== id * BARRIER_EVERY) {
      throw new Error(`barrier ${id} behind record ${this.records}`);
    }
    this.barriers = id;
  }

  onCancelBarrier(): void {}

  onEnd(): void {
    this.ended = true;
  }

  #keyAndSequence(value: unknown): { key: number; sequence: number } {
    if (this.#kind === 'any') return value as { key: number; sequence: number };
    const [key, sequence] = value as [number, number];
    return { key, sequence };
  }
}

/** Long stretches without timestamps and with, and some of both in turn. */
function timestampOf(index: number): number {
  const stretch = Math.floor(index / 5000) % 3;
  return stretch === 0 || (stretch === 1 && index % 2 === 0) ? NO_TIMESTAMP : index;
}

async function run(setup: PeerSetup): Promise<PeerResult> {
  const type = (setup.kind === 'tuple' ? Types.TUPLE(Types.INT, Types.INT) : Types.ANY) as TypeInformation<unknown>;
  const wakeOther = new WakeUp(setup.other);
  const self = new WakeUp(setup.self);
  const writer = 'ring' in setup.output ? new LaneWriter(setup.output).outlet(1) : new RingWriter(setup.output);
  const output = new FrameOutputChannel(writer, type, wakeOther);
  const lane = 'ring' in setup.input ? new LaneReader(setup.input, wakeOther) : undefined;
  const reader = 'ring' in setup.input ? lane?.inlet(1) : new RingReader(setup.input);
  if (reader === undefined) throw new Error('no reader');
  const input = new FrameInputChannel(reader, type, wakeOther);
  const checker = new Checker(setup.kind);
  let sent = 0;
  let blockedTurns = 0;
  let longestSleepMs = 0;

  const send = (): boolean => {
    if (sent > setup.records) {
      output.flush();
      return false;
    }
    if (!output.isAvailable) {
      blockedTurns++;
      return false;
    }
    for (let count = 0; count < 500 && sent < setup.records; count++, sent++) {
      output.write(aValue(setup.kind, sent), timestampOf(sent));
      if ((sent + 1) % BARRIER_EVERY === 0) {
        output.writeBarrier({ id: (sent + 1) / BARRIER_EVERY, timestamp: 0, kind: 'checkpoint' });
        output.writeWatermark(sent + 1);
      }
    }
    if (sent === setup.records) {
      output.writeEnd();
      sent++;
    }
    return true;
  };

  const isDone = (): boolean => checker.ended && sent > setup.records && output.isAvailable;
  /** Tries again to send what waits; with records left to send, room is work. */
  const hasWork = (): boolean => {
    lane?.receive();
    const hasRoom = output.isAvailable;
    return input.hasData || (hasRoom && sent <= setup.records);
  };

  while (!isDone()) {
    lane?.receive();
    const worked = [send(), input.poll(checker, setup.take) > 0].includes(true);
    if (worked) continue;
    output.flush();
    self.prepareToSleep();
    // Once more after the preparation: what happened before it woke nobody.
    if (hasWork() || isDone()) continue;
    const start = performance.now();
    await self.sleep(LONGEST_SLEEP_MS);
    longestSleepMs = Math.max(longestSleepMs, performance.now() - start);
  }
  return { records: checker.records, barriers: checker.barriers, blockedTurns, longestSleepMs };
}

if (parentPort !== null) parentPort.postMessage(await run(workerData as PeerSetup));
