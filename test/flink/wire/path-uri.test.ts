import { expect, test } from 'vitest';
import { flinkPathUri, pathOfFlinkUri } from '../../../src/flink/wire/path-uri.ts';

test.each([
  ['s3://bucket/recovery/', 's3://bucket/recovery/default/completedCheckpoint1'],
  ['file:///flink/ha', 'file:/flink/ha/default/completedCheckpoint1'],
  ['hdfs:///flink/recovery', 'hdfs:/flink/recovery/default/completedCheckpoint1'],
  ['/flink/ha', '/flink/ha/default/completedCheckpoint1'],
  ['s3://b/with space', 's3://b/with%20space/default/completedCheckpoint1'],
  ['s3://b/a%20b', 's3://b/a%2520b/default/completedCheckpoint1'],
  ['s3://b//x///y/', 's3://b/x/y/default/completedCheckpoint1'],
  ['s3://b/ü', 's3://b/ü/default/completedCheckpoint1'],
  ['s3://b/[x]#?', 's3://b/%5Bx%5D%23%3F/default/completedCheckpoint1'],
])('a file below %s is written as %s', (directory, uri) => {
  expect(flinkPathUri(directory, '/default', 'completedCheckpoint1')).toBe(uri);
});

test.each([
  ['s3://b/with%20space/x', '/with space/x'],
  ['s3://b/a%2520b', '/a%20b'],
  ['file:/flink/ha/x', '/flink/ha/x'],
  ['file:///flink/ha/x', '/flink/ha/x'],
  ['/flink/ha', '/flink/ha'],
  ['s3://b/%C3%BC', '/ü'],
])('the file system is asked for the decoded path of %s', (uri, path) => {
  expect(pathOfFlinkUri(uri)).toBe(path);
});
