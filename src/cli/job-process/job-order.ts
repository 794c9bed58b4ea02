/**
 * What a job process is told by whoever starts it: one JSON document. Everything that can be settled is settled in it, so
 * that the process reads no other configuration.
 */

import type { FlinkJobSettings } from '../../api/index.ts';
import type { CheckpointSettings, JobModule, SavepointSettings } from '../../stream/index.ts';
import type { HaPlace } from './open-ha.ts';

export interface JobOrder {
  readonly jobId: string;
  readonly jobName: string;
  readonly attempt: number;
  readonly program: {
    readonly module: JobModule;
    readonly workingDirectory: string;
    readonly args: readonly string[];
    readonly parallelism: number;
    /** Absent: the default for the parallelism, or what the restored state has. */
    readonly maxParallelism?: number;
  };
  readonly storageUri: string;
  readonly highAvailability: HaPlace;
  readonly checkpoints: CheckpointSettings;
  /** Savepoints that the job takes by itself. @default none */
  readonly savepoints?: SavepointSettings;
  readonly restoreFrom?: string;
  readonly allowNonRestoredState: boolean;
  /** File for the termination record. */
  readonly terminationLog: string;
  /** Port 0 is a free one. `orFree`: so is any other that cannot be had, for data matter more than where they are watched. */
  readonly rest: { readonly host: string; readonly port: number; readonly orFree?: boolean };
}

/** The part of an order that the resource alone decides. `since`: when the job got its id, wall clock. */
export function orderedBySettings(
  { name, args, parallelism, maxParallelism, checkpoints, savepoints, upgrade }: FlinkJobSettings,
  { module, workingDirectory, since }: Pick<JobOrder['program'], 'module' | 'workingDirectory'> & { since: number },
): Pick<JobOrder, 'jobName' | 'program' | 'checkpoints' | 'savepoints' | 'allowNonRestoredState'> {
  const { intervalMs, retained, timeoutMs } = savepoints;
  return {
    jobName: name,
    program: {
      module,
      workingDirectory,
      args,
      parallelism,
      ...(maxParallelism === undefined ? {} : { maxParallelism }),
    },
    checkpoints: { ...checkpoints, savepointTimeoutMs: timeoutMs },
    ...(intervalMs === undefined ? {} : { savepoints: { intervalMs, retained, since } }),
    allowNonRestoredState: upgrade.allowNonRestoredState,
  };
}

/** The environment variable that holds the order. */
export const JOB_ORDER_VARIABLE = 'FLINKJOB_JOB_ORDER';

/** @throws TypeError when the text is no order: only our own supervisor and operator write it */
export function decodeJobOrder(text: string | undefined): JobOrder {
  const order = text === undefined ? undefined : (JSON.parse(text) as JobOrder);
  if (order?.jobId === undefined || order.program === undefined) {
    throw new TypeError(
      `${JOB_ORDER_VARIABLE} holds no job order; this process is started by flinkjob run, not by hand`,
    );
  }
  return order;
}
