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

/** What both formats tell of an operator. */
type OperatorFacts = Pick<
  FlinkOperatorDescription,
  'uid' | 'name' | 'id' | 'parallelism' | 'maxParallelism' | 'finished' | 'bytes'
>;
/** What only Flink's format has. */
type FlinkFacts = Pick<FlinkOperatorDescription, 'coordinatorStateBytes' | 'finishedSubtasks' | 'subtasks'>;

/** One operator. */
export interface OperatorRecord extends OperatorFacts, Partial<FlinkFacts> {
  /** First and last key group of each subtask that has keyed state. */
  readonly keyGroups: readonly (readonly [first: number, last: number])[];
  readonly states: readonly StateRecord[];
  /** Why there may be more states; null when these are all. */
  readonly statesIncomplete: string | null;
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
  const { keyed, operatorState, rawOperatorState, ...facts } = operator;
  const named = (kind: string, states: FlinkOperatorDescription['operatorState']): StateRecord[] =>
    states.map((state) => ({ ...NOTHING, ...state, kind }));
  const keyType = keyed?.keyType ?? null;
  return {
    ...facts,
    keyGroups: facts.subtasks.flatMap(({ managedKeyed }) => (managedKeyed === undefined ? [] : [managedKeyed.range])),
    states: [
      ...(keyed?.states ?? []).map(({ name, kind, type = null }) => ({ ...NOTHING, name, kind, type, keyType })),
      ...named('operator', operatorState),
      ...named('rawOperator', rawOperatorState),
    ],
    statesIncomplete: keyed?.incomplete ?? null,
  };
}

function ofManifest(
  operator: OperatorDescription,
  stored: CheckpointManifest['operators'][number] | undefined,
): OperatorRecord {
  const { operatorId: id, keyed, operatorState, rawKeyedBytes, rawOperatorBytes, ...facts } = operator;
  return {
    ...facts,
    id,
    keyGroups: (stored?.subtasks ?? []).flatMap(({ keyed }) =>
      keyed === undefined ? [] : [[keyed.firstKeyGroup, keyed.lastKeyGroup] as const],
    ),
    states: [
      ...keyed.map(({ name, kind, type, keyType, bytes }) => ({ ...NOTHING, name, kind, type, keyType, bytes })),
      ...operatorState.map((state) => ({ ...NOTHING, ...state, kind: 'operator' })),
      ...raw('rawKeyed', rawKeyedBytes),
      ...raw('rawOperator', rawOperatorBytes),
    ],
    statesIncomplete: null,
  };
}

function raw(kind: string, bytes: number): StateRecord[] {
  return bytes === 0 ? [] : [{ ...NOTHING, name: '(raw)', kind, bytes }];
}
