import { keyGroupRange } from '../../../src/stream/key-groups.ts';
import type { KeyedStateBackend, NamespaceKind, RestoredKeyedState } from '../../../src/stream/state/backend.ts';
import { createKeyedStateBackend } from '../../../src/stream/state/keyed-state-backend.ts';
import { TaskProcessingTime } from '../../../src/stream/task/processing-time.ts';
import { createTimerService } from '../../../src/stream/timers/internal-timer-service.ts';
import type { InternalTimerService, TimerNamespace } from '../../../src/stream/timers/timer-service.ts';
import { Types } from '../../../src/stream/types/index.ts';
import type { TypeInformation } from '../../../src/stream/types/type-information.ts';
import { encodeKeyed, keyGroupsOf, StandingClock } from '../../builders/operator-harness.ts';

export const MAX_PARALLELISM = 16;

export interface Fired {
  readonly time: 'event' | 'processing';
  readonly key: unknown;
  readonly at: number;
  readonly window?: { readonly start: number; readonly end: number };
}

export interface TimersOptions {
  readonly keyType?: TypeInformation<never>;
  readonly namespace?: NamespaceKind;
  readonly now?: number;
  readonly subtask?: number;
  readonly parallelism?: number;
  readonly restore?: readonly RestoredKeyedState[];
  /** Processing time stands still until `timers.start()`. @default true */
  readonly started?: boolean;
}

/** A timer service on a real backend, and what it fired. */
export interface TimersUnderTest {
  readonly timers: InternalTimerService;
  readonly backend: KeyedStateBackend;
  readonly clock: StandingClock;
  readonly processingTime: TaskProcessingTime;
  readonly fired: Fired[];
  /** Runs in callbacks, after the firing was recorded. */
  onFire: ((fired: Fired) => void) | undefined;
  /** Makes a key current and registers. */
  event(key: unknown, at: number, window?: TimerNamespace): void;
  processing(key: unknown, at: number, window?: TimerNamespace): void;
  deleteEvent(key: unknown, at: number, window?: TimerNamespace): void;
  deleteProcessing(key: unknown, at: number, window?: TimerNamespace): void;
  moveTo(now: number): void;
  capture(): RestoredKeyedState | undefined;
}

export function aTimerService(options: TimersOptions = {}): TimersUnderTest {
  const { namespace = 'void', now = 0, subtask = 0, parallelism = 1, started = true } = options;
  const keyType = (options.keyType ?? Types.STRING) as unknown as TypeInformation<unknown>;
  const clock = new StandingClock(now);
  const processingTime = new TaskProcessingTime(clock);
  const { start, end } = keyGroupRange(subtask, parallelism, MAX_PARALLELISM);
  const backend = createKeyedStateBackend({
    keyType,
    maxParallelism: MAX_PARALLELISM,
    firstKeyGroup: start,
    lastKeyGroup: end,
    clock,
  });
  const fired: Fired[] = [];
  const record = (time: 'event' | 'processing', at: number, window: TimerNamespace): void => {
    const what = { time, key: backend.getCurrentKey(), at, ...(window === null ? {} : { window: { ...window } }) };
    fired.push(what);
    test.onFire?.(what);
  };
  const timers = createTimerService({
    name: 'timers',
    namespace,
    backend,
    processingTime,
    target: {
      onEventTime: (at, window) => record('event', at, window),
      onProcessingTime: (at, window) => record('processing', at, window),
    },
  });
  const test: TimersUnderTest = {
    timers,
    backend,
    clock,
    processingTime,
    fired,
    onFire: undefined,
    event(key, at, window = null) {
      backend.setCurrentKey(key);
      timers.registerEventTimeTimer(window, at);
    },
    processing(key, at, window = null) {
      backend.setCurrentKey(key);
      timers.registerProcessingTimeTimer(window, at);
    },
    deleteEvent(key, at, window = null) {
      backend.setCurrentKey(key);
      timers.deleteEventTimeTimer(window, at);
    },
    deleteProcessing(key, at, window = null) {
      backend.setCurrentKey(key);
      timers.deleteProcessingTimeTimer(window, at);
    },
    moveTo(to) {
      clock.moveTo(to);
      processingTime.fireDue();
    },
    capture() {
      const snapshot = backend.snapshot(1);
      return snapshot && encodeKeyed(snapshot);
    },
  };
  if (options.restore !== undefined) backend.restore(options.restore.map((state) => keyGroupsOf(state, start, end)));
  if (started) timers.start();
  return test;
}
