import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { FlinkMetadata, MetadataStream, OperatorMetadata } from '../../../src/flink/metadata/metadata.ts';
import { readFlinkMetadata } from '../../../src/flink/metadata/metadata-reader.ts';
import { stateFilesOf } from '../../../src/flink/metadata/state-files.ts';

test('a checkpoint of real Flink needs the one file that its keyed state lies in', () => {
  const bytes = readFileSync('test/fixtures/flink/checkpoint-file/metadata');
  expect(stateFilesOf(readFlinkMetadata(bytes, 'it'))).toEqual([
    { at: 'dd4f82fc-8b9c-4119-bc3f-dc9dfdbe63e1', isRelative: true, sizeBytes: 20_856 },
  ]);
});

test('a savepoint with all state in its `_metadata` needs no file', () => {
  const bytes = readFileSync('test/fixtures/flink/metadata/2.3.0/native-savepoint/_metadata');
  expect(stateFilesOf(readFlinkMetadata(bytes, 'it'))).toEqual([]);
});

const segment = (start: number, sizeBytes: number): MetadataStream => ({
  in: 'segment',
  uri: 'file:/shared',
  start,
  sizeBytes,
  logicalId: `${start}`,
});
const file = (uri: string): MetadataStream => ({ in: 'file', uri, sizeBytes: 1 });
const range = [0, 1] as const;

/** A `_metadata` of one subtask with this state. */
function metadataOf(parts: Partial<OperatorMetadata['subtasks'][number]>, coordinator?: MetadataStream): FlinkMetadata {
  const subtask = {
    subtask: 0,
    managedOperator: undefined,
    rawOperator: undefined,
    managedKeyed: undefined,
    rawKeyed: undefined,
    inputChannels: [],
    resultSubpartitions: [],
    ...parts,
  };
  const operator: OperatorMetadata = {
    id: '0'.repeat(32),
    name: undefined,
    uid: undefined,
    parallelism: 1,
    maxParallelism: 1,
    coordinator,
    isFullyFinished: false,
    finishedSubtasks: [],
    subtasks: [subtask],
  };
  const common = { version: 6, checkpointId: 1, masterStates: [], trailingBytes: 0, snapshot: undefined };
  return { ...common, operators: [operator] };
}

test('a file that holds several states is needed once, up to the end of the last', () => {
  const channel = { subtask: 0, channel: undefined, sizeBytes: 1 };
  const metadata = metadataOf({
    inputChannels: [
      { ...channel, stream: segment(50, 10) },
      { ...channel, stream: segment(10, 40) },
    ],
  });
  expect(stateFilesOf(metadata)).toEqual([{ at: 'file:/shared', isRelative: false, sizeBytes: 60 }]);
});

test('every place where state can stand is looked at', () => {
  const keygroups = (uri: string) =>
    ({ kind: 'keygroups', range, offsets: [], stream: file(uri), handleId: undefined }) as const;
  const incremental = {
    kind: 'incremental',
    range,
    checkpointId: 1,
    backendId: 'b',
    addedBytes: undefined,
    meta: file('meta'),
    shared: [{ path: 's', stream: file('shared') }],
    own: [{ path: 'o', stream: { in: 'metadata', name: 'small', data: new Uint8Array(1) } }],
    handleId: undefined,
  } as const;
  const log = {
    kind: 'changelogFiles',
    range,
    sizeBytes: 1,
    streams: [file('log')],
    handleId: 'h',
    storageId: undefined,
  } as const;
  const metadata = metadataOf(
    {
      managedOperator: { states: [], stream: file('operator') },
      rawOperator: { states: [], stream: { in: 'relativeFile', path: 'raw', sizeBytes: 1 } },
      managedKeyed: {
        kind: 'changelog',
        range,
        sizeBytes: 1,
        materialized: [incremental],
        log: [log, { kind: 'changelogBytes', range, sizeBytes: 1, changes: 1, handleId: 'i' }],
        materializationId: 1,
        checkpointId: 1,
        handleId: undefined,
      },
      rawKeyed: keygroups('rawKeyed'),
      inputChannels: [{ subtask: 0, channel: undefined, sizeBytes: 1, stream: undefined }],
      resultSubpartitions: [{ subtask: 0, channel: undefined, sizeBytes: 1, stream: file('result') }],
    },
    file('coordinator'),
  );
  const names = ['coordinator', 'operator', 'raw', 'meta', 'shared', 'log', 'rawKeyed', 'result'];
  expect(stateFilesOf(metadata).map(({ at }) => at)).toEqual(names);
});
