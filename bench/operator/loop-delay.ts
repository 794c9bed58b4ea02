/**
 * Loaded before an operator: measures for how long its event loop is kept from the next turn. The first SIGUSR2 begins, the
 * second writes milliseconds as JSON to the file that LOOP_DELAY_FILE names.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
let isMeasuring = false;

process.on('SIGUSR2', () => {
  if (!isMeasuring) {
    isMeasuring = true;
    delay.enable();
    return;
  }
  delay.disable();
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  const file = process.env['LOOP_DELAY_FILE'] ?? '/dev/null';
  writeFileSync(
    file,
    JSON.stringify({ p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }),
  );
});
