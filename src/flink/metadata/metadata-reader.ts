/**
 * Reads a `_metadata` of Apache Flink, versions 2 to 6. Follows Flink's MetadataV2V3SerializerBase and its successors.
 * Time and memory are in proportion to the bytes, whatever they say, and the bytes of states are views of them.
 */
import { DataInput } from '../wire/data-input.ts';
import { FlinkDataError } from '../wire/errors.ts';
import { STREAM_HEADER } from '../wire/java-classes.ts';
import { readKeyedState } from './keyed-state-reader.ts';
import type { FlinkMetadata, MasterState, MetadataStream, OperatorMetadata, SubtaskState } from './metadata.ts';
import { readChannels, readOperatorState } from './operator-state-reader.ts';
import { readStream } from './stream-reader.ts';

/** First four bytes of every `_metadata` of Flink. */
export const FLINK_METADATA_MAGIC = 0x4960672d;
const MASTER_STATE_MAGIC = 0xc96b1696 | 0;

/** Of operators and of master states: a large job has hundreds. */
const MOST_OPERATORS = 100_000;
const OLDEST_VERSION = 2;
const NEWEST_VERSION = 6;
/** Names and uids of operators, properties, finished subtasks: the versions from which on they are there. */
const WITH_NAMES = 5;
const WITH_PROPERTIES = 4;
const WITH_FINISHED = 3;
const WITH_MERGED_CHANNELS = 6;

/** Whether these bytes begin like a `_metadata` of Flink. */
export function isFlinkMetadata(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) === FLINK_METADATA_MAGIC;
}

/**
 * What stands in a `_metadata`.
 * @param name what is read, for messages
 * @throws FlinkDataError FLINK_METADATA_CORRUPT, or FLINK_METADATA_UNSUPPORTED for versions outside of 2 to 6
 */
export function readFlinkMetadata(bytes: Uint8Array, name: string): FlinkMetadata {
  const input = new DataInput(bytes, { code: 'FLINK_METADATA_CORRUPT', name });
  const magic = input.int32();
  if (magic !== FLINK_METADATA_MAGIC) {
    input.fail(`a _metadata begins with 4960672d, not ${(magic >>> 0).toString(16).padStart(8, '0')}`);
  }
  const version = readVersion(input, name);
  const checkpointId = input.long('the checkpoint id');
  const masterStates = readList(input, 'master states', 18, readMasterState);
  const operators = readList(input, 'operators', 28, (from) => readOperator(from, version));
  const trailing = input.bytes(input.remaining);
  return {
    version,
    checkpointId,
    masterStates,
    operators,
    trailingBytes: trailing.length,
    snapshot: version >= WITH_PROPERTIES ? readProperties(trailing, name) : undefined,
  };
}

function readVersion(input: DataInput, name: string): number {
  const version = input.int32();
  if (version >= OLDEST_VERSION && version <= NEWEST_VERSION) return version;
  throw new FlinkDataError(
    'FLINK_METADATA_UNSUPPORTED',
    name,
    `it has version ${version}; versions ${OLDEST_VERSION} to ${NEWEST_VERSION} are known`,
  );
}

function readList<T>(input: DataInput, what: string, eachBytes: number, read: (input: DataInput) => T): T[] {
  const items: T[] = [];
  const count = input.count(what, eachBytes);
  if (count > MOST_OPERATORS) input.fail(`${count} ${what} are announced, and nobody has more than ${MOST_OPERATORS}`);
  for (let left = count; left > 0; left--) items.push(read(input));
  return items;
}

function readMasterState(input: DataInput): MasterState {
  if (input.int32() !== MASTER_STATE_MAGIC) input.fail('a master state begins with c96b1696');
  const length = input.count('bytes of a master state', 1);
  const body = new DataInput(input.bytes(length), input.subject);
  const version = body.int32();
  const name = body.utf();
  return { name, version, sizeBytes: body.bytes(body.count('bytes of a master state', 1)).length };
}

function readOperator(input: DataInput, version: number): OperatorMetadata {
  const name = version >= WITH_NAMES ? input.utf() : undefined;
  const uid = version >= WITH_NAMES ? input.utf() : undefined;
  const id = Buffer.from(input.bytes(16)).toString('hex');
  const parallelism = input.int32();
  const maxParallelism = input.int32();
  if (parallelism < 1 || parallelism > maxParallelism) {
    input.fail(`operator ${id} has the parallelism ${parallelism} and at most ${maxParallelism}`);
  }
  const coordinator = readCoordinator(input, version);
  const count = readSubtaskCount(input, version);
  const { subtasks, finishedSubtasks } = readSubtasks(input, version, { count: Math.max(count, 0), parallelism });
  return {
    id,
    name,
    uid: uid === '' ? undefined : uid,
    parallelism,
    maxParallelism,
    coordinator,
    isFullyFinished: count === -1,
    finishedSubtasks,
    subtasks,
  };
}

/** Before version 3 there was the length of a chain in its place. */
function readCoordinator(input: DataInput, version: number): MetadataStream | undefined {
  if (version >= WITH_FINISHED) return readStream(input);
  input.int32();
  return undefined;
}

/** -1 when the whole operator had finished. */
function readSubtaskCount(input: DataInput, version: number): number {
  const count = input.int32();
  const least = version >= WITH_FINISHED ? -1 : 0;
  if (count < least || count * 4 > input.remaining) {
    input.fail(`${count} subtasks are announced and ${input.remaining} bytes are left`);
  }
  input.announced('subtasks', Math.max(count, 0));
  return count;
}

function readSubtasks(
  input: DataInput,
  version: number,
  { count, parallelism }: { readonly count: number; readonly parallelism: number },
): Pick<OperatorMetadata, 'subtasks' | 'finishedSubtasks'> {
  const subtasks: SubtaskState[] = [];
  const finishedSubtasks: number[] = [];
  for (let left = count; left > 0; left--) {
    const index = input.int32();
    const isFinished = index < 0 && version >= WITH_FINISHED;
    const subtask = isFinished ? -(index + 1) : index;
    if (subtask < 0 || subtask >= parallelism) input.fail(`subtask ${subtask} of ${parallelism} does not exist`);
    if (isFinished) finishedSubtasks.push(subtask);
    else subtasks.push(readSubtask(input, version, subtask));
  }
  return { subtasks, finishedSubtasks };
}

function readSubtask(input: DataInput, version: number, subtask: number): SubtaskState {
  if (version < WITH_FINISHED) skipLegacy(input);
  const managedOperator = readFlag(input) ? readOperatorState(input) : undefined;
  const rawOperator = readFlag(input) ? readOperatorState(input) : undefined;
  const managedKeyed = readKeyedState(input);
  const rawKeyed = readKeyedState(input);
  const channels = (): SubtaskState['inputChannels'] =>
    version >= WITH_FINISHED ? readChannels(input, version >= WITH_MERGED_CHANNELS) : [];
  const inputChannels = channels();
  return {
    subtask,
    managedOperator,
    rawOperator,
    managedKeyed,
    rawKeyed,
    inputChannels,
    resultSubpartitions: channels(),
  };
}

/** A duration, and the state that operators had before Flink 1.2. */
function skipLegacy(input: DataInput): void {
  input.int64();
  const legacy = input.int32();
  if (legacy !== 0) input.fail('there is state in a form that Flink has not written since 1.2');
}

function readFlag(input: DataInput): boolean {
  const flag = input.int32();
  if (flag !== 0 && flag !== 1) input.fail(`${flag} operator states are announced; there is at most one`);
  return flag === 1;
}

/** The properties are Java objects of many classes; all that is wanted of them is a name that stands in them. */
function readProperties(bytes: Uint8Array, name: string): FlinkMetadata['snapshot'] {
  const input = new DataInput(bytes, { code: 'FLINK_METADATA_CORRUPT', name });
  if (input.remaining < 4 || input.int32() !== STREAM_HEADER) input.fail('the properties at the end are missing');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (text.includes('org.apache.flink.runtime.checkpoint.SavepointType')) return 'savepoint';
  return text.includes('org.apache.flink.runtime.checkpoint.CheckpointType') ? 'checkpoint' : undefined;
}
