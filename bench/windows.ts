/**
 * Timers per second, and windows as an operator runs them, on one core without exchange or capture.
 * Run: node bench/windows.ts [thousands of timers]
 */

import { systemClock } from '../src/lib/clock.ts';
import { createKeyedStateBackend } from '../src/stream/state/keyed-state-backend.ts';
import { TaskProcessingTime } from '../src/stream/task/processing-time.ts';
import { createTimerService } from '../src/stream/timers/internal-timer-service.ts';
import { Types } from '../src/stream/types/index.ts';
import type { TypeInformation } from '../src/stream/types/type-information.ts';

const TIMERS = Number(process.argv[2] ?? 100) * 1_000;

function benchTimers(name: string, keyType: TypeInformation<never>, keys: readonly unknown[]): void {
  const backend = createKeyedStateBackend({
    keyType: keyType as unknown as TypeInformation<unknown>,
    maxParallelism: 128,
    firstKeyGroup: 0,
    lastKeyGroup: 127,
    clock: systemClock,
  });
  let fired = 0;
  const timers = createTimerService({
    name: 'timers',
    namespace: 'void',
    backend,
    processingTime: new TaskProcessingTime(systemClock),
    target: {
      onEventTime: () => {
        fired++;
      },
      onProcessingTime: () => {},
    },
  });
  let watermark = 0;
  for (let round = 0; round < 10; round++) {
    const startedAt = performance.now();
    for (let index = 0; index < keys.length; index++) {
      backend.setCurrentKey(keys[index]);
      timers.registerEventTimeTimer(null, watermark + 1 + ((index * 7919) % 100_003));
    }
    const registeredAt = performance.now();
    (timers as unknown as { snapshot(): unknown }).snapshot();
    const capturedAt = performance.now();
    watermark += 100_003;
    timers.advanceWatermark(watermark);
    const done = performance.now();
    if (round < 8) continue;
    const perTimer = (ms: number): string => `${((ms * 1e6) / keys.length).toFixed(0)} ns`;
    console.log(
      `${name}: register ${perTimer(registeredAt - startedAt)}, fire ${perTimer(done - capturedAt)}, capture ${(capturedAt - registeredAt).toFixed(1)} ms`,
    );
  }
  if (fired !== keys.length * 10) throw new Error(`${fired} fired`);
}

benchTimers(
  'int keys',
  Types.INT as never,
  Array.from({ length: TIMERS }, (_, index) => index),
);
benchTimers(
  'string keys',
  Types.STRING as never,
  Array.from({ length: TIMERS }, (_, index) => `key-${index}`),
);
