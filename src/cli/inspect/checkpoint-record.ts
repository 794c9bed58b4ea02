/** One stable record for checkpoints of both runtimes: what `-o json` writes and what the table is made of. */
import type { FlinkMetadataDescription, FlinkOperatorDescription } from '../../flink/index.ts';
import { type CheckpointManifest, describeManifest, type OperatorDescription } from '../../stream/index.ts';

/** One state of an operator. Fields that a format does not tell are null. */
export interface StateRecord {
  readonly name: string;
  /** `value`, `list`, `map`, `timers` … for keyed state; `operator`, `rawOperator`, `rawKeyed`. */
  readonly kind: string;
  /** How operator state is given out at another parallelism. */
  readonly mode: string | null;
  readonly type: string | null;
  readonly keyType: string | null;
  readonly partitions: number | null;
  readonly bytes: number | null;
}

/** One operator. */
export interface OperatorRecord {
  readonly uid: string | null;
  readonly name: string | null;
  readonly id: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly finished: boolean;
  readonly bytes: number;
  /** First and last key group of each subtask that has keyed state. */
  readonly keyGroups: readonly (readonly [first: number, last: number])[];
  readonly states: readonly StateRecord[];
  /** Why there may be more states; null when these are all. */
  readonly statesIncomplete: string | null;
  /** What only Flink's format has. */
  readonly coordinatorStateBytes?: number;
  readonly finishedSubtasks?: readonly number[];
  readonly subtasks?: FlinkOperatorDescription['subtasks'];
}

/** A checkpoint or savepoint. */
export interface CheckpointRecord {
  readonly format: 'flink' | 'flinkjob';
  readonly version: number;
  readonly kind: 'checkpoint' | 'savepoint' | null;
  readonly checkpointId: number;
  readonly location: string;
  /** Of all state. */
  readonly bytes: number;
  readonly operators: readonly OperatorRecord[];
  /** What only manifests of TypeScript jobs have. */
  readonly job?: { readonly id: string; readonly name: string; readonly taken: string };
  /** What only Flink's format has. */
  readonly masterStates?: FlinkMetadataDescription['masterStates'];
}

/** A `_metadata` of Apache Flink. */
export function recordOfFlink(description: FlinkMetadataDescription, location: string): CheckpointRecord {
  const { format, version, kind, checkpointId, bytes, masterStates, operators } = description;
  return { format, version, kind, checkpointId, location, bytes, operators: operators.map(ofFlink), masterStates };
}

/** A manifest of a TypeScript job. */
export function recordOfManifest(manifest: CheckpointManifest, location: string): CheckpointRecord {
  const { kind, checkpointId, bytes, operators, jobId, jobName, timestamp } = describeManifest(manifest);
  return {
    format: 'flinkjob',
    version: manifest.version,
    kind,
    checkpointId,
    location,
    bytes,
    operators: operators.map((operator, index) => ofManifest(operator, manifest.operators[index])),
    job: { id: jobId, name: jobName, taken: new Date(timestamp).toISOString() },
  };
}

const NOTHING = { mode: null, type: null, keyType: null, partitions: null, bytes: null } as const;

function ofFlink(operator: FlinkOperatorDescription): OperatorRecord {
  const { uid, name, id, parallelism, maxParallelism, finished, bytes, keyed, subtasks } = operator;
  const operatorState = (kind: string, states: FlinkOperatorDescription['operatorState']): StateRecord[] =>
    states.map((state) => ({ ...NOTHING, ...state, kind }));
  return {
    uid,
    name,
    id,
    parallelism,
    maxParallelism,
    finished,
    bytes,
    keyGroups: subtasks.flatMap(({ managedKeyed }) => (managedKeyed === undefined ? [] : [managedKeyed.range])),
    states: [
      ...(keyed?.states ?? []).map((state) => ({
        ...NOTHING,
        name: state.name,
        kind: state.kind,
        type: state.type ?? null,
        keyType: keyed?.keyType ?? null,
      })),
      ...operatorState('operator', operator.operatorState),
      ...operatorState('rawOperator', operator.rawOperatorState),
    ],
    statesIncomplete: keyed?.incomplete ?? null,
    coordinatorStateBytes: operator.coordinatorStateBytes,
    finishedSubtasks: operator.finishedSubtasks,
    subtasks,
  };
}

function ofManifest(
  operator: OperatorDescription,
  stored: CheckpointManifest['operators'][number] | undefined,
): OperatorRecord {
  const { uid, name, operatorId: id, parallelism, maxParallelism, finished, bytes } = operator;
  return {
    uid,
    name,
    id,
    parallelism,
    maxParallelism,
    finished,
    bytes,
    keyGroups: (stored?.subtasks ?? []).flatMap(({ keyed }) =>
      keyed === undefined ? [] : [[keyed.firstKeyGroup, keyed.lastKeyGroup] as const],
    ),
    states: [
      ...operator.keyed.map((state) => ({
        ...NOTHING,
        name: state.name,
        kind: state.kind,
        type: state.type,
        keyType: state.keyType,
        bytes: state.bytes,
      })),
      ...operator.operatorState.map((state) => ({ ...NOTHING, ...state, kind: 'operator' })),
      ...raw('rawKeyed', operator.rawKeyedBytes),
      ...raw('rawOperator', operator.rawOperatorBytes),
    ],
    statesIncomplete: null,
  };
}

function raw(kind: string, bytes: number): StateRecord[] {
  return bytes === 0 ? [] : [{ ...NOTHING, name: '(raw)', kind, bytes }];
}
