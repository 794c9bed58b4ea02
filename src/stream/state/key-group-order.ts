/** The entries of a table by key group: a counting sort, in slices. */
import { HIGHEST_MAX_PARALLELISM } from '../key-groups.ts';
import type { CapturedKeys } from './key-table.ts';
import type { WorkSlices } from './work-slices.ts';

/** Entries of group `firstKeyGroup + g` are `entries[starts[g]]` up to `entries[starts[g + 1]]`. */
export interface KeyGroupOrder {
  readonly entries: Int32Array;
  readonly starts: Int32Array;
  readonly firstKeyGroup: number;
}

const CHUNK = 4096;

export function* orderByKeyGroup(
  keys: CapturedKeys,
  maxParallelism: number,
  firstKeyGroup: number,
  lastKeyGroup: number,
  slices: WorkSlices,
): Generator<void, KeyGroupOrder, void> {
  const groups = new Uint16Array(keys.size);
  const starts = new Int32Array(Math.min(lastKeyGroup - firstKeyGroup + 1, HIGHEST_MAX_PARALLELISM) + 1);
  for (let from = 0; from < keys.size; from += CHUNK) {
    countGroups(keys, from, Math.min(from + CHUNK, keys.size), maxParallelism, firstKeyGroup, groups, starts);
    if (slices.isOver(CHUNK / 4)) {
      yield;
      slices.begin();
    }
  }
  for (let group = 1; group < starts.length; group++) {
    starts[group] = (starts[group] as number) + (starts[group - 1] as number);
  }
  const next = starts.slice();
  const entries = new Int32Array(keys.size);
  for (let from = 0; from < keys.size; from += CHUNK) {
    placeEntries(from, Math.min(from + CHUNK, keys.size), groups, next, entries);
    if (slices.isOver(CHUNK / 4)) {
      yield;
      slices.begin();
    }
  }
  return { entries, starts, firstKeyGroup };
}

function countGroups(
  keys: CapturedKeys,
  from: number,
  to: number,
  maxParallelism: number,
  firstKeyGroup: number,
  groups: Uint16Array,
  starts: Int32Array,
): void {
  for (let entry = from; entry < to; entry++) {
    const group = (keys.mixedAt(entry) % maxParallelism) - firstKeyGroup;
    groups[entry] = group;
    starts[group + 1] = (starts[group + 1] as number) + 1;
  }
}

function placeEntries(from: number, to: number, groups: Uint16Array, next: Int32Array, entries: Int32Array): void {
  for (let entry = from; entry < to; entry++) {
    const group = groups[entry] as number;
    const place = next[group] as number;
    next[group] = place + 1;
    entries[place] = entry;
  }
}
