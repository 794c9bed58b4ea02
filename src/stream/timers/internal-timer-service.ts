/**
 * The timers of one keyed operator: registered for the current key, fired in order of time, captured and restored with
 * the operator's keyed state. Follows Flink's InternalTimerServiceImpl.
 *
 * Event time: an advance to W fires everything at or below W, ascending, also what callbacks register meanwhile. A timer
 * registered at or below the watermark waits for the next advance. Processing time: one physical timer stands for the
 * earliest of all; when it is due, everything up to now fires, and the next one is set. A timer is removed before its
 * callback, so that the callback can register it again, and the current key is the timer's during the callback.
 *
 * A capture between two timers holds exactly those that have not fired: what is restored fires once.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { MIN_WATERMARK } from '../exchange/channel.ts';
import { murmurHash32 } from '../key-groups.ts';
import type { ProcessingTimeService } from '../operators/operator.ts';
import type { KeyedStateBackend, TimerSnapshot, TimerSnapshotSource, TimeWindowLike } from '../state/backend.ts';
import { CapturedTimers, readTimers } from './timer-blocks.ts';
import type { InternalTimerService, TimerNamespace, TimerServiceOptions, Triggerable } from './timer-service.ts';
import { TimerSet } from './timer-set.ts';

/**
 * Makes the timers of an operator and hands them to its keyed backend for captures; to be called before the backend is
 * restored. Nothing fires in processing time before `start`.
 */
export function createTimerService(options: TimerServiceOptions): InternalTimerService {
  const service = new KeyedTimers(options);
  options.backend.registerTimers(service);
  return service;
}

class KeyedTimers implements InternalTimerService, TimerSnapshotSource {
  readonly name: string;
  readonly #backend: KeyedStateBackend;
  readonly #processingTime: ProcessingTimeService;
  readonly #target: Triggerable;
  readonly #windowed: boolean;
  readonly #hash: (key: unknown) => number;
  /** Whether equal keys are `===` and cannot change, so that the hash of the last one may be kept. */
  readonly #keepsHash: boolean;
  #lastKey: unknown = undefined;
  #lastMixed = 0;
  readonly #event: TimerSet;
  readonly #processing: TimerSet;
  #watermark = MIN_WATERMARK;
  #lastWindow: TimeWindowLike = { start: 0, end: 0 };

  #started = false;
  #scheduledAt = Number.POSITIVE_INFINITY;
  #cancelScheduled: (() => void) | undefined;
  readonly #onDue = (): void => this.#fireDue();

  constructor({ name, namespace, backend, processingTime, target }: TimerServiceOptions) {
    const { keyType } = backend;
    if (keyType.hash === undefined) {
      throw new IllegalArgumentException(`Type ${keyType.schema.kind} cannot be the key of timers: it has no hash.`);
    }
    this.name = name;
    this.#backend = backend;
    this.#processingTime = processingTime;
    this.#target = target;
    this.#windowed = namespace === 'window';
    this.#hash = keyType.hash;
    this.#keepsHash = keyType.immutable && keyType.sameKey === undefined;
    this.#event = new TimerSet(keyType, backend.maxParallelism, this.#windowed);
    this.#processing = new TimerSet(keyType, backend.maxParallelism, this.#windowed);
  }

  currentWatermark(): number {
    return this.#watermark;
  }

  currentProcessingTime(): number {
    return this.#processingTime.now();
  }

  registerEventTimeTimer(namespace: TimerNamespace, timestamp: number): void {
    this.#add(this.#event, namespace, timestamp);
  }

  deleteEventTimeTimer(namespace: TimerNamespace, timestamp: number): void {
    this.#remove(this.#event, namespace, timestamp);
  }

  registerProcessingTimeTimer(namespace: TimerNamespace, timestamp: number): void {
    if (this.#add(this.#processing, namespace, timestamp)) this.#schedule();
  }

  deleteProcessingTimeTimer(namespace: TimerNamespace, timestamp: number): void {
    // The physical timer stays: when it is due it finds nothing and sets the next one.
    this.#remove(this.#processing, namespace, timestamp);
  }

  advanceWatermark(watermark: number): void {
    if (watermark < this.#watermark) return;
    this.#watermark = watermark;
    const timers = this.#event;
    while (timers.head <= watermark) {
      timers.takeHead();
      this.#backend.setCurrentKey(timers.takenKey);
      this.#target.onEventTime(timers.takenTimestamp, this.#takenNamespace(timers));
    }
  }

  numEventTimeTimers(): number {
    return this.#event.size;
  }

  numProcessingTimeTimers(): number {
    return this.#processing.size;
  }

  start(): void {
    this.#started = true;
    this.#schedule();
  }

  close(): void {
    this.#started = false;
    this.#cancelScheduled?.();
    this.#cancelScheduled = undefined;
    this.#scheduledAt = Number.POSITIVE_INFINITY;
  }

  snapshot(): TimerSnapshot {
    return new CapturedTimers(this.#backend.keyType, this.#event.capture(), this.#processing.capture());
  }

  restore(keyGroup: number, bytes: Uint8Array): void {
    const { keyType, maxParallelism } = this.#backend;
    const facts = { name: this.name, keyType, windowed: this.#windowed, maxParallelism, keyGroup };
    readTimers(bytes, facts, this.#event, this.#processing);
    this.#schedule();
  }

  #add(timers: TimerSet, namespace: TimerNamespace, timestamp: number): boolean {
    // Written so that NaN is refused too; it would break the order of all other timers.
    if (!(timestamp >= Number.NEGATIVE_INFINITY)) refuseTimestamp(timestamp);
    const key = this.#backend.getCurrentKey();
    const keyGroup = this.#backend.getCurrentKeyGroup();
    if (namespace === null) return timers.add(key, this.#mixed(key), keyGroup, timestamp, 0, 0);
    return timers.add(key, this.#mixed(key), keyGroup, timestamp, namespace.start, namespace.end);
  }

  #remove(timers: TimerSet, namespace: TimerNamespace, timestamp: number): void {
    const key = this.#backend.getCurrentKey();
    if (namespace === null) timers.remove(key, this.#mixed(key), timestamp, 0, 0);
    else timers.remove(key, this.#mixed(key), timestamp, namespace.start, namespace.end);
  }

  /** The murmur hash of a key; one record often touches several timers of its key. */
  #mixed(key: unknown): number {
    if (this.#keepsHash && key === this.#lastKey) return this.#lastMixed;
    const mixed = murmurHash32(this.#hash(key));
    this.#lastKey = key;
    this.#lastMixed = mixed;
    return mixed;
  }

  /** Timers that fire one after the other mostly belong to one window, so the object is made once. */
  #takenNamespace(timers: TimerSet): TimerNamespace {
    if (!this.#windowed) return null;
    const { takenStart: start, takenEnd: end } = timers;
    if (this.#lastWindow.start !== start || this.#lastWindow.end !== end) this.#lastWindow = { start, end };
    return this.#lastWindow;
  }

  #fireDue(): void {
    this.#scheduledAt = Number.POSITIVE_INFINITY;
    this.#cancelScheduled = undefined;
    const now = this.#processingTime.now();
    const timers = this.#processing;
    while (timers.head <= now && this.#started) {
      timers.takeHead();
      this.#backend.setCurrentKey(timers.takenKey);
      this.#target.onProcessingTime(timers.takenTimestamp, this.#takenNamespace(timers));
    }
    this.#schedule();
  }

  /** Keeps one physical timer, at the earliest timestamp. */
  #schedule(): void {
    const { head } = this.#processing;
    if (!this.#started || head >= this.#scheduledAt) return;
    this.#cancelScheduled?.();
    this.#scheduledAt = head;
    this.#cancelScheduled = this.#processingTime.registerTimer(head, this.#onDue);
  }
}

function refuseTimestamp(timestamp: number): never {
  throw new IllegalArgumentException(`A timer needs a timestamp in milliseconds, not ${String(timestamp)}.`);
}
