import type { CheckpointIdCounter, CompletedCheckpointStore } from '../../ha/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FaultPoint } from '../../lib/fault-point.ts';
import type { Storage } from '../../storage/index.ts';
import type { StreamExecutionEnvironment } from '../datastream/environment.ts';
import type { CheckpointKind } from '../exchange/channel.ts';
import type { JobProgram } from './job-module.ts';
import type { SavepointSettings } from './periodic-savepoints.ts';

/** Between checkpoints of a job that sets no interval, neither in its resource nor in its code. */
export const DEFAULT_CHECKPOINT_INTERVAL_MS = 10_000;

/** How checkpoints are taken; all durations in milliseconds. */
export interface CheckpointSettings {
  /** 0: no periodic checkpoints. Undefined: what the job's code asks for, else DEFAULT_CHECKPOINT_INTERVAL_MS. */
  readonly intervalMs?: number;
  readonly timeoutMs: number;
  /** Of savepoints, also of one that the job stops with. @default timeoutMs */
  readonly savepointTimeoutMs?: number;
  readonly minPauseMs: number;
  /** 2147483647: any number. */
  readonly tolerableFailures: number;
  readonly retained: number;
  readonly onCancel: 'Retain' | 'Delete';
}

/** Tells people what happens, in lines. */
export interface JobLog {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** What happens in an attempt, for a progress display. */
export type JobEvent =
  | { readonly event: 'restoring'; readonly checkpointId: number; readonly from: string }
  | { readonly event: 'running'; readonly workers: number }
  | {
      readonly event: 'checkpointCompleted';
      readonly checkpointId: number;
      readonly kind: CheckpointKind;
      readonly bytes: number;
      readonly tookMs: number;
      readonly syncMs: number;
    }
  /** Without an id where it failed before it had one. Checkpoints given up because the attempt ends are not told. */
  | { readonly event: 'checkpointFailed'; readonly checkpointId?: number; readonly reason: string }
  | {
      readonly event: 'progress';
      readonly vertices: readonly { readonly name: string; readonly recordsIn: number; readonly recordsOut: number }[];
      /** What user functions count and `numLateRecordsDropped`, by name, summed over all subtasks of this attempt. */
      readonly counters: Readonly<Record<string, number>>;
    };

/** Everything the JobMaster of one attempt is given. */
export interface JobMasterOptions {
  readonly program: JobProgram;
  readonly jobId: string;
  readonly jobName: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly storage: Storage;
  readonly storageUri: string;
  readonly checkpointStore: CompletedCheckpointStore;
  readonly checkpointIds: CheckpointIdCounter;
  readonly checkpoints: CheckpointSettings;
  /** Savepoints that the job takes by itself. @default none */
  readonly savepoints?: SavepointSettings;
  /** A savepoint to start from while the job has no checkpoint of its own. */
  readonly restoreFrom: string | undefined;
  readonly allowNonRestoredState: boolean;
  /**
   * Whether an earlier attempt had all functions of the job open, and how it is written down that this one has: only then
   * do records flow. @default none had, and it is not written down
   */
  readonly begun?: { readonly before: boolean; note(): Promise<void> };
  readonly clock: Clock;
  readonly log: JobLog;
  readonly onEvent: (event: JobEvent) => void;
  /** Told of the environment after the program has described the job, before anything runs. */
  readonly onProgram: (environment: StreamExecutionEnvironment) => Promise<void>;
  /** Called at named points, so that a test can crash there. @default nothing happens */
  readonly faults?: FaultPoint;
  /** How many worker threads, from 1; never more than there are subtask indexes. @default by the cores, see workersFor */
  readonly workers?: number;
  /** The module that a worker thread runs: it hands its port and data to a TaskWorker. @default the product's own */
  readonly workerEntry?: URL;
  /** In [0, 1); for names that nobody can guess and the first checkpoint's delay. */
  readonly random: () => number;
}

/** How an attempt ended. */
export type JobOutcome =
  | { readonly outcome: 'finished' }
  | { readonly outcome: 'stoppedWithSavepoint'; readonly savepoint: string }
  | { readonly outcome: 'cancelled' }
  /** Told to stop at once; nothing was captured. */
  | { readonly outcome: 'stopped' }
  | { readonly outcome: 'failed'; readonly error: Error };
