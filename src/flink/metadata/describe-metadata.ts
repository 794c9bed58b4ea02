/** A `_metadata` of Flink in words, for people and for `-o json`: operators, states, kinds, ranges, sizes. */
import { assertNever } from '../../lib/assert-never.ts';
import { type KeyedStateName, readKeyedStateNames } from './keyed-state-names.ts';
import type {
  ChannelState,
  FlinkMetadata,
  KeyedStateHandle,
  KeyGroupBounds,
  MetadataStream,
  OperatorMetadata,
  OperatorStateHandle,
  OperatorStateMode,
  SubtaskState,
} from './metadata.ts';
import { sizeOfStream } from './stream-reader.ts';

/** Operator state by name, over all subtasks. */
export interface OperatorStateDescription {
  readonly name: string;
  readonly mode: OperatorStateMode;
  readonly partitions: number;
  readonly bytes: number;
}

/** What one subtask has of one sort of keyed state. */
export interface KeyedHandleDescription {
  readonly kind: KeyedStateHandle['kind'];
  readonly range: KeyGroupBounds;
  readonly bytes: number;
}

/** One subtask. Sorts of state that it has none of are left out. */
export interface SubtaskDescription {
  readonly subtask: number;
  readonly bytes: number;
  readonly managedKeyed?: KeyedHandleDescription;
  readonly rawKeyed?: KeyedHandleDescription;
  readonly inputChannels?: number;
  readonly resultSubpartitions?: number;
}

/** One operator. */
export interface FlinkOperatorDescription {
  readonly uid: string | null;
  readonly name: string | null;
  readonly id: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly finished: boolean;
  readonly finishedSubtasks: readonly number[];
  readonly coordinatorStateBytes: number;
  /** Of all states, that of the coordinator included. */
  readonly bytes: number;
  readonly operatorState: readonly OperatorStateDescription[];
  readonly rawOperatorState: readonly OperatorStateDescription[];
  readonly keyed: {
    readonly keyType: string | null;
    readonly states: readonly KeyedStateName[];
    /** Why there may be more states than these; null when these are all. */
    readonly incomplete: string | null;
    readonly bytes: number;
  } | null;
  readonly subtasks: readonly SubtaskDescription[];
}

/** A whole checkpoint or savepoint. */
export interface FlinkMetadataDescription {
  readonly format: 'flink';
  readonly version: number;
  readonly kind: 'checkpoint' | 'savepoint' | null;
  readonly checkpointId: number;
  readonly bytes: number;
  readonly masterStates: readonly { readonly name: string; readonly version: number; readonly bytes: number }[];
  readonly operators: readonly FlinkOperatorDescription[];
  /** Behind the structured part of the file. */
  readonly trailingBytes: number;
}

/** The beginning of a stream that is not in the `_metadata` itself; undefined where it is not at hand. */
export type HeadOfStream = (stream: MetadataStream) => Uint8Array | undefined;

/** Describes a `_metadata`. Without `headOf`, names of keyed states are known only where the `_metadata` holds them. */
export function describeFlinkMetadata(
  metadata: FlinkMetadata,
  headOf: HeadOfStream = () => undefined,
): FlinkMetadataDescription {
  const operators = metadata.operators.map((operator) => describeOperator(operator, headOf));
  const masterStates = metadata.masterStates.map(({ name, version, sizeBytes }) => ({
    name,
    version,
    bytes: sizeBytes,
  }));
  return {
    format: 'flink',
    version: metadata.version,
    kind: metadata.snapshot ?? null,
    checkpointId: metadata.checkpointId,
    bytes: sum([...operators, ...masterStates], ({ bytes }) => bytes),
    masterStates,
    operators,
    trailingBytes: metadata.trailingBytes,
  };
}

/** The stream at whose head the names of keyed states stand; undefined where a handle has none. */
export function streamWithNames(handle: KeyedStateHandle): MetadataStream | undefined {
  switch (handle.kind) {
    case 'keygroups':
    case 'savepoint':
      return handle.stream;
    case 'incremental':
      return handle.meta;
    case 'changelog':
      return handle.materialized.map(streamWithNames).find((stream) => stream !== undefined);
    case 'changelogBytes':
    case 'changelogFiles':
      return undefined;
    default:
      return assertNever(handle);
  }
}

/** The bytes of keyed state that a handle stands for, as it says. */
export function sizeOfKeyedState(handle: KeyedStateHandle | undefined): number {
  if (handle === undefined) return 0;
  switch (handle.kind) {
    case 'keygroups':
    case 'savepoint':
      return sizeOfStream(handle.stream);
    case 'incremental':
      return sum([handle.meta, ...handle.shared.map(streamOf), ...handle.own.map(streamOf)], sizeOfStream);
    case 'changelog':
      return sum([...handle.materialized, ...handle.log], sizeOfKeyedState);
    case 'changelogBytes':
      return handle.sizeBytes;
    case 'changelogFiles':
      return sum(handle.streams, sizeOfStream);
    default:
      return assertNever(handle);
  }
}

function streamOf({ stream }: { readonly stream: MetadataStream }): MetadataStream {
  return stream;
}

function describeOperator(operator: OperatorMetadata, headOf: HeadOfStream): FlinkOperatorDescription {
  const { uid, name, id, parallelism, maxParallelism, isFullyFinished, finishedSubtasks } = operator;
  const subtasks = operator.subtasks.map(describeSubtask);
  const coordinatorStateBytes = sizeOfStream(operator.coordinator);
  return {
    uid: uid ?? null,
    name: name ?? null,
    id,
    parallelism,
    maxParallelism,
    finished: isFullyFinished,
    finishedSubtasks,
    coordinatorStateBytes,
    bytes: coordinatorStateBytes + sum(subtasks, ({ bytes }) => bytes),
    operatorState: describeStates(operator.subtasks.map(({ managedOperator }) => managedOperator)),
    rawOperatorState: describeStates(operator.subtasks.map(({ rawOperator }) => rawOperator)),
    keyed: describeKeyed(operator.subtasks, headOf),
    subtasks,
  };
}

function describeSubtask(state: SubtaskState): SubtaskDescription {
  const { subtask, managedOperator, rawOperator, managedKeyed, rawKeyed, inputChannels, resultSubpartitions } = state;
  const bytes =
    sizeOfStream(managedOperator?.stream) +
    sizeOfStream(rawOperator?.stream) +
    sizeOfKeyedState(managedKeyed) +
    sizeOfKeyedState(rawKeyed) +
    sum([...inputChannels, ...resultSubpartitions], ({ sizeBytes }) => sizeBytes);
  return {
    subtask,
    bytes,
    ...(managedKeyed === undefined ? {} : { managedKeyed: describeHandle(managedKeyed) }),
    ...(rawKeyed === undefined ? {} : { rawKeyed: describeHandle(rawKeyed) }),
    ...counted('inputChannels', inputChannels),
    ...counted('resultSubpartitions', resultSubpartitions),
  };
}

function counted<K extends string>(key: K, channels: readonly ChannelState[]): { [key in K]?: number } {
  return channels.length === 0 ? {} : ({ [key]: channels.length } as { [key in K]?: number });
}

function describeHandle(handle: KeyedStateHandle): KeyedHandleDescription {
  return { kind: handle.kind, range: handle.range, bytes: sizeOfKeyedState(handle) };
}

/** The names at the head of one stream are enough: all subtasks have the same states. */
function describeKeyed(subtasks: readonly SubtaskState[], headOf: HeadOfStream): FlinkOperatorDescription['keyed'] {
  const handles = subtasks.flatMap(({ managedKeyed }) => (managedKeyed === undefined ? [] : [managedKeyed]));
  if (handles.length === 0) return null;
  const head = headIn(
    handles.map(streamWithNames).find((stream) => stream !== undefined),
    headOf,
  );
  const names = head === undefined ? UNREAD : readKeyedStateNames(head);
  return {
    keyType: names.keyType ?? null,
    states: names.states,
    incomplete: names.endedBy ?? null,
    bytes: sum(handles, sizeOfKeyedState),
  };
}

const UNREAD = { keyType: undefined, states: [], endedBy: 'the names stand in a file that is not at hand' } as const;

function headIn(stream: MetadataStream | undefined, headOf: HeadOfStream): Uint8Array | undefined {
  if (stream === undefined) return undefined;
  return stream.in === 'metadata' ? stream.data : headOf(stream);
}

function describeStates(handles: readonly (OperatorStateHandle | undefined)[]): OperatorStateDescription[] {
  const found = new Map<string, { mode: OperatorStateMode; partitions: number; bytes: number }>();
  for (const handle of handles) {
    const ends = handle === undefined ? new Map<number, number>() : endsOfPartitions(handle);
    for (const { name, mode, offsets } of handle?.states ?? []) {
      const state = found.get(name) ?? { mode, partitions: 0, bytes: 0 };
      found.set(name, state);
      state.partitions += offsets.length;
      state.bytes += sum(offsets, (offset) => Math.max((ends.get(offset) ?? offset) - offset, 0));
    }
  }
  return [...found].map(([name, state]) => ({ name, ...state }));
}

/** A partition ends where the next one begins, of whichever state; the last one where the stream ends. */
function endsOfPartitions({ states, stream }: OperatorStateHandle): Map<number, number> {
  const starts = [...new Set(states.flatMap(({ offsets }) => offsets))].sort((a, b) => a - b);
  return new Map(starts.map((start, at) => [start, starts[at + 1] ?? sizeOfStream(stream)]));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
