/**
 * Which worker thread runs which subtasks, and how the channels between two workers are numbered. Every thread works it
 * out for itself from the graph and the number of workers, and comes to the same.
 *
 * All subtasks of one index share a worker, as Flink's slot sharing places them. The number of workers follows from the
 * cores: with more indexes than that, a worker hosts several.
 */
import { assertNever } from '../../lib/assert-never.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { Partitioning } from '../graph/transformation.ts';

/** With so many indexes per core, no thread has more than an eighth more than the average. */
const EVEN_FROM = 8;

/** The part of an edge that its channels follow from. */
export interface EdgeShape {
  readonly id: number;
  readonly from: { readonly parallelism: number };
  readonly to: { readonly parallelism: number };
  readonly partitioning: { readonly how: Partitioning['how'] };
}

/**
 * How many workers a job gets. Few indexes: a thread each, so that a function that blocks its thread blocks nobody else.
 * More: two per core, as threads then host a little more or less than each other and the system can level that out. Many:
 * one per core, as all are about even and a thread costs tens of megabytes. A machine of one core counts as two.
 */
export function workersFor(indexes: number, cores: number): number {
  const counted = Math.max(2, cores);
  if (indexes >= EVEN_FROM * counted) return counted;
  return Math.min(indexes, 2 * counted);
}

/** How many indexes the job has: the largest parallelism of a vertex. */
export function indexesOf(graph: Pick<JobGraph, 'vertices'>): number {
  return Math.max(...graph.vertices.map((vertex) => vertex.parallelism));
}

/** Which worker runs the subtasks of an index. */
export function workerOf(subtaskIndex: number, workerCount: number): number {
  return subtaskIndex % workerCount;
}

/** The indexes below `parallelism` that a worker hosts, ascending. */
export function indexesHostedBy(worker: number, workerCount: number, parallelism: number): number[] {
  return Array.from({ length: countOf(worker, workerCount, parallelism) }, (_, place) => worker + place * workerCount);
}

/** How many channels an edge has, those inside workers included. */
export function channelsOf({ from, to, partitioning: { how } }: EdgeShape): number {
  switch (how) {
    case 'forward':
      return from.parallelism;
    case 'hash':
    case 'rebalance':
    case 'broadcast':
      return from.parallelism * to.parallelism;
    default:
      return assertNever(how);
  }
}

/** Numbers the channels from one worker to another from 0 on, without a gap, over all edges. */
export class LaneNumbers {
  readonly #edges: readonly EdgeShape[];
  readonly #workerCount: number;

  /** @param edges those of the graph, in its order */
  constructor(edges: readonly EdgeShape[], workerCount: number) {
    // A forward edge joins subtasks of one index, so it never leaves a worker.
    this.#edges = edges.filter(({ partitioning }) => partitioning.how !== 'forward');
    this.#workerCount = workerCount;
  }

  /** How many channels lead from worker `from` to worker `to`. */
  count(from: number, to: number): number {
    return this.#edges.reduce((sum, edge) => sum + this.#channels(edge, from, to), 0);
  }

  /** The number of a channel, among those from the worker of the one subtask to that of the other. */
  numberOf(edgeId: number, fromSubtask: number, toSubtask: number): number {
    const [from, to] = [fromSubtask % this.#workerCount, toSubtask % this.#workerCount];
    let base = 0;
    for (const edge of this.#edges) {
      if (edge.id === edgeId) {
        const row = (fromSubtask - from) / this.#workerCount;
        const column = (toSubtask - to) / this.#workerCount;
        return base + row * countOf(to, this.#workerCount, edge.to.parallelism) + column;
      }
      base += this.#channels(edge, from, to);
    }
    return -1;
  }

  #channels(edge: EdgeShape, from: number, to: number): number {
    return (
      countOf(from, this.#workerCount, edge.from.parallelism) * countOf(to, this.#workerCount, edge.to.parallelism)
    );
  }
}

function countOf(worker: number, workerCount: number, parallelism: number): number {
  return Math.max(0, Math.ceil((parallelism - worker) / workerCount));
}
