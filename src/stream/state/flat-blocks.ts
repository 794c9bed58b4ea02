/**
 * Blocks of int keys with one number each, counts and sums, the state of most jobs: no codec is called. Entries are read in the order in
 * which they lie and their bytes are put where their key group's block will be, so that memory is read once, forwards.
 * The bytes are those of the general way in keyed-capture.ts.
 */
import type { KeyedStateMeta, StateBlockWriter } from './backend.ts';
import type { CapturedColumn } from './columns.ts';
import { accumulate, CODEC_COST, type KeyGroups } from './key-group-order.ts';
import type { WorkSlices } from './work-slices.ts';

/** Keys and values as captured. Doubles that are integers of a 64-bit type are marked so: they are written as those. */
export interface FlatEntries {
  readonly isLong: boolean;
  readonly keys: Int32Array;
  readonly values: Float64Array | Int32Array;
  readonly present: Uint8Array;
}

const CHUNK = 8192;
const TWO_32 = 2 ** 32;
/** Blocks are little-endian, and so is every machine that Node runs on, bar one. */
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** The entries of a state if they can be written this way. */
export function flatEntriesOf(
  meta: KeyedStateMeta,
  keyKind: string,
  keys: Int32Array | undefined,
  { flat, present }: CapturedColumn,
): FlatEntries | undefined {
  if (!IS_LITTLE_ENDIAN || keyKind !== 'int32' || meta.namespace !== 'void' || meta.ttl) return undefined;
  const kind = meta.type?.kind;
  if (kind !== 'int32' && kind !== 'float64' && kind !== 'safeInt64') return undefined;
  return keys === undefined || flat === undefined || present === undefined
    ? undefined
    : { keys, values: flat, present, isLong: kind === 'safeInt64' };
}

/** Writes all blocks of one state. */
export function* writeFlatBlocks(
  { keys, values, present, isLong }: FlatEntries,
  groups: Uint16Array,
  { firstKeyGroup, lastKeyGroup }: KeyGroups,
  stateIndex: number,
  blocks: StateBlockWriter,
  slices: WorkSlices,
): Generator<void, void, void> {
  const starts = new Int32Array(lastKeyGroup - firstKeyGroup + 2);
  countPresent(groups, present, starts);
  accumulate(starts);
  const words = values instanceof Float64Array ? 3 : 2;
  const bytes = new Int32Array((starts[starts.length - 1] as number) * words);
  const valueWords = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  const next = starts.slice();
  for (let from = 0; from < keys.length; from += CHUNK) {
    const to = Math.min(from + CHUNK, keys.length);
    if (isLong) placeLongs(from, to, keys, values, present, groups, next, bytes);
    else if (words === 3) placeDoubles(from, to, keys, valueWords, present, groups, next, bytes);
    else placeInts(from, to, keys, valueWords, present, groups, next, bytes);
    if (slices.isOver(CHUNK / CODEC_COST)) yield* slices.pause();
  }
  for (let group = 0; group + 1 < starts.length; group++) {
    const start = starts[group] as number;
    const count = (starts[group + 1] as number) - start;
    if (count === 0) continue;
    const out = blocks.beginBlock(stateIndex, firstKeyGroup + group);
    out.writeVarint(count);
    out.writeRaw(new Uint8Array(bytes.buffer, start * words * 4, count * words * 4));
    blocks.endBlock();
    if (slices.isOver(count / CODEC_COST)) yield* slices.pause();
  }
}

function countPresent(groups: Uint16Array, present: Uint8Array, starts: Int32Array): void {
  for (let entry = 0; entry < groups.length; entry++) {
    const after = (groups[entry] as number) + 1;
    starts[after] = (starts[after] as number) + (present[entry] as number);
  }
}

function placeDoubles(
  from: number,
  to: number,
  keys: Int32Array,
  valueWords: Int32Array,
  present: Uint8Array,
  groups: Uint16Array,
  next: Int32Array,
  bytes: Int32Array,
): void {
  for (let entry = from; entry < to; entry++) {
    if (present[entry] === 0) continue;
    const group = groups[entry] as number;
    const place = next[group] as number;
    next[group] = place + 1;
    bytes[place * 3] = keys[entry] as number;
    bytes[place * 3 + 1] = valueWords[entry * 2] as number;
    bytes[place * 3 + 2] = valueWords[entry * 2 + 1] as number;
  }
}

/** As writeSafeLong: the low word, then the high one. */
function placeLongs(
  from: number,
  to: number,
  keys: Int32Array,
  values: Float64Array | Int32Array,
  present: Uint8Array,
  groups: Uint16Array,
  next: Int32Array,
  bytes: Int32Array,
): void {
  for (let entry = from; entry < to; entry++) {
    if (present[entry] === 0) continue;
    const group = groups[entry] as number;
    const place = next[group] as number;
    next[group] = place + 1;
    const value = values[entry] as number;
    const low = value | 0;
    bytes[place * 3] = keys[entry] as number;
    bytes[place * 3 + 1] = low;
    bytes[place * 3 + 2] = low === value ? low >> 31 : Math.floor(value / TWO_32);
  }
}

function placeInts(
  from: number,
  to: number,
  keys: Int32Array,
  values: Int32Array,
  present: Uint8Array,
  groups: Uint16Array,
  next: Int32Array,
  bytes: Int32Array,
): void {
  for (let entry = from; entry < to; entry++) {
    if (present[entry] === 0) continue;
    const group = groups[entry] as number;
    const place = next[group] as number;
    next[group] = place + 1;
    bytes[place * 2] = keys[entry] as number;
    bytes[place * 2 + 1] = values[entry] as number;
  }
}
