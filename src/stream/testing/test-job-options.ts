import type { Job } from '../datastream/environment.ts';
import type { TimeWindowLike } from '../state/backend.ts';
import type { TestCheckpoint } from './test-checkpoint.ts';

/** How a test runs a job. */
export interface TestJobOptions {
  /** @default 1 */
  readonly parallelism?: number;
  /** @default the default for the parallelism, or what the restored state has */
  readonly maxParallelism?: number;
  /** Decides the interleaving of subtasks: the same seed, the same run. @default 1 */
  readonly seed?: number;
  /** Arguments of the job (`spec.args`). */
  readonly args?: readonly string[];
  /** Processing time at the start, milliseconds. @default 0 */
  readonly now?: number;
  /** Directory against which relative paths are resolved. @default the process's */
  readonly workingDirectory?: string;
  /** Takes a checkpoint after every so many steps. @default none */
  readonly checkpointEvery?: number;
  /** Most records a subtask takes in one step. @default 16 */
  readonly recordsPerStep?: number;
  /** How long, in real milliseconds, to wait for input and output from outside. @default 5000 */
  readonly patienceMs?: number;
}

/** From what and how a job starts again. */
export interface RestoreOptions {
  /** `scratch` forgets all state. @default the latest completed checkpoint, or scratch where there is none */
  readonly from?: TestCheckpoint | 'scratch';
  /** @default as before */
  readonly parallelism?: number;
  /** The program, where it has changed. @default as before */
  readonly job?: Job;
  /** Drops state of operators that the job no longer has. @default false: refused */
  readonly allowNonRestoredState?: boolean;
}

/** Which state of which operator. */
export interface StateOptions {
  /** Of the operator; needed where several have a state of that name. */
  readonly uid?: string;
  /** For states inside windows; `end` is exclusive. */
  readonly window?: TimeWindowLike;
}

export type TestJobStatus = 'running' | 'crashed' | 'failed' | 'finished';
