import { appendFileSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeNames, NameSet } from '../../../src/stream/connectors/name-set.ts';
import { NdjsonFormat } from '../../../src/stream/connectors/ndjson-format.ts';
import {
  WatchedDirectorySource,
  type WatchedDirectorySourceOptions,
} from '../../../src/stream/connectors/watched-directory-source.ts';
import { DataInput, Types } from '../../../src/stream/types/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { ManualClock, SourceRun, type SubtaskRun } from '../../builders/source-run.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const sourceOf = (path: string, options: Partial<WatchedDirectorySourceOptions<string>> = {}) =>
  new WatchedDirectorySource<string>({ path, format: new NdjsonFormat<string>(), watch: false, ...options });

const put = (directory: string, name: string, records: readonly string[]): void => {
  const whole = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileSync(join(directory, `${name}.tmp`), whole);
  renameSync(join(directory, `${name}.tmp`), join(directory, name));
};
const records = (name: string, count = 3) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

/** Polls until the reader is idle and nothing it has begun is under way any more, or `limit` records are there. */
const settle = async (
  subtask: SubtaskRun<string>,
  clock: ManualClock,
  limit = Number.POSITIVE_INFINITY,
): Promise<void> => {
  for (;;) {
    const room = Math.min(2, limit - subtask.records.length);
    if (room <= 0) return;
    if (subtask.poll(room) === 'more') continue;
    // It sleeps on the timer of the next scan once there is nothing else to do.
    if (clock.waiting > 0) return;
    await subtask.reader.whenAvailable();
  }
};
const settleAll = async (run: SourceRun<string>, clock: ManualClock): Promise<void> => {
  const waiting = new Set<unknown>();
  for (const subtask of run.subtasks) {
    const own = clock.waiting;
    for (;;) {
      if (subtask.poll(2) === 'more') continue;
      if (clock.waiting > own || waiting.has(subtask)) break;
      await subtask.reader.whenAvailable();
    }
    waiting.add(subtask);
  }
};

test('files that are there and files that appear are each read once, in order of name among those visible', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  put(directory, 'b', records('b'));
  put(directory, 'a', records('a'));
  const run = await SourceRun.start(sourceOf(directory), { clock });
  const [subtask] = run.subtasks;
  await settle(subtask!, clock);
  put(directory, 'd', records('d'));
  put(directory, 'c', records('c'));
  clock.advance(1000);
  await settle(subtask!, clock);
  clock.advance(1000);
  await settle(subtask!, clock);
  expect(run.records).toEqual([...records('a'), ...records('b'), ...records('c'), ...records('d')]);
});

test('nothing is looked at before the interval has passed', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  const run = await SourceRun.start(sourceOf(directory, { pollInterval: '10s' }), { clock });
  await settle(run.subtasks[0]!, clock);
  put(directory, 'a', records('a'));
  clock.advance(9_999);
  await settle(run.subtasks[0]!, clock);
  expect(run.records).toEqual([]);
  clock.advance(1);
  await settle(run.subtasks[0]!, clock);
  expect(run.records).toEqual(records('a'));
});

test('with watching on, a file is read as soon as the system reports it', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  const run = await SourceRun.start(sourceOf(directory, { watch: true }), { clock });
  const [subtask] = run.subtasks;
  await settle(subtask!, clock);
  put(directory, 'a', records('a'));
  await eventually(() => {
    subtask!.poll();
    return run.records.length === 3;
  });
  expect(run.records).toEqual(records('a'));
});

test('hidden files, files that are being written and directories are left alone', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  for (const name of ['.hidden', 'x.tmp']) writeFileSync(join(directory, name), '"no"\n');
  mkdirSync(join(directory, 'inner'));
  put(directory, 'yes', ['yes']);
  const run = await SourceRun.start(sourceOf(directory), { clock });
  await settle(run.subtasks[0]!, clock);
  expect(run.records).toEqual(['yes']);
});

test('a restore goes on in the middle of a file, and does not read again what was read, at any parallelism', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `file-${index}`);
  for (const [before, after] of [
    [1, 1],
    [1, 3],
    [3, 1],
    [2, 4],
    [4, 2],
    [3, 2],
  ] as const) {
    const directory = aTemporaryDirectory();
    const clock = new ManualClock();
    for (const name of names.slice(0, 9)) put(directory, name, records(name, 10));
    const first = await SourceRun.start(sourceOf(directory), { clock, parallelism: before });
    for (const [index, subtask] of first.subtasks.entries()) await settle(subtask, clock, 13 + index);
    const restoreFrom = await first.capture();
    const kept = [...first.records];
    await first.close();

    for (const name of names.slice(9)) put(directory, name, records(name, 10));
    const restarted = new ManualClock();
    const second = await SourceRun.start(sourceOf(directory), { clock: restarted, parallelism: after, restoreFrom });
    await settleAll(second, restarted);
    const all = [...kept, ...second.records].toSorted();
    expect(all).toEqual(names.flatMap((name) => records(name, 10)).toSorted());

    // What is done stays done over a further capture.
    const again = new ManualClock();
    const third = await SourceRun.start(sourceOf(directory), { clock: again, restoreFrom: await second.capture() });
    await settle(third.subtasks[0]!, again);
    expect(third.records).toEqual([]);
  }
});

test('a capture that comes while a begun file is being opened again does not lose the file', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  put(directory, 'a', records('a', 10));
  const first = await SourceRun.start(sourceOf(directory), { clock });
  await settle(first.subtasks[0]!, clock, 4);
  const second = await SourceRun.start(sourceOf(directory), { restoreFrom: await first.capture() });
  second.subtasks[0]!.poll();
  const restarted = new ManualClock();
  const third = await SourceRun.start(sourceOf(directory), { clock: restarted, restoreFrom: await second.capture() });
  await settle(third.subtasks[0]!, restarted);
  expect([...first.records, ...third.records]).toEqual(records('a', 10));
});

test('files are shared among subtasks by their names', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  for (let index = 0; index < 40; index++) put(directory, `part-${index}.ndjson`, [`${index}`]);
  const run = await SourceRun.start(sourceOf(directory), { clock, parallelism: 3 });
  await settleAll(run, clock);
  expect(run.records.length).toBe(40);
  for (const { records: own } of run.subtasks) expect(own.length).toBeGreaterThan(5);
});

test('an empty file is read at once, and never again', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  put(directory, 'a', []);
  const run = await SourceRun.start(sourceOf(directory), { clock });
  await settle(run.subtasks[0]!, clock);
  expect(run.records).toEqual([]);
  expect((await run.capture()).subtasks[0]!.union.get('watched-files-done')!.length).toBe(1);
});

test('a file name that comes again is not read again, unless deleted files are forgotten', async () => {
  for (const forgetDeleted of [false, true]) {
    const directory = aTemporaryDirectory();
    const clock = new ManualClock();
    const run = await SourceRun.start(sourceOf(directory, { forgetDeleted }), { clock });
    const round = async () => {
      clock.advance(1000);
      await settle(run.subtasks[0]!, clock);
    };
    put(directory, 'a', ['first']);
    await round();
    unlinkSync(join(directory, 'a'));
    await round();
    put(directory, 'a', ['second']);
    await round();
    expect(run.records).toEqual(forgetDeleted ? ['first', 'second'] : ['first']);
  }
});

test('a file that changes while it is read fails the job and says how to write files', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  put(directory, 'a', records('a', 50));
  const run = await SourceRun.start(sourceOf(directory), { clock });
  await settle(run.subtasks[0]!, clock, 5);
  appendFileSync(join(directory, 'a'), '"more"\n');
  await expect(settle(run.subtasks[0]!, clock)).rejects.toThrow('Write files under a name that ends in .tmp');
});

test('a begun file that is gone after a restore is named', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  put(directory, 'a', records('a', 50));
  const first = await SourceRun.start(sourceOf(directory), { clock });
  await settle(first.subtasks[0]!, clock, 5);
  const restoreFrom = await first.capture();
  unlinkSync(join(directory, 'a'));
  const second = await SourceRun.start(sourceOf(directory), { clock, restoreFrom });
  await expect(settle(second.subtasks[0]!, clock)).rejects.toThrow(
    `cannot read ${join(directory, 'a')}: it does not exist`,
  );
});

test('a directory that is missing, at the start or later, is named', async () => {
  await expect(SourceRun.start(sourceOf('no/such'))).rejects.toThrow('cannot read no/such: it does not exist');
  const directory = join(aTemporaryDirectory(), 'gone');
  mkdirSync(directory);
  const clock = new ManualClock();
  const run = await SourceRun.start(sourceOf(directory), { clock });
  await settle(run.subtasks[0]!, clock);
  rmSync(directory, { recursive: true });
  clock.advance(1000);
  await expect(settle(run.subtasks[0]!, clock)).rejects.toThrow(`cannot read ${directory}: it does not exist`);
});

test('names of files that were read take few bytes in state and come back', () => {
  const names = Array.from({ length: 5000 }, (_, index) => `events-2024-05-01-${10_000 + index}.ndjson`);
  const set = new NameSet();
  for (const name of [...names, ...names]) set.add(name);
  const blocks = set.encode();
  expect(blocks.reduce((sum, block) => sum + block.length, 0)).toBeLessThan(5000 * 12);
  expect(blocks.flatMap(decodeNames).toSorted()).toEqual(names);
  set.retain((name) => name.endsWith('9.ndjson'));
  expect([set.size, set.encode().flatMap(decodeNames).length]).toEqual([500, 500]);
});

test('each subtask stores its own files only, so that state does not grow with each restore', async () => {
  const directory = aTemporaryDirectory();
  const clock = new ManualClock();
  for (let index = 0; index < 30; index++) put(directory, `part-${index}.ndjson`, [`${index}`]);
  let run = await SourceRun.start(sourceOf(directory), { clock, parallelism: 3 });
  await settleAll(run, clock);
  for (const parallelism of [3, 2, 4, 1]) {
    const restoreFrom = await run.capture();
    const stored = restoreFrom.subtasks.flatMap(({ union }) =>
      union.get('watched-files-done')!.map((bytes) => Types.BYTES.read(new DataInput(bytes))),
    );
    expect(stored.flatMap(decodeNames).length).toBe(30);
    run = await SourceRun.start(sourceOf(directory), { parallelism, restoreFrom });
  }
});

test('options that make no sense are refused', () => {
  expect(() => sourceOf('')).toThrow('WatchedDirectorySource needs the option path');
  expect(() => sourceOf('x', { pollInterval: 'soon' })).toThrow('pollInterval is a duration above 0');
});
