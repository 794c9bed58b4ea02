/**
 * Makes the manifest of a checkpoint from what all its subtasks answered. Pure.
 *
 * A subtask that had reached the end of its input still answers with its state (a sink's last commits). One that is gone
 * stores nothing: an operator of which some subtasks are gone may not have union state, because their share is missing.
 * An operator counts as finished when all its subtasks had finished.
 */
import { FlinkRuntimeException, IllegalStateException } from '../../lib/java-errors.ts';
import { keyGroupRange } from '../key-groups.ts';
import type { OperatorHandles } from './encode-subtask-state.ts';
import { type JobShape, type OperatorShape, subtasksOf, type VertexShape } from './job-shape.ts';
import {
  type CheckpointManifest,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  type OperatorState,
  type OperatorSubtaskState,
  type StateFile,
} from './manifest.ts';
import { type SubtaskStateResult, subtaskKey } from './subtask-state.ts';

/** Everything a manifest says. */
export interface ManifestFacts {
  readonly kind: 'checkpoint' | 'savepoint';
  readonly job: JobShape;
  readonly checkpointId: number;
  readonly epoch: number;
  /** Wall clock of the trigger, milliseconds. */
  readonly timestamp: number;
  readonly results: readonly SubtaskStateResult[];
  /** Keys (`subtaskKey`) of subtasks that had reached the end of their input. Those that did not answer are gone. */
  readonly finished: ReadonlySet<string>;
}

/**
 * The manifest of a complete checkpoint.
 * @throws IllegalStateException when a subtask neither answered nor had finished: such a checkpoint is not complete
 * @throws FlinkRuntimeException when a partly finished operator has union state
 */
export function buildManifest(facts: ManifestFacts): CheckpointManifest {
  const { job, kind, checkpointId, epoch, timestamp } = facts;
  const results = new Map(facts.results.map((result) => [subtaskKey(result), result]));
  const files: StateFile[] = [];
  const fileIndex = new Map<string, number>();
  for (const key of subtasksOf(job).map(subtaskKey)) {
    const file = results.get(key)?.file;
    if (file !== undefined) fileIndex.set(key, files.push(file) - 1);
  }
  const operators = job.vertices.flatMap((vertex) =>
    vertex.operators.map((operator) => operatorState(facts, vertex, operator, results, fileIndex)),
  );
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    kind,
    jobId: job.jobId,
    jobName: job.jobName,
    checkpointId,
    epoch,
    timestamp,
    files,
    operators,
  };
}

function operatorState(
  facts: ManifestFacts,
  vertex: VertexShape,
  operator: OperatorShape,
  results: ReadonlyMap<string, SubtaskStateResult>,
  fileIndex: ReadonlyMap<string, number>,
): OperatorState {
  const subtasks = Array.from({ length: vertex.parallelism }, (_, subtask): OperatorSubtaskState => {
    const key = subtaskKey({ vertexId: vertex.vertexId, subtaskIndex: subtask });
    const result = results.get(key);
    const finished = facts.finished.has(key) ? { finished: true as const } : {};
    if (result !== undefined) return { ...subtaskState(vertex, operator, result, fileIndex.get(key)), ...finished };
    if (facts.finished.has(key)) return { subtask, ...finished };
    throw new IllegalStateException(
      `Checkpoint ${facts.checkpointId} is not complete: subtask ${subtask} of vertex "${vertex.name}" did not answer.`,
    );
  });
  const isGone = (_: unknown, subtaskIndex: number) =>
    !results.has(subtaskKey({ vertexId: vertex.vertexId, subtaskIndex }));
  if (subtasks.some(isGone)) refuseUnion(vertex, operator, subtasks);
  return {
    uid: operator.uid,
    operatorId: operator.operatorId,
    name: operator.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    maxParallelismConfigured: vertex.maxParallelismConfigured,
    finished: subtasks.every(({ finished }) => finished === true),
    subtasks,
  };
}

function subtaskState(
  vertex: VertexShape,
  operator: OperatorShape,
  { subtaskIndex, operators }: SubtaskStateResult,
  file: number | undefined,
): OperatorSubtaskState {
  const handles = operators.find(({ operatorId }) => operatorId === operator.operatorId);
  if (handles === undefined) {
    throw new IllegalStateException(
      `Subtask ${subtaskIndex} of vertex "${vertex.name}" did not answer for its operator "${operator.name}" (uid ${operator.uid}).`,
    );
  }
  const { operatorState: states, rawKeyed, rawOperator } = handles;
  const keyed = keyedHandle(vertex, subtaskIndex, handles);
  return {
    subtask: subtaskIndex,
    ...(file === undefined ? {} : { file }),
    ...(keyed === undefined ? {} : { keyed }),
    ...(states === undefined ? {} : { operatorState: states }),
    ...(rawKeyed === undefined ? {} : { rawKeyed }),
    ...(rawOperator === undefined ? {} : { rawOperator }),
  };
}

function keyedHandle(
  vertex: VertexShape,
  subtaskIndex: number,
  { keyed }: OperatorHandles,
): OperatorSubtaskState['keyed'] {
  if (keyed === undefined) return undefined;
  const owned = keyGroupRange(subtaskIndex, vertex.parallelism, vertex.maxParallelism);
  return { keyType: keyed.keyType, firstKeyGroup: owned.start, lastKeyGroup: owned.end, states: keyed.states };
}

/** Follows Flink, which refuses such a checkpoint when it is completed. */
function refuseUnion(vertex: VertexShape, operator: OperatorShape, subtasks: readonly OperatorSubtaskState[]): void {
  const union = subtasks.flatMap(({ operatorState: states }) => states ?? []).find(({ mode }) => mode === 'UNION');
  if (union === undefined) return;
  throw new FlinkRuntimeException(
    `The vertex ${vertex.name} (id = ${vertex.vertexId}) has used UnionListState, but part of its tasks are FINISHED ` +
      `(state "${union.name}" of operator "${operator.name}"). Checkpoints complete again once all its tasks have finished.`,
  );
}
