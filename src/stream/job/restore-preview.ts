/**
 * What would become of stored state if a job started from it now: the same decisions that a start makes, without starting.
 */
import { jobShapeOf } from '../checkpoint/job-shape.ts';
import { restoreProblems } from '../checkpoint/restore-checks.ts';
import { type StateOutline, storedMaxParallelism } from '../checkpoint/state-outline.ts';
import type { Job } from '../datastream/environment.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { buildJob, type JobProgram } from './job-module.ts';

/** Stored state, and the job that would take it up. */
export interface RestorePreviewFacts {
  readonly job: Job;
  readonly program: Pick<JobProgram, 'args' | 'parallelism' | 'maxParallelism'>;
  readonly jobId: string;
  readonly jobName: string;
  readonly state: StateOutline;
  /** Where the state lies, for messages. */
  readonly from: string;
  readonly origin: 'startPoint' | 'latestCheckpoint';
  readonly allowNonRestoredState: boolean;
}

/** An operator that is in the state or in the job, not in both. */
export interface UnmatchedOperator {
  readonly uid: string;
  readonly name: string;
}

export interface RestorePreview {
  /** The graph as it would run; a job that sets no maximum parallelism takes the stored one. */
  readonly graph: JobGraph;
  /** Why the state would be refused; empty: it would be restored. */
  readonly problems: readonly string[];
  /** Operators of the job that would start empty. */
  readonly added: readonly UnmatchedOperator[];
  /** Operators of the state that the job does not have. `hasState`: their state would be dropped or refused. */
  readonly removed: readonly (UnmatchedOperator & { readonly hasState: boolean })[];
  /** Operators that would run at another parallelism. */
  readonly rescaled: readonly (UnmatchedOperator & { readonly from: number; readonly to: number })[];
}

/** @throws JobGraphError, InvalidJobError as a start would */
export async function previewRestore(facts: RestorePreviewFacts): Promise<RestorePreview> {
  const { job, program, state, jobId, jobName } = facts;
  const maxParallelism = program.maxParallelism ?? storedMaxParallelism(state);
  const { graph } = await buildJob(job, { ...program, maxParallelism });
  const stored = new Map(state.operators.map((each) => [each.operatorId, each]));
  const present = new Set(graph.operators.map(({ operatorId }) => operatorId));
  return {
    graph,
    problems: restoreProblems({ ...facts, job: jobShapeOf(jobId, jobName, graph) }),
    added: graph.operators.filter(({ operatorId }) => !stored.has(operatorId)).map(({ uid, name }) => ({ uid, name })),
    removed: state.operators
      .filter(({ operatorId }) => !present.has(operatorId))
      .map(({ uid, name, hasState }) => ({ uid, name, hasState })),
    rescaled: graph.operators.flatMap(({ uid, name, operatorId, parallelism: to }) => {
      const from = stored.get(operatorId)?.parallelism ?? to;
      return from === to ? [] : [{ uid, name, from, to }];
    }),
  };
}
