import { expect, test } from 'vitest';
import { describeFlinkMetadata, sizeOfKeyedState } from '../../../src/flink/metadata/describe-metadata.ts';
import type { SubtaskState } from '../../../src/flink/metadata/metadata.ts';
import { readFlinkMetadata } from '../../../src/flink/metadata/metadata-reader.ts';
import { FlinkDataError } from '../../../src/flink/wire/errors.ts';
import {
  file,
  headOf,
  metadataOf,
  namedState,
  none,
  type Parts,
  parts,
  wholeOf,
  withKeyed,
} from './metadata-builder.ts';

const read = (bytes: Uint8Array) => readFlinkMetadata(bytes, 'the file');
const subtaskOf = (version: number, body: Parts): SubtaskState =>
  read(metadataOf(version, body)).operators[0]!.subtasks[0]!;
const keyedOf = (keyed: Parts, version = 6) => subtaskOf(version, withKeyed(keyed)).managedKeyed!;

test('an incremental handle of the first form has no id and no size', () => {
  const keyed = keyedOf(
    parts()
      .byte(5)
      .long(7)
      .utf('backend')
      .int(3, 2)
      .add(file(10, 's3://b/meta'))
      .int(1)
      .utf('000001.sst')
      .add(file(20, 's3://b/shared/1'))
      .int(1)
      .utf('MANIFEST')
      .add(file(30, 's3://b/own/1')),
    3,
  );
  expect(keyed).toEqual({
    kind: 'incremental',
    range: [3, 4],
    checkpointId: 7,
    backendId: 'backend',
    addedBytes: undefined,
    meta: { in: 'file', uri: 's3://b/meta', sizeBytes: 10 },
    shared: [{ path: '000001.sst', stream: { in: 'file', uri: 's3://b/shared/1', sizeBytes: 20 } }],
    own: [{ path: 'MANIFEST', stream: { in: 'file', uri: 's3://b/own/1', sizeBytes: 30 } }],
    handleId: undefined,
  });
  expect(sizeOfKeyedState(keyed)).toBe(60);
});

test('a changelog of the first form holds other keyed state and log files', () => {
  const materialized = parts().byte(3).int(0, 1).long(-1).add(file(5, 'a'));
  const log = parts().byte(10).int(0, 1).int(1).long(9).add(file(6, 'b')).long(6, 6).utf('log-id');
  const keyed = keyedOf(parts().byte(8).int(0, 1).long(11).int(2).add(materialized, none()).int(1).add(log).long(3));
  expect(keyed).toMatchObject({
    kind: 'changelog',
    range: [0, 0],
    sizeBytes: 11,
    materialized: [{ kind: 'keygroups', offsets: [-1] }],
    log: [{ kind: 'changelogFiles', sizeBytes: 6, handleId: 'log-id', storageId: undefined }],
    materializationId: 3,
    checkpointId: undefined,
  });
  expect(sizeOfKeyedState(keyed)).toBe(11);
});

test('log files of the second form name their storage', () => {
  const keyed = keyedOf(
    parts().byte(13).int(0, 1).int(1).long(9).add(file(6, 'b')).long(6, 6).utf('log-id', 'filesystem'),
  );
  expect(keyed).toMatchObject({ kind: 'changelogFiles', storageId: 'filesystem', streams: [{ uri: 'b' }] });
});

test('a log in the file itself is measured', () => {
  const keyed = keyedOf(
    parts().byte(9).int(0, 2).long(1, 2).int(2).int(0, 2).hex('abcd').int(1, 1).hex('ef').utf('id'),
  );
  expect(keyed).toEqual({ kind: 'changelogBytes', range: [0, 1], sizeBytes: 3, changes: 2, handleId: 'id' });
});

test('operator state of merged files names its directories', () => {
  const states = parts().int(1).utf('offsets').byte(1).int(2).long(0, 4);
  const segment = parts().byte(15).long(100, 12).int(1).utf('s3://b/merged', 'logical-1');
  const managed = parts().byte(17).add(states).utf('s3://b/taskowned', 's3://b/shared').byte(0).add(segment);
  const { managedOperator } = subtaskOf(6, parts().int(0, 1).add(managed).int(0).add(none(), none()).int(0, 0));
  expect(managedOperator).toEqual({
    states: [{ name: 'offsets', mode: 'UNION', offsets: [0, 4] }],
    stream: { in: 'segment', uri: 's3://b/merged', start: 100, sizeBytes: 12, logicalId: 'logical-1' },
    merged: { taskOwnedDirectory: 's3://b/taskowned', sharedDirectory: 's3://b/shared', isEmpty: false },
  });
});

test('a merged file without anything in it is an empty segment', () => {
  const managed = parts().byte(17).int(0).utf('a', 'b').byte(1).byte(16);
  const { managedOperator } = subtaskOf(6, parts().int(0, 1).add(managed).int(0).add(none(), none()).int(0, 0));
  expect(managedOperator).toMatchObject({ stream: { in: 'emptySegment' }, merged: { isEmpty: true } });
});

test('records in flight are read channel by channel, and merged from version 6 on', () => {
  const channel = parts().int(0, 1, 2).int(1).long(0).long(8).add(file(8, 'c'));
  const before = subtaskOf(5, parts().int(0, 0, 0).add(none(), none()).int(1).add(channel).int(0));
  expect(before.inputChannels).toEqual([
    { subtask: 0, channel: [1, 2], sizeBytes: 8, stream: { in: 'file', uri: 'c', sizeBytes: 8 } },
  ]);
  const merged = parts().byte(3).int(0).long(16).add(file(16, 'm')).int(3).hex('010203');
  const single = parts().byte(2).add(channel);
  const after = subtaskOf(6, parts().int(0, 0, 0).add(none(), none()).int(0).int(2).add(merged, single));
  expect(after.resultSubpartitions).toEqual([
    { subtask: 0, channel: undefined, sizeBytes: 16, stream: { in: 'file', uri: 'm', sizeBytes: 16 } },
    { subtask: 0, channel: [1, 2], sizeBytes: 8, stream: { in: 'file', uri: 'c', sizeBytes: 8 } },
  ]);
});

test('finished subtasks and finished operators have no body', () => {
  const head = parts().utf('n', '').hex('00'.repeat(16)).int(2, 128).add(none());
  const finished = read(wholeOf(5, parts().add(head).int(1).int(-2))).operators[0]!;
  expect(finished).toMatchObject({ uid: undefined, isFullyFinished: false, finishedSubtasks: [1], subtasks: [] });
  expect(read(wholeOf(5, parts().add(head).int(-1))).operators[0]).toMatchObject({
    isFullyFinished: true,
    subtasks: [],
  });
});

test('sizes of operator states come from where their partitions begin', () => {
  const states = parts().int(2).utf('a').byte(0).int(2).long(10, 30).utf('b').byte(2).int(1).long(15);
  const managed = parts().byte(4).add(states, file(40, 'f'));
  const bytes = metadataOf(4, parts().int(0, 1).add(managed).int(0).add(none(), none()).int(0, 0));
  expect(describeFlinkMetadata(read(bytes)).operators[0]!.operatorState).toEqual([
    { name: 'a', mode: 'SPLIT_DISTRIBUTE', partitions: 2, bytes: 15 },
    { name: 'b', mode: 'BROADCAST', partitions: 1, bytes: 15 },
  ]);
});

test('names of keyed states in a file are read when its head is at hand', () => {
  const bytes = metadataOf(6, withKeyed(parts().byte(3).int(0, 1).long(0).add(file(99, 's3://b/chk-1/x'))));
  const head = headOf(namedState('total', 'REDUCING', parts().utf('com.example.MySerializerSnapshot').int(1)));
  const [without] = describeFlinkMetadata(read(bytes)).operators;
  expect(without?.keyed).toMatchObject({ states: [], incomplete: 'the names stand in a file that is not at hand' });
  const [withHead] = describeFlinkMetadata(read(bytes), () => head.bytes()).operators;
  expect(withHead?.keyed).toEqual({
    keyType: 'Long',
    states: [{ name: 'total', kind: 'reducing', type: undefined }],
    incomplete: 'the serializer com.example.MySerializerSnapshot, version 1, is not known here',
    bytes: 99,
  });
});

const keyed = (...values: Parts[]) => metadataOf(6, withKeyed(parts().add(...values)));

test.each<[string, Uint8Array, RegExp]>([
  ['nothing', new Uint8Array(), /at byte 0: 4 bytes are needed and 0 are left$/],
  ['another file', Buffer.from('{"format":"x"}'), /begins with 4960672d, not 7b22666f$/],
  ['a negative checkpoint id', parts().int(0x4960672d, 4).long(-1).bytes(), /the checkpoint id is -1$/],
  [
    'more operators than bytes',
    parts().int(0x4960672d, 4).long(1).int(0, 99).bytes(),
    /99 operators are announced and 0 bytes are left$/,
  ],
  [
    'a hook without its magic',
    parts().int(0x4960672d, 3).long(1).int(1, 0, 0, 0, 0, 0).bytes(),
    /begins with c96b1696$/,
  ],
  ['an unknown keyed state', keyed(parts().byte(6)), /no keyed state has the tag 6$/],
  ['an unknown stream', keyed(parts().byte(3).int(0, 0).byte(3)), /no stream has the tag 3$/],
  [
    'more key groups than bytes',
    keyed(parts().byte(3).int(0, 1_000)),
    /1000 key groups are announced and \d+ bytes are left$/,
  ],
  [
    'too many key groups',
    keyed(parts().byte(3).int(0, 40_000)),
    /40000 key groups from 0 on are outside of 0 to 32767$/,
  ],
  [
    'a missing shared file',
    keyed(parts().byte(5).long(1).utf('').int(0, 0).add(none()).int(1).utf('x').byte(0)),
    /a stream is missing$/,
  ],
  ['operator state twice', metadataOf(6, parts().int(0, 2)), /2 operator states are announced; there is at most one$/],
  [
    'an unknown mode',
    metadataOf(6, parts().int(0, 1).byte(4).int(1).utf('a').byte(3).int(0)),
    /the mode of an operator state is none of Flink$/,
  ],
  ['a subtask that does not exist', metadataOf(6, parts().int(1)), /subtask 1 of 1 does not exist$/],
  ['no subtask at all', metadataOf(6, withKeyed(none()), { parallelism: 0 }), /has the parallelism 0 and at most 128$/],
  ['state of Flink 1.1', metadataOf(2, parts().int(0).long(0).int(1)), /has not written since 1\.2$/],
  [
    'no properties',
    wholeOf(4, parts().hex('00'.repeat(16)).int(1, 1).add(none()).int(0)).subarray(0, -3),
    /the properties at the end are missing$/,
  ],
])('%s is one clear error', (_, bytes, reason) => {
  expect(() => read(bytes)).toThrow(FlinkDataError);
  expect(() => read(bytes)).toThrow(reason);
  expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'FLINK_METADATA_CORRUPT', subject: 'the file' }));
});

test.each([1, 7, -1])('version %d is not supported, and says so', (version) => {
  expect(() => read(parts().int(0x4960672d, version).bytes())).toThrow(
    expect.objectContaining({
      code: 'FLINK_METADATA_UNSUPPORTED',
      message: `the file cannot be read: it has version ${version}; versions 2 to 6 are known`,
    }),
  );
});
