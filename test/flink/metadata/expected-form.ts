/** A `_metadata` in the form of the vectors: less than what is read, and enough to compare. */
import type {
  FlinkMetadata,
  KeyedStateHandle,
  OperatorStateHandle,
  SubtaskState,
} from '../../../src/flink/metadata/metadata.ts';
import { sizeOfStream } from '../../../src/flink/metadata/stream-reader.ts';

/** As `expected` in metadata-vectors.json. */
export function inExpectedForm({ version, checkpointId, masterStates, operators, trailingBytes }: FlinkMetadata) {
  return {
    version,
    checkpointId,
    masterStates: masterStates.map(({ name }) => name),
    trailingBytes,
    operators: operators.map((operator) => ({
      ...(operator.name === undefined ? {} : { name: operator.name, uid: operator.uid ?? '' }),
      id: operator.id,
      parallelism: operator.parallelism,
      maxParallelism: operator.maxParallelism,
      ...(operator.coordinator === undefined ? {} : { coordinatorStateBytes: sizeOfStream(operator.coordinator) }),
      ...(operator.isFullyFinished ? { fullyFinished: true } : {}),
      subtasks: operator.subtasks.map(subtaskForm),
    })),
  };
}

function subtaskForm(state: SubtaskState) {
  const { subtask, managedOperator, managedKeyed, rawKeyed, resultSubpartitions } = state;
  return {
    subtask,
    ...(managedOperator === undefined ? {} : { managedOperator: operatorForm(managedOperator) }),
    ...(managedKeyed === undefined ? {} : { managedKeyed: keyedForm(managedKeyed) }),
    ...(rawKeyed === undefined ? {} : { rawKeyed: keyedForm(rawKeyed) }),
    ...(resultSubpartitions.length === 0 ? {} : { resultSubpartition: resultSubpartitions.length }),
  };
}

function operatorForm({ states }: OperatorStateHandle) {
  return Object.fromEntries(states.map(({ name, mode, offsets }) => [name, [mode, offsets.length]]));
}

function keyedForm({ kind, range }: KeyedStateHandle) {
  return { kind, range: [...range] };
}
