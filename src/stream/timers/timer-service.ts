/**
 * The seam of timers: keyed operators register them per key and namespace; the service fires them as the watermark or
 * the clock moves, in order, each removed before its callback. Implemented in `internal-timer-service.ts`.
 */

import type { ProcessingTimeService } from '../operators/operator.ts';
import type { KeyedStateBackend, NamespaceKind, TimeWindowLike } from '../state/backend.ts';

/** A timer's namespace: null without windows. */
export type TimerNamespace = TimeWindowLike | null;

/** Who is called when a timer fires; the current key is set to the timer's key before the call. */
export interface Triggerable {
  onEventTime(timestamp: number, namespace: TimerNamespace): void;
  onProcessingTime(timestamp: number, namespace: TimerNamespace): void;
}

/** Timers of the current key of one operator. Follows Flink's InternalTimerService. */
export interface InternalTimerService {
  currentWatermark(): number;
  currentProcessingTime(): number;
  /** Identity is (key, namespace, timestamp); registering again does nothing. */
  registerEventTimeTimer(namespace: TimerNamespace, timestamp: number): void;
  deleteEventTimeTimer(namespace: TimerNamespace, timestamp: number): void;
  registerProcessingTimeTimer(namespace: TimerNamespace, timestamp: number): void;
  deleteProcessingTimeTimer(namespace: TimerNamespace, timestamp: number): void;
  /** Fires all event-time timers up to `watermark`, ascending. */
  advanceWatermark(watermark: number): void;
  numEventTimeTimers(): number;
  numProcessingTimeTimers(): number;
  /** Lets processing-time timers fire; called when the operator opens. Overdue ones fire at the first chance. */
  start(): void;
  close(): void;
}

export interface TimerServiceOptions {
  readonly name: string;
  readonly namespace: NamespaceKind;
  readonly backend: KeyedStateBackend;
  readonly processingTime: ProcessingTimeService;
  readonly target: Triggerable;
}
