import { expect, test } from 'vitest';
import type { Storage } from '../../../src/storage/index.ts';
import type { JobShape } from '../../../src/stream/checkpoint/job-shape.ts';
import type { CheckpointManifest } from '../../../src/stream/checkpoint/manifest.ts';
import { assignState } from '../../../src/stream/checkpoint/restore-assignment.ts';
import { StateReader } from '../../../src/stream/checkpoint/state-reader.ts';
import { operatorIdOf } from '../../../src/stream/operator-id.ts';
import {
  aJob,
  aKeyedCapture,
  aList,
  anOperatorCapture,
  aState,
  aStorage,
  aVertex,
  damage,
  ownGroups,
  takeCheckpoint,
} from './builders.ts';

const DIRECTORY = 'job/chk-7-3-abcdef';
const counter = (parallelism: number) => aVertex(['counter'], { parallelism });
const FILE = `${DIRECTORY}/${counter(2).vertexId}-0.state`;

/** All kinds of state at parallelism 2. */
const take = (storage: Storage) =>
  takeCheckpoint(storage, DIRECTORY, aJob(counter(2)), (vertex, subtask) => [
    anOperatorCapture('counter', {
      keyed: aKeyedCapture([
        { meta: aState('count'), groups: ownGroups(vertex, subtask, 'count') },
        { meta: aState('sum'), groups: new Map([[subtask * 4, 'sum']]) },
      ]),
      operatorState: [aList('split', 'SPLIT_DISTRIBUTE', `s${subtask}`, 'x'), aList('all', 'UNION', `u${subtask}`)],
      rawKeyed: new Map([[subtask * 4 + 1, Buffer.from(`raw ${subtask}`)]]),
      rawOperator: [Buffer.from(`stream ${subtask}`)],
    }),
  ]);

async function restore(storage: Pick<Storage, 'uri' | 'read'>, manifest: CheckpointManifest, job: JobShape) {
  const assignment = assignState({ manifest, job, from: 'x', origin: 'startPoint', allowNonRestoredState: false });
  const reader = new StateReader({ storage, directory: DIRECTORY });
  const subtasks = assignment.vertices.flatMap((vertex) => vertex.subtasks);
  return Promise.all(subtasks.map(async (subtask) => (await reader.read(subtask)).get(operatorIdOf('counter'))!));
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test.each([1, 2, 3, 8])('state of two subtasks is read back whole by %i', async (parallelism) => {
  const storage = aStorage();
  const restored = await restore(storage, await take(storage), aJob(counter(parallelism)));

  const keyed = restored.flatMap((each) =>
    each.keyed.flatMap(({ states, blocks }) =>
      [...blocks].map(({ stateIndex, keyGroup, bytes }) => `${states[stateIndex]!.name} ${keyGroup} ${text(bytes)}`),
    ),
  );
  const counts = Array.from({ length: 8 }, (_, group) => `count ${group} count-${group}`);
  expect(keyed.sort()).toEqual([...counts, 'sum 0 sum', 'sum 4 sum']);
  const elements = (name: string) =>
    restored.map((each) =>
      each.operatorState.filter((part) => part.name === name).flatMap(({ partitions }) => partitions.map(text)),
    );
  expect(elements('split').flat()).toEqual(['s0', 'x', 's1', 'x']);
  expect(elements('all')).toEqual(Array(parallelism).fill(['u0', 'u1']));
  expect(restored.flatMap(({ rawKeyed }) => [...rawKeyed].map(([group, bytes]) => [group, text(bytes)]))).toEqual([
    [1, 'raw 0'],
    [5, 'raw 1'],
  ]);
  expect(restored.flatMap(({ rawOperator }) => rawOperator.map(text))).toEqual(['stream 0', 'stream 1']);
  expect(restored.every(({ checkpointId }) => checkpointId === 7)).toBe(true);
});

test('a file is read once, however many subtasks need it', async () => {
  const storage = aStorage();
  const manifest = await take(storage);
  const reads: string[] = [];
  const counting = {
    uri: storage.uri,
    read: (path: string) => {
      reads.push(path);
      return storage.read(path);
    },
  };
  await restore(counting, manifest, aJob(counter(8)));
  expect(reads.length).toBe(2);
});

test('a missing file names itself, what was expected and what to do', async () => {
  const storage = aStorage();
  const manifest = await take(storage);
  await storage.delete(FILE);
  const error = await restore(storage, manifest, aJob(counter(2))).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  expect((error as Error).message).toMatch(
    /state file memory:\/\/job\/chk-7-3-abcdef\/\w+-0\.state is damaged: expected a file of \d+ bytes, found no such file\. Restore from another checkpoint/,
  );
});

test('a truncated file is refused with both sizes', async () => {
  const storage = aStorage();
  const manifest = await take(storage);
  const { sizeBytes } = manifest.files[0]!;
  await damage(storage, FILE, (bytes) => bytes.subarray(0, -5));
  await expect(restore(storage, manifest, aJob(counter(2)))).rejects.toThrow(
    `expected ${sizeBytes} bytes, found ${sizeBytes - 5} bytes`,
  );
});

test('a bit-flipped file is refused with both hashes', async () => {
  const storage = aStorage();
  const manifest = await take(storage);
  await damage(storage, FILE, (bytes) => {
    bytes[100]! ^= 4;
    return bytes;
  });
  await expect(restore(storage, manifest, aJob(counter(2)))).rejects.toThrow(
    `expected sha256 ${manifest.files[0]!.sha256}, found `,
  );
});

test('a storage that cannot answer is not taken for damage', async () => {
  const storage = aStorage();
  const manifest = await take(storage);
  const failing = { uri: storage.uri, read: () => Promise.reject(new Error('connection lost')) };
  await expect(restore(failing, manifest, aJob(counter(2)))).rejects.toThrow('connection lost');
});
