/**
 * What the JobMaster (main thread) and the workers (a few threads, each for some subtasks) tell each other. Plain data only. Records never
 * travel here: they go through shared memory.
 */

import type { SubtaskAssignment } from '../checkpoint/restore-assignment.ts';
import type { SubtaskRef, SubtaskStateResult } from '../checkpoint/subtask-state.ts';
import type { CheckpointBarrier } from '../exchange/channel.ts';
import type { LaneMemory } from '../exchange/lane.ts';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import type { JobProgram } from '../job/job-module.ts';
import type { KvStateHandle, KvStateRequestMessage, KvStateResponseMessage } from '../queryable/index.ts';

/** What a worker is born with. */
export interface WorkerData {
  readonly program: JobProgram;
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly jobId: string;
  readonly jobName: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly storageUri: string;
  /** Hash of the graph that the JobMaster built; a worker whose graph differs refuses to run. */
  readonly graphHash: string;
}

/** Shared memory of a channel that has a ring of its own. */
export interface RingAssignment {
  readonly edgeId: number;
  readonly fromSubtask: number;
  readonly toSubtask: number;
  readonly memory: SharedArrayBuffer;
}

/** Shared memory of all channels from one worker to another; see LaneNumbers for which is which. */
export interface LaneAssignment {
  readonly fromWorker: number;
  readonly toWorker: number;
  readonly memory: LaneMemory;
}

/** What the channels of a job, or those of one worker, are made of. */
export interface ChannelMemory {
  readonly rings: readonly RingAssignment[];
  readonly lanes: readonly LaneAssignment[];
  /** Records that may wait in a channel inside a worker. */
  readonly localCapacity: number;
}

/** An error that crossed threads. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | undefined;
  /** Whether the cause chain says that a restart cannot help. */
  readonly unrecoverable: boolean;
  /** Messages of the cause chain, outermost first. */
  readonly chain: readonly string[];
}

/** What a worker restores its subtasks from. */
export interface RestoreOrder {
  readonly checkpointId: number;
  /** Storage that holds the checkpoint; the job's own unless it starts from a savepoint elsewhere. */
  readonly storageUri: string;
  readonly directory: string;
  readonly assignments: readonly SubtaskAssignment[];
}

export type ToWorker =
  | {
      readonly type: 'deploy';
      readonly channels: ChannelMemory;
      /** One per worker. */
      readonly wakeUps: readonly SharedArrayBuffer[];
      readonly origin: AttemptOrigin;
      readonly restore: RestoreOrder | undefined;
    }
  | { readonly type: 'start' }
  | { readonly type: 'trigger'; readonly barrier: CheckpointBarrier; readonly directory: string }
  | { readonly type: 'complete'; readonly checkpointId: number; readonly requestId: number }
  | { readonly type: 'aborted'; readonly checkpointId: number }
  | ({ readonly type: 'query' } & KvStateRequestMessage)
  | { readonly type: 'close' };

/** Counts of one subtask since it started. */
export interface SubtaskMetrics extends SubtaskRef {
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly state: 'running' | 'blocked' | 'idle' | 'finished';
  readonly user: Readonly<Record<string, number>>;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly graphHash: string }
  | { readonly type: 'deployed' }
  | ({
      readonly type: 'acknowledge';
      readonly checkpointId: number;
      readonly syncMs: number;
      readonly asyncMs: number;
      readonly alignmentMs: number;
      readonly finished: boolean;
      readonly result: SubtaskStateResult;
    } & SubtaskRef)
  | ({
      readonly type: 'decline';
      readonly checkpointId: number;
      readonly reason: string;
      readonly message: string;
    } & SubtaskRef)
  | ({ readonly type: 'inputFinished' } & SubtaskRef)
  | { readonly type: 'completed'; readonly requestId: number }
  | ({ readonly type: 'failed'; readonly error: SerializedError } & Partial<SubtaskRef>)
  /** A state that can be asked for from now on, or no longer. */
  | { readonly type: 'queryable'; readonly registered: boolean; readonly handle: KvStateHandle }
  | ({ readonly type: 'queryResult' } & KvStateResponseMessage)
  | { readonly type: 'metrics'; readonly subtasks: readonly SubtaskMetrics[] }
  | { readonly type: 'closed' };
