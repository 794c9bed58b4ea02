/** Process functions on one input: with and without a key. The context objects are made once and reused per record. */

import { UnsupportedOperationException } from '../../lib/java-errors.ts';
import { MIN_WATERMARK, NO_TIMESTAMP } from '../exchange/channel.ts';
import {
  type KeyedProcessFunction,
  OnTimerContext,
  ProcessContext,
  type ProcessFunction,
  TimerService,
} from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { createTimerService } from '../timers/internal-timer-service.ts';
import type { InternalTimerService, Triggerable } from '../timers/timer-service.ts';
import { TimestampedCollector } from './collector.ts';
import type { KeySelection, OperatorContext } from './operator.ts';
import { OneInputFunctionOperator } from './user-function-operator.ts';

export class ProcessOperator<I, O> extends OneInputFunctionOperator<ProcessFunction<I, O>> {
  declare private functionContext: PlainContext;
  declare private collector: TimestampedCollector<O>;

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.functionContext = new PlainContext(context);
    this.collector = new TimestampedCollector<O>(context.output);
  }

  processElement(value: unknown, timestamp: number): void {
    this.functionContext.elementTimestamp = timestamp;
    this.collector.timestamp = timestamp;
    this.userFunction.processElement(value as I, this.functionContext, this.collector);
  }

  override processWatermark(timestamp: number): void {
    this.functionContext.watermark = timestamp;
    super.processWatermark(timestamp);
  }
}

export class KeyedProcessOperator<K, I, O>
  extends OneInputFunctionOperator<KeyedProcessFunction<K, I, O>>
  implements Triggerable
{
  declare private functionContext: KeyedFunctionContext<K>;
  declare private collector: TimestampedCollector<O>;
  declare private timers: InternalTimerService;
  declare private backend: KeyedStateBackend;
  private readonly select: (value: unknown) => K;

  constructor(userFunction: KeyedProcessFunction<K, I, O>, key: KeySelection<I, K>) {
    super(userFunction);
    this.select = key.select as (value: unknown) => K;
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

  processElement(value: unknown, timestamp: number): void {
    this.backend.setCurrentKey(this.select(value));
    this.functionContext.elementTimestamp = timestamp;
    this.collector.timestamp = timestamp;
    this.userFunction.processElement(value as I, this.functionContext, this.collector);
  }

  override processWatermark(timestamp: number): void {
    this.timers.advanceWatermark(timestamp);
    this.output.emitWatermark(timestamp);
  }

  onEventTime(timestamp: number): void {
    this.collector.timestamp = timestamp;
    this.#fire(timestamp, 'event');
  }

  onProcessingTime(timestamp: number): void {
    this.collector.timestamp = NO_TIMESTAMP;
    this.#fire(timestamp, 'processing');
  }

  override async close(): Promise<void> {
    this.timers.close();
    await super.close();
  }

  #fire(timestamp: number, domain: 'event' | 'processing'): void {
    this.functionContext.elementTimestamp = this.collector.timestamp;
    this.functionContext.domain = domain;
    this.userFunction.onTimer?.(timestamp, this.functionContext, this.collector);
  }
}

/** Timers of the current key as users see them. */
export class KeyedTimerService extends TimerService {
  readonly #timers: InternalTimerService;
  constructor(timers: InternalTimerService) {
    super();
    this.#timers = timers;
  }
  currentProcessingTime(): number {
    return this.#timers.currentProcessingTime();
  }
  currentWatermark(): number {
    return this.#timers.currentWatermark();
  }
  registerProcessingTimeTimer(timestamp: number): void {
    this.#timers.registerProcessingTimeTimer(null, timestamp);
  }
  registerEventTimeTimer(timestamp: number): void {
    this.#timers.registerEventTimeTimer(null, timestamp);
  }
  deleteProcessingTimeTimer(timestamp: number): void {
    this.#timers.deleteProcessingTimeTimer(null, timestamp);
  }
  deleteEventTimeTimer(timestamp: number): void {
    this.#timers.deleteEventTimeTimer(null, timestamp);
  }
}

/** On a stream without a key: time can be read, timers cannot be set. */
class KeylessTimerService extends TimerService {
  readonly #context: PlainContext;
  constructor(context: PlainContext) {
    super();
    this.#context = context;
  }
  currentProcessingTime(): number {
    return this.#context.operator.processingTime.now();
  }
  currentWatermark(): number {
    return this.#context.watermark;
  }
  registerProcessingTimeTimer(): void {
    refuseTimer();
  }
  registerEventTimeTimer(): void {
    refuseTimer();
  }
  deleteProcessingTimeTimer(): void {
    refuseTimer();
  }
  deleteEventTimeTimer(): void {
    refuseTimer();
  }
}

function refuseTimer(): never {
  throw new UnsupportedOperationException('Setting timers is only supported on a keyed stream. Call keyBy() first.');
}

/** The context of a keyed function. */
export class KeyedFunctionContext<K> extends OnTimerContext<K> {
  elementTimestamp: number = NO_TIMESTAMP;
  domain: 'event' | 'processing' = 'event';
  readonly #operator: OperatorContext;
  readonly #backend: KeyedStateBackend;
  readonly #timerService: TimerService;

  constructor(operator: OperatorContext, timers: InternalTimerService, backend: KeyedStateBackend) {
    super();
    this.#operator = operator;
    this.#backend = backend;
    this.#timerService = new KeyedTimerService(timers);
  }
  timestamp(): number | undefined {
    return this.elementTimestamp === NO_TIMESTAMP ? undefined : this.elementTimestamp;
  }
  timerService(): TimerService {
    return this.#timerService;
  }
  output<X>(tag: OutputTag<X>, value: X): void {
    this.#operator.output.collectSide(tag as OutputTag<unknown>, value, this.elementTimestamp);
  }
  getCurrentKey(): K {
    return this.#backend.getCurrentKey() as K;
  }
  timeDomain(): 'event' | 'processing' {
    return this.domain;
  }
}

/** The context of a function without a key. */
export class PlainContext extends ProcessContext {
  elementTimestamp: number = NO_TIMESTAMP;
  watermark: number = MIN_WATERMARK;
  readonly operator: OperatorContext;
  readonly #timerService = new KeylessTimerService(this);

  constructor(operator: OperatorContext) {
    super();
    this.operator = operator;
  }
  timestamp(): number | undefined {
    return this.elementTimestamp === NO_TIMESTAMP ? undefined : this.elementTimestamp;
  }
  timerService(): TimerService {
    return this.#timerService;
  }
  output<X>(tag: OutputTag<X>, value: X): void {
    this.operator.output.collectSide(tag as OutputTag<unknown>, value, this.elementTimestamp);
  }
}
