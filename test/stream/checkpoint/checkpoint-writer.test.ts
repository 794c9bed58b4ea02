import { expect, test } from 'vitest';
import { writeSubtaskState } from '../../../src/stream/checkpoint/checkpoint-writer.ts';
import { aKeyedCapture, aList, anOperatorCapture, aState, aStorage, breathe, sha256, signal } from './builders.ts';

const where = { directory: 'job/chk-1-1-abcdef', vertexId: 'v1', subtaskIndex: 0, signal, breathe };
const keyedCapture = () =>
  aKeyedCapture([{ meta: aState('s'), groups: new Map(Array.from({ length: 4 }, (_, group) => [group, 'x'])) }]);

test('one file per subtask, and the answer says what was written', async () => {
  const storage = aStorage();
  const snapshots = [anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'x')] })];
  const result = await writeSubtaskState({ ...where, storage, snapshots });

  expect(await storage.list('')).toEqual(['job/chk-1-1-abcdef/v1-0.state']);
  const bytes = await storage.read('job/chk-1-1-abcdef/v1-0.state');
  expect(result.file).toEqual({ path: 'v1-0.state', sizeBytes: bytes!.length, sha256: sha256(bytes!) });
  expect(result).toMatchObject({ directory: where.directory, vertexId: 'v1', subtaskIndex: 0 });
  expect(result.operators.map(({ uid }) => uid)).toEqual(['a']);
});

test('a subtask without state writes no file', async () => {
  const storage = aStorage();
  const result = await writeSubtaskState({ ...where, storage, snapshots: [anOperatorCapture('a')] });
  expect(result.file).toBeUndefined();
  expect(await storage.list('')).toEqual([]);
});

test('records get a turn between slices', async () => {
  let turns = 0;
  const keyed = keyedCapture();
  await writeSubtaskState({
    ...where,
    storage: aStorage(),
    snapshots: [anOperatorCapture('a', { keyed })],
    breathe: async () => void turns++,
  });
  expect(turns).toBe(4);
});

test('the capture is let go before the file is written', async () => {
  const keyed = keyedCapture();
  const storage = aStorage();
  let releasedAtWrite = -1;
  const watched: Pick<typeof storage, 'write' | 'delete'> = {
    delete: (path) => storage.delete(path),
    write: (...request) => {
      releasedAtWrite = keyed.released;
      return storage.write(...request);
    },
  };
  await writeSubtaskState({ ...where, storage: watched, snapshots: [anOperatorCapture('a', { keyed })] });
  expect(releasedAtWrite).toBe(1);
  expect(keyed.released).toBe(1);
});

test('a checkpoint that is given up while encoding stops, and the capture is released once', async () => {
  const keyed = keyedCapture();
  const controller = new AbortController();
  const writing = writeSubtaskState({
    ...where,
    storage: aStorage(),
    snapshots: [anOperatorCapture('a', { keyed })],
    signal: controller.signal,
    breathe: async () => controller.abort(new Error('given up')),
  });
  await expect(writing).rejects.toThrow('given up');
  expect(keyed.released).toBe(1);
});

test('a capture that cannot be written is released, and the error is the cause', async () => {
  const keyed = keyedCapture();
  const storage = aStorage();
  await storage.write('job/chk-1-1-abcdef/v1-0.state', Buffer.from('other'), { exclusive: true });
  const writing = writeSubtaskState({ ...where, storage, snapshots: [anOperatorCapture('a', { keyed })] });
  await expect(writing).rejects.toMatchObject({ code: 'STORAGE_FILE_EXISTS' });
  expect(keyed.released).toBe(1);
});

test('work that must be durable and fails declines the capture and takes the file away', async () => {
  const storage = aStorage();
  const durable = Promise.reject(new Error('fsync failed'));
  const snapshots = [anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'x')], durable })];
  await expect(writeSubtaskState({ ...where, storage, snapshots })).rejects.toThrow('fsync failed');
  expect(await storage.list('')).toEqual([]);
});

test('a failure of durable work is reported even when the encoding fails first', async () => {
  const keyed = aKeyedCapture([{ meta: aState('s'), groups: new Map([[1, 'x']]) }]);
  const broken = {
    ...keyed,
    // biome-ignore lint/correctness/useYield: fails before its first yield.
    *write(): Generator<void, void, void> {
      throw new Error('cannot encode');
    },
  };
  const durable = Promise.reject(new Error('fsync failed'));
  const snapshots = [anOperatorCapture('a', { keyed: broken, durable })];
  await expect(writeSubtaskState({ ...where, storage: aStorage(), snapshots })).rejects.toThrow('cannot encode');
});
