/**
 * The entries of a captured table by key group, found in slices. Two results: which group each entry is of, enough for
 * what is written group by group at once (flat-blocks.ts), and the entries sorted by group, for the rest.
 */
import type { CapturedKeys } from './key-table.ts';
import type { WorkSlices } from './work-slices.ts';

/** Which key groups a backend owns. */
export interface KeyGroups {
  readonly maxParallelism: number;
  /** Inclusive. */
  readonly firstKeyGroup: number;
  /** Inclusive. */
  readonly lastKeyGroup: number;
}

/** Entries of group `firstKeyGroup + g` are `entries[starts[g]]` up to `entries[starts[g + 1]]`. */
export interface KeyGroupOrder {
  readonly entries: Int32Array;
  readonly starts: Int32Array;
}

const CHUNK = 8192;
/** An entry written by a codec costs about as much as so many that are only moved. */
export const CODEC_COST = 32;

/** The group of each entry, counted from the first group of the backend. */
export function* groupsOfEntries(
  keys: CapturedKeys,
  { maxParallelism, firstKeyGroup }: KeyGroups,
  slices: WorkSlices,
): Generator<void, Uint16Array, void> {
  const groups = new Uint16Array(keys.size);
  for (let from = 0; from < keys.size; from += CHUNK) {
    findGroups(keys, from, Math.min(from + CHUNK, keys.size), maxParallelism, firstKeyGroup, groups);
    if (slices.isOver(CHUNK / CODEC_COST)) yield* slices.pause();
  }
  return groups;
}

/** Sorts the entries by group: a counting sort, unused entries included. */
export function* orderByGroup(
  groups: Uint16Array,
  { firstKeyGroup, lastKeyGroup }: KeyGroups,
  slices: WorkSlices,
): Generator<void, KeyGroupOrder, void> {
  const starts = new Int32Array(lastKeyGroup - firstKeyGroup + 2);
  countGroups(groups, starts);
  accumulate(starts);
  const next = starts.slice();
  const entries = new Int32Array(groups.length);
  for (let from = 0; from < groups.length; from += CHUNK) {
    placeEntries(from, Math.min(from + CHUNK, groups.length), groups, next, entries);
    if (slices.isOver(CHUNK / CODEC_COST)) yield* slices.pause();
  }
  return { entries, starts };
}

/** Turns counts, one place further on each, into the places where the groups start. */
export function accumulate(starts: Int32Array): void {
  for (let group = 1; group < starts.length; group++) {
    starts[group] = (starts[group] as number) + (starts[group - 1] as number);
  }
}

// The loops stand in functions of their own because a generator's are compiled late and not as well.

function findGroups(
  keys: CapturedKeys,
  from: number,
  to: number,
  maxParallelism: number,
  firstKeyGroup: number,
  groups: Uint16Array,
): void {
  for (let entry = from; entry < to; entry++) {
    groups[entry] = (keys.mixedAt(entry) % maxParallelism) - firstKeyGroup;
  }
}

function countGroups(groups: Uint16Array, starts: Int32Array): void {
  for (let entry = 0; entry < groups.length; entry++) {
    const after = (groups[entry] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
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
