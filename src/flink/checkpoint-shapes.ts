/** The JSON of Flink's monitoring API for checkpoints. Sizes are bytes, times milliseconds, -1 stands for "not yet". */

/** How far a checkpoint is. */
export type CheckpointStatus = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

/** What kind of checkpoint it is. `SYNC_SAVEPOINT` ends the job. */
export type CheckpointType = 'CHECKPOINT' | 'UNALIGNED_CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';

/** One measure over many checkpoints or subtasks. */
export interface StatsSummary {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

/** What all shapes of a checkpoint, and of its part in one vertex, have. */
export interface CheckpointMeasures {
  readonly id: number;
  readonly status: CheckpointStatus;
  readonly latest_ack_timestamp: number;
  /** Bytes written by this checkpoint. */
  readonly checkpointed_size: number;
  /** Bytes it refers to, earlier ones included. */
  readonly state_size: number;
  readonly end_to_end_duration: number;
  readonly alignment_buffered: number;
  readonly processed_data: number;
  readonly persisted_data: number;
  readonly num_subtasks: number;
  readonly num_acknowledged_subtasks: number;
}

/** One checkpoint, in a history or in detail. */
export interface CheckpointStatistics extends CheckpointMeasures {
  readonly className: 'in_progress' | 'completed' | 'failed';
  readonly is_savepoint: boolean;
  readonly savepointFormat?: string | null;
  readonly trigger_timestamp: number;
  readonly checkpoint_type: CheckpointType;
  /** By vertex; empty in a history. */
  readonly tasks: Readonly<Record<string, CheckpointMeasures>>;
  readonly external_path?: string;
  readonly discarded?: boolean;
  readonly failure_timestamp?: number;
  readonly failure_message?: string;
}

/** The checkpoint an execution started from. */
export interface RestoredCheckpointStatistics {
  readonly id: number;
  readonly restore_timestamp: number;
  readonly is_savepoint: boolean;
  readonly external_path: string;
}

/** `GET /jobs/:jobid/checkpoints` */
export interface CheckpointingStatistics {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly in_progress: number;
    readonly completed: number;
    readonly failed: number;
  };
  readonly summary: {
    readonly checkpointed_size: StatsSummary;
    readonly state_size: StatsSummary;
    readonly end_to_end_duration: StatsSummary;
    readonly alignment_buffered: StatsSummary;
    readonly processed_data: StatsSummary;
    readonly persisted_data: StatsSummary;
  };
  readonly latest: {
    readonly completed: CheckpointStatistics | null;
    readonly savepoint: CheckpointStatistics | null;
    readonly failed: CheckpointStatistics | null;
    readonly restored: RestoredCheckpointStatistics | null;
  };
  readonly history: readonly CheckpointStatistics[];
}

/** One subtask's part in a checkpoint. */
export type SubtaskCheckpointStatistics =
  | {
      readonly className: 'completed';
      readonly index: number;
      readonly status: 'completed';
      readonly ack_timestamp: number;
      readonly end_to_end_duration: number;
      readonly checkpointed_size: number;
      readonly state_size: number;
      readonly checkpoint: { readonly sync: number; readonly async: number };
      readonly alignment: {
        readonly buffered: number;
        readonly processed: number;
        readonly persisted: number;
        readonly duration: number;
      };
      readonly start_delay: number;
      readonly unaligned_checkpoint: boolean;
      readonly aborted: boolean;
    }
  | { readonly className: 'pending'; readonly index: number; readonly status: 'pending_or_failed' };

/** `GET /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid` */
export interface TaskCheckpointStatistics extends CheckpointMeasures {
  readonly summary: {
    readonly checkpointed_size: StatsSummary;
    readonly state_size: StatsSummary;
    readonly end_to_end_duration: StatsSummary;
    readonly checkpoint_duration: { readonly sync: StatsSummary; readonly async: StatsSummary };
    readonly alignment: {
      readonly buffered: StatsSummary;
      readonly processed: StatsSummary;
      readonly persisted: StatsSummary;
      readonly duration: StatsSummary;
    };
    readonly start_delay: StatsSummary;
  };
  readonly subtasks: readonly SubtaskCheckpointStatistics[];
}

/** `GET /jobs/:jobid/checkpoints/config` */
export interface CheckpointConfig {
  readonly mode: 'exactly_once' | 'at_least_once';
  /** Flink shows the largest long for "no periodic checkpoints". */
  readonly interval: number;
  readonly timeout: number;
  readonly min_pause: number;
  readonly max_concurrent: number;
  readonly externalization: { readonly enabled: boolean; readonly delete_on_cancellation: boolean };
  readonly state_backend: string;
  readonly checkpoint_storage: string;
  readonly unaligned_checkpoints: boolean;
  readonly tolerable_failed_checkpoints: number;
  readonly aligned_checkpoint_timeout: number;
  readonly checkpoints_after_tasks_finish: boolean;
  readonly state_changelog_enabled: boolean;
}
