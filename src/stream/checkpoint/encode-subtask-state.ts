/**
 * Turns what the synchronous part of a capture left into the bytes of a state file and the handles that find them again.
 * Sliced: between two steps of the generator records flow.
 */
import type { OperatorSnapshot, OperatorStatePart } from '../operators/operator.ts';
import type { KeyedStateMeta } from '../state/backend.ts';
import type { TypeSchema } from '../types/type-information.ts';
import type { OperatorStateHandle } from './manifest.ts';
import { StateFileWriter } from './state-file.ts';

/** Keyed state of one operator in one subtask; the key-group range is added where the parallelism is known. */
export interface KeyedStateBlocks {
  readonly keyType: TypeSchema;
  readonly states: readonly (KeyedStateMeta & { readonly blocks: readonly number[] })[];
}

/** Where the state of one operator lies in the file of its subtask. */
export interface OperatorHandles {
  readonly uid: string;
  readonly operatorId: string;
  readonly name: string;
  readonly keyed?: KeyedStateBlocks;
  readonly operatorState?: readonly OperatorStateHandle[];
  readonly rawKeyed?: readonly number[];
  readonly rawOperator?: readonly number[];
}

/** The bytes of a state file, not yet written. No chunks when there is nothing to write. */
export interface EncodedSubtaskState {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly operators: readonly OperatorHandles[];
}

export interface EncodeOptions {
  /** Operator and raw state give way after so many bytes; keyed state by its own measure. @default 262144 */
  readonly yieldEveryBytes?: number;
}

const DEFAULT_YIELD_BYTES = 256 * 1024;
/** Partitions share a block up to about this size. */
const PARTITION_BLOCK_BYTES = 1024 * 1024;

/** Encodes the state of one subtask: the operators of its chain in order. */
export function* encodeSubtaskState(
  snapshots: readonly OperatorSnapshot[],
  options: EncodeOptions = {},
): Generator<void, EncodedSubtaskState, void> {
  const file = new PacedFile(new StateFileWriter(), options.yieldEveryBytes ?? DEFAULT_YIELD_BYTES);
  const operators: OperatorHandles[] = [];
  for (const [index, snapshot] of snapshots.entries()) operators.push(yield* encodeOperator(file, index, snapshot));
  const chunks = file.writer.finish();
  return { chunks, sizeBytes: chunks.length === 0 ? 0 : file.writer.size, operators };
}

/** A writer and how far it may go before it gives way. */
class PacedFile {
  readonly writer: StateFileWriter;
  readonly #everyBytes: number;
  #yieldAt: number;

  constructor(writer: StateFileWriter, everyBytes: number) {
    this.writer = writer;
    this.#everyBytes = everyBytes;
    this.#yieldAt = everyBytes;
  }

  *giveWay(): Generator<void, void, void> {
    if (this.writer.size < this.#yieldAt) return;
    yield;
    this.#yieldAt = this.writer.size + this.#everyBytes;
  }
}

function* encodeOperator(
  file: PacedFile,
  index: number,
  snapshot: OperatorSnapshot,
): Generator<void, OperatorHandles, void> {
  const { keyed, operatorState, rawKeyed, rawOperator } = snapshot;
  const keyedIndex = keyed?.states.map((): number[] => []) ?? [];
  file.writer.beginOperator(index, keyedIndex);
  if (keyed !== undefined) yield* keyed.write(file.writer);
  const handles: OperatorStateHandle[] = [];
  for (const [state, part] of operatorState.entries()) handles.push(yield* encodePart(file, state, part));
  const rawKeyedIndex = rawKeyed === undefined ? [] : yield* encodeRawKeyed(file, rawKeyed);
  const rawPartitions = rawOperator === undefined ? [] : yield* encodePartitions(file, 'rawOperator', 0, rawOperator);
  return {
    uid: snapshot.uid,
    operatorId: snapshot.operatorId,
    name: snapshot.name,
    ...(keyed === undefined ? {} : { keyed: keyedBlocks(keyed, keyedIndex) }),
    ...(handles.length === 0 ? {} : { operatorState: handles }),
    ...(rawKeyedIndex.length === 0 ? {} : { rawKeyed: rawKeyedIndex }),
    ...(rawPartitions.length === 0 ? {} : { rawOperator: rawPartitions }),
  };
}

function keyedBlocks(
  keyed: { readonly keyType: TypeSchema; readonly states: readonly KeyedStateMeta[] },
  index: readonly number[][],
): KeyedStateBlocks {
  return { keyType: keyed.keyType, states: keyed.states.map((meta, at) => ({ ...meta, blocks: index[at] ?? [] })) };
}

function* encodePart(
  file: PacedFile,
  state: number,
  part: OperatorStatePart,
): Generator<void, OperatorStateHandle, void> {
  const partitions = yield* encodePartitions(file, 'operator', state, part.partitions);
  const { name, mode, type, mapKeyType } = part;
  return { name, mode, type, ...(mapKeyType === undefined ? {} : { mapKeyType }), partitions };
}

/** `[offset, length]` of each partition, in twos. An empty partition is one too: its length is 0. */
function* encodePartitions(
  file: PacedFile,
  kind: 'operator' | 'rawOperator',
  state: number,
  partitions: readonly Uint8Array[],
): Generator<void, number[], void> {
  const { writer } = file;
  const found: number[] = [];
  let block = 0;
  let out = writer.begin(kind, state, block);
  for (const bytes of partitions) {
    if (writer.openBytes > 0 && writer.openBytes + bytes.length > PARTITION_BLOCK_BYTES) {
      writer.end();
      yield* file.giveWay();
      out = writer.begin(kind, state, ++block);
    }
    out.writeVarint(bytes.length);
    found.push(writer.size, bytes.length);
    out.writeRaw(bytes);
  }
  writer.end();
  yield* file.giveWay();
  return found;
}

function* encodeRawKeyed(file: PacedFile, groups: ReadonlyMap<number, Uint8Array>): Generator<void, number[], void> {
  const found: number[] = [];
  for (const [keyGroup, bytes] of [...groups].sort(([left], [right]) => left - right)) {
    file.writer.begin('rawKeyed', 0, keyGroup).writeRaw(bytes);
    const offset = file.writer.end();
    if (offset >= 0) found.push(keyGroup, offset, bytes.length);
    yield* file.giveWay();
  }
  return found;
}
