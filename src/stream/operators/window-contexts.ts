/** What triggers and window functions see of their operator. Made once per operator; the operator sets the window. */
import { UnsupportedOperationException } from '../../lib/java-errors.ts';
import type { KeyedStateStore } from '../functions/checkpointed.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { TimeWindowLike } from '../state/backend.ts';
import type { StateDescriptor } from '../state/descriptors.ts';
import type { InternalTimerService } from '../timers/timer-service.ts';
import { GlobalWindow, type TimeWindow } from '../windows/time-window.ts';
import { OnMergeContext } from '../windows/trigger.ts';
import { ProcessWindowContext } from '../windows/window-functions.ts';
import type { Output } from './operator.ts';
import { WindowStateStore, type WindowStates } from './window-state.ts';

export class OperatorTriggerContext extends OnMergeContext {
  window: TimeWindow = GlobalWindow.get();
  /** The windows that `window` was made of, while windows merge. */
  merged: readonly TimeWindowLike[] = [];
  readonly #timers: InternalTimerService;
  readonly #states: WindowStates;

  constructor(timers: InternalTimerService, states: WindowStates) {
    super();
    this.#timers = timers;
    this.#states = states;
  }

  getCurrentProcessingTime(): number {
    return this.#timers.currentProcessingTime();
  }
  getCurrentWatermark(): number {
    return this.#timers.currentWatermark();
  }
  registerProcessingTimeTimer(timestamp: number): void {
    this.#timers.registerProcessingTimeTimer(this.window, timestamp);
  }
  registerEventTimeTimer(timestamp: number): void {
    this.#timers.registerEventTimeTimer(this.window, timestamp);
  }
  deleteProcessingTimeTimer(timestamp: number): void {
    this.#timers.deleteProcessingTimeTimer(this.window, timestamp);
  }
  deleteEventTimeTimer(timestamp: number): void {
    this.#timers.deleteEventTimeTimer(this.window, timestamp);
  }
  // One body for the five overloads: the kind of the descriptor decides what comes back.
  override getPartitionedState(descriptor: StateDescriptor): never {
    return this.#states.stateIn(descriptor, this.window) as never;
  }
  override mergePartitionedState(descriptor: StateDescriptor): void {
    this.#states.merge(descriptor, this.window, this.merged);
  }
}

/** What the context of window functions is made from. */
export interface WindowFunctionContextParts {
  readonly timers: InternalTimerService;
  readonly states: WindowStates;
  readonly globalState: KeyedStateStore;
  readonly output: Output;
  readonly merging: boolean;
}

export class WindowFunctionContext extends ProcessWindowContext {
  #window: TimeWindow = GlobalWindow.get();
  readonly #timers: InternalTimerService;
  readonly #windowState: WindowStateStore;
  readonly #globalState: KeyedStateStore;
  readonly #output: Output;
  readonly #merging: boolean;

  constructor({ timers, states, globalState, output, merging }: WindowFunctionContextParts) {
    super();
    this.#timers = timers;
    this.#windowState = new WindowStateStore(states);
    this.#globalState = globalState;
    this.#output = output;
    this.#merging = merging;
  }

  setWindow(window: TimeWindow): void {
    this.#window = window;
    this.#windowState.window = window;
  }

  window(): TimeWindow {
    return this.#window;
  }
  currentProcessingTime(): number {
    return this.#timers.currentProcessingTime();
  }
  currentWatermark(): number {
    return this.#timers.currentWatermark();
  }
  windowState(): KeyedStateStore {
    if (!this.#merging) return this.#windowState;
    throw new UnsupportedOperationException(
      'Per-window state is not allowed when using merging windows. Use globalState().',
    );
  }
  globalState(): KeyedStateStore {
    return this.#globalState;
  }
  output<X>(tag: OutputTag<X>, value: X): void {
    this.#output.collectSide(tag as OutputTag<unknown>, value, this.#window.maxTimestamp());
  }
}
