import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KeyGroupRange, keyGroupRanges } from '../../../src/stream/key-groups.ts';
import type { RedistributionMode } from '../../../src/stream/operators/operator.ts';
import {
  type OperatorStateFile,
  type OperatorStateRedistribution,
  redistributeKeyGroups,
  redistributeOperatorState,
  type SubtaskOperatorState,
} from '../../../src/stream/state/redistribution.ts';
import { seededRandom } from '../../restart/failing-job.ts';

/** A file as the fixture spells it. */
interface FileAsJson {
  file: string;
  states: Record<string, { mode: RedistributionMode; offsets: number[] }>;
}

interface Vector {
  id: string;
  oldParallelism: number;
  newParallelism: number;
  previous: FileAsJson[][];
  expected: FileAsJson[][];
  splitNameOrder?: string[];
}

const { vectors } = JSON.parse(readFileSync('test/fixtures/flink/repartition-vectors.json', 'utf8')) as {
  vectors: Vector[];
};

const file = (name: string, states: FileAsJson['states']): OperatorStateFile => ({
  file: name,
  states: new Map(Object.entries(states)),
});
const split = (...offsets: number[]) => ({ mode: 'SPLIT_DISTRIBUTE' as const, offsets });
const union = (...offsets: number[]) => ({ mode: 'UNION' as const, offsets });
const broadcast = (...offsets: number[]) => ({ mode: 'BROADCAST' as const, offsets });

/** What each subtask holds, files in the order of their names and states likewise: their order says nothing. */
const asJson = (subtasks: readonly SubtaskOperatorState[]): FileAsJson[][] =>
  subtasks.map((files) =>
    files
      .map(({ file: name, states }) => ({
        file: name,
        states: Object.fromEntries([...states].sort(byName)) as FileAsJson['states'],
      }))
      .sort((a, b) => (a.file < b.file ? -1 : 1)),
  );
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);

const restore = (
  previous: readonly SubtaskOperatorState[],
  newParallelism: number,
  options: Partial<OperatorStateRedistribution> = {},
) => redistributeOperatorState({ previous, oldParallelism: previous.length, newParallelism, ...options });

test('the fixture holds 71 redistributions', () => {
  expect(vectors).toHaveLength(71);
});

test.each(vectors.map((vector) => [vector.id, vector] as const))("Flink's redistribution %s", (id, vector) => {
  const { oldParallelism, newParallelism, previous, expected, splitNameOrder } = vector;
  const dealt = redistributeOperatorState({
    previous: previous.map((files) => files.map(({ file: name, states }) => file(name, states))),
    oldParallelism,
    newParallelism,
    ...(splitNameOrder === undefined ? {} : { splitNameOrder }),
    upstreamCompat: id === 'broadcast-partly-finished_3to3',
  });
  const sorted = expected.map((files) => files.map(({ file: name, states }) => file(name, states)));
  expect(asJson(dealt)).toEqual(asJson(sorted));
});

test('a subtask that kept its broadcast copy gets no second one when another subtask had finished', () => {
  const previous = [[file('h0', { b: broadcast(0) })], [], [file('h2', { b: broadcast(20) })]];
  expect(asJson(restore(previous, 3))).toEqual([
    [{ file: 'h0', states: { b: broadcast(0) } }],
    [{ file: 'h2', states: { b: broadcast(20) } }],
    [{ file: 'h2', states: { b: broadcast(20) } }],
  ]);
});

test('as in Flink, a complete broadcast is dealt anew below 64 subtasks only when compatibility is asked for', () => {
  const previous = [
    [file('h0', { b: broadcast(0) }), file('h1', { b: broadcast(1) })],
    [file('h2', { b: broadcast(2) })],
  ];
  expect(restore(previous, 2)).toBe(previous);
  expect(asJson(restore(previous, 2, { upstreamCompat: true }))[1]).toEqual([
    { file: 'h1', states: { b: broadcast(1) } },
    { file: 'h2', states: { b: broadcast(2) } },
  ]);
});

test('with union state elsewhere, a complete broadcast and a split state stay where they were', () => {
  const previous = [
    [file('h0', { s: split(1, 2), u: union(3), b: broadcast(4) })],
    [file('h1', { u: union(5), b: broadcast(6) })],
  ];
  expect(asJson(restore(previous, 2))).toEqual([
    [
      { file: 'h0', states: { b: broadcast(4), s: split(1, 2), u: union(3) } },
      { file: 'h1', states: { u: union(5) } },
    ],
    [
      { file: 'h0', states: { u: union(3) } },
      { file: 'h1', states: { b: broadcast(6), u: union(5) } },
    ],
  ]);
});

test('at an unchanged parallelism without union state the very list is returned', () => {
  const previous = [[file('h0', { a: split(0, 1) })], [file('h1', { a: split() })]];
  expect(restore(previous, 2)).toBe(previous);
});

test('split states are dealt in the order of their names, whatever order the files list them in', () => {
  const forwards = [[file('h0', { a: split(0), b: split(1) })]];
  const backwards = [[file('h0', { b: split(1), a: split(0) })]];
  const expected = [[{ file: 'h0', states: { a: split(0) } }], [{ file: 'h0', states: { b: split(1) } }]];
  expect(asJson(restore(forwards, 2))).toEqual(expected);
  expect(asJson(restore(backwards, 2))).toEqual(expected);
});

test('an explicit order of names that leaves one out or names a strange one loses nothing', () => {
  const previous = [[file('h0', { a: split(0), b: split(1) })]];
  const dealt = restore(previous, 2, { splitNameOrder: ['nowhere', 'b'] });
  expect(asJson(dealt)).toEqual([[{ file: 'h0', states: { b: split(1) } }], [{ file: 'h0', states: { a: split(0) } }]]);
});

test('2 to 3 with one name: slices go on from file to file', () => {
  const dealt = restore([[file('A', { a: split(0, 10, 20) })], [file('B', { a: split(0, 10) })]], 3);
  expect(asJson(dealt)).toEqual([
    [{ file: 'A', states: { a: split(0, 10) } }],
    [
      { file: 'A', states: { a: split(20) } },
      { file: 'B', states: { a: split(0) } },
    ],
    [{ file: 'B', states: { a: split(10) } }],
  ]);
});

test('a state named like a property of every object is a state like any other', () => {
  const previous: SubtaskOperatorState[] = [[{ file: 'h0', states: new Map([['__proto__', split(0, 1)]]) }]];
  const dealt = restore(previous, 2);
  expect(dealt.map(([first]) => first?.states.get('__proto__')?.offsets)).toEqual([[0], [1]]);
});

test('the arguments are left as they were', () => {
  const previous = [[file('h0', { a: split(0, 1), u: union(2) })], []];
  const before = asJson(previous);
  restore(previous, 2);
  restore(previous, 3);
  expect(asJson(previous)).toEqual(before);
});

test.each([null, undefined])('previous state that is %s is refused', (previous) => {
  expect(() =>
    redistributeOperatorState({ previous: previous as never, oldParallelism: 1, newParallelism: 1 }),
  ).toThrow(expect.objectContaining({ name: 'NullPointerException' }));
});

test.each([0, -1, 1.5, Number.NaN])('a new parallelism of %d is refused', (newParallelism) => {
  expect(() => restore([[]], newParallelism)).toThrow(expect.objectContaining({ name: 'IllegalArgumentException' }));
});

test('an old parallelism that is not the number of old subtasks is refused', () => {
  expect(() => restore([[], []], 2, { oldParallelism: 3 })).toThrow(
    'Operator state of 2 subtasks does not fit the old parallelism 3.',
  );
});

const MODES = ['SPLIT_DISTRIBUTE', 'UNION', 'BROADCAST'] as const;

/** One file per old subtask; each state has one mode, and every offset occurs once over all files. */
function aRandomCapture(int: (below: number) => number, oldParallelism: number): SubtaskOperatorState[] {
  const modes = Array.from({ length: 1 + int(5) }, () => MODES[int(3)]!);
  let next = 0;
  return Array.from({ length: oldParallelism }, (_, subtask) => [
    file(
      `h${subtask}`,
      Object.fromEntries(
        modes.map((mode, state) => {
          const length = mode === 'BROADCAST' ? 1 + int(4) : int(10);
          return [`s${state}`, { mode, offsets: Array.from({ length }, () => next++) }];
        }),
      ),
    ),
  ]);
}

/** How often each offset occurs, and how many partitions of each name each subtask has. */
function census(subtasks: readonly SubtaskOperatorState[]) {
  const occurrences = new Map<number, number>();
  const loads = new Map<string, number[]>();
  for (const [subtask, files] of subtasks.entries()) {
    for (const { states } of files) {
      for (const [name, { offsets }] of states) {
        const load = loads.get(name) ?? new Array<number>(subtasks.length).fill(0);
        load[subtask] = load[subtask]! + offsets.length;
        loads.set(name, load);
        for (const offset of offsets) occurrences.set(offset, (occurrences.get(offset) ?? 0) + 1);
      }
    }
  }
  return { occurrences, loads };
}

test('10 000 random runs: union newP times, broadcast newP / oldP times, split once, loads that differ by at most one', () => {
  const random = seededRandom(42);
  const int = (below: number) => Math.floor(random() * below);
  const wrong: unknown[] = [];
  for (let run = 0; run < 10_000; run++) {
    const oldParallelism = 1 + int(9);
    const newParallelism = 1 + int(9);
    const previous = aRandomCapture(int, oldParallelism);
    const { occurrences, loads } = census(restore(previous, newParallelism));
    for (const [subtask, files] of previous.entries()) {
      for (const [name, { mode, offsets }] of files[0]!.states) {
        const copies =
          Math.floor(newParallelism / oldParallelism) + (subtask < newParallelism % oldParallelism ? 1 : 0);
        const times = { SPLIT_DISTRIBUTE: 1, UNION: newParallelism, BROADCAST: copies }[mode];
        const missed = offsets.filter((offset) => (occurrences.get(offset) ?? 0) !== times);
        if (missed.length > 0) wrong.push({ run, name, mode, missed });
        const load = loads.get(name) ?? [0];
        if (
          mode === 'SPLIT_DISTRIBUTE' &&
          oldParallelism !== newParallelism &&
          Math.max(...load) - Math.min(...load) > 1
        ) {
          wrong.push({ run, name, load });
        }
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('1 000 random rescales of split state keep the partitions in their order', () => {
  const random = seededRandom(7);
  const int = (below: number) => Math.floor(random() * below);
  for (let run = 0; run < 1_000; run++) {
    const previous = Array.from({ length: 1 + int(9) }, (_, subtask) => [
      file(`h${subtask}`, { a: split(...Array.from({ length: int(6) }, (_, index) => subtask * 10 + index)) }),
    ]);
    const offsetsOf = (subtasks: readonly SubtaskOperatorState[]) =>
      subtasks.flatMap((files) => files.flatMap(({ states }) => states.get('a')?.offsets ?? []));
    expect(offsetsOf(restore(previous, 1 + int(9)))).toEqual(offsetsOf(previous));
  }
});

/** The next checkpoint: each subtask writes what it has into one file of its own. */
const capture = (subtasks: readonly SubtaskOperatorState[]): SubtaskOperatorState[] =>
  subtasks.map((files, subtask) => {
    const elements = (name: string) => files.flatMap(({ states }) => states.get(name)?.offsets ?? []);
    return [file(`next${subtask}`, { s: split(...elements('s')), u: union(...elements('u')) })];
  });

test('operator state from two subtasks to three and back: the split sum stays, the union sum grows by the parallelism', () => {
  const previous = [[file('h0', { s: split(1, 2, 3), u: union(10) })], [file('h1', { s: split(4, 5), u: union(20) })]];
  const sum = (subtasks: readonly SubtaskOperatorState[], name: string) =>
    subtasks
      .flatMap((files) => files.flatMap(({ states }) => states.get(name)?.offsets ?? []))
      .reduce((total, offset) => total + offset, 0);
  const atThree = restore(previous, 3);
  const atTwo = restore(capture(atThree), 2);
  expect([sum(atThree, 's'), sum(atThree, 'u')]).toEqual([15, 30 * 3]);
  expect([sum(atTwo, 's'), sum(atTwo, 'u')]).toEqual([15, 30 * 3 * 2]);
});

const keyed = (id: string, start: number, end: number) => ({ id, range: KeyGroupRange.of(start, end) });
const shares = (subtasks: ReturnType<typeof redistributeKeyGroups<ReturnType<typeof keyed>>>) =>
  subtasks.map((handles) => handles.map(({ handle, range }) => [handle.id, range.start, range.end]));

test('each new subtask gets from every old range the key groups that are now its own', () => {
  const previous = [[keyed('a', 0, 4)], [keyed('b', 5, 9)]];
  expect(shares(redistributeKeyGroups({ previous, newParallelism: 3, maxParallelism: 10 }))).toEqual([
    [['a', 0, 3]],
    [
      ['a', 4, 4],
      ['b', 5, 6],
    ],
    [['b', 7, 9]],
  ]);
  expect(shares(redistributeKeyGroups({ previous, newParallelism: 1, maxParallelism: 10 }))).toEqual([
    [
      ['a', 0, 4],
      ['b', 5, 9],
    ],
  ]);
});

test('at an unchanged parallelism keyed handles are kept whole', () => {
  const previous = [[keyed('a', 0, 4), keyed('a2', 0, 4)], []];
  expect(shares(redistributeKeyGroups({ previous, newParallelism: 2, maxParallelism: 10 }))).toEqual([
    [
      ['a', 0, 4],
      ['a2', 0, 4],
    ],
    [],
  ]);
});

test('a new parallelism above the maximum is refused', () => {
  expect(() => redistributeKeyGroups({ previous: [[]], newParallelism: 11, maxParallelism: 10 })).toThrow(
    'Maximum parallelism must not be smaller than parallelism.',
  );
});

test('1 000 random rescales: every key group is read exactly once, by its owner', () => {
  const random = seededRandom(11);
  const int = (below: number) => Math.floor(random() * below);
  for (let run = 0; run < 1_000; run++) {
    const maxParallelism = 9 + int(120);
    const previous = keyGroupRanges(1 + int(9), maxParallelism).map(({ start, end }) => [keyed('', start, end)]);
    const newParallelism = 1 + int(9);
    const read = redistributeKeyGroups({ previous, newParallelism, maxParallelism }).map((handles) =>
      handles.flatMap(({ range }) => [...range]),
    );
    expect(read).toEqual(keyGroupRanges(newParallelism, maxParallelism).map((range) => [...range]));
  }
});
