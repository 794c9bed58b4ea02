import { expect, test } from 'vitest';
import { openStorage } from '../../src/storage/index.ts';

test('file:// opens a directory, memory:// a storage of this process', () => {
  expect(openStorage('file:///var/jobs').uri).toBe('file:///var/jobs');
  expect(openStorage('FILE:///var/my%20jobs/').uri).toBe('file:///var/my%20jobs');
  expect(openStorage('memory://').uri).toBe('memory://');
});

test('s3:// says that this version has no driver for it', () => {
  expect(() => openStorage('s3://bucket/jobs')).toThrow(
    expect.objectContaining({
      code: 'STORAGE_URI_UNSUPPORTED',
      message: 'storage s3://bucket/jobs is not in this version: s3:// has no driver yet; use file:///path',
    }),
  );
});

test.each(['', 'jobs', '/var/jobs', 'ftp://host/jobs', 'file://host/jobs', 'file://./jobs', 'file:///a%2Fb'])(
  'the URI %j is refused with what to write instead',
  (uri) => {
    expect(() => openStorage(uri)).toThrow(
      expect.objectContaining({ code: 'STORAGE_URI_INVALID', path: uri, message: expect.stringContaining('file://') }),
    );
  },
);
