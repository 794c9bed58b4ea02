/**
 * Who gets which state when a job is restored, perhaps at another parallelism. Follows Flink's
 * RoundRobinOperatorStateRepartitioner and the key-group part of its StateAssignmentOperation.
 *
 *     SPLIT_DISTRIBUTE  all partitions of a name, one after the other, cut into slices that differ by at most one
 *     UNION             every subtask gets all partitions
 *     BROADCAST         every subtask gets one copy
 *     key groups        every subtask gets from every old range the groups that are now its own
 *
 * Nothing here opens a file: what moves is the knowledge of where the bytes lie. The result depends on the arguments
 * only, so every process that restores a checkpoint deals the same hand, and a crash in between changes nothing.
 */
import { IllegalArgumentException, NullPointerException } from '../../lib/java-errors.ts';
import { checkParallelism, type KeyGroupRange, keyGroupRanges } from '../key-groups.ts';
import type { RedistributionMode } from '../operators/operator.ts';

/** The name under which raw operator state is dealt out, as SPLIT_DISTRIBUTE. */
export const RAW_OPERATOR_STATE_NAME = '_default_';

/** Where the partitions of one state lie in a file. `P` is an offset, or whatever else tells where a partition is. */
export interface StateMetaInfo<P = number> {
  readonly mode: RedistributionMode;
  readonly offsets: readonly P[];
}

/** One file of operator state with the states in it, by name. */
export interface OperatorStateFile<P = number> {
  /** Tells files apart; entries of the same file merge. */
  readonly file: string;
  readonly states: ReadonlyMap<string, StateMetaInfo<P>>;
}

/** What one subtask captured, or what one is given. */
export type SubtaskOperatorState<P = number> = readonly OperatorStateFile<P>[];

/** What a redistribution of operator state is decided by. */
export interface OperatorStateRedistribution<P = number> {
  /** What each old subtask captured, by index. */
  previous: readonly SubtaskOperatorState<P>[];
  oldParallelism: number;
  newParallelism: number;
  /**
   * Which split state is dealt first, which decides only who gets the larger slices. Names it leaves out follow.
   * @default by name
   */
  splitNameOrder?: readonly string[];
  /**
   * Deals broadcast state anew at an unchanged parallelism as Flink does: for any number of reports that is no multiple
   * of 64, with the effect that a subtask can hold its own copy and another one.
   * @default false: a subtask keeps its own copy, and one that has none gets one
   */
  upstreamCompat?: boolean;
}

/**
 * The operator state of each new subtask. At an unchanged parallelism split state stays where it was, and where there is
 * no union state and no missing broadcast copy the very list is returned that was given.
 *
 * A file that is listed twice with one state keeps the later entry only, as in Flink: a writer must never produce that.
 * A split state without any partition disappears when the parallelism changes.
 *
 * Throws NullPointerException without previous state, IllegalArgumentException for a parallelism that does not fit it.
 */
export function redistributeOperatorState<P>(
  redistribution: OperatorStateRedistribution<P>,
): readonly SubtaskOperatorState<P>[] {
  const { previous, oldParallelism, newParallelism } = redistribution;
  checkPreconditions(previous, oldParallelism, newParallelism);
  return oldParallelism === newParallelism ? keepSubtasks(redistribution) : dealAnew(redistribution);
}

/** A handle to keyed state: one file with the key groups it holds. */
export interface KeyGroupsHolder {
  readonly range: KeyGroupRange;
}

/** The part of an old handle that a new subtask reads. */
export interface KeyGroupsShare<H> {
  readonly handle: H;
  readonly range: KeyGroupRange;
}

/** What a redistribution of keyed state is decided by. */
export interface KeyGroupRedistribution<H extends KeyGroupsHolder> {
  /** The handles of each old subtask, by index. */
  previous: readonly (readonly H[])[];
  newParallelism: number;
  maxParallelism: number;
}

/**
 * The keyed state of each new subtask: from every old handle the key groups it owns now, without the empty ones. At an
 * unchanged parallelism every subtask keeps its handles whole. Throws IllegalArgumentException for an impossible parallelism.
 */
export function redistributeKeyGroups<H extends KeyGroupsHolder>(
  redistribution: KeyGroupRedistribution<H>,
): KeyGroupsShare<H>[][] {
  const { previous, newParallelism, maxParallelism } = redistribution;
  checkParallelism(newParallelism, maxParallelism);
  if (previous.length === newParallelism) {
    return previous.map((handles) => handles.map((handle) => ({ handle, range: handle.range })));
  }
  const handles = previous.flat();
  return keyGroupRanges(newParallelism, maxParallelism).map((owned) =>
    handles.map((handle) => ({ handle, range: owned.intersect(handle.range) })).filter(({ range }) => !range.isEmpty),
  );
}

function checkPreconditions(
  previous: readonly unknown[] | null | undefined,
  oldParallelism: number,
  newParallelism: number,
): void {
  if (previous === null || previous === undefined) {
    throw new NullPointerException('The previous operator state must not be null; without state it is an empty list.');
  }
  if (!(Number.isInteger(newParallelism) && newParallelism > 0)) {
    throw new IllegalArgumentException(`The new parallelism must be at least 1, not ${newParallelism}.`);
  }
  if (previous.length !== oldParallelism) {
    throw new IllegalArgumentException(
      `Operator state of ${previous.length} subtasks does not fit the old parallelism ${oldParallelism}.`,
    );
  }
}

/** One state in one file, with the old subtask that captured it. */
interface Entry<P> {
  subtask: number;
  file: string;
  offsets: readonly P[];
}

/** The entries of a state, in the order of old subtasks and their files. */
type EntriesByName<P> = Map<string, Entry<P>[]>;

/** A subtask's state while it is dealt: file, then name. */
type Hand<P> = Map<string, Map<string, StateMetaInfo<P>>>;

function keepSubtasks<P>({
  previous,
  newParallelism,
  upstreamCompat,
}: OperatorStateRedistribution<P>): readonly SubtaskOperatorState<P>[] {
  const union = entriesOf(previous, 'UNION');
  const broadcast = new Map(
    [...entriesOf(previous, 'BROADCAST')].filter(([, entries]) =>
      isPartlyReported(entries, newParallelism, upstreamCompat ?? false),
    ),
  );
  if (union.size === 0 && broadcast.size === 0) return previous;
  const hands = previous.map(handOf);
  dealUnion(union, hands);
  if (upstreamCompat) dealBroadcast(broadcast, hands);
  else dealBroadcast(broadcast, hands, (subtask, entries) => entries.every((entry) => entry.subtask !== subtask));
  return hands.map(filesOf);
}

function dealAnew<P>({
  previous,
  newParallelism,
  splitNameOrder = [],
}: OperatorStateRedistribution<P>): SubtaskOperatorState<P>[] {
  const hands = Array.from({ length: newParallelism }, (): Hand<P> => new Map());
  dealSplit(entriesOf(previous, 'SPLIT_DISTRIBUTE'), splitNameOrder, hands);
  dealUnion(entriesOf(previous, 'UNION'), hands);
  dealBroadcast(entriesOf(previous, 'BROADCAST'), hands);
  return hands.map(filesOf);
}

/** Whether some subtasks captured a state and others did not, or, as in Flink, fewer than the bits of its bit set. */
function isPartlyReported<P>(entries: Entry<P>[], parallelism: number, upstreamCompat: boolean): boolean {
  const reports = new Set(entries.map(({ subtask }) => subtask)).size;
  return reports < (upstreamCompat ? Math.ceil(parallelism / 64) * 64 : parallelism);
}

function dealSplit<P>(states: EntriesByName<P>, nameOrder: readonly string[], hands: Hand<P>[]): void {
  const names = new Set([...nameOrder.filter((name) => states.has(name)), ...[...states.keys()].sort()]);
  // The next state goes on where this one dealt its last larger slice, so that remainders do not pile up on the first.
  let start = 0;
  for (const name of names) start = dealOneSplit(name, states.get(name) ?? [], hands, start);
}

/** Deals one split state, beginning with the subtask `start`; returns where the next state begins. */
function dealOneSplit<P>(name: string, entries: Entry<P>[], hands: Hand<P>[], start: number): number {
  const total = entries.reduce((sum, { offsets }) => sum + offsets.length, 0);
  const base = Math.floor(total / hands.length);
  const remainder = total % hands.length;
  const slices = new Slices(entries);
  for (const [turn, hand] of [...hands.slice(start), ...hands.slice(0, start)].entries()) {
    for (const { file, offsets } of slices.take(turn < remainder ? base + 1 : base)) {
      put(hand, file, name, { mode: 'SPLIT_DISTRIBUTE', offsets });
    }
  }
  return (start + remainder) % hands.length;
}

/** Cuts the partitions of all entries, seen as one list, into slices. */
class Slices<P> {
  readonly #entries: readonly Entry<P>[];
  #entry = 0;
  #offset = 0;

  constructor(entries: readonly Entry<P>[]) {
    this.#entries = entries;
  }

  /**
   * The next `count` partitions, file by file. A file without partitions that is passed on the way is part of the slice:
   * its reader then knows the name, as it would have at the old parallelism.
   */
  *take(count: number): Generator<{ file: string; offsets: readonly P[] }, void, undefined> {
    let missing = count;
    while (missing > 0) {
      const entry = this.#entries[this.#entry];
      if (entry === undefined) return;
      const offsets = entry.offsets.slice(this.#offset, this.#offset + missing);
      missing -= offsets.length;
      this.#offset += offsets.length;
      if (this.#offset === entry.offsets.length) {
        this.#entry++;
        this.#offset = 0;
      }
      yield { file: entry.file, offsets };
    }
  }
}

function dealUnion<P>(states: EntriesByName<P>, hands: Hand<P>[]): void {
  for (const [name, entries] of states) {
    for (const hand of hands) {
      for (const { file, offsets } of entries) put(hand, file, name, { mode: 'UNION', offsets });
    }
  }
}

/** Gives subtask i the copy `i mod count` of each state, where it wants one. */
function dealBroadcast<P>(
  states: EntriesByName<P>,
  hands: Hand<P>[],
  wantsOne: (subtask: number, entries: Entry<P>[]) => boolean = () => true,
): void {
  for (const [name, entries] of states) {
    for (const [subtask, hand] of hands.entries()) {
      const copy = entries[subtask % entries.length];
      if (copy === undefined || !wantsOne(subtask, entries)) continue;
      put(hand, copy.file, name, { mode: 'BROADCAST', offsets: copy.offsets });
    }
  }
}

function entriesOf<P>(previous: readonly SubtaskOperatorState<P>[], wanted: RedistributionMode): EntriesByName<P> {
  const byName: EntriesByName<P> = new Map();
  for (const [subtask, files] of previous.entries()) {
    for (const { file, states } of files) {
      for (const [name, { mode, offsets }] of states) {
        if (mode !== wanted) continue;
        const entries = byName.get(name);
        if (entries === undefined) byName.set(name, [{ subtask, file, offsets }]);
        else entries.push({ subtask, file, offsets });
      }
    }
  }
  return byName;
}

function handOf<P>(files: SubtaskOperatorState<P>): Hand<P> {
  const hand: Hand<P> = new Map();
  for (const { file, states } of files) {
    for (const [name, meta] of states) put(hand, file, name, meta);
  }
  return hand;
}

function put<P>(hand: Hand<P>, file: string, name: string, meta: StateMetaInfo<P>): void {
  const states = hand.get(file);
  if (states === undefined) hand.set(file, new Map([[name, meta]]));
  else states.set(name, meta);
}

function filesOf<P>(hand: Hand<P>): SubtaskOperatorState<P> {
  return [...hand].map(([file, states]) => ({ file, states }));
}
