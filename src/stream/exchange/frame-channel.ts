/**
 * A channel between two threads: records are encoded with the type of the edge into batches, and batches go as frames
 * through shared memory: a ring of its own, or a lane that it shares with others. Control events are frames of their own,
 * behind all records written before them.
 *
 * A batch goes out when it is large, before a control event and on `flush`. What finds no room there waits on the writer's
 * side, in order, and the channel is not available until all of it has gone; `flush` and `isAvailable` try
 * again, and the reader wakes the writer's thread when there is room.
 */
import { IOException } from '../../lib/java-errors.ts';
import { DataInput } from '../types/data-input.ts';
import { DataOutput } from '../types/data-output.ts';
import { ShapeReader, ShapeWriter } from '../types/shapes.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type { ChannelHandler, CheckpointBarrier, CheckpointKind, InputChannel, OutputChannel } from './channel.ts';
import { NO_TIMESTAMP } from './channel.ts';
import type { FrameReader, FrameWriter } from './frame.ts';
import * as frame from './frame.ts';
import type { WakeUp } from './wake-up.ts';

/** Kinds by number, as sent. */
const KINDS: readonly CheckpointKind[] = [
  'checkpoint',
  'savepoint',
  'stop-with-savepoint',
  'stop-with-savepoint-drain',
];

interface WaitingFrame {
  readonly info: number;
  readonly bytes: Uint8Array;
}

/** The writing end. */
export class FrameOutputChannel<T = unknown> implements OutputChannel {
  readonly #frames: FrameWriter;
  readonly #type: TypeInformation<T>;
  readonly #reader: WakeUp;
  readonly #batchBytes: number;
  readonly #batch: DataOutput;
  /** Only where the type can hold what describes itself: tens of thousands of channels would feel it. */
  readonly #shapes: ShapeWriter | undefined;
  readonly #waiting: WaitingFrame[] = [];
  #records = 0;
  #withTimestamps = false;

  /**
   * @param frames where they go; for this channel alone
   * @param type of the records, the same at both ends
   * @param reader wakes the reading thread
   */
  constructor(frames: FrameWriter, type: TypeInformation<T>, reader: WakeUp) {
    this.#frames = frames;
    this.#type = type;
    this.#reader = reader;
    this.#batchBytes = frames.batchBytes;
    this.#batch = new DataOutput(frames.initialBytes);
    this.#shapes = holdsAny(type.schema) ? new ShapeWriter() : undefined;
    this.#batch.shapes = this.#shapes;
    this.#shapes?.startSession();
  }

  get isAvailable(): boolean {
    return this.#waiting.length === 0 || this.#sendWaiting();
  }

  write(value: unknown, timestamp: number): void {
    const batch = this.#batch;
    // All records of a frame have timestamps or none has.
    if (timestamp !== NO_TIMESTAMP && !this.#withTimestamps) {
      if (this.#records > 0) this.#sendBatch();
      this.#withTimestamps = true;
    }
    const start = batch.position;
    const shapes = this.#shapes === undefined ? 0 : this.#shapes.count;
    if (this.#withTimestamps) batch.writeFloat64(timestamp);
    try {
      this.#type.write(batch, value as T);
    } catch (error) {
      // The record is not there at all: neither its bytes nor the shapes it brought.
      batch.position = start;
      this.#shapes?.forgetAfter(shapes);
      throw error;
    }
    this.#records++;
    if (batch.position >= this.#batchBytes || this.#records === frame.MAX_RECORDS) this.#sendBatch();
  }

  writeWatermark(timestamp: number): void {
    this.#sendBatch();
    this.#batch.writeFloat64(timestamp);
    this.#sendControl(frame.WATERMARK);
  }

  writeIdle(idle: boolean): void {
    this.#sendBatch();
    this.#batch.writeByte(idle ? 1 : 0);
    this.#sendControl(frame.IDLE);
  }

  writeBarrier({ id, timestamp, kind }: CheckpointBarrier): void {
    this.#sendBatch();
    this.#batch.writeFloat64(id);
    this.#batch.writeFloat64(timestamp);
    this.#batch.writeByte(KINDS.indexOf(kind));
    this.#sendControl(frame.BARRIER);
  }

  writeCancelBarrier(id: number): void {
    this.#sendBatch();
    this.#batch.writeFloat64(id);
    this.#sendControl(frame.CANCEL_BARRIER);
  }

  writeEnd(): void {
    this.#sendBatch();
    this.#sendControl(frame.END);
  }

  flush(): void {
    this.#sendBatch();
    if (this.#waiting.length > 0) this.#sendWaiting();
  }

  #sendBatch(): void {
    if (this.#records === 0) return;
    const { buffer, position } = this.#batch;
    const longest = this.#frames.maxPayload;
    let from = 0;
    for (; position - from > longest; from += longest) {
      this.#send(frame.frameInfo(frame.PIECE, false, 0), buffer, from, from + longest);
    }
    this.#send(frame.frameInfo(frame.RECORDS, this.#withTimestamps, this.#records), buffer, from, position);
    this.#batch.reset();
    this.#records = 0;
    this.#withTimestamps = false;
  }

  #sendControl(kind: number): void {
    this.#send(frame.frameInfo(kind, false, 0), this.#batch.buffer, 0, this.#batch.position);
    this.#batch.reset();
  }

  #send(info: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.isAvailable && this.#frames.tryWrite(info, bytes, from, to)) this.#reader.wake();
    else this.#waiting.push({ info, bytes: new Uint8Array(bytes.subarray(from, to)) });
  }

  /** True when nothing waits any more. */
  #sendWaiting(): boolean {
    let sent = 0;
    for (; sent < this.#waiting.length; sent++) {
      const { info, bytes } = this.#waiting[sent] as WaitingFrame;
      if (!this.#frames.tryWrite(info, bytes, 0, bytes.length)) break;
    }
    if (sent > 0) {
      this.#waiting.splice(0, sent);
      this.#reader.wake();
    }
    return this.#waiting.length === 0;
  }
}

/** The reading end. */
export class FrameInputChannel<T = unknown> implements InputChannel {
  readonly #frames: FrameReader;
  readonly #type: TypeInformation<T>;
  readonly #writer: WakeUp;
  readonly #input: DataInput;
  /** Bytes of pieces whose end has not come yet. */
  #pieces = 0;
  /** Records of the frame that have not been handed over. */
  #left = 0;
  #withTimestamps = false;

  /**
   * @param frames where they come from; for this channel alone
   * @param type of the records, the same at both ends
   * @param writer wakes the writing thread
   */
  constructor(frames: FrameReader, type: TypeInformation<T>, writer: WakeUp) {
    this.#frames = frames;
    this.#type = type;
    this.#writer = writer;
    this.#input = new DataInput(new Uint8Array(frames.initialBytes));
    this.#input.shapes = holdsAny(type.schema) ? new ShapeReader() : undefined;
  }

  get hasData(): boolean {
    return this.#left > 0 || this.#frames.hasFrame;
  }

  poll(handler: ChannelHandler, maxRecords: number): number {
    let events = 0;
    let records = 0;
    while (records < maxRecords) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, maxRecords - records);
        this.#handOverRecords(handler, count);
        records += count;
        events += count;
        continue;
      }
      if (!this.#frames.hasFrame) break;
      const kind = this.#takeFrame();
      if (kind === frame.RECORDS || kind === frame.PIECE) continue;
      events++;
      this.#handOverControl(kind, handler);
      if (kind === frame.BARRIER || kind === frame.CANCEL_BARRIER || kind === frame.END) break;
    }
    return events;
  }

  #handOverRecords(handler: ChannelHandler, count: number): void {
    const input = this.#input;
    for (let index = 0; index < count; index++) {
      const timestamp = this.#withTimestamps ? input.readFloat64() : NO_TIMESTAMP;
      const value = this.#type.read(input);
      // Counted before it is handed over: a handler that throws has had its record.
      this.#left--;
      handler.onRecord(value, timestamp);
    }
    if (this.#left === 0 && input.remaining > 0) {
      throw new IOException(
        `${input.remaining} bytes left behind the records of a frame: the types at its ends differ`,
      );
    }
  }

  #takeFrame(): number {
    const length = this.#frames.frameLength;
    const info = this.#frames.frameInfo;
    const end = this.#pieces + length;
    if (end > this.#input.buffer.length) this.#grow(end);
    if (this.#frames.take(this.#input.buffer, this.#pieces)) this.#writer.wake();
    const kind = frame.kindOf(info);
    this.#pieces = kind === frame.PIECE ? end : 0;
    this.#input.position = 0;
    this.#input.end = end;
    if (kind === frame.RECORDS) {
      this.#left = frame.recordsIn(info);
      this.#withTimestamps = frame.hasTimestamps(info);
    }
    return kind;
  }

  #handOverControl(kind: number, handler: ChannelHandler): void {
    const input = this.#input;
    switch (kind) {
      case frame.WATERMARK:
        handler.onWatermark(input.readFloat64());
        break;
      case frame.IDLE:
        handler.onIdle(input.readByte() !== 0);
        break;
      case frame.BARRIER:
        handler.onBarrier({
          id: input.readFloat64(),
          timestamp: input.readFloat64(),
          kind: KINDS[input.readByte()] ?? 'checkpoint',
        });
        break;
      case frame.CANCEL_BARRIER:
        handler.onCancelBarrier(input.readFloat64());
        break;
      case frame.END:
        handler.onEnd();
        break;
      default:
        throw new IOException(`a frame of unknown kind ${kind}: the memory of the ring is damaged`);
    }
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#input.buffer.length * 2));
    larger.set(this.#input.buffer.subarray(0, this.#pieces));
    this.#input.buffer = larger;
  }
}

/** Whether values of the type, or parts of them, describe themselves. Both ends ask, and come to the same. */
function holdsAny({ kind, fields = [], element, key }: TypeSchema): boolean {
  if (kind === 'any') return true;
  if (element !== undefined && holdsAny(element)) return true;
  return (key !== undefined && holdsAny(key)) || fields.some((field) => holdsAny(field.type));
}
