/** Functions on two connected streams, without a key and with a shared one. */

import { NO_TIMESTAMP } from '../exchange/channel.ts';
import type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
} from '../functions/functions.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { createTimerService } from '../timers/internal-timer-service.ts';
import type { InternalTimerService, Triggerable } from '../timers/timer-service.ts';
import { TimestampedCollector } from './collector.ts';
import type { KeySelection, OperatorContext } from './operator.ts';
import { KeyedFunctionContext, PlainContext } from './process.ts';
import { TwoInputFunctionOperator } from './two-input.ts';

/** The three forms a function on two streams without a key may have. */
export type CoFunction<A, B, O> = CoMapFunction<A, B, O> | CoFlatMapFunction<A, B, O> | CoProcessFunction<A, B, O>;

export class CoProcessOperator<A, B, O> extends TwoInputFunctionOperator<CoProcessFunction<A, B, O>> {
  declare private functionContext: PlainContext;
  declare private collector: TimestampedCollector<O>;

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.functionContext = new PlainContext(context);
    this.collector = new TimestampedCollector<O>(context.output);
  }

  processElement1(value: unknown, timestamp: number): void {
    this.#at(timestamp);
    this.userFunction.processElement1(value as A, this.functionContext, this.collector);
  }
  processElement2(value: unknown, timestamp: number): void {
    this.#at(timestamp);
    this.userFunction.processElement2(value as B, this.functionContext, this.collector);
  }
  protected override processCombinedWatermark(timestamp: number): void {
    this.functionContext.watermark = timestamp;
    super.processCombinedWatermark(timestamp);
  }

  #at(timestamp: number): void {
    this.functionContext.elementTimestamp = timestamp;
    this.collector.timestamp = timestamp;
  }
}

export class CoMapOperator<A, B, O> extends TwoInputFunctionOperator<CoMapFunction<A, B, O>> {
  processElement1(value: unknown, timestamp: number): void {
    this.output.collect(this.userFunction.map1(value as A), timestamp);
  }
  processElement2(value: unknown, timestamp: number): void {
    this.output.collect(this.userFunction.map2(value as B), timestamp);
  }
}

export class CoFlatMapOperator<A, B, O> extends TwoInputFunctionOperator<CoFlatMapFunction<A, B, O>> {
  declare private collector: TimestampedCollector<O>;

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.collector = new TimestampedCollector<O>(context.output);
  }
  processElement1(value: unknown, timestamp: number): void {
    this.collector.timestamp = timestamp;
    this.userFunction.flatMap1(value as A, this.collector);
  }
  processElement2(value: unknown, timestamp: number): void {
    this.collector.timestamp = timestamp;
    this.userFunction.flatMap2(value as B, this.collector);
  }
}

/** Both inputs are keyed by one key type; state and timers are shared. */
export class KeyedCoProcessOperator<K, A, B, O>
  extends TwoInputFunctionOperator<KeyedCoProcessFunction<K, A, B, O>>
  implements Triggerable
{
  declare private functionContext: KeyedFunctionContext<K>;
  declare private collector: TimestampedCollector<O>;
  declare private timers: InternalTimerService;
  declare private backend: KeyedStateBackend;
  private readonly select1: (value: unknown) => K;
  private readonly select2: (value: unknown) => K;

  constructor(userFunction: KeyedCoProcessFunction<K, A, B, O>, key1: KeySelection<A, K>, key2: KeySelection<B, K>) {
    super(userFunction);
    this.select1 = key1.select as (value: unknown) => K;
    this.select2 = key2.select as (value: unknown) => K;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.backend = this.keyedBackend();
    this.collector = new TimestampedCollector<O>(context.output);
    this.timers = createTimerService({
      name: 'user-timers',
      namespace: 'void',
      backend: this.backend,
      processingTime: context.processingTime,
      target: this,
    });
    this.functionContext = new KeyedFunctionContext<K>(context, this.timers, this.backend);
  }

  override async open(): Promise<void> {
    await super.open();
    this.timers.start();
  }

  processElement1(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select1(value));
    this.#at(timestamp);
    this.userFunction.processElement1(value as A, this.functionContext, this.collector);
  }
  processElement2(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select2(value));
    this.#at(timestamp);
    this.userFunction.processElement2(value as B, this.functionContext, this.collector);
  }
  protected override processCombinedWatermark(timestamp: number): void {
    this.timers.advanceWatermark(timestamp);
    super.processCombinedWatermark(timestamp);
  }
  onEventTime(timestamp: number): void {
    this.#fire(timestamp, timestamp, 'event');
  }
  onProcessingTime(timestamp: number): void {
    this.#fire(timestamp, NO_TIMESTAMP, 'processing');
  }
  override async close(): Promise<void> {
    this.timers.close();
    await super.close();
  }

  #fire(timestamp: number, elementTimestamp: number, domain: 'event' | 'processing'): void {
    this.#at(elementTimestamp);
    this.functionContext.domain = domain;
    this.userFunction.onTimer?.(timestamp, this.functionContext, this.collector);
  }

  #at(timestamp: number): void {
    this.functionContext.elementTimestamp = timestamp;
    this.collector.timestamp = timestamp;
  }
}
