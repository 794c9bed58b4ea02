import { expect, test } from 'vitest';
import { describeManifest, describeType } from '../../../src/stream/checkpoint/describe-manifest.ts';
import {
  aJob,
  aKeyedCapture,
  aList,
  anOperatorCapture,
  aState,
  aStorage,
  aVertex,
  INT,
  ownGroups,
  STRING,
  takeCheckpoint,
} from './builders.ts';

test('a manifest is described with states, types and sizes over all subtasks', async () => {
  const manifest = await takeCheckpoint(aStorage(), 'd', aJob(aVertex(['counter'])), (vertex, subtask) => [
    anOperatorCapture('counter', {
      keyed: aKeyedCapture([
        { meta: aState('sum'), groups: ownGroups(vertex, subtask, 'g') },
        { meta: aState('names', { kind: 'map', type: STRING, mapKeyType: INT, ttl: true }), groups: new Map() },
      ]),
      operatorState: [aList('offsets', 'SPLIT_DISTRIBUTE', 'abc', 'de')],
      rawKeyed: new Map([[subtask * 4, Buffer.from('raw')]]),
      rawOperator: [Buffer.from('stream')],
    }),
  ]);
  const description = describeManifest(manifest);
  expect(description).toMatchObject({ kind: 'checkpoint', checkpointId: 7, epoch: 3, jobName: 'flights', files: 2 });
  expect(description.bytes).toBe(manifest.files[0]!.sizeBytes + manifest.files[1]!.sizeBytes);
  const [operator] = description.operators;
  expect(operator).toMatchObject({
    uid: 'counter',
    parallelism: 2,
    maxParallelism: 8,
    rawKeyedBytes: 6,
    rawOperatorBytes: 12,
  });
  expect(operator!.keyed).toEqual([
    {
      name: 'sum',
      kind: 'value',
      namespace: 'void',
      type: 'int32',
      keyType: 'int32',
      ttl: false,
      keyGroups: 8,
      bytes: 24,
    },
    {
      name: 'names',
      kind: 'map',
      namespace: 'void',
      type: 'map<int32, string>',
      keyType: 'int32',
      ttl: true,
      keyGroups: 0,
      bytes: 0,
    },
  ]);
  expect(operator!.operatorState).toEqual([
    { name: 'offsets', mode: 'SPLIT_DISTRIBUTE', type: 'string', partitions: 4, bytes: 10 },
  ]);
  expect(operator!.bytes).toBe(24 + 10 + 6 + 12);
});

test('types are told in words', () => {
  const object = {
    kind: 'object',
    fields: [
      { name: 'at', type: { kind: 'int64' } },
      { name: 'by', type: { kind: 'optional', element: STRING } },
    ],
  };
  expect(describeType(object)).toBe('{at: int64, by: string?}');
  expect(
    describeType({
      kind: 'tuple',
      fields: [
        { name: '0', type: INT },
        { name: '1', type: STRING },
      ],
    }),
  ).toBe('[int32, string]');
  expect(describeType({ kind: 'map', key: STRING, element: { kind: 'list', element: object } })).toBe(
    'map<string, list<{at: int64, by: string?}>>',
  );
  expect(describeType(undefined)).toBe('-');
});
