import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { FILESYSTEM_FAULT_POINTS, filesystemStorage } from '../../../src/storage/index.ts';

const directories: string[] = [];
const freshDirectory = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'storage-crash-'));
  directories.push(directory);
  return directory;
};
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

test.each(FILESYSTEM_FAULT_POINTS)(
  'a process killed at "%s" leaves the whole file or none, and what it leaves is swept',
  async (point) => {
    const directory = await freshDirectory();
    const content = 'x'.repeat(100_000);
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'write-and-die.ts'),
      directory,
      'a/state',
      content,
      point,
    ]);
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');

    const storage = filesystemStorage({ directory, clock: systemClock });
    const published = FILESYSTEM_FAULT_POINTS.indexOf(point) >= FILESYSTEM_FAULT_POINTS.indexOf('linked');
    expect(await storage.list('')).toEqual(published ? ['a/state'] : []);
    expect((await storage.read('a/state'))?.byteLength).toBe(published ? content.length : undefined);

    const leftovers =
      FILESYSTEM_FAULT_POINTS.indexOf(point) < FILESYSTEM_FAULT_POINTS.indexOf('temporary-removed') ? 1 : 0;
    expect(await storage.sweepTemporary('', 60_000)).toBe(0);
    expect(await storage.sweepTemporary('', 0)).toBe(leftovers);
    expect(await readdir(directory, { recursive: true })).toEqual(published ? ['a', 'a/state'] : []);
    expect((await storage.read('a/state'))?.byteLength).toBe(published ? content.length : undefined);
  },
);
