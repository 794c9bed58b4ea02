/** Facts of a vertex and its subtasks -> Flink's JSON. Pure; the instant is handed in. */
import {
  type BackPressureLevel,
  EXECUTION_STATES,
  type ExecutionState,
  type IoMetrics,
  type JobVertexBackPressure,
  type JobVertexDetails,
  type JobVertexSummary,
  type SubtaskDetails,
} from '../../flink/index.ts';
import type { SubtaskView, VertexView } from './job-view.ts';

/** A vertex within `GET /jobs/:jobid`. */
export function vertexSummary(vertex: VertexView, now: number): JobVertexSummary {
  const states = vertex.subtasks.map(({ state }) => state);
  return {
    id: vertex.id,
    // Subtasks of all vertices share the workers.
    slotSharingGroupId: '0'.repeat(32),
    name: vertex.name,
    maxParallelism: vertex.maxParallelism,
    parallelism: vertex.parallelism,
    status: vertexStatus(states),
    ...vertexTimes(vertex.subtasks, now),
    tasks: countStates(states),
    metrics: ioMetrics(vertex.subtasks),
  };
}

/** `GET /jobs/:jobid/vertices/:vertexid` */
export function vertexDetails(vertex: VertexView, now: number): JobVertexDetails {
  return {
    id: vertex.id,
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    now,
    subtasks: vertex.subtasks.map((subtask, index) => subtaskDetails(subtask, index, now)),
  };
}

/** `GET /jobs/:jobid/vertices/:vertexid/subtasks/:index` */
export function subtaskDetails(subtask: SubtaskView, index: number, now: number): SubtaskDetails {
  const { startTime, endTime } = subtask;
  return {
    subtask: index,
    status: subtask.state,
    attempt: subtask.attempt,
    endpoint: subtask.worker,
    host: subtask.worker,
    'start-time': startTime ?? -1,
    'end-time': endTime ?? -1,
    duration: startTime === undefined ? -1 : (endTime ?? now) - startTime,
    metrics: ioMetrics([subtask]),
    'taskmanager-id': subtask.worker,
  };
}

/** `GET /jobs/:jobid/vertices/:vertexid/backpressure`; Flink's levels: over a tenth is low, over a half is high. */
export function vertexBackPressure(vertex: VertexView, now: number): JobVertexBackPressure {
  const worst = levelOf(Math.max(0, ...vertex.subtasks.map(({ backPressuredRatio }) => backPressuredRatio)));
  return {
    status: 'ok',
    'backpressure-level': worst,
    backpressureLevel: worst,
    'end-timestamp': now,
    subtasks: vertex.subtasks.map(({ backPressuredRatio, idleRatio, busyRatio }, subtask) => ({
      subtask,
      'backpressure-level': levelOf(backPressuredRatio),
      ratio: backPressuredRatio,
      idleRatio,
      busyRatio,
    })),
  };
}

/** How many of each state; a state nobody is in counts 0. */
export function countStates(states: readonly ExecutionState[]): Record<ExecutionState, number> {
  const counts = Object.fromEntries(EXECUTION_STATES.map((state) => [state, 0])) as Record<ExecutionState, number>;
  for (const state of states) counts[state]++;
  return counts;
}

/** Most telling first: one failed subtask makes a failed vertex, one running a running one. */
const DECIDING: readonly ExecutionState[] = ['FAILED', 'CANCELING', 'CANCELED', 'INITIALIZING', 'RUNNING'];

/** One state for many subtasks. Follows Flink's getAggregateJobVertexState. */
export function vertexStatus(states: readonly ExecutionState[]): ExecutionState {
  const deciding = DECIDING.find((state) => states.includes(state));
  if (deciding !== undefined) return deciding;
  if (!states.includes('FINISHED')) return 'CREATED';
  return states.every((state) => state === 'FINISHED') ? 'FINISHED' : 'RUNNING';
}

function vertexTimes(subtasks: readonly SubtaskView[], now: number) {
  const starts = subtasks.flatMap(({ startTime }) => (startTime === undefined ? [] : [startTime]));
  const ends = subtasks.flatMap(({ endTime }) => (endTime === undefined ? [] : [endTime]));
  if (starts.length === 0) return { 'start-time': -1, 'end-time': -1, duration: -1 };
  const start = Math.min(...starts);
  const end = ends.length === subtasks.length ? Math.max(...ends) : undefined;
  return { 'start-time': start, 'end-time': end ?? -1, duration: (end ?? now) - start };
}

function ioMetrics(subtasks: readonly SubtaskView[]): IoMetrics {
  const sum = (of: (subtask: SubtaskView) => number): number => subtasks.reduce((total, one) => total + of(one), 0);
  return {
    'read-bytes': sum(({ bytesIn }) => bytesIn),
    'read-bytes-complete': true,
    'write-bytes': sum(({ bytesOut }) => bytesOut),
    'write-bytes-complete': true,
    'read-records': sum(({ recordsIn }) => recordsIn),
    'read-records-complete': true,
    'write-records': sum(({ recordsOut }) => recordsOut),
    'write-records-complete': true,
    'accumulated-backpressured-time': sum(({ backPressuredMs }) => backPressuredMs),
    'accumulated-idle-time': sum(({ idleMs }) => idleMs),
    'accumulated-busy-time': sum(({ busyMs }) => busyMs),
  };
}

function levelOf(ratio: number): BackPressureLevel {
  if (ratio <= 0.1) return 'ok';
  return ratio <= 0.5 ? 'low' : 'high';
}
