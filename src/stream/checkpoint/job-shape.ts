/** What checkpoints need to know of a job: its vertices, how parallel they are, and which operators they chain. */
import type { JobGraph } from '../graph/job-graph.ts';
import type { SubtaskRef } from './subtask-state.ts';

export interface OperatorShape {
  readonly uid: string;
  /** 32 hex digits made from the uid. */
  readonly operatorId: string;
  readonly name: string;
}

/** One vertex: a chain of operators that run in the same subtasks. */
export interface VertexShape {
  readonly vertexId: string;
  /** For messages. */
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Whether somebody chose maxParallelism; a default gives way to what the state was stored with. */
  readonly maxParallelismConfigured: boolean;
  /** Ids of the vertices whose output this one reads. */
  readonly inputs: readonly string[];
  /** Head to tail. */
  readonly operators: readonly OperatorShape[];
}

export interface JobShape {
  readonly jobId: string;
  readonly jobName: string;
  readonly vertices: readonly VertexShape[];
}

/** All subtasks of a job. */
export function subtasksOf(job: JobShape): SubtaskRef[] {
  return job.vertices.flatMap(({ vertexId, parallelism }) =>
    Array.from({ length: parallelism }, (_, subtaskIndex) => ({ vertexId, subtaskIndex })),
  );
}

/** The shape of a job graph. A vertex takes its maximum parallelism from the head of its chain. */
export function jobShapeOf(jobId: string, jobName: string, graph: Pick<JobGraph, 'vertices'>): JobShape {
  const vertexOf = new Map(graph.vertices.flatMap((vertex) => vertex.operators.map((each) => [each, vertex.id])));
  const vertices = graph.vertices.map((vertex) => ({
    vertexId: vertex.id,
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    maxParallelismConfigured: vertex.operators[0]?.maxParallelismConfigured ?? false,
    inputs: [...new Set(vertex.inputs.map(({ from }) => vertexOf.get(from) ?? from.operatorId))],
    operators: vertex.operators.map(({ uid, operatorId, name }) => ({ uid, operatorId, name })),
  }));
  return { jobId, jobName, vertices };
}
