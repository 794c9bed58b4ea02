import { NO_TIMESTAMP } from '../exchange/channel.ts';
import { Collector } from '../functions/functions.ts';
import type { Output } from './operator.ts';

/** The collector handed to user functions: every emitted record carries the timestamp of the record being processed. */
export class TimestampedCollector<T> extends Collector<T> {
  readonly #output: Output;
  timestamp: number = NO_TIMESTAMP;

  constructor(output: Output) {
    super();
    this.#output = output;
  }

  collect(value: T): void {
    this.#output.collect(value, this.timestamp);
  }
}
