import { expect, test } from 'vitest';
import { endingOf } from '../../../src/cli/job-process/failure-text.ts';
import { JOB_EXIT } from '../../../src/lib/exit-codes.ts';
import { openStorage, StorageError } from '../../../src/storage/index.ts';

test.each([
  ['s3://bucket/jobs', 'STORAGE_URI_UNSUPPORTED'],
  ['hdfs://nodes/jobs', 'STORAGE_URI_INVALID'],
])('a storage that this version cannot open is no reason to try again: %s', (uri, code) => {
  const open = () => openStorage(uri);
  expect(open).toThrow(StorageError);
  const error = (() => {
    try {
      return open();
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(endingOf(error)).toMatchObject({ exitCode: JOB_EXIT.suppressRestarts, outcome: 'failed', code });
});

test('a storage that does not answer may do so at the next attempt', () => {
  const error = new StorageError('STORAGE_UNWRITABLE', 'chk-1', 'cannot write chk-1: permission denied');
  expect(endingOf(error)).toEqual({ exitCode: JOB_EXIT.failed, outcome: 'failed', cause: error.message });
});
