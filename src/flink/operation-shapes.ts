/** The JSON of Flink's asynchronous operations (savepoints, stops, checkpoints by hand) and of its errors. */
import type { SerializedThrowable } from './job-shapes.ts';

/** How a savepoint's bytes are laid out. */
export type SavepointFormat = 'CANONICAL' | 'NATIVE';

/** Body of `POST /jobs/:jobid/savepoints`. */
export interface SavepointTriggerRequest {
  readonly 'target-directory'?: string | null;
  readonly 'cancel-job'?: boolean;
  readonly formatType?: SavepointFormat;
  /** 32 hex digits; the same id twice is one operation. */
  readonly triggerId?: string;
}

/** Body of `POST /jobs/:jobid/stop`. */
export interface StopWithSavepointRequest {
  readonly targetDirectory?: string | null;
  readonly drain?: boolean;
  readonly formatType?: SavepointFormat;
  readonly triggerId?: string;
}

/** Body of `POST /jobs/:jobid/checkpoints`. */
export interface CheckpointTriggerRequest {
  readonly checkpointType?: 'CONFIGURED' | 'FULL' | 'INCREMENTAL';
  readonly triggerId?: string;
}

/** The answer to a trigger. */
export interface TriggerResponse {
  readonly 'request-id': string;
}

/** What became of a savepoint. */
export interface SavepointInfo {
  readonly location?: string;
  readonly 'failure-cause'?: SerializedThrowable;
}

/** What became of a checkpoint triggered by hand. */
export interface CheckpointInfo {
  readonly checkpointId?: number;
  readonly 'failure-cause'?: SerializedThrowable;
}

/** `GET …/:triggerid` */
export interface AsyncOperationResult<T> {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' };
  readonly operation: T | null;
}

/** Every answer that is not a success. */
export interface ErrorResponse {
  readonly errors: readonly string[];
}

/** A trigger id, a job id: 32 lower-case hex digits. */
export const HEX_ID = /^[0-9a-f]{32}$/;
