/**
 * A channel between two subtasks of one thread: values by reference, in order, in a circular buffer that is used again
 * and again. It never refuses a record; above its capacity it grows and says that it is not available, so that the
 * upstream task stops after the record it is at.
 *
 * What was written can be read at once; `flush` has nothing to do. The reader must not change a value that it did not
 * make: the same object may be in several channels (broadcast).
 */
import type { ChannelHandler, CheckpointBarrier, InputChannel, OutputChannel } from './channel.ts';
import { type ControlEvent, handOver, stopsReading } from './control-event.ts';

/** A power of two. There may be tens of thousands of channels, most of which never hold much. */
const FIRST_SLOTS = 16;

/** Both ends of a channel inside a thread. */
export class LocalChannel implements OutputChannel, InputChannel {
  /** How many records may wait before the channel is not available. */
  readonly capacity: number;
  #values: unknown[];
  /** Of record i at i; NaN marks a control event, which then is the value. */
  #timestamps: Float64Array;
  #mask: number;
  #head = 0;
  #size = 0;

  /** @param capacity records that may wait @default 2048 */
  constructor(capacity = 2048) {
    this.capacity = capacity;
    this.#values = new Array(FIRST_SLOTS).fill(undefined);
    this.#timestamps = new Float64Array(FIRST_SLOTS);
    this.#mask = FIRST_SLOTS - 1;
  }

  get isAvailable(): boolean {
    return this.#size < this.capacity;
  }

  get hasData(): boolean {
    return this.#size > 0;
  }

  /** How many events wait. */
  get size(): number {
    return this.#size;
  }

  write(value: unknown, timestamp: number): void {
    if (this.#size > this.#mask) this.#grow();
    const slot = (this.#head + this.#size) & this.#mask;
    this.#values[slot] = value;
    this.#timestamps[slot] = timestamp;
    this.#size++;
  }

  writeWatermark(timestamp: number): void {
    this.#control({ type: 'watermark', timestamp });
  }

  writeIdle(idle: boolean): void {
    this.#control({ type: 'idle', idle });
  }

  writeBarrier(barrier: CheckpointBarrier): void {
    this.#control({ type: 'barrier', barrier });
  }

  writeCancelBarrier(id: number): void {
    this.#control({ type: 'cancelBarrier', id });
  }

  writeEnd(): void {
    this.#control({ type: 'end' });
  }

  flush(): void {}

  poll(handler: ChannelHandler, maxRecords: number): number {
    let events = 0;
    let records = 0;
    while (this.#size > 0 && records < maxRecords) {
      const slot = this.#head;
      const value = this.#values[slot];
      const timestamp = this.#timestamps[slot] as number;
      // Taken out before it is handed over: a handler that throws has had its record.
      this.#values[slot] = undefined;
      this.#head = (slot + 1) & this.#mask;
      this.#size--;
      events++;
      if (Number.isNaN(timestamp)) {
        handOver(value as ControlEvent, handler);
        if (stopsReading(value as ControlEvent)) break;
      } else {
        records++;
        handler.onRecord(value, timestamp);
      }
    }
    return events;
  }

  #control(event: ControlEvent): void {
    this.write(event, Number.NaN);
  }

  #grow(): void {
    const slots = this.#values.length;
    const values = new Array<unknown>(slots * 2).fill(undefined);
    const timestamps = new Float64Array(slots * 2);
    for (let index = 0; index < slots; index++) {
      const slot = (this.#head + index) & this.#mask;
      values[index] = this.#values[slot];
      timestamps[index] = this.#timestamps[slot] as number;
    }
    this.#values = values;
    this.#timestamps = timestamps;
    this.#mask = slots * 2 - 1;
    this.#head = 0;
  }
}
