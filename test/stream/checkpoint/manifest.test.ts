import { expect, test } from 'vitest';
import {
  decodeManifest,
  encodeManifest,
  readManifest,
  writeManifest,
} from '../../../src/stream/checkpoint/manifest-codec.ts';
import {
  aHandle,
  aJob,
  aKeyedCapture,
  aList,
  aManifest,
  anOperatorCapture,
  anOperatorState,
  aState,
  aStorage,
  aVertex,
  damage,
  INT,
  ownGroups,
  sha256,
  takeCheckpoint,
} from './builders.ts';

const aKeyedHandle = (firstKeyGroup: number, lastKeyGroup: number, blocks: number[]) => ({
  keyType: INT,
  firstKeyGroup,
  lastKeyGroup,
  states: [{ ...aState('s'), blocks }],
});

const decode = (document: unknown) => decodeManifest(Buffer.from(JSON.stringify(document)), 'm/_metadata');

test('a manifest is JSON and reads back as it was', async () => {
  const counter = aVertex(['counter']);
  const manifest = await takeCheckpoint(
    aStorage(),
    'd',
    aJob(aVertex(['source', 'parse']), counter),
    (vertex, subtask) =>
      vertex === counter
        ? [
            anOperatorCapture('counter', {
              keyed: aKeyedCapture([
                { meta: aState('s', { mapKeyType: INT }), groups: ownGroups(vertex, subtask, 's') },
              ]),
              rawKeyed: new Map([[vertex.parallelism === 2 ? subtask * 4 : 0, Buffer.from('raw')]]),
            }),
          ]
        : [anOperatorCapture('source', { operatorState: [aList('l', 'UNION', 'x')] }), anOperatorCapture('parse')],
  );
  const bytes = encodeManifest(manifest);
  expect(String.fromCharCode(bytes[0]!)).toBe('{');
  expect(decodeManifest(bytes, 'm', { sizeBytes: bytes.length, sha256: sha256(bytes) })).toEqual(manifest);
  expect(manifest.operators.map(({ name, subtasks }) => [name, subtasks.length])).toEqual([
    ['the source', 2],
    ['the parse', 2],
    ['the counter', 2],
  ]);
  expect(manifest.operators[2]!.subtasks.map(({ keyed }) => [keyed!.firstKeyGroup, keyed!.lastKeyGroup])).toEqual([
    [0, 3],
    [4, 7],
  ]);
});

test('it is written last and once, and found again by its hash', async () => {
  const storage = aStorage();
  const manifest = aManifest([anOperatorState('source')]);
  const written = await writeManifest(storage, 'job/chk-1-1-abcdef', manifest);
  expect(written.path).toBe('job/chk-1-1-abcdef/_metadata');
  expect(await readManifest(storage, 'job/chk-1-1-abcdef', written)).toEqual(manifest);
  await expect(writeManifest(storage, 'job/chk-1-1-abcdef', manifest)).rejects.toMatchObject({
    code: 'STORAGE_FILE_EXISTS',
  });
});

test('an operator all of whose subtasks had finished is finished', async () => {
  const job = aJob(aVertex(['source']), aVertex(['sink']));
  const manifest = await takeCheckpoint(aStorage(), 'd', job, (vertex) =>
    vertex.name === 'source' ? 'gone' : [anOperatorCapture('sink')],
  );
  expect(manifest.operators.map(({ finished }) => finished)).toEqual([true, false]);
  expect(manifest.operators[0]!.subtasks).toEqual([
    { subtask: 0, finished: true },
    { subtask: 1, finished: true },
  ]);
});

test('a subtask at the end of its input that still answers keeps its state, union state too', async () => {
  const job = aJob(aVertex(['sink']));
  const capture = () => [anOperatorCapture('sink', { operatorState: [aList('pending', 'UNION', 'x')] })];
  const manifest = await takeCheckpoint(aStorage(), 'd', job, capture, (_, subtask) => subtask === 0);
  const [sink] = manifest.operators;
  expect(sink!.finished).toBe(false);
  expect(sink!.subtasks.map(({ finished, operatorState }) => [finished, operatorState!.length])).toEqual([
    [true, 1],
    [undefined, 1],
  ]);
});

test('a partly finished operator with union state gives no checkpoint', async () => {
  const taking = takeCheckpoint(aStorage(), 'd', aJob(aVertex(['source'])), (_, subtask) =>
    subtask === 0 ? 'gone' : [anOperatorCapture('source', { operatorState: [aList('u', 'UNION', 'x')] })],
  );
  await expect(taking).rejects.toThrow('has used UnionListState, but part of its tasks are FINISHED');
});

test('a directory without a manifest is no checkpoint', async () => {
  await expect(readManifest(aStorage(), 'd')).rejects.toThrow(
    'checkpoint metadata memory://d/_metadata is damaged: the file does not exist',
  );
});

test('a cut manifest and one with a changed bit are told from the handle', async () => {
  const storage = aStorage();
  const written = await writeManifest(storage, 'd', aManifest([anOperatorState('source')]));
  await damage(storage, 'd/_metadata', (bytes) => bytes.subarray(0, -1));
  await expect(readManifest(storage, 'd', written)).rejects.toThrow(
    `expected ${written.sizeBytes} bytes, found ${written.sizeBytes - 1}`,
  );
  await damage(storage, 'd/_metadata', (bytes) => Buffer.concat([bytes, Buffer.from('!')]));
  await expect(readManifest(storage, 'd', written)).rejects.toThrow(`expected sha256 ${written.sha256}, found`);
});

test('without a handle a cut manifest is still refused', async () => {
  const storage = aStorage();
  await writeManifest(storage, 'd', aManifest([anOperatorState('source')]));
  await damage(storage, 'd/_metadata', (bytes) => bytes.subarray(0, -1));
  await expect(readManifest(storage, 'd')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
});

test('the metadata of Apache Flink is named as such', () => {
  const bytes = Buffer.from('4960672d00000004', 'hex');
  expect(() => decodeManifest(bytes, 'm')).toThrow('is the metadata of an Apache Flink job');
});

test.each([Buffer.from('garbage'), Buffer.alloc(0), Buffer.from('[1]')])(
  'bytes with another beginning are refused',
  (bytes) => {
    expect(() => decodeManifest(bytes, 'm')).toThrow('Unexpected magic number.');
  },
);

test('a manifest of a later version asks for the later release', () => {
  const later = { ...aManifest([]), version: 2, operators: 'something else' };
  expect(() => decode(later)).toThrow(
    'm/_metadata has format version 2; this release reads version 1. Restore it with the release that wrote it, or a later one.',
  );
});

test('unknown fields are left out, so that a later release may add some', () => {
  const manifest = aManifest([anOperatorState('source')]);
  expect(decode({ ...manifest, extra: 1 })).toEqual(manifest);
});

test.each<[string, (manifest: ReturnType<typeof aManifest>) => unknown, string]>([
  ['no object', () => ({}), 'files must be a list, not missing'],
  ['another format', (m) => ({ ...m, format: 'x' }), 'format must be one of flinkjob-state, not "x"'],
  [
    'a file outside',
    (m) => ({ ...m, files: [{ ...m.files[0], path: '../x' }] }),
    'files[0].path must be a file in the directory',
  ],
  ['a file twice', (m) => ({ ...m, files: [m.files[0], m.files[0]] }), 'files must be a list of different paths'],
  [
    'a short hash',
    (m) => ({ ...m, files: [{ ...m.files[0], sha256: 'ab' }] }),
    'files[0].sha256 must be 64 lowercase hex digits',
  ],
  ['a negative id', (m) => ({ ...m, checkpointId: -1 }), 'checkpointId must be a whole number'],
  [
    'an operator twice',
    (m) => ({ ...m, operators: [m.operators[0], m.operators[0]] }),
    'operators must be a list of different operator ids',
  ],
  [
    'a missing subtask',
    (m) => ({ ...m, operators: [{ ...m.operators[0], subtasks: [] }] }),
    'operators[0].subtasks must be a list of 2',
  ],
  [
    'subtasks out of order',
    (m) => ({ ...m, operators: [{ ...m.operators[0], subtasks: [...m.operators[0]!.subtasks].reverse() }] }),
    'operators[0].subtasks[0].subtask must be 0, not 1',
  ],
  [
    'parallelism above the maximum',
    (m) => ({ ...m, operators: [{ ...m.operators[0], parallelism: 9 }] }),
    'operators[0].parallelism',
  ],
  [
    'a file that does not exist',
    () => aManifest([anOperatorState('a', {}, () => ({ file: 1, operatorState: [aHandle('l', 1)] }))]),
    'operators[0].subtasks[0].file must be a whole number from 0 to 0, not 1',
  ],
  [
    'state without a file',
    () => aManifest([anOperatorState('a', {}, () => ({ operatorState: [aHandle('l', 1)] }))]),
    'partitions[0] must be inside a file of 0 bytes',
  ],
  [
    'an offset behind the end of the file',
    () => aManifest([anOperatorState('a', {}, () => ({ file: 0, rawOperator: [9_990, 11] }))]),
    'operators[0].subtasks[0].rawOperator[0] must be inside a file of 10000 bytes, not "11 bytes at 9990"',
  ],
  [
    'half a pair',
    () => aManifest([anOperatorState('a', {}, () => ({ file: 0, rawOperator: [100] }))]),
    'must be numbers in groups of 2',
  ],
  [
    'a fraction',
    () => aManifest([anOperatorState('a', {}, () => ({ file: 0, rawOperator: [100.5, 1] }))]),
    'must be whole numbers from 0 on, not 100.5',
  ],
  [
    'key groups out of order',
    () =>
      aManifest([
        anOperatorState('a', { parallelism: 1 }, () => ({
          file: 0,
          keyed: aKeyedHandle(0, 7, [3, 100, 1, 2, 101, 1]),
        })),
      ]),
    'blocks[3] must be a key group from 4 to 7, not 2',
  ],
  [
    'a key group that two subtasks hold',
    () => aManifest([anOperatorState('a', {}, () => ({ file: 0, keyed: aKeyedHandle(2, 4, [3, 100, 1]) }))]),
    'operators[0].subtasks[1] must be key groups above 4, which an earlier subtask holds, not 2',
  ],
  [
    'a key group above the maximum',
    () => aManifest([anOperatorState('a', { parallelism: 1 }, () => ({ file: 0, rawKeyed: [8, 100, 1] }))]),
    'rawKeyed[0] must be a key group from 0 to 7, not 8',
  ],
])('a manifest with %s is refused, naming the place', (_, change, problem) => {
  const change_ = change(aManifest([anOperatorState('source')]));
  expect(() => decode(change_)).toThrow(problem);
});

test.each(['kind', 'jobId', 'files', 'operators'])('%s nested beyond any depth is refused with a message', (name) => {
  const text = JSON.stringify({ ...aManifest([]), [name]: 'HERE' }).replace(
    '"HERE"',
    '['.repeat(200_000) + ']'.repeat(200_000),
  );
  const attempt = () => decodeManifest(Buffer.from(text), 'm');
  expect(attempt).toThrow('checkpoint metadata m is damaged');
});

test('a type nested without end is refused, not followed', () => {
  let type: Record<string, unknown> = { kind: 'int32' };
  for (let depth = 0; depth < 1_000; depth++) type = { kind: 'list', element: type };
  const operator = anOperatorState('a', {}, () => ({
    file: 0,
    operatorState: [{ ...aHandle('l', 1), type: type as never }],
  }));
  expect(() => decode(aManifest([operator]))).toThrow('at most 64 types deep');
});

test('a manifest that is nested without end is refused before it is parsed', () => {
  const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(() => decodeManifest(Buffer.from(text), 'm')).toThrow('nested more than 10000 levels deep');
});

test('an instant that no calendar has is refused', () => {
  expect(() => decode({ ...aManifest([]), timestamp: 8.64e15 + 1 })).toThrow(
    'timestamp must be a whole number from 0 to',
  );
});
