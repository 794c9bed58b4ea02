/** How a job takes checkpoints: Flink's `execution.checkpointing.*`, compiled once into a complete record. */
import { IllegalArgumentException } from '../../lib/java-errors.ts';

export interface CheckpointSettings {
  /** Milliseconds between periodic checkpoints; undefined or 0 for none. */
  readonly intervalMs?: number | undefined;
  /** @default 600000 */
  readonly timeoutMs?: number;
  /** The same for savepoints, those that a job stops with included. @default timeoutMs */
  readonly savepointTimeoutMs?: number | undefined;
  /** From the end of the last completed checkpoint to the next periodic one. @default 0 */
  readonly minPauseMs?: number;
  /** @default 1 */
  readonly maxConcurrent?: number;
  /** Failures in a row that the job survives; 2147483647 for any number. @default 0 */
  readonly tolerableFailures?: number;
}

/** Settings with every default filled in. */
export interface CompleteCheckpointSettings {
  /** At least minPauseMs. */
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number;
  readonly savepointTimeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
}

const LEAST_MS = 10;
const YEAR_MS = 365 * 24 * 3_600_000;

/** Fills in defaults. @throws IllegalArgumentException for a value outside its range */
export function completeSettings(settings: CheckpointSettings): CompleteCheckpointSettings {
  const { intervalMs = 0, timeoutMs = 600_000, minPauseMs = 0, maxConcurrent = 1, tolerableFailures = 0 } = settings;
  const { savepointTimeoutMs = timeoutMs } = settings;
  refuseUnless(
    intervalMs === 0 || intervalMs >= LEAST_MS,
    'the checkpoint interval',
    `at least ${LEAST_MS} ms`,
    intervalMs,
  );
  refuseUnless(timeoutMs >= LEAST_MS, 'the checkpoint timeout', `at least ${LEAST_MS} ms`, timeoutMs);
  refuseUnless(savepointTimeoutMs >= LEAST_MS, 'the savepoint timeout', `at least ${LEAST_MS} ms`, savepointTimeoutMs);
  refuseUnless(minPauseMs >= 0 && minPauseMs <= YEAR_MS, 'the pause between checkpoints', '0 to 1 year', minPauseMs);
  refuseUnless(
    Number.isInteger(maxConcurrent) && maxConcurrent >= 1,
    'the number of concurrent checkpoints',
    'at least 1',
    maxConcurrent,
  );
  return {
    intervalMs: intervalMs === 0 ? undefined : Math.max(intervalMs, minPauseMs),
    timeoutMs,
    savepointTimeoutMs,
    minPauseMs,
    maxConcurrent,
    tolerableFailures,
  };
}

function refuseUnless(isRight: boolean, what: string, range: string, value: number): void {
  if (!isRight) throw new IllegalArgumentException(`${what} must be ${range}, not ${value}.`);
}
