import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { memoryStorage, openStorage, type Storage } from '../../../src/storage/index.ts';
import { automaticSavepointDirectory } from '../../../src/stream/checkpoint/locations.ts';
import { noteSavepoint } from '../../../src/stream/job/noted-savepoints.ts';
import { removeJobBytes } from '../../../src/stream/job/remove-job-bytes.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const [JOB, OTHER] = ['a'.repeat(32), `${'a'.repeat(31)}b`];
const bytes = new Uint8Array([1, 2, 3]);
const signal = new AbortController().signal;

async function storageWith(...files: string[]): Promise<Storage> {
  const storage = memoryStorage({ clock: systemClock });
  for (const file of files) await storage.write(file, bytes, { exclusive: true });
  return storage;
}

const automatic = (jobId: string) => automaticSavepointDirectory({ jobId, epoch: 3, random: 'abcdef' });

/** What a job stores, in the order in which it goes. */
const OWN = [
  `${automatic(JOB)}/_metadata`,
  `${JOB}/chk-7-3-abcdef/_metadata`,
  `${JOB}/chk-7-3-abcdef/v-0.state`,
  `${JOB}/shared/v-0.state`,
  `${JOB}/blob/b-3-abcdef`,
  `${JOB}/savepoints/bcdefa`,
  `${JOB}/ha/completedCheckpoint-3-abcdef`,
];
/** What lies beside it. */
const OTHERS = [
  `savepoint-${JOB.slice(0, 6)}-abcdef/_metadata`,
  `${automatic(OTHER)}/_metadata`,
  `${OTHER}/chk-7-3-abcdef/_metadata`,
  `${JOB}x/chk-7-3-abcdef/_metadata`,
  `${JOB}/mine/notes.txt`,
  'out/part-0',
];

test('everything that the job stores goes, and nothing beside it: savepoints stay that somebody asked for', async () => {
  const storage = await storageWith(...OWN, ...OTHERS);
  const removed = await removeJobBytes(storage, { jobIds: [JOB], keep: [] }, signal);
  expect(removed).toEqual({ isWhole: true, files: OWN.length, bytes: 3 * OWN.length });
  expect(await storage.list('')).toEqual([...OTHERS].sort());
});

test('doing it again removes nothing, and is as good', async () => {
  const storage = await storageWith(...OWN);
  await removeJobBytes(storage, { jobIds: [JOB], keep: [] }, signal);
  expect(await removeJobBytes(storage, { jobIds: [JOB], keep: [] }, signal)).toEqual({
    isWhole: true,
    files: 0,
    bytes: 0,
  });
});

test('what is to be kept stays whole: a life, or a savepoint that the job took by itself', async () => {
  const storage = await storageWith(...OWN);
  const keep = [JOB, automatic(JOB)];
  expect(await removeJobBytes(storage, { jobIds: [JOB], keep }, signal)).toMatchObject({ isWhole: true, files: 0 });
  expect(await storage.list('')).toEqual([...OWN].sort());
});

test('a savepoint that somebody wanted inside the directory of the job stays, and what tells of it', async () => {
  const storage = await storageWith(`${JOB}/chk-7-3-abcdef/_metadata`, `${JOB}/shared/v-0.state`);
  const savepoint = `${JOB}/shared/savepoint-aaaaaa-abcdef`;
  await noteSavepoint(storage, JOB, savepoint);
  await storage.write(`${savepoint}/_metadata`, bytes, { exclusive: true });
  for (const _ of [1, 2]) await removeJobBytes(storage, { jobIds: [JOB], keep: [] }, signal);
  expect(await storage.list('')).toEqual([
    `${JOB}/savepoints/abcdef`,
    `${savepoint}/_metadata`,
    `${JOB}/shared/v-0.state`,
  ]);
});

test('the manifest of a checkpoint goes first: what a crash leaves is taken for no checkpoint', async () => {
  const storage = await storageWith(...OWN);
  const gone: string[] = [];
  const watched = Object.assign(Object.create(storage) as Storage, {
    delete: (path: string) => {
      gone.push(path);
      return storage.delete(path);
    },
    deleteTree: (path: string) => {
      gone.push(path);
      return storage.deleteTree(path);
    },
  });
  await removeJobBytes(watched, { jobIds: [JOB], keep: [] }, signal);
  const checkpoint = `${JOB}/chk-7-3-abcdef`;
  expect(gone.filter((path) => path.startsWith(checkpoint))).toEqual([`${checkpoint}/_metadata`, checkpoint]);
  expect(gone.at(-2)).toBe(`${JOB}/ha`);
});

test('what cannot be removed is told, and everything else goes', async () => {
  const storage = await storageWith(...OWN);
  const broken = Object.assign(Object.create(storage) as Storage, {
    deleteTree: async (path: string) => {
      if (path.endsWith('/shared')) throw new Error('disk on fire');
      return storage.deleteTree(path);
    },
  });
  const removed = await removeJobBytes(broken, { jobIds: [JOB, OTHER], keep: [] }, signal);
  expect(removed).toMatchObject({ isWhole: false, files: OWN.length - 1, error: 'disk on fire' });
  expect(await storage.list('')).toEqual([`${JOB}/shared/v-0.state`]);
});

test('who is stopped stops, and says that it is not all', async () => {
  const storage = await storageWith(...OWN);
  const removed = await removeJobBytes(storage, { jobIds: [JOB], keep: [] }, AbortSignal.abort());
  expect(removed).toMatchObject({ isWhole: false, files: 0, error: expect.stringContaining('stopped') });
  expect(await storage.list('')).toHaveLength(OWN.length);
});

test('a name that is no job is refused, not looked for', async () => {
  const storage = await storageWith(...OWN);
  expect(await removeJobBytes(storage, { jobIds: ['../x'], keep: [] }, signal)).toMatchObject({ isWhole: false });
});

test('on a file system the directories go too, and what interrupted writes have left in them', async () => {
  const directory = aTemporaryDirectory();
  const storage = openStorage(`file://${directory}`);
  await storage.write(`${JOB}/chk-7-3-abcdef/_metadata`, bytes, { exclusive: true });
  mkdirSync(join(directory, JOB, 'chk-8-3-bcdefa'));
  writeFileSync(join(directory, JOB, 'chk-8-3-bcdefa', '.tmp-1'), bytes);
  await removeJobBytes(storage, { jobIds: [JOB, OTHER], keep: [] }, signal);
  expect(readdirSync(directory, { recursive: true })).toEqual([]);
});
