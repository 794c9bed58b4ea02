import { expect, test } from 'vitest';
import {
  checkpointDirectory,
  directoryOfPointer,
  isRelativeFile,
  manifestPath,
  parseCheckpointDirectory,
  parseSavepointDirectory,
  savepointDirectory,
  sharedDirectory,
  stateFileName,
} from '../../../src/stream/checkpoint/locations.ts';
import { JOB_ID } from './builders.ts';

test('a checkpoint directory says job, id, epoch and a random part, and is read back', () => {
  const location = { jobId: JOB_ID, checkpointId: 812, epoch: 5, random: 'a1b2c3d4' };
  const path = checkpointDirectory(location);
  expect(path).toBe(`${JOB_ID}/chk-812-5-a1b2c3d4`);
  expect(parseCheckpointDirectory(path)).toEqual(location);
  expect(parseCheckpointDirectory(manifestPath(path))).toEqual(location);
});

test('a savepoint directory begins with the first six of the job id', () => {
  const path = savepointDirectory({ jobId: JOB_ID, random: 'a1b2c3d4' });
  expect(path).toBe('savepoint-012345-a1b2c3d4');
  expect(parseSavepointDirectory(path)).toEqual({ jobIdPrefix: '012345', random: 'a1b2c3d4' });
});

test.each(['chk-1-1-abcdef', 'job/chk-1-abcdef', 'job/chk-01-1-abcdef', 'job/chk-1-1-ABCDEF', 'job/shared', ''])(
  '"%s" is no checkpoint directory',
  (path) => expect(parseCheckpointDirectory(path)).toBeUndefined(),
);

test('shared files lie beside the checkpoints of the job', () => {
  expect(sharedDirectory(JOB_ID)).toBe(`${JOB_ID}/shared`);
});

test.each(['../x', 'a/b', '', '.hidden', 'a\0'])('job id and vertex id %j are refused', (text) => {
  expect(() => checkpointDirectory({ jobId: text, checkpointId: 1, epoch: 1, random: 'abcdef' })).toThrow('location');
  expect(() => stateFileName(text, 0)).toThrow('location');
});

test('a random part that can be guessed is refused', () => {
  expect(() => savepointDirectory({ jobId: JOB_ID, random: 'abc' })).toThrow('6 to 32 lowercase letters and digits');
});

test.each([
  ['file:///var/jobs/savepoint-1', 'file:///var/jobs/savepoint-1'],
  ['file:///var/jobs/savepoint-1/', 'file:///var/jobs/savepoint-1'],
  ['s3://bucket/savepoint-1/_metadata', 's3://bucket/savepoint-1'],
  ['savepoint-1/_metadata', 'savepoint-1'],
  ['_metadata', ''],
])('the pointer %s names the directory %s', (pointer, directory) => {
  expect(directoryOfPointer(pointer)).toBe(directory);
});

test.each(['', '/', 'file:///'])('the pointer "%s" names nothing', (pointer) => {
  expect(() => directoryOfPointer(pointer)).toThrow('name the directory of a checkpoint or savepoint');
});

test('a manifest names files in its own directory only', () => {
  expect(['a.state', 'sub/a.state'].map(isRelativeFile)).toEqual([true, true]);
  const leading = ['', '/etc/passwd', '../a', 'a/../../b', 'a//b', './a', 'a\\b', 'a\0', '.tmp-1', 'x'.repeat(513)];
  expect(leading.filter(isRelativeFile)).toEqual([]);
});
