/** What comes out of a stream, as it comes out: nothing is held back for a checkpoint. */
import type { DataStream } from '../datastream/data-stream.ts';
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import { AbstractStreamOperator } from '../operators/abstract-operator.ts';
import type { OneInputOperator } from '../operators/operator.ts';

/** A record with its event time. */
export interface TimestampedRecord<T> {
  readonly value: T;
  /** Undefined for a record without one. */
  readonly timestamp: number | undefined;
}

export class RecordedOutput<T> {
  #records: TimestampedRecord<T>[] = [];

  /** Records everything that comes out of the stream, of all its subtasks in the order in which they emit. */
  attachTo(stream: DataStream<T>, uid: string): void {
    const record = (value: unknown, timestamp: number): void => {
      this.#records.push({ value: value as T, timestamp: timestamp === NO_TIMESTAMP ? undefined : timestamp });
    };
    stream.transform(uid, () => new RecordingOperator(record)).uid(uid);
  }

  /** What came out since the last call. */
  take(): TimestampedRecord<T>[] {
    const taken = this.#records;
    this.#records = [];
    return taken;
  }
}

class RecordingOperator extends AbstractStreamOperator implements OneInputOperator {
  readonly #record: (value: unknown, timestamp: number) => void;

  constructor(record: (value: unknown, timestamp: number) => void) {
    super();
    this.#record = record;
  }

  processElement(value: unknown, timestamp: number): void {
    this.#record(value, timestamp);
  }
  processWatermark(): void {}
  processIdle(): void {}
}
