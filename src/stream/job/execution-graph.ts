/**
 * What the JobMaster knows of the running attempt: the state of every subtask and the counts they report. Changed in one
 * place, read by REST and the progress display.
 */
import type { SubtaskRef } from '../checkpoint/subtask-state.ts';
import { subtaskKey } from '../checkpoint/subtask-state.ts';
import type { JobGraph, JobVertex } from '../graph/job-graph.ts';
import type { SubtaskMetrics } from '../task/worker-protocol.ts';

export type SubtaskState = 'CREATED' | 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELED' | 'FAILED';

type Spent = Record<SubtaskMetrics['state'], number>;

/** How fast older time fades from `recentMs`. */
const FADE_MS = 5_000;

export interface SubtaskExecution extends SubtaskRef {
  state: SubtaskState;
  startedAt: number | undefined;
  endedAt: number | undefined;
  metrics: SubtaskMetrics | undefined;
  /** Milliseconds spent in each activity so far. */
  readonly spentMs: Spent;
  /** The same, of which older time counts ever less: to a third after every 5 seconds. */
  readonly recentMs: Spent;
  reportedAt: number | undefined;
}

export class ExecutionGraph {
  readonly graph: JobGraph;
  readonly #subtasks = new Map<string, SubtaskExecution>();

  constructor(graph: JobGraph) {
    this.graph = graph;
    for (const vertex of graph.vertices) {
      for (let subtaskIndex = 0; subtaskIndex < vertex.parallelism; subtaskIndex++) {
        const ref = { vertexId: vertex.id, subtaskIndex };
        this.#subtasks.set(subtaskKey(ref), {
          ...ref,
          state: 'CREATED',
          startedAt: undefined,
          endedAt: undefined,
          metrics: undefined,
          spentMs: { running: 0, blocked: 0, idle: 0, finished: 0 },
          recentMs: { running: 0, blocked: 0, idle: 0, finished: 0 },
          reportedAt: undefined,
        });
      }
    }
  }

  all(): SubtaskExecution[] {
    return [...this.#subtasks.values()];
  }

  of(vertex: JobVertex): SubtaskExecution[] {
    return this.all().filter((subtask) => subtask.vertexId === vertex.id);
  }

  get(ref: SubtaskRef): SubtaskExecution | undefined {
    return this.#subtasks.get(subtaskKey(ref));
  }

  /** Moves all subtasks that have not ended. */
  moveAll(state: SubtaskState, now: number): void {
    for (const subtask of this.#subtasks.values()) {
      if (subtask.endedAt === undefined) this.#move(subtask, state, now);
    }
  }

  move(ref: SubtaskRef, state: SubtaskState, now: number): void {
    const subtask = this.get(ref);
    if (subtask !== undefined) this.#move(subtask, state, now);
  }

  report(metrics: SubtaskMetrics, now: number): void {
    const subtask = this.get(metrics);
    if (subtask === undefined) return;
    if (subtask.reportedAt !== undefined) spend(subtask, metrics.state, now - subtask.reportedAt);
    subtask.reportedAt = now;
    subtask.metrics = metrics;
  }

  /** What user functions count in this attempt, by name, summed over all subtasks. */
  userCounters(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { metrics } of this.all()) {
      for (const [name, value] of Object.entries(metrics?.user ?? {})) sums[name] = (sums[name] ?? 0) + value;
    }
    return sums;
  }

  /** Whether every subtask has come to the end of its input. */
  get allFinished(): boolean {
    return this.all().every((subtask) => subtask.state === 'FINISHED');
  }

  /** Records that sources emitted in this attempt. */
  get sourceRecords(): number {
    return this.graph.vertices
      .filter((vertex) => vertex.inputs.length === 0)
      .flatMap((vertex) => this.of(vertex))
      .reduce((sum, subtask) => sum + (subtask.metrics?.recordsIn ?? 0), 0);
  }

  #move(subtask: SubtaskExecution, state: SubtaskState, now: number): void {
    subtask.state = state;
    if (state === 'RUNNING') subtask.startedAt ??= now;
    if (state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED') subtask.endedAt = now;
  }
}

function spend({ spentMs, recentMs }: SubtaskExecution, activity: SubtaskMetrics['state'], ms: number): void {
  spentMs[activity] += ms;
  const left = Math.exp(-ms / FADE_MS);
  recentMs.running *= left;
  recentMs.blocked *= left;
  recentMs.idle *= left;
  recentMs.finished *= left;
  recentMs[activity] += ms;
}
