/**
 * Whether the state of a checkpoint fits a job, before anything of it is read. Named checks, each a pure function that
 * lists what is wrong; all of them run, so that a person sees everything at once. The texts are Flink's as far as it has
 * one, so that a search for them leads to its documentation.
 *
 * The rule behind all: refuse rather than start with less state than the checkpoint holds.
 */
import { FlinkRuntimeException, IllegalStateException } from '../../lib/java-errors.ts';
import type { JobShape, OperatorShape, VertexShape } from './job-shape.ts';
import type { OperatorOutline, StateOutline } from './state-outline.ts';

/** What a restore is judged by. */
export interface RestoreFacts {
  readonly state: StateOutline;
  readonly job: JobShape;
  /** Where the state lies, for messages. */
  readonly from: string;
  /** `startPoint`: named by a person. `latestCheckpoint`: the job's own, after a failure. */
  readonly origin: 'startPoint' | 'latestCheckpoint';
  /** State of operators that are no longer in the job is dropped instead of refused. */
  readonly allowNonRestoredState: boolean;
}

/** The operators of a vertex with the state the checkpoint has for them. */
export interface MatchedVertex {
  readonly vertex: VertexShape;
  readonly operators: readonly { readonly operator: OperatorShape; readonly state: OperatorOutline | undefined }[];
}

/** The state of each vertex, by operator id: names and places in the graph do not matter. */
export function matchOperators({ state: { operators: known }, job }: RestoreFacts): MatchedVertex[] {
  const stored = new Map(known.map((state) => [state.operatorId, state]));
  return job.vertices.map((vertex) => ({
    vertex,
    operators: vertex.operators.map((operator) => ({ operator, state: stored.get(operator.operatorId) })),
  }));
}

/** Operators of the checkpoint that the job does not have and that hold state. */
export function operatorsWithoutPlace({ state: { operators: known }, job }: RestoreFacts): OperatorOutline[] {
  const present = new Set(job.vertices.flatMap(({ operators }) => operators.map(({ operatorId }) => operatorId)));
  return known.filter(({ operatorId, hasState }) => !present.has(operatorId) && hasState);
}

/** Runs all checks. @throws IllegalStateException or FlinkRuntimeException with every violation, the first one first */
export function checkRestore(facts: RestoreFacts, matched: readonly MatchedVertex[]): void {
  const violations = CHECKS.flatMap((check) => check(facts, matched));
  if (violations.length > 0) throw new IllegalStateException(violations.join('\n'));
  const misplaced = finishedAfterUnfinished(matched);
  if (misplaced.length > 0) throw new FlinkRuntimeException(misplaced.join('\n'));
}

/** Why the state would be refused, every reason; empty: it would be taken up. */
export function restoreProblems(facts: RestoreFacts): string[] {
  const matched = matchOperators(facts);
  const violations = CHECKS.flatMap((check) => check(facts, matched));
  return violations.length > 0 ? violations : finishedAfterUnfinished(matched);
}

/** A rule: what is wrong, in words, or nothing. */
type Check = (facts: RestoreFacts, matched: readonly MatchedVertex[]) => string[];

/** In the order in which they are reported. */
const CHECKS: readonly Check[] = [
  operatorIsMissing,
  storedMaximumIsBelowParallelism,
  configuredMaximumChanged,
  chainedMaximaDiffer,
  finishedAndUnfinishedAreChained,
];

/** The maximum parallelism a vertex runs with: its own, or the stored one where its own was only a default. */
export function effectiveMaximum({ vertex, operators }: MatchedVertex): number {
  if (vertex.maxParallelismConfigured) return vertex.maxParallelism;
  const [binding] = bindingMaxima(operators);
  return binding ?? vertex.maxParallelism;
}

/** The stored maxima that bind a vertex: those of keyed state, and only without any those of other state. */
function bindingMaxima(operators: MatchedVertex['operators']): number[] {
  const states = operators.flatMap(({ state }) => (state?.hasState === true ? [state] : []));
  const keyed = states.filter(({ hasKeyedState }) => hasKeyedState);
  return [...new Set((keyed.length > 0 ? keyed : states).map(({ maxParallelism }) => maxParallelism))];
}

function operatorIsMissing(facts: RestoreFacts): string[] {
  if (facts.allowNonRestoredState) return [];
  return operatorsWithoutPlace(facts).map((state) => {
    const who = `operator "${state.name}" (uid ${state.uid}, id ${state.operatorId})`;
    if (facts.origin === 'latestCheckpoint') {
      return `There is no operator for the state ${state.operatorId}: checkpoint ${facts.from} holds state of ${who}. ${otherJob(facts)}${REMEDY_MISSING}`;
    }
    return (
      `Failed to rollback to checkpoint/savepoint ${facts.from}. It holds state of ${who}, which has no place ` +
      `because the operator is not available in the new program. ${otherJob(facts)}${REMEDY_MISSING}`
    );
  });
}

const REMEDY_MISSING =
  'Give an operator that uid, or drop this state on purpose with spec.upgrade.allowNonRestoredState: true (--allowNonRestoredState in Flink).';

function otherJob({ state, job }: RestoreFacts): string {
  if (state.jobName === job.jobName) return '';
  return `It was taken of job "${state.jobName}"; this is job "${job.jobName}". `;
}

function storedMaximumIsBelowParallelism(_: RestoreFacts, matched: readonly MatchedVertex[]): string[] {
  return eachStateful(matched, ({ vertex }, state) =>
    state.maxParallelism >= vertex.parallelism
      ? undefined
      : `The state for task ${vertex.name} can not be restored. The maximum parallelism (${state.maxParallelism}) of the restored ` +
        `state is lower than the configured parallelism (${vertex.parallelism}). Please reduce the parallelism of the task to be ` +
        'lower or equal to the maximum parallelism.',
  );
}

function configuredMaximumChanged(facts: RestoreFacts, matched: readonly MatchedVertex[]): string[] {
  return eachStateful(matched, ({ vertex }, state) => {
    if (!vertex.maxParallelismConfigured || state.maxParallelism === vertex.maxParallelism) return undefined;
    if (facts.origin === 'latestCheckpoint') {
      return (
        `The maximum parallelism (${state.maxParallelism}) with which the latest checkpoint of the vertex ${vertex.name} ` +
        `has been taken and the current maximum parallelism (${vertex.maxParallelism}) changed. This is currently not supported. ` +
        `Set maxParallelism to ${state.maxParallelism}, or start without this state.`
      );
    }
    return (
      `Failed to rollback to checkpoint/savepoint ${facts.from}. Max parallelism mismatch between checkpoint/savepoint state ` +
      `and new program. Operator "${state.name}" (uid ${state.uid}) was stored with maximum parallelism ${state.maxParallelism}, the ` +
      `program has ${vertex.maxParallelism}. Set maxParallelism to ${state.maxParallelism}, or start without this state.`
    );
  });
}

/** Operators that are chained now may have been stored apart, with different defaults: one vertex cannot follow both. */
function chainedMaximaDiffer(_: RestoreFacts, matched: readonly MatchedVertex[]): string[] {
  return matched.flatMap(({ vertex, operators }) => {
    const maxima = bindingMaxima(operators);
    if (vertex.maxParallelismConfigured || maxima.length < 2) return [];
    return [
      `The state for task ${vertex.name} can not be restored. Its chained operators were stored with different maximum ` +
        `parallelism (${maxima.join(', ')}). Keep them in different tasks, as they were.`,
    ];
  });
}

function finishedAndUnfinishedAreChained(_: RestoreFacts, matched: readonly MatchedVertex[]): string[] {
  return matched.flatMap((each) => {
    const finished = each.operators.filter(({ state }) => state?.finished === true);
    if (finished.length === 0 || finished.length === each.operators.length) return [];
    return [
      `Can not restore vertex ${each.vertex.name} (${each.vertex.vertexId}): of its operators ` +
        `${finished.map(({ operator }) => `"${operator.name}"`).join(', ')} had finished and others had not. ` +
        'Keep operators of a finished task unchanged.',
    ];
  });
}

function finishedAfterUnfinished(matched: readonly MatchedVertex[]): string[] {
  const byId = new Map(matched.map((each) => [each.vertex.vertexId, each]));
  return matched.filter(isFinished).flatMap(({ vertex }) => {
    const running = vertex.inputs.map((id) => byId.get(id)).find((input) => input !== undefined && !isFinished(input));
    if (running === undefined) return [];
    return [
      'Illegal JobGraph modification. Cannot run a program with fully finished vertices predeceased with the ones not fully ' +
        `finished. Task vertex ${vertex.name} (${vertex.vertexId}) had finished, and ${running.vertex.name} ` +
        `(${running.vertex.vertexId}), whose output it reads, had not. Put new operators behind running ones only.`,
    ];
  });
}

/** Whether all operators of the vertex had finished: it is not run again. */
export function isFinished({ operators }: MatchedVertex): boolean {
  return operators.length > 0 && operators.every(({ state }) => state?.finished === true);
}

function eachStateful(
  matched: readonly MatchedVertex[],
  problemOf: (matched: MatchedVertex, state: OperatorOutline) => string | undefined,
): string[] {
  return matched.flatMap((each) =>
    each.operators.flatMap(({ state }) => {
      const problem = state?.hasState === true ? problemOf(each, state) : undefined;
      return problem === undefined ? [] : [problem];
    }),
  );
}
