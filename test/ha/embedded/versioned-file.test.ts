import { mkdtemp, readdir, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  VERSIONED_FILE_FAULT_POINTS,
  VersionedFile,
  type VersionedFileOptions,
} from '../../../src/ha/embedded/versioned-file.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'versioned-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

let ids = 0;
const fileOf = (options: Partial<VersionedFileOptions<number>> = {}) =>
  new VersionedFile<number>({
    directory: join(directory, 'object'),
    parse: (json) => (typeof json === 'number' ? json : undefined),
    newId: () => `id${ids++}`,
    durable: true,
    ...options,
  });
const names = async () => (await readdir(join(directory, 'object'))).sort();
const pathOf = (version: number) => join(directory, 'object', `${String(version).padStart(16, '0')}.json`);
const countTo = async (file: VersionedFile<number>, last: number) => {
  for (let value = ((await file.read())?.value ?? -1) + 1; value <= last; value += 1) {
    expect(await file.compareAndSet(await file.read(), value)).toEqual({ answer: 'done' });
  }
};

test('there is nothing at first, then the newest value', async () => {
  const file = fileOf();
  expect(await file.read()).toBeUndefined();
  await countTo(file, 3);
  expect(await fileOf().read()).toMatchObject({ version: 3, value: 3 });
});

test('of two that start from one version the second is told that it moved', async () => {
  const file = fileOf();
  await countTo(file, 1);
  const from = await file.read();
  expect(await file.compareAndSet(from, 10)).toEqual({ answer: 'done' });
  expect(await file.compareAndSet(from, 11)).toEqual({ answer: 'moved' });
  expect(await fileOf().compareAndSet(undefined, 12)).toEqual({ answer: 'moved' });
  expect((await file.read())?.value).toBe(10);
});

test('old versions and temporary names go, the newest stay', async () => {
  const file = fileOf({ keep: 4 });
  await countTo(file, 41);
  expect((await names()).every((name) => name.endsWith('.json'))).toBe(true);
  expect((await names()).length).toBeLessThanOrEqual(9);
  expect((await file.read())?.value).toBe(41);
});

test.each(VERSIONED_FILE_FAULT_POINTS)(
  'a process that ends at "%s" leaves the version before or after, and others go on',
  async (point) => {
    await countTo(fileOf(), 5);
    const dying = fileOf({ faults: (reached) => (reached === point ? new Promise(() => {}) : undefined) });
    const isCommitted = point !== 'written';
    void dying.compareAndSet(await dying.read(), 6);
    await expect
      .poll(
        async () => (await names()).some((name) => name.startsWith('.tmp-')) || (await fileOf().read())?.value === 6,
      )
      .toBe(true);
    await expect.poll(async () => (await fileOf().read())?.value).toBe(isCommitted ? 6 : 5);
    const other = fileOf();
    expect(await other.compareAndSet(await other.read(), 7)).toEqual({ answer: 'done' });
    expect((await fileOf().read())?.value).toBe(7);
  },
);

test('a writer that was stopped before its link, while the version it wanted came and went, is not told that it is done', async () => {
  const file = fileOf({ keep: 2 });
  await countTo(file, 5);
  let goOn = (): void => {};
  let isStopped = false;
  const stopped = fileOf({
    faults: (point) => {
      if (point !== 'written') return undefined;
      isStopped = true;
      return new Promise((resolve) => {
        goOn = resolve;
      });
    },
  });
  const late = stopped.compareAndSet(await stopped.read(), 1_000);
  await expect.poll(() => isStopped).toBe(true);
  await countTo(file, 30);
  expect(await names()).not.toContain(pathOf(6).split('/').at(-1));
  goOn();
  expect(await late).toMatchObject({ answer: 'unknown' });
  expect(await fileOf().read()).toMatchObject({ version: 30, value: 30 });
  await countTo(file, 40);
  expect((await fileOf().read())?.value).toBe(40);
});

test('the first version of a file that has long had others is not taken for a success', async () => {
  const file = fileOf({ keep: 2 });
  await countTo(file, 20);
  expect(await names()).not.toContain(pathOf(0).split('/').at(-1));
  expect(await file.compareAndSet(undefined, 1_000)).toMatchObject({ answer: 'unknown' });
  expect((await file.read())?.value).toBe(20);
});

test('what cannot be written changes nothing', async () => {
  await writeFile(join(directory, 'file'), '');
  const file = fileOf({ directory: join(directory, 'file', 'object') });
  expect(await file.compareAndSet(undefined, 1)).toMatchObject({
    answer: 'failed',
    cause: { code: 'STORAGE_UNWRITABLE' },
  });
});

test('a newest file that cannot be understood is shown as such, and can be replaced', async () => {
  const file = fileOf();
  await countTo(file, 2);
  await writeFile(pathOf(3), '{"mark":"x","val');
  const broken = await file.read();
  expect(broken).toMatchObject({ version: 3, value: undefined });
  expect(await file.compareAndSet(broken, 4)).toEqual({ answer: 'done' });
});

test('temporary files of processes that were killed are swept, and only old ones', async () => {
  const file = fileOf();
  await countTo(file, 1);
  const [old, young] = ['old', 'young'].map((name) => join(directory, 'object', `.tmp-${name}`));
  for (const path of [old, young]) await writeFile(path ?? '', '');
  await utimes(old ?? '', 1_000, 1_000);
  await file.sweepTemporary(2_000_000);
  expect((await names()).filter((name) => name.startsWith('.tmp-'))).toEqual(['.tmp-young']);
});

test('ten writers that count together lose no count', async () => {
  const writers = Array.from({ length: 10 }, () => fileOf({ keep: 3, durable: false }));
  await countTo(fileOf(), 0);
  await Promise.all(
    writers.map(async (file) => {
      for (let done = 0; done < 20; ) {
        const from = await file.read();
        const { answer } = await file.compareAndSet(from, (from?.value ?? 0) + 1);
        expect(['done', 'moved', 'unknown']).toContain(answer);
        if (answer === 'done') done += 1;
      }
    }),
  );
  // An unknown answer may have been a success, so the count can only be higher.
  expect((await fileOf().read())?.value).toBeGreaterThanOrEqual(200);
  await unlink(pathOf((await fileOf().read())?.version ?? 0));
});
