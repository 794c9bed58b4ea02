import { expect, test } from 'vitest';
import { FileSink } from '../../../src/stream/connectors/file-sink.ts';
import { FileSource } from '../../../src/stream/connectors/file-source.ts';
import { NdjsonFormat } from '../../../src/stream/connectors/ndjson-format.ts';
import { WatchedDirectorySource } from '../../../src/stream/connectors/watched-directory-source.ts';

/** What a job in JavaScript may give. */
const untyped = (options: unknown) => options as never;
const format = new NdjsonFormat();

test.each<[string, () => unknown, string]>([
  ['a file source without options', () => new FileSource(untyped(undefined)), 'FileSource needs the option path, '],
  ['a file source without a path', () => new FileSource(untyped({ format })), 'got undefined.'],
  ['a file source with an empty path', () => new FileSource({ path: '', format }), "got ''."],
  ['a file source with no paths', () => new FileSource({ path: [], format }), 'got [].'],
  [
    'a file source with a bad path among good ones',
    () => new FileSource(untyped({ path: ['a', 3], format })),
    'got 3.',
  ],
  [
    'a file source without a format',
    () => new FileSource(untyped({ path: 'a' })),
    'FileSource needs the option format',
  ],
  [
    'a file source with the name of a format',
    () => new FileSource(untyped({ path: 'a', format: 'ndjson' })),
    "such as new NdjsonFormat(); got 'ndjson'.",
  ],
  ['a file sink without options', () => new FileSink(untyped(undefined)), 'FileSink needs the option path, '],
  ['a file sink without a path', () => new FileSink(untyped({})), 'got undefined.'],
  ['a file sink with several paths', () => new FileSink(untyped({ path: ['a'] })), "got [ 'a' ]."],
  [
    'a watched directory without a path',
    () => new WatchedDirectorySource(untyped({ format })),
    'WatchedDirectorySource needs the option path, ',
  ],
  [
    'a watched directory without a format',
    () => new WatchedDirectorySource(untyped({ path: 'a' })),
    'WatchedDirectorySource needs the option format',
  ],
])('%s is refused, and the option is named', (_what, make, says) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ILLEGAL_ARGUMENT', message: expect.stringContaining(says) }));
});
