/** The base of operators with two inputs: the watermark is the smaller of both, an idle input does not hold it back. */
import { MIN_WATERMARK } from '../exchange/channel.ts';
import type { TwoInputOperator } from './operator.ts';
import { UserFunctionOperator } from './user-function-operator.ts';

export abstract class TwoInputFunctionOperator<F> extends UserFunctionOperator<F> implements TwoInputOperator {
  #watermark1 = MIN_WATERMARK;
  #watermark2 = MIN_WATERMARK;
  #idle1 = false;
  #idle2 = false;
  #combined = MIN_WATERMARK;

  abstract processElement1(value: unknown, timestamp: number): void;
  abstract processElement2(value: unknown, timestamp: number): void;
  /** The combined watermark moved; fire timers, then pass it on. */
  protected processCombinedWatermark(timestamp: number): void {
    this.output.emitWatermark(timestamp);
  }

  processWatermark1(timestamp: number): void {
    this.#watermark1 = timestamp;
    this.#combine();
  }
  processWatermark2(timestamp: number): void {
    this.#watermark2 = timestamp;
    this.#combine();
  }
  processIdle1(idle: boolean): void {
    this.#idle1 = idle;
    this.#combineIdle();
  }
  processIdle2(idle: boolean): void {
    this.#idle2 = idle;
    this.#combineIdle();
  }

  #combineIdle(): void {
    this.output.emitIdle(this.#idle1 && this.#idle2);
    this.#combine();
  }

  #combine(): void {
    if (this.#idle1 && this.#idle2) return;
    const first = this.#idle1 ? this.#watermark2 : this.#watermark1;
    const second = this.#idle2 ? this.#watermark1 : this.#watermark2;
    const next = Math.min(first, second);
    if (next <= this.#combined) return;
    this.#combined = next;
    this.processCombinedWatermark(next);
  }
}
