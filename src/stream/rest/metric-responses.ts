/** Numbers of a job under the names Flink's metrics have. Pure. */
import type { AggregatedMetrics, MetricCollection } from '../../flink/index.ts';
import type { JobView, SubtaskView, VertexView } from './job-view.ts';

type Metrics = Readonly<Record<string, number | string>>;

/** Metrics of the job, by Flink's names. */
export function jobMetrics(job: JobView, now: number): Metrics {
  const { counts, latest } = job.checkpoints;
  const last = latest.completed;
  const acks = last === undefined ? [] : Object.values(last.acks).flatMap((all) => all.filter((ack) => ack !== null));
  const running = job.state === 'RUNNING' ? now - (job.stateTimestamps.RUNNING ?? now) : 0;
  return {
    numRestarts: job.restarts,
    fullRestarts: job.restarts,
    uptime: running,
    runningTime: running,
    restartingTime: job.state === 'RESTARTING' ? now - (job.stateTimestamps.RESTARTING ?? now) : 0,
    totalNumberOfCheckpoints: counts.inProgress + counts.completed + counts.failed,
    numberOfInProgressCheckpoints: counts.inProgress,
    numberOfCompletedCheckpoints: counts.completed,
    numberOfFailedCheckpoints: counts.failed,
    lastCompletedCheckpointId: last?.id ?? -1,
    lastCheckpointSize: acks.reduce((sum, { checkpointedSize }) => sum + checkpointedSize, 0),
    lastCheckpointFullSize: acks.reduce((sum, { stateSize }) => sum + stateSize, 0),
    lastCheckpointDuration:
      last === undefined ? -1 : Math.max(0, ...acks.map(({ ackTime }) => ackTime - last.triggerTime)),
    lastCheckpointExternalPath: last?.location ?? 'n/a',
    lastCheckpointRestoreTimestamp: latest.restored?.time ?? -1,
    ...job.metrics,
  };
}

/** Metrics of a vertex: those of its subtasks, `0.numRecordsIn` and so on. */
export function vertexMetrics(vertex: VertexView): Metrics {
  return Object.fromEntries(
    vertex.subtasks.flatMap((subtask, index) =>
      Object.entries(subtaskMetrics(subtask)).map(([id, value]) => [`${index}.${id}`, value]),
    ),
  );
}

/** Metrics of one subtask. */
export function subtaskMetrics(subtask: SubtaskView): Readonly<Record<string, number>> {
  return {
    numRecordsIn: subtask.recordsIn,
    numRecordsOut: subtask.recordsOut,
    numBytesIn: subtask.bytesIn,
    numBytesOut: subtask.bytesOut,
    accumulateBackPressuredTimeMs: subtask.backPressuredMs,
    accumulateIdleTimeMs: subtask.idleMs,
    accumulateBusyTimeMs: subtask.busyMs,
    backPressuredTimeMsPerSecond: Math.round(subtask.backPressuredRatio * 1_000),
    idleTimeMsPerSecond: Math.round(subtask.idleRatio * 1_000),
    busyTimeMsPerSecond: Math.round(subtask.busyRatio * 1_000),
    ...(subtask.watermark === undefined ? {} : { currentInputWatermark: subtask.watermark }),
  };
}

/** All names, or the values of those in `get` (comma-separated); names that do not exist are left out. */
export function metricCollection(metrics: Metrics, get: string | null): MetricCollection {
  if (get === null) return Object.keys(metrics).map((id) => ({ id }));
  return wanted(get).flatMap((id) => (Object.hasOwn(metrics, id) ? [{ id, value: String(metrics[id]) }] : []));
}

const AGGREGATIONS = ['min', 'max', 'avg', 'sum'] as const;

/** Names common to the subtasks, or aggregates of those in `get`; `agg` picks some of min, max, avg and sum. */
export function aggregatedMetrics(vertex: VertexView, get: string | null, agg: string | null): AggregatedMetrics {
  const each = vertex.subtasks.map(subtaskMetrics);
  const ids = [...new Set(each.flatMap((metrics) => Object.keys(metrics)))];
  if (get === null) return ids.map((id) => ({ id }));
  const picked = agg === null ? AGGREGATIONS : AGGREGATIONS.filter((name) => wanted(agg).includes(name));
  return wanted(get)
    .filter((id) => ids.includes(id))
    .map((id) => {
      const values = each.flatMap((metrics) => (metrics[id] === undefined ? [] : [metrics[id]]));
      const sum = values.reduce((total, value) => total + value, 0);
      const all = { min: Math.min(...values), max: Math.max(...values), avg: sum / values.length, sum };
      return { id, ...Object.fromEntries(picked.map((name) => [name, all[name]])) };
    });
}

function wanted(list: string): string[] {
  return list.split(',').filter((id) => id !== '');
}
