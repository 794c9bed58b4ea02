/**
 * Broadcast processing: input 1 is a data stream (keyed or not), input 2 arrives whole at every subtask. Only the
 * broadcast side may write broadcast state, so that every subtask holds the same. Follows Flink's BroadcastProcessFunction.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import {
  BroadcastContext,
  type BroadcastProcessFunction,
  KeyedBroadcastOnTimerContext,
  type KeyedBroadcastProcessFunction,
  type TimerService,
} from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import type { MapStateDescriptor } from '../state/descriptors.ts';
import type { BroadcastState, ReadOnlyBroadcastState } from '../state/state.ts';
import { createTimerService } from '../timers/internal-timer-service.ts';
import type { InternalTimerService, Triggerable } from '../timers/timer-service.ts';
import { TimestampedCollector } from './collector.ts';
import type { KeySelection, OperatorContext, OperatorRestore } from './operator.ts';
import { KeyedFunctionContext, PlainContext } from './process.ts';
import { TwoInputFunctionOperator } from './two-input.ts';

type BroadcastStates = ReadonlyMap<string, BroadcastState<unknown, unknown>>;

export class BroadcastProcessOperator<K, A, B, O>
  extends TwoInputFunctionOperator<BroadcastProcessFunction<A, B, O> | KeyedBroadcastProcessFunction<K, A, B, O>>
  implements Triggerable
{
  private readonly descriptors: readonly MapStateDescriptor<unknown, unknown>[];
  private readonly key: KeySelection<A, K> | undefined;
  declare private collector: TimestampedCollector<O>;
  declare private plain: PlainContext;
  declare private readContext: DataSideContext<K>;
  declare private writeContext: BroadcastSideContext;
  declare private backend: KeyedStateBackend | undefined;
  declare private timers: InternalTimerService | undefined;

  constructor(
    userFunction: BroadcastProcessFunction<A, B, O> | KeyedBroadcastProcessFunction<K, A, B, O>,
    descriptors: readonly MapStateDescriptor<unknown, unknown>[],
    key: KeySelection<A, K> | undefined,
  ) {
    super(userFunction);
    this.descriptors = descriptors;
    this.key = key;
  }

  override setup(context: OperatorContext): void {
    super.setup(context);
    this.collector = new TimestampedCollector<O>(context.output);
    this.backend = this.key === undefined ? undefined : this.keyedBackend();
    this.timers =
      this.backend === undefined
        ? undefined
        : createTimerService({
            name: 'user-timers',
            namespace: 'void',
            backend: this.backend,
            processingTime: context.processingTime,
            target: this,
          });
  }

  protected override async initialize(restored: OperatorRestore | undefined): Promise<void> {
    const states = new Map(this.descriptors.map((each) => [each.name, this.operatorState.getBroadcastState(each)]));
    this.plain = new PlainContext(this.context);
    this.writeContext = new BroadcastSideContext(this.plain, states);
    const keyed =
      this.backend === undefined || this.timers === undefined
        ? undefined
        : new KeyedFunctionContext<K>(this.context, this.timers, this.backend);
    this.readContext = new DataSideContext<K>(this.plain, keyed, states);
    await super.initialize(restored);
  }

  override async open(): Promise<void> {
    await super.open();
    this.timers?.start();
  }

  processElement1(value: unknown, timestamp: number): void {
    if (this.key !== undefined) this.backend?.setCurrentKey(this.key.select(value as A));
    this.readContext.at(timestamp);
    this.collector.timestamp = timestamp;
    this.userFunction.processElement(value as A, this.readContext, this.collector);
  }

  processElement2(value: unknown, timestamp: number): void {
    this.writeContext.at(timestamp);
    this.collector.timestamp = timestamp;
    this.userFunction.processBroadcastElement(value as B, this.writeContext, this.collector);
  }

  protected override processCombinedWatermark(timestamp: number): void {
    this.plain.watermark = timestamp;
    this.timers?.advanceWatermark(timestamp);
    super.processCombinedWatermark(timestamp);
  }

  onEventTime(timestamp: number): void {
    this.#fire(timestamp, timestamp, 'event');
  }
  onProcessingTime(timestamp: number): void {
    this.#fire(timestamp, NO_TIMESTAMP, 'processing');
  }

  override async close(): Promise<void> {
    this.timers?.close();
    await super.close();
  }

  #fire(timestamp: number, elementTimestamp: number, domain: 'event' | 'processing'): void {
    this.collector.timestamp = elementTimestamp;
    const context = this.readContext.onTimer(elementTimestamp, domain);
    if ('onTimer' in this.userFunction) this.userFunction.onTimer?.(timestamp, context, this.collector);
  }
}

/** The context of the broadcast side: reads and writes broadcast state. */
class BroadcastSideContext extends BroadcastContext {
  readonly #plain: PlainContext;
  readonly #states: BroadcastStates;
  constructor(plain: PlainContext, states: BroadcastStates) {
    super();
    this.#plain = plain;
    this.#states = states;
  }
  at(timestamp: number): void {
    this.#plain.elementTimestamp = timestamp;
  }
  timestamp(): number | undefined {
    return this.#plain.timestamp();
  }
  timerService(): TimerService {
    return this.#plain.timerService();
  }
  output<X>(tag: OutputTag<X>, value: X): void {
    this.#plain.output(tag, value);
  }
  getBroadcastState<BK, BV>(descriptor: MapStateDescriptor<BK, BV>): BroadcastState<BK, BV> {
    return stateNamed(this.#states, descriptor);
  }
}

/** The context of the data side: broadcast state can only be read. */
class DataSideContext<K> extends KeyedBroadcastOnTimerContext<K> {
  readonly #plain: PlainContext;
  readonly #keyed: KeyedFunctionContext<K> | undefined;
  readonly #states: BroadcastStates;
  readonly #readOnly = new Map<string, ReadOnlyView>();
  #domain: 'event' | 'processing' = 'event';

  constructor(plain: PlainContext, keyed: KeyedFunctionContext<K> | undefined, states: BroadcastStates) {
    super();
    this.#plain = plain;
    this.#keyed = keyed;
    this.#states = states;
  }
  at(timestamp: number): void {
    this.#plain.elementTimestamp = timestamp;
    if (this.#keyed !== undefined) this.#keyed.elementTimestamp = timestamp;
  }
  onTimer(timestamp: number, domain: 'event' | 'processing'): this {
    this.at(timestamp);
    this.#domain = domain;
    return this;
  }
  timeDomain(): 'event' | 'processing' {
    return this.#domain;
  }
  timestamp(): number | undefined {
    return this.#plain.timestamp();
  }
  timerService(): TimerService {
    return (this.#keyed ?? this.#plain).timerService();
  }
  output<X>(tag: OutputTag<X>, value: X): void {
    this.#plain.output(tag, value);
  }
  getCurrentKey(): K {
    if (this.#keyed === undefined)
      throw new IllegalArgumentException('this stream has no key: call keyBy() before connect()');
    return this.#keyed.getCurrentKey();
  }
  getBroadcastState<BK, BV>(descriptor: MapStateDescriptor<BK, BV>): ReadOnlyBroadcastState<BK, BV> {
    let view = this.#readOnly.get(descriptor.name);
    if (view === undefined) {
      view = readOnlyView(stateNamed(this.#states, descriptor) as BroadcastState<unknown, unknown>);
      this.#readOnly.set(descriptor.name, view);
    }
    return view as ReadOnlyBroadcastState<BK, BV>;
  }
}

type ReadOnlyView = ReadOnlyBroadcastState<unknown, unknown>;

/** Without the writing methods, so that plain JavaScript cannot reach them either. */
function readOnlyView(state: BroadcastState<unknown, unknown>): ReadOnlyView {
  return {
    get: (key) => state.get(key),
    contains: (key) => state.contains(key),
    immutableEntries: () => state.immutableEntries(),
  };
}

function stateNamed<K, V>(states: BroadcastStates, descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
  const state = states.get(descriptor.name);
  if (state !== undefined) return state as unknown as BroadcastState<K, V>;
  throw new IllegalArgumentException(
    `The requested state "${descriptor.name}" does not exist. Pass its descriptor to broadcast(…).`,
  );
}
