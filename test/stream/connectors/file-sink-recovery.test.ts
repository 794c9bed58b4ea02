import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileSink, type FileSinkOptions, type FileTransaction } from '../../../src/stream/connectors/file-sink.ts';
import { nodeSinkFileSystem } from '../../../src/stream/connectors/sink-file-system.ts';
import type { RestoredOrigin } from '../../../src/stream/functions/attempt-origin.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { aContext, aSink, hidden, NAME, pending, restored, text, visible } from './file-sinks.ts';

test('after a restore, what older epochs left open behind the checkpoint is removed, and only that', async () => {
  const { directory, sink } = aSink();
  const left = {
    abandoned: aContext({ epoch: 4, checkpointId: 9 }),
    later: aContext({ epoch: 3, checkpointId: 12 }),
    ofGoneSubtask: aContext({ epoch: 4, subtaskIndex: 2, checkpointId: 9 }),
    promised: aContext({ epoch: 4, checkpointId: 8 }),
    ofOtherSubtask: aContext({ epoch: 4, subtaskIndex: 1, checkpointId: 9 }),
    ofThisEpoch: aContext({ epoch: 5, checkpointId: 9 }),
    ofOtherJob: aContext({ jobId: 'f'.repeat(32), epoch: 4, checkpointId: 9 }),
    ofOtherOperator: aContext({ uid: 'out-1', epoch: 4, checkpointId: 9 }),
  };
  for (const context of Object.values(left)) await pending(sink, [1], context);
  writeFileSync(join(directory, '.part-9f0c3a5e71b2-out-0-4-9.ndjson.pending.bak'), '');
  const before = hidden(directory);
  await sink.recoverAndAbort(aContext({ epoch: 5, parallelism: 2, checkpointId: 9, origin: restored(8, 4) }));
  const gone = before.filter((name) => !hidden(directory).includes(name));
  expect(gone).toEqual(
    ['0-3-12', '0-4-9', '2-4-9'].map((numbers) => `.part-9f0c3a5e71b2-out-${numbers}.ndjson.pending`),
  );
});

test('the files of one operator are not mistaken for those of another whose uid begins alike', async () => {
  const { directory, sink } = aSink();
  await pending(sink, [1], aContext({ uid: 'out-1', subtaskIndex: 0, epoch: 2, checkpointId: 3 }));
  await pending(sink, [1], aContext({ uid: 'out', subtaskIndex: 1, epoch: 2, checkpointId: 3 }));
  await sink.recoverAndAbort(aContext({ uid: 'out', checkpointId: 1 }));
  expect(hidden(directory)).toEqual(['.part-9f0c3a5e71b2-out-1-0-2-3.ndjson.pending']);
});

test.each([
  ['another job', { jobId: 'f'.repeat(32) }, 'another job or an earlier run'],
  ['this job, whose state was lost', {}, 'an earlier run of this job'],
])('a job that begins from nothing does not write beside the output of %s', async (_whose, changes, says) => {
  const { directory, sink } = aSink();
  await sink.commit(await pending(sink, [1], aContext({ epoch: 2, checkpointId: 3, ...changes })));
  const [name = ''] = visible(directory);
  const begun = sink.prepareRecovery(aContext({ checkpointId: 1 }));
  await expect(begun).rejects.toMatchObject({
    code: 'OUTPUT_EXISTS',
    message: expect.stringMatching(`holds output of ${says} \\(${name}\\).*Empty the directory`),
  });
});

test.each([
  [
    'it restores a checkpoint, of whatever job',
    {},
    { checkpointId: 4, origin: restored(3, 2, { jobId: 'e'.repeat(32) }) },
    false,
  ],
  [
    'an earlier attempt was let in before the other job wrote',
    {},
    { checkpointId: 1, origin: { from: 'nothingAgain' } },
    false,
  ],
  ['the output is of another operator', {}, { checkpointId: 1, uid: 'out-2' }, false],
  ['the output has another prefix', { prefix: 'old' }, { checkpointId: 1 }, false],
  ['the output is not committed', {}, { checkpointId: 1 }, true],
] as const)('a job may write where output stands when %s', async (_why, options, context, isPending) => {
  const old = aSink(options);
  const transaction = await pending(old.sink, [1], aContext({ jobId: 'f'.repeat(32), epoch: 2, checkpointId: 3 }));
  if (!isPending) await old.sink.commit(transaction);
  const sink = new FileSink({ path: old.directory });
  await expect(sink.prepareRecovery(aContext(context))).resolves.toBeUndefined();
});

test('a later attempt that restores nothing is refused where its own job has committed: its state was lost', async () => {
  const { sink } = aSink();
  await sink.commit(await pending(sink, [1], aContext({ epoch: 2, checkpointId: 3 })));
  const again = sink.prepareRecovery(aContext({ checkpointId: 1, origin: { from: 'nothingAgain' } }));
  await expect(again).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
});

/** Files that were committed in epochs 3 and 4; attempts of epoch 6 go on from what the tests say. */
const committedEarlier = async (options: Partial<FileSinkOptions<unknown>> = {}) => {
  const { directory, sink } = aSink(options);
  for (const [subtaskIndex, epoch, checkpointId] of [
    [0, 3, 7],
    [0, 3, 8],
    [1, 3, 8],
    [0, 4, 9],
    [2, 4, 10],
  ] as const)
    await sink.commit(await pending(sink, [checkpointId], aContext({ subtaskIndex, epoch, checkpointId })));
  return { directory, sink };
};
const numbersOf = (names: readonly string[]) => names.map((name) => /-(\d+-\d+-\d+)\./.exec(name)?.[1]);

test('committed files that the restored checkpoint does not know are withdrawn, kept and told of, and only those', async () => {
  const warnings: string[] = [];
  const { directory, sink } = await committedEarlier({ warn: (message) => void warnings.push(message) });
  const others = [{ jobId: 'f'.repeat(32) }, { uid: 'out-1' }, { epoch: 6 }, { epoch: 7 }];
  for (const changes of others)
    await sink.commit(await pending(sink, [1], aContext({ epoch: 4, checkpointId: 12, ...changes })));
  await sink.recoverAndAbort(aContext({ epoch: 6, parallelism: 2, origin: restored(7, 3) }));
  expect(numbersOf(visible(directory))).toEqual(['0-3-7', '0-6-12', '0-7-12', '0-4-12', '1-3-8', '0-4-12']);
  const withdrawn = ['0-3-8', '0-4-9', '2-4-10'].map((numbers) => `part-9f0c3a5e71b2-out-${numbers}.ndjson`);
  expect(hidden(directory)).toEqual(withdrawn.map((name) => `.${name}.6.withdrawn`));
  expect(readFileSync(join(directory, hidden(directory)[0]!), 'utf8')).toBe('8\n');
  expect(warnings).toEqual([
    `out: withdrew 3 committed files in ${directory}, for the job goes on from before them and writes their records again. ` +
      `They are kept under hidden names that end in .6.withdrawn: ${withdrawn.join(', ')}. ` +
      'Whoever has read them already reads those records a second time.',
  ]);
});

test.each([
  ['the newest checkpoint', restored(10, 4)],
  ['the state of another job, which says nothing of them', restored(2, 9, { jobId: 'e'.repeat(32) })],
])('committed files stay when %s is restored', async (_what, origin) => {
  const { directory, sink } = await committedEarlier();
  const before = visible(directory);
  await sink.recoverAndAbort(aContext({ epoch: 6, origin }));
  expect([visible(directory), hidden(directory)]).toEqual([before, []]);
});

test('what an epoch committed after the one that is gone back to is withdrawn, whatever its number', async () => {
  const { directory, sink } = await committedEarlier();
  await sink.recoverAndAbort(aContext({ epoch: 6, origin: restored(9, 3) }));
  expect(numbersOf(visible(directory))).toEqual(['0-3-7', '0-3-8', '1-3-8']);
});

test('a withdrawn file comes back when the checkpoint that knows it is mended, and stays away from those that do not', async () => {
  const { directory, sink } = await committedEarlier({ warn: () => {} });
  const attempt = async (epoch: number, origin: RestoredOrigin) => {
    await sink.prepareRecovery(aContext({ epoch, origin }));
    await sink.recoverAndAbort(aContext({ epoch, origin }));
    return numbersOf(visible(directory));
  };
  const all = ['0-3-7', '0-3-8', '0-4-9', '1-3-8', '2-4-10'];
  expect(await attempt(6, restored(7, 3))).toEqual(['0-3-7']);
  expect(await attempt(7, restored(11, 6))).toEqual(['0-3-7']);
  expect(await attempt(8, restored(10, 4))).toEqual(all);
  expect(await attempt(9, restored(12, 8))).toEqual(all);
  expect(await attempt(10, restored(11, 6))).toEqual(['0-3-7']);
});

/** What was pre-committed in epoch 4 as transactions 8, 9 and 10; a savepoint promises the first two, a checkpoint the first. */
const promisedBySavepoint = async () => {
  const { directory, sink } = aSink({ warn: () => {} });
  const handles: FileTransaction[] = [];
  for (const checkpointId of [8, 9, 10])
    handles.push(await pending(sink, [checkpointId], aContext({ epoch: 4, checkpointId })));
  const attempt = async (epoch: number, origin: RestoredOrigin) => {
    await sink.prepareRecovery(aContext({ epoch, origin }));
    await sink.recoverAndAbort(aContext({ epoch, origin }));
  };
  return { directory, sink, handles, attempt };
};
const SAVEPOINT = { checkpointId: 9, epoch: 4 };
const ofTransaction = (checkpointId: number) => `part-9f0c3a5e71b2-out-0-4-${checkpointId}.ndjson`;

test.each([
  ['a savepoint', { restorable: [SAVEPOINT] }, [`.${ofTransaction(9)}.6.kept`, `.${ofTransaction(8)}.pending`]],
  ['a savepoint of another epoch', { restorable: [{ checkpointId: 30, epoch: 5 }] }, [`.${ofTransaction(8)}.pending`]],
  [
    'a checkpoint of which only the number is known',
    { restorable: [{ checkpointId: 9 }] },
    [`.${ofTransaction(9)}.6.kept`, `.${ofTransaction(8)}.pending`],
  ],
  [
    'a savepoint that cannot be read, maybe',
    { restorable: [{ checkpointId: Number.POSITIVE_INFINITY }] },
    [`.${ofTransaction(10)}.6.kept`, `.${ofTransaction(8)}.pending`, `.${ofTransaction(9)}.6.kept`],
  ],
] as const)('what %s promises is not removed with what is abandoned', async (_what, changes, left) => {
  const { directory, attempt } = await promisedBySavepoint();
  await attempt(6, restored(8, 4, changes));
  expect(hidden(directory)).toEqual([...left].toSorted());
});

test('what was kept for a savepoint is removed once that is gone', async () => {
  const { directory, attempt } = await promisedBySavepoint();
  await attempt(6, restored(8, 4, { restorable: [SAVEPOINT] }));
  await attempt(7, restored(12, 6, { restorable: [SAVEPOINT] }));
  expect(hidden(directory)).toContain(`.${ofTransaction(9)}.6.kept`);
  await attempt(8, restored(13, 7));
  expect(hidden(directory)).toEqual([`.${ofTransaction(8)}.pending`]);
});

test('another job that restores the savepoint commits what was kept for it', async () => {
  const { directory, handles, attempt } = await promisedBySavepoint();
  await attempt(6, restored(8, 4, { restorable: [SAVEPOINT] }));
  const other = new FileSink({ path: join(aTemporaryDirectory(), 'other') });
  const context = aContext({ jobId: 'e'.repeat(32), epoch: 1, origin: restored(9, 4) });
  await other.prepareRecovery(context);
  for (const handle of handles.slice(0, 2)) await other.commit(handle);
  await other.commit(handles[1]!);
  expect([visible(directory), hidden(directory)]).toEqual([[ofTransaction(8), ofTransaction(9)], []]);
});

test('the job that goes back to the savepoint has what was kept, and a later state that does not know it has not', async () => {
  const { directory, sink, handles, attempt } = await promisedBySavepoint();
  await attempt(6, restored(8, 4, { restorable: [SAVEPOINT] }));
  const back = aContext({ epoch: 7, origin: restored(9, 4, { restorable: [SAVEPOINT] }) });
  await sink.prepareRecovery(back);
  for (const handle of handles.slice(0, 2)) await sink.commit(handle);
  await sink.recoverAndAbort(back);
  expect([visible(directory), hidden(directory)]).toEqual([
    [ofTransaction(8), ofTransaction(9)],
    [`.${ofTransaction(9)}.6-7.returned`],
  ]);
  await attempt(8, restored(12, 6, { restorable: [SAVEPOINT] }));
  expect(visible(directory)).toEqual([ofTransaction(8)]);
});

test('a transaction is committed from the newest of its withdrawn files when its own names are gone', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  writeFileSync(join(directory, `.${NAME}.6.withdrawn`), '7\n');
  renameSync(join(directory, `.${NAME}.pending`), join(directory, `.${NAME}.10.withdrawn`));
  // The path was changed when the file was withdrawn, and the attempt that commits looks elsewhere for what is to be put back.
  const moved = new FileSink({ path: join(aTemporaryDirectory(), 'other') });
  await moved.prepareRecovery(aContext({ epoch: 12, origin: restored(812, 5) }));
  await moved.commit(handle);
  expect(text(directory)).toBe('1\n');
  expect(hidden(directory)).toEqual([`.${NAME}.10-12.returned`, `.${NAME}.6.withdrawn`]);
});

test('an old leader does not show again what its successor has hidden', async () => {
  const { directory, sink } = aSink();
  await sink.prepareRecovery(aContext());
  const handle = await pending(sink, [1]);
  await new FileSink({ path: directory }).recoverAndAbort(
    aContext({ epoch: 6, origin: restored(811, 5, { restorable: [{ checkpointId: 812, epoch: 5 }] }) }),
  );
  expect(hidden(directory)).toEqual([`.${NAME}.6.kept`]);
  await expect(sink.commit(handle)).rejects.toThrow(/nor a hidden one of that name/);
  expect(visible(directory)).toEqual([]);
});

test('a withdrawn file of another size is not taken for the one that was promised', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  rmSync(join(directory, `.${NAME}.pending`));
  writeFileSync(join(directory, `.${NAME}.6.withdrawn`), '17\n');
  const later = new FileSink({ path: join(aTemporaryDirectory(), 'other') });
  await later.prepareRecovery(aContext({ epoch: 12, origin: restored(812, 5) }));
  await expect(later.commit(handle)).rejects.toThrow(/6\.withdrawn has 3 bytes instead of 2/);
  expect(visible(directory)).toEqual([]);
});

test.each([
  ['prefix', { prefix: 'rows' }, {}],
  ['suffix', { suffix: '-raw.json' }, {}],
  ['suffix, which was empty', {}, { suffix: '' }],
] as const)('files of this job are its own under another %s as well', async (_what, now, before) => {
  const { directory, sink: old } = await committedEarlier(before);
  await pending(old, [1], aContext({ epoch: 4, checkpointId: 11 }));
  for (const uid of ['out-1', 'out-1-2'])
    await old.commit(await pending(old, [1], aContext({ uid, epoch: 4, checkpointId: 9 })));
  const all = visible(directory);
  const sink = new FileSink({ path: directory, warn: () => {}, ...now });
  const attempt = async (epoch: number, origin: RestoredOrigin) => {
    await sink.prepareRecovery(aContext({ epoch, origin }));
    await sink.recoverAndAbort(aContext({ epoch, origin }));
  };
  await attempt(6, restored(7, 3));
  expect(hidden(directory).filter((name) => name.endsWith('.pending'))).toEqual([]);
  expect(visible(directory)).toEqual(all.filter((name) => /-out-0-3-7|-out-1-0-4-9|-out-1-2-0-4-9/.test(name)));
  await attempt(7, restored(10, 4));
  expect(visible(directory)).toEqual(all);
  const lost = sink.prepareRecovery(aContext({ epoch: 8, origin: { from: 'nothingAgain' } }));
  await expect(lost).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
});

test('a uid that goes on with numbers behind a shorter one is not taken for it', async () => {
  const { directory, sink } = aSink();
  const longer = { uid: 'out-0-1-99a', epoch: 4, checkpointId: 9 };
  await sink.commit(await pending(sink, [1], aContext(longer)));
  await pending(sink, [1], aContext({ ...longer, checkpointId: 10 }));
  const before = readdirSync(directory);
  const context = aContext({ epoch: 6, origin: restored(7, 5) });
  await sink.prepareRecovery(context);
  await sink.recoverAndAbort(context);
  expect(readdirSync(directory)).toEqual(before);
  await sink.recoverAndAbort({ ...context, uid: longer.uid });
  expect([visible(directory), hidden(directory).length]).toEqual([[], 1]);
});

test('names of the longest uids, prefixes and suffixes fit into a file system, hidden or not', async () => {
  const options = { prefix: 'p'.repeat(40), suffix: '.'.repeat(20), warn: () => {} };
  const { directory, sink } = aSink(options);
  const farOff = { epoch: 99_999_999, checkpointId: 999_999_999_999, subtaskIndex: 32_767, parallelism: 32_768 };
  for (const uid of ['ü'.repeat(300), `${'ü'.repeat(299)}x`])
    await sink.commit(await pending(sink, [1], aContext({ uid, ...farOff })));
  expect(visible(directory)).toHaveLength(2);
  const context = aContext({ uid: 'ü'.repeat(300), ...farOff, epoch: 100_000_000, origin: restored(8, 4) });
  await sink.recoverAndAbort(context);
  const knows = restored(farOff.checkpointId, farOff.epoch);
  await sink.prepareRecovery({ ...context, epoch: 100_000_001, origin: knows });
  expect([visible(directory).length, hidden(directory).length]).toEqual([2, 1]);
  expect(() => new FileSink({ ...options, path: 'x', prefix: 'p'.repeat(41) })).toThrow('60 bytes together at most');
});

test('a job that starts from the state of another one is refused where it has committed itself', async () => {
  const { directory, sink } = await committedEarlier();
  const origin = restored(20, 9, { jobId: 'e'.repeat(32) });
  const again = sink.prepareRecovery(aContext({ epoch: 6, origin }));
  await expect(again).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  await expect(sink.prepareRecovery(aContext({ epoch: 6, origin }))).rejects.toThrow(
    'no checkpoint of this job is left to go on from',
  );
  rmSync(directory, { recursive: true });
  await sink.prepareRecovery(aContext({ epoch: 6, origin }));
});

test.each([
  ['a final file', 'part-9f0c3a5e71b2-out-0-5-9.ndjson', true],
  ['a pending file', '.part-9f0c3a5e71b2-out-0-6-9.ndjson.pending', true],
  ['a withdrawal', '.part-9f0c3a5e71b2-out-0-4-9.ndjson.6.withdrawn', true],
  ['a return', '.part-9f0c3a5e71b2-out-0-4-9.ndjson.4-6.returned', true],
  ['the withdrawal of another subtask of this attempt', '.part-9f0c3a5e71b2-out-0-4-9.ndjson.5.withdrawn', false],
  ['a file of an epoch before', 'part-9f0c3a5e71b2-out-0-4-9.ndjson', false],
  ['a file of another operator', 'part-9f0c3a5e71b2-in-0-6-9.ndjson', false],
] as const)(
  'state that is older than the output, put back from a copy, is told by epochs: %s',
  async (_what, name, isAhead) => {
    const { directory, sink } = aSink();
    writeFileSync(join(directory, name), '');
    const before = readdirSync(directory);
    const outcome = await sink.prepareRecovery(aContext({ epoch: 5, origin: restored(8, 4) })).catch(String);
    if (isAhead) expect(outcome).toContain(`holds output of this job from a later epoch (${name})`);
    if (isAhead) expect(readdirSync(directory)).toEqual(before);
    else expect(outcome).toBeUndefined();
  },
);

test('a file that stands under both its names is withdrawn whole', async () => {
  const { directory, sink } = aSink({ warn: () => {} });
  const handle = await pending(sink, [1], aContext({ epoch: 4, checkpointId: 9 }));
  const [name = ''] = handle.parts.map((part) => part.name);
  linkSync(join(directory, `.${name}.pending`), join(directory, name));
  await sink.recoverAndAbort(aContext({ epoch: 6, origin: restored(8, 4) }));
  expect([visible(directory), hidden(directory)]).toEqual([[], [`.${name}.6.withdrawn`]]);
});

test('an attempt looks through a directory of many final and many withdrawn files in a time that grows with their number', async () => {
  const names = Array.from({ length: 12_000 }, (_, checkpointId) => [
    `part-9f0c3a5e71b2-out-0-3-${checkpointId}.ndjson`,
    `.part-9f0c3a5e71b2-out-0-4-${checkpointId}.ndjson.5.withdrawn`,
  ]).flat();
  const fileSystem = { ...nodeSinkFileSystem, list: () => Promise.resolve(names) };
  const { sink } = aSink({ fileSystem });
  const context = aContext({ epoch: 6, origin: restored(12_000, 5) });
  // Compared with each other they would take a quarter of a minute for each of the two.
  await sink.prepareRecovery(context);
  await sink.recoverAndAbort(context);
}, 10_000);
