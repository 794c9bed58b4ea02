/** What a checkpoint holds, for people and for `-o json`: operators, states, types, sizes. Read from the manifest alone. */
import type { RedistributionMode } from '../operators/operator.ts';
import type { KeyedStateMeta, NamespaceKind } from '../state/backend.ts';
import type { TypeSchema } from '../types/type-information.ts';
import type { CheckpointManifest, OperatorState, OperatorSubtaskState, StoredOperator } from './manifest.ts';

export interface KeyedStateDescription {
  readonly name: string;
  readonly kind: KeyedStateMeta['kind'];
  readonly namespace: NamespaceKind;
  /** In words: `int32`, `list<string>`, `{at: int64, by: string?}`. */
  readonly type: string;
  readonly keyType: string;
  readonly ttl: boolean;
  /** Key groups that hold entries. */
  readonly keyGroups: number;
  readonly bytes: number;
}

export interface OperatorStateDescription {
  readonly name: string;
  readonly mode: RedistributionMode;
  readonly type: string;
  readonly partitions: number;
  readonly bytes: number;
}

export interface OperatorDescription extends StoredOperator {
  readonly bytes: number;
  readonly keyed: readonly KeyedStateDescription[];
  readonly operatorState: readonly OperatorStateDescription[];
  readonly rawKeyedBytes: number;
  readonly rawOperatorBytes: number;
}

export interface ManifestDescription {
  readonly kind: 'checkpoint' | 'savepoint';
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly files: number;
  /** Of the state files; framing included. */
  readonly bytes: number;
  readonly operators: readonly OperatorDescription[];
}

/** Describes a checkpoint or savepoint. */
export function describeManifest(manifest: CheckpointManifest): ManifestDescription {
  const { kind, jobId, jobName, checkpointId, epoch, timestamp, files, operators } = manifest;
  return {
    kind,
    jobId,
    jobName,
    checkpointId,
    epoch,
    timestamp,
    files: files.length,
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    operators: operators.map(describeOperator),
  };
}

/** A type in words. */
export function describeType(type: TypeSchema | undefined): string {
  if (type === undefined) return '-';
  const { kind, fields = [], element, key } = type;
  switch (kind) {
    case 'object':
      return `{${fields.map((field) => `${field.name}: ${describeType(field.type)}`).join(', ')}}`;
    case 'tuple':
      return `[${fields.map((field) => describeType(field.type)).join(', ')}]`;
    case 'optional':
      return `${describeType(element)}?`;
    case 'map':
      return `map<${describeType(key)}, ${describeType(element)}>`;
    default:
      return element === undefined ? kind : `${kind}<${describeType(element)}>`;
  }
}

function describeOperator(operator: OperatorState): OperatorDescription {
  const { uid, operatorId, name, parallelism, maxParallelism, finished, subtasks } = operator;
  const keyed = describeKeyed(subtasks);
  const operatorState = describeOperatorState(subtasks);
  const rawKeyedBytes = sumOf(subtasks, ({ rawKeyed = [] }) => everyNth(rawKeyed, 3));
  const rawOperatorBytes = sumOf(subtasks, ({ rawOperator = [] }) => everyNth(rawOperator, 2));
  const managed = [...keyed, ...operatorState].reduce((sum, { bytes }) => sum + bytes, 0);
  const bytes = managed + rawKeyedBytes + rawOperatorBytes;
  return {
    uid,
    operatorId,
    name,
    parallelism,
    maxParallelism,
    finished,
    bytes,
    keyed,
    operatorState,
    rawKeyedBytes,
    rawOperatorBytes,
  };
}

function describeKeyed(subtasks: readonly OperatorSubtaskState[]): KeyedStateDescription[] {
  const found = new Map<string, KeyedStateDescription>();
  for (const { keyed } of subtasks) {
    for (const state of keyed?.states ?? []) {
      const earlier = found.get(state.name);
      const { name, kind, namespace, ttl, blocks } = state;
      found.set(name, {
        name,
        kind,
        namespace,
        type: keyedType(state),
        keyType: describeType(keyed?.keyType),
        ttl,
        keyGroups: (earlier?.keyGroups ?? 0) + blocks.length / 3,
        bytes: (earlier?.bytes ?? 0) + everyNth(blocks, 3),
      });
    }
  }
  return [...found.values()];
}

function keyedType({ kind, type, mapKeyType }: KeyedStateMeta): string {
  if (kind === 'map') return `map<${describeType(mapKeyType)}, ${describeType(type)}>`;
  return kind === 'list' ? `list<${describeType(type)}>` : describeType(type);
}

function describeOperatorState(subtasks: readonly OperatorSubtaskState[]): OperatorStateDescription[] {
  const found = new Map<string, OperatorStateDescription>();
  for (const { operatorState = [] } of subtasks) {
    for (const { name, mode, type, mapKeyType, partitions } of operatorState) {
      const earlier = found.get(name);
      found.set(name, {
        name,
        mode,
        type: mapKeyType === undefined ? describeType(type) : `map<${describeType(mapKeyType)}, ${describeType(type)}>`,
        partitions: (earlier?.partitions ?? 0) + partitions.length / 2,
        bytes: (earlier?.bytes ?? 0) + everyNth(partitions, 2),
      });
    }
  }
  return [...found.values()];
}

function sumOf(subtasks: readonly OperatorSubtaskState[], of: (subtask: OperatorSubtaskState) => number): number {
  return subtasks.reduce((sum, subtask) => sum + of(subtask), 0);
}

/** The lengths are the last of each group of numbers. */
function everyNth(index: readonly number[], group: number): number {
  return index.reduce((sum, value, at) => (at % group === group - 1 ? sum + value : sum), 0);
}
