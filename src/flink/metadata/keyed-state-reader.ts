/** Reads the handles of keyed state in a `_metadata`, of every state backend. */
import type { DataInput } from '../wire/data-input.ts';
import type { IncrementalFile, KeyedStateHandle, KeyGroupBounds, MetadataStream } from './metadata.ts';
import { readPresentStream, readStream } from './stream-reader.ts';

/** A changelog holds state of another backend and its own log; deeper nesting is nobody's state. */
const MOST_LEVELS = 4;
/** Flink's upper bound of the maximum parallelism. */
const MOST_KEY_GROUPS = 1 << 15;

/** The next handle; undefined for none. */
export function readKeyedState(input: DataInput, level = 0): KeyedStateHandle | undefined {
  if (level > MOST_LEVELS) input.fail(`keyed state is nested more than ${MOST_LEVELS} levels deep`);
  const tag = input.byte();
  switch (tag) {
    case 0:
      return undefined;
    case 3:
    case 7:
    case 12:
      return readKeyGroups(input, tag);
    case 5:
    case 11:
      return readIncremental(input, tag === 11);
    case 8:
    case 14:
      return readChangelog(input, tag === 14, level);
    case 9:
      return readChangelogBytes(input);
    case 10:
    case 13:
      return readChangelogFiles(input, tag === 13);
    default:
      return input.fail(`no keyed state has the tag ${tag}`);
  }
}

function readKeyGroups(input: DataInput, tag: 3 | 7 | 12): KeyedStateHandle {
  const range = readRange(input);
  const groups = range[1] - range[0] + 1;
  if (groups * 8 > input.remaining)
    input.fail(`${groups} key groups are announced and ${input.remaining} bytes are left`);
  const offsets = Array.from({ length: groups }, () => input.long('the place of a key group', -1));
  const stream = readStream(input);
  const handleId = tag === 12 ? input.utf() : undefined;
  return { kind: tag === 7 ? 'savepoint' : 'keygroups', range, offsets, stream, handleId };
}

function readIncremental(input: DataInput, hasSizeAndId: boolean): KeyedStateHandle {
  const checkpointId = input.long('a checkpoint id');
  const backendId = input.utf();
  const range = readRange(input);
  const addedBytes = hasSizeAndId ? input.long('the size of a checkpoint', -1) : undefined;
  const meta = readStream(input);
  const shared = readFiles(input);
  const own = readFiles(input);
  const handleId = hasSizeAndId ? input.utf() : undefined;
  return { kind: 'incremental', range, checkpointId, backendId, addedBytes, meta, shared, own, handleId };
}

function readFiles(input: DataInput): IncrementalFile[] {
  const files: IncrementalFile[] = [];
  for (let left = input.parts('files', 3); left > 0; left--) {
    const path = input.utf();
    files.push({ path, stream: readPresentStream(input) });
  }
  return files;
}

function readChangelog(input: DataInput, hasCheckpointAndId: boolean, level: number): KeyedStateHandle {
  const range = readRange(input);
  const sizeBytes = input.long('the size of a changelog');
  const materialized = readParts(input, level);
  const log = readParts(input, level);
  const materializationId = input.long('the id of a materialization', -1);
  const checkpointId = hasCheckpointAndId ? input.long('a checkpoint id', -1) : undefined;
  const handleId = hasCheckpointAndId ? input.utf() : undefined;
  return { kind: 'changelog', range, sizeBytes, materialized, log, materializationId, checkpointId, handleId };
}

function readParts(input: DataInput, level: number): KeyedStateHandle[] {
  const parts: KeyedStateHandle[] = [];
  for (let left = input.parts('parts of a changelog', 1); left > 0; left--) {
    const part = readKeyedState(input, level + 1);
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

function readChangelogBytes(input: DataInput): KeyedStateHandle {
  const range = readRange(input);
  input.int64();
  input.int64();
  const changes = input.count('changes', 8);
  let sizeBytes = 0;
  for (let left = changes; left > 0; left--) {
    input.int32();
    sizeBytes += input.bytes(input.count('bytes of a change', 1)).length;
  }
  return { kind: 'changelogBytes', range, sizeBytes, changes, handleId: input.utf() };
}

function readChangelogFiles(input: DataInput, hasStorageId: boolean): KeyedStateHandle {
  const range = readRange(input);
  const streams: MetadataStream[] = [];
  for (let left = input.parts('files of a changelog', 9); left > 0; left--) {
    input.int64();
    streams.push(readPresentStream(input));
  }
  const sizeBytes = input.long('the size of a changelog');
  input.int64();
  const handleId = input.utf();
  const storageId = hasStorageId ? input.utf() : undefined;
  return { kind: 'changelogFiles', range, sizeBytes, streams, handleId, storageId };
}

function readRange(input: DataInput): KeyGroupBounds {
  const first = input.int32();
  const count = input.int32();
  if (first < 0 || count < 0 || first + count > MOST_KEY_GROUPS) {
    input.fail(`${count} key groups from ${first} on are outside of 0 to ${MOST_KEY_GROUPS - 1}`);
  }
  return [first, first + count - 1];
}
