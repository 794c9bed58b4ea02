import { type FileHandle, link, mkdir, mkdtemp, open, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { type FileCalls, filesystemStorage, StorageError } from '../../src/storage/index.ts';

const exclusive = { exclusive: true } as const;
const content = new TextEncoder().encode('content');
const nodeCalls: FileCalls = { open, link, unlink, mkdir };

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'storage-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const failingAt = (errno: string): FileCalls => ({
  ...nodeCalls,
  open: async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    return new Proxy(handle, {
      get(target, name) {
        if (name === 'write') return async () => Promise.reject(systemError(errno));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }) as FileHandle;
  },
});
const systemError = (errno: string) => Object.assign(new Error(`${errno}: injected`), { code: errno });
const storageWith = (calls: FileCalls) => filesystemStorage({ directory, clock: systemClock, calls });

test.each([
  ['ENOSPC', 'STORAGE_FULL', 'the disk is full'],
  ['EDQUOT', 'STORAGE_FULL', 'quota'],
  ['EIO', 'STORAGE_IO', 'EIO: injected'],
])(
  'when writing bytes answers %s the error is %s, names the file, and nothing is left',
  async (errno, code, reason) => {
    const error = await storageWith(failingAt(errno))
      .write('a/state', content, exclusive)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code, path: join(directory, 'a/state'), retryable: true });
    expect((error as Error).message).toContain(reason);
    expect((error as Error).message).toContain(join(directory, 'a/state'));
    expect((await readdir(directory, { recursive: true })).filter((name) => name !== 'a')).toEqual([]);
  },
);

test.each(['EACCES', 'EROFS', 'EPERM'])(
  'a directory that answers %s is unwritable, and the message says so',
  async (errno) => {
    const calls: FileCalls = { ...nodeCalls, open: async () => Promise.reject(systemError(errno)) };
    const error = await storageWith(calls)
      .write('state', content, exclusive)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'STORAGE_UNWRITABLE', retryable: false });
    expect((error as Error).message).toContain(join(directory, 'state'));
  },
);

test('a storage whose directory is a file can neither be written nor listed', async () => {
  await writeFile(join(directory, 'file'), 'not a directory');
  const storage = filesystemStorage({ directory: join(directory, 'file'), clock: systemClock });
  await expect(storage.write('state', content, exclusive)).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
  await expect(storage.list('')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' });
  await expect(storage.read('state')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' });
});

test('a link that fails leaves neither name', async () => {
  const calls: FileCalls = { ...nodeCalls, link: async () => Promise.reject(systemError('EMLINK')) };
  await expect(storageWith(calls).write('state', content, exclusive)).rejects.toMatchObject({ code: 'STORAGE_IO' });
  expect(await readdir(directory)).toEqual([]);
});

test('files still being written are not listed, and only old leftovers are swept', async () => {
  await writeFile(join(directory, '.tmp-abc'), 'half');
  const storage = filesystemStorage({ directory, clock: systemClock });
  expect(await storage.list('')).toEqual([]);
  expect(await storage.sweepTemporary('', 60_000)).toBe(0);
  const later = filesystemStorage({ directory, clock: { ...systemClock, now: () => Date.now() + 61_000 } });
  expect(await later.sweepTemporary('', 60_000)).toBe(1);
  expect(await readdir(directory)).toEqual([]);
});

test('leftovers of interrupted writes go where they are asked for, and stay with the neighbours', async () => {
  for (const job of ['mine', 'minecraft', 'mine-2']) {
    await mkdir(join(directory, job, 'chk'), { recursive: true });
    await writeFile(join(directory, job, 'chk', '.tmp-abc'), 'half');
  }
  const storage = filesystemStorage({ directory, clock: { ...systemClock, now: () => Date.now() + 61_000 } });
  expect(await storage.sweepTemporary('mine/', 60_000)).toBe(1);
  expect(await storage.sweepTemporary('mine-', 60_000)).toBe(1);
  expect(await readdir(directory)).toEqual(['minecraft']);
});

test('directories disappear with their last file', async () => {
  const storage = filesystemStorage({ directory, clock: systemClock });
  await storage.write('a/b/c/1', content, exclusive);
  await storage.write('a/2', content, exclusive);
  await storage.delete('a/b/c/1');
  expect((await readdir(directory, { recursive: true })).sort()).toEqual(['a', 'a/2']);
  await storage.deleteTree('a');
  expect(await readdir(directory)).toEqual([]);
});
