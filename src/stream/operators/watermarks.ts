/**
 * Assigns event timestamps and emits watermarks: the operator behind assignTimestampsAndWatermarks. A watermark W says
 * that no record with a timestamp at or below W is expected any more. Follows Flink's TimestampsAndWatermarksOperator.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { MAX_WATERMARK, MIN_WATERMARK } from '../exchange/channel.ts';
import { AbstractStreamOperator } from './abstract-operator.ts';
import type { OneInputOperator } from './operator.ts';

/** How often watermarks are emitted while records flow. Flink's pipeline.auto-watermark-interval. */
export const AUTO_WATERMARK_INTERVAL_MS = 200;

/** How timestamps are found and how far behind the newest one the watermark stays. Immutable; `with…` gives a copy. */
export class WatermarkStrategy<T> {
  readonly outOfOrdernessMs: number;
  readonly assign: ((value: T, recordTimestamp: number) => number) | undefined;
  readonly idleAfterMs: number | undefined;

  private constructor(
    outOfOrdernessMs: number,
    assign: ((value: T, recordTimestamp: number) => number) | undefined,
    idleAfterMs: number | undefined,
  ) {
    this.outOfOrdernessMs = outOfOrdernessMs;
    this.assign = assign;
    this.idleAfterMs = idleAfterMs;
  }

  /** Timestamps never go back within a source subtask. */
  static forMonotonousTimestamps<T>(): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>(0, undefined, undefined);
  }

  /** Records come at most `maxOutOfOrdernessMs` after a record with a later timestamp. */
  static forBoundedOutOfOrderness<T>(maxOutOfOrdernessMs: number): WatermarkStrategy<T> {
    if (!(maxOutOfOrdernessMs >= 0)) throw new IllegalArgumentException('maxOutOfOrderness cannot be negative');
    return new WatermarkStrategy<T>(maxOutOfOrdernessMs, undefined, undefined);
  }

  withTimestampAssigner(assign: (value: T, recordTimestamp: number) => number): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>(this.outOfOrdernessMs, assign, this.idleAfterMs);
  }

  /** An input that gives nothing for `idleAfterMs` stops holding back the watermark. */
  withIdleness(idleAfterMs: number): WatermarkStrategy<T> {
    if (!(idleAfterMs > 0)) throw new IllegalArgumentException('idleTimeout must be greater than zero');
    return new WatermarkStrategy<T>(this.outOfOrdernessMs, this.assign, idleAfterMs);
  }
}

export class TimestampsAndWatermarksOperator<T> extends AbstractStreamOperator implements OneInputOperator {
  readonly #strategy: WatermarkStrategy<T>;
  #maxTimestamp = MIN_WATERMARK;
  #emitted = MIN_WATERMARK;
  #lastRecordAt = 0;
  #records = 0;
  #idle = false;
  #cancelTimer: (() => void) | undefined;

  constructor(strategy: WatermarkStrategy<T>) {
    super();
    this.#strategy = strategy;
  }

  override open(): void {
    this.#lastRecordAt = this.context.processingTime.now();
    this.#schedule();
  }

  processElement(value: unknown, timestamp: number): void {
    const assigned = this.#strategy.assign === undefined ? timestamp : this.#strategy.assign(value as T, timestamp);
    this.output.collect(value, assigned);
    if (assigned > this.#maxTimestamp) this.#maxTimestamp = assigned;
    this.#records++;
    if (this.#idle) this.#setIdle(false);
  }

  /** Watermarks from upstream are replaced by our own, but the end of time passes. */
  processWatermark(timestamp: number): void {
    if (timestamp === MAX_WATERMARK) this.#emit(MAX_WATERMARK);
  }

  processIdle(idle: boolean): void {
    this.#setIdle(idle);
  }

  override close(): void {
    this.#cancelTimer?.();
  }

  #schedule(): void {
    const due = this.context.processingTime.now() + AUTO_WATERMARK_INTERVAL_MS;
    this.#cancelTimer = this.context.processingTime.registerTimer(due, () => {
      this.#onInterval();
      this.#schedule();
    });
  }

  #onInterval(): void {
    const now = this.context.processingTime.now();
    if (this.#records > 0) {
      this.#records = 0;
      this.#lastRecordAt = now;
      this.#emit(this.#maxTimestamp - this.#strategy.outOfOrdernessMs - 1);
      return;
    }
    const { idleAfterMs } = this.#strategy;
    if (idleAfterMs !== undefined && !this.#idle && now - this.#lastRecordAt >= idleAfterMs) this.#setIdle(true);
  }

  #emit(watermark: number): void {
    if (watermark <= this.#emitted || (this.#maxTimestamp === MIN_WATERMARK && watermark !== MAX_WATERMARK)) return;
    this.#emitted = watermark;
    this.output.emitWatermark(watermark);
  }

  #setIdle(idle: boolean): void {
    if (this.#idle === idle) return;
    this.#idle = idle;
    if (!idle) this.#lastRecordAt = this.context.processingTime.now();
    this.output.emitIdle(idle);
  }
}
