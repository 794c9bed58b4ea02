/** Reads the handles of operator state and of records in flight in a `_metadata`. */
import type { DataInput } from '../wire/data-input.ts';
import {
  type ChannelState,
  OPERATOR_STATE_MODES,
  type OperatorStateHandle,
  type OperatorStateParts,
} from './metadata.ts';
import { readStream } from './stream-reader.ts';

/** The next handle of operator state; undefined for none. */
export function readOperatorState(input: DataInput): OperatorStateHandle | undefined {
  const tag = input.byte();
  if (tag === 0) return undefined;
  if (tag !== 4 && tag !== 17) return input.fail(`no operator state has the tag ${tag}`);
  const states: OperatorStateParts[] = [];
  for (let left = input.parts('operator states', 7); left > 0; left--) states.push(readParts(input));
  if (tag === 4) return { states, stream: readStream(input) };
  const merged = { taskOwnedDirectory: input.utf(), sharedDirectory: input.utf(), isEmpty: input.boolean() };
  return { states, stream: readStream(input), merged };
}

/** The next list of records in flight. From version 6 on, those of a subtask may be merged. */
export function readChannels(input: DataInput, canBeMerged: boolean): readonly ChannelState[] {
  const count = input.parts('channels', canBeMerged ? 18 : 25);
  if (count === 0) return NO_CHANNELS;
  const channels: ChannelState[] = [];
  for (let left = count; left > 0; left--) {
    const kind = canBeMerged ? input.byte() : 1;
    if (kind === 1 || kind === 2) channels.push(readChannel(input));
    else if (kind === 3 || kind === 4) channels.push(readMergedChannels(input));
    else input.fail(`no records in flight have the tag ${kind}`);
  }
  return channels;
}

const NO_CHANNELS: readonly ChannelState[] = [];
const NO_OFFSETS: readonly number[] = [];

function readParts(input: DataInput): OperatorStateParts {
  const name = input.utf();
  const mode = OPERATOR_STATE_MODES[input.byte()] ?? input.fail('the mode of an operator state is none of Flink');
  return { name, mode, offsets: readOffsets(input) };
}

function readOffsets(input: DataInput): readonly number[] {
  const count = input.count('offsets', 8);
  return count === 0 ? NO_OFFSETS : Array.from({ length: count }, () => input.long('the place of a partition'));
}

function readChannel(input: DataInput): ChannelState {
  const subtask = input.int32();
  const channel = [input.int32(), input.int32()] as const;
  readOffsets(input);
  const sizeBytes = input.long('the size of records in flight');
  return { subtask, channel, sizeBytes, stream: readStream(input) };
}

function readMergedChannels(input: DataInput): ChannelState {
  const subtask = input.int32();
  const sizeBytes = input.long('the size of records in flight');
  const stream = readStream(input);
  input.bytes(input.count('bytes of offsets', 1));
  return { subtask, channel: undefined, sizeBytes, stream };
}
