/** Facts of checkpoints -> Flink's JSON. Pure. */
import type {
  CheckpointConfig,
  CheckpointingStatistics,
  CheckpointMeasures,
  CheckpointStatistics,
  StatsSummary,
  SubtaskCheckpointStatistics,
  TaskCheckpointStatistics,
} from '../../flink/index.ts';
import type { CheckpointView, JobView, SubtaskAckView, VertexView } from './job-view.ts';
import { summarize } from './stats-summary.ts';

/** `GET /jobs/:jobid/checkpoints`. The summary is over the completed ones of the history. */
export function checkpointingStatistics(job: JobView): CheckpointingStatistics {
  const { counts, history, latest } = job.checkpoints;
  const entry = (view: CheckpointView | undefined) =>
    view === undefined ? null : checkpointStatistics(view, job.vertices, false);
  const shown = history.map((view) => checkpointStatistics(view, job.vertices, false));
  const completed = shown.filter(({ status }) => status === 'COMPLETED');
  const over = (of: (one: CheckpointStatistics) => number): StatsSummary => summarize(completed.map(of));
  return {
    counts: {
      restored: counts.restored,
      total: counts.inProgress + counts.completed + counts.failed,
      in_progress: counts.inProgress,
      completed: counts.completed,
      failed: counts.failed,
    },
    summary: {
      checkpointed_size: over((one) => one.checkpointed_size),
      state_size: over((one) => one.state_size),
      end_to_end_duration: over((one) => one.end_to_end_duration),
      alignment_buffered: over((one) => one.alignment_buffered),
      processed_data: over((one) => one.processed_data),
      persisted_data: over((one) => one.persisted_data),
    },
    latest: {
      completed: entry(latest.completed),
      savepoint: entry(latest.savepoint),
      failed: entry(latest.failed),
      restored:
        latest.restored === undefined
          ? null
          : {
              id: latest.restored.id,
              restore_timestamp: latest.restored.time,
              is_savepoint: latest.restored.isSavepoint,
              external_path: latest.restored.location,
            },
    },
    history: shown,
  };
}

/** One checkpoint; with its vertices in `GET /jobs/:jobid/checkpoints/details/:checkpointid`, else without. */
export function checkpointStatistics(
  view: CheckpointView,
  vertices: readonly VertexView[],
  withTasks: boolean,
): CheckpointStatistics {
  const isSavepoint = view.type === 'SAVEPOINT' || view.type === 'SYNC_SAVEPOINT';
  const all = vertices.flatMap(({ id, parallelism }) => acksOf(view, id, parallelism));
  const tasks = withTasks
    ? Object.fromEntries(vertices.map(({ id, parallelism }) => [id, measures(view, acksOf(view, id, parallelism))]))
    : {};
  return {
    className: CLASS_NAME[view.status],
    ...measures(view, all),
    is_savepoint: isSavepoint,
    ...(isSavepoint ? { savepointFormat: view.savepointFormat ?? 'CANONICAL' } : {}),
    trigger_timestamp: view.triggerTime,
    checkpoint_type: view.type,
    tasks,
    ...ending(view),
  };
}

/** `GET /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid` */
export function taskCheckpointStatistics(view: CheckpointView, vertex: VertexView): TaskCheckpointStatistics {
  const acks = acksOf(view, vertex.id, vertex.parallelism);
  const done = acks.filter((ack) => ack !== null);
  const over = (of: (ack: SubtaskAckView) => number): StatsSummary => summarize(done.map(of));
  const none = summarize(done.map(() => 0));
  return {
    ...measures(view, acks),
    summary: {
      checkpointed_size: over(({ checkpointedSize }) => checkpointedSize),
      state_size: over(({ stateSize }) => stateSize),
      end_to_end_duration: over(({ ackTime }) => ackTime - view.triggerTime),
      checkpoint_duration: { sync: over(({ syncMs }) => syncMs), async: over(({ asyncMs }) => asyncMs) },
      alignment: { buffered: none, processed: none, persisted: none, duration: over(({ alignmentMs }) => alignmentMs) },
      start_delay: over(({ startDelayMs }) => startDelayMs),
    },
    subtasks: acks.map((ack, index) => subtaskStatistics(view, ack, index)),
  };
}

/** `GET /jobs/:jobid/checkpoints/config` */
export function checkpointConfig(job: JobView): CheckpointConfig {
  const config = job.checkpointConfig;
  return {
    mode: 'exactly_once',
    interval: config.intervalMs ?? NO_INTERVAL,
    timeout: config.timeoutMs,
    min_pause: config.minPauseMs,
    max_concurrent: config.maxConcurrent,
    externalization: { enabled: true, delete_on_cancellation: config.onCancel === 'Delete' },
    state_backend: 'HashMapStateBackend',
    checkpoint_storage: config.storage,
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: Math.min(config.tolerableFailures, UNLIMITED),
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
  };
}

/** Flink shows the largest long here; this is the largest number that JavaScript writes exactly. */
const NO_INTERVAL = Number.MAX_SAFE_INTEGER;

/** How Flink writes a number without limit. */
const UNLIMITED = 0x7fffffff;

const CLASS_NAME = { IN_PROGRESS: 'in_progress', COMPLETED: 'completed', FAILED: 'failed' } as const;

function acksOf(view: CheckpointView, vertexId: string, parallelism: number): (SubtaskAckView | null)[] {
  const acks = view.acks[vertexId] ?? [];
  // A checkpoint taken before a rescale keeps the number of subtasks it had.
  return Array.from({ length: acks.length || parallelism }, (_, index) => acks[index] ?? null);
}

function measures(view: CheckpointView, acks: readonly (SubtaskAckView | null)[]): CheckpointMeasures {
  const done = acks.filter((ack) => ack !== null);
  const lastAck = done.reduce((latest, { ackTime }) => Math.max(latest, ackTime), -1);
  return {
    id: view.id,
    status: view.status,
    latest_ack_timestamp: lastAck,
    checkpointed_size: done.reduce((sum, { checkpointedSize }) => sum + checkpointedSize, 0),
    state_size: done.reduce((sum, { stateSize }) => sum + stateSize, 0),
    end_to_end_duration: lastAck < 0 ? 0 : lastAck - view.triggerTime,
    alignment_buffered: 0,
    processed_data: 0,
    persisted_data: 0,
    num_subtasks: acks.length,
    num_acknowledged_subtasks: done.length,
  };
}

function ending(view: CheckpointView) {
  if (view.status === 'COMPLETED') {
    return { external_path: view.location ?? '', discarded: view.discarded ?? false };
  }
  if (view.failure === undefined) return {};
  return { failure_timestamp: view.failure.time, failure_message: view.failure.message };
}

function subtaskStatistics(
  view: CheckpointView,
  ack: SubtaskAckView | null,
  index: number,
): SubtaskCheckpointStatistics {
  if (ack === null) return { className: 'pending', index, status: 'pending_or_failed' };
  return {
    className: 'completed',
    index,
    status: 'completed',
    ack_timestamp: ack.ackTime,
    end_to_end_duration: ack.ackTime - view.triggerTime,
    checkpointed_size: ack.checkpointedSize,
    state_size: ack.stateSize,
    checkpoint: { sync: ack.syncMs, async: ack.asyncMs },
    alignment: { buffered: 0, processed: 0, persisted: 0, duration: ack.alignmentMs },
    start_delay: ack.startDelayMs,
    unaligned_checkpoint: false,
    aborted: false,
  };
}
