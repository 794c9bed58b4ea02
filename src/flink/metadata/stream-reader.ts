/** Reads where bytes are: the streams in a `_metadata`. */
import type { DataInput } from '../wire/data-input.ts';
import type { MetadataStream } from './metadata.ts';

/** The next stream; undefined for none. */
export function readStream(input: DataInput): MetadataStream | undefined {
  const tag = input.byte();
  switch (tag) {
    case 0:
      return undefined;
    case 1: {
      const name = input.utf();
      return { in: 'metadata', name, data: input.bytes(input.count('bytes of a stream', 1)) };
    }
    case 2: {
      const sizeBytes = input.long('the size of a file');
      return { in: 'file', uri: input.utf(), sizeBytes };
    }
    case 6: {
      const path = input.utf();
      return { in: 'relativeFile', path, sizeBytes: input.long('the size of a file') };
    }
    case 15:
      return readSegment(input);
    case 16:
      return EMPTY_SEGMENT;
    default:
      return input.fail(`no stream has the tag ${tag}`);
  }
}

/** The next stream, which must be one. */
export function readPresentStream(input: DataInput): MetadataStream {
  return readStream(input) ?? input.fail('a stream is missing');
}

/** The bytes that a stream has, as its handle says; 0 for none. */
export function sizeOfStream(stream: MetadataStream | undefined): number {
  if (stream === undefined || stream.in === 'emptySegment') return 0;
  return stream.in === 'metadata' ? stream.data.length : stream.sizeBytes;
}

const EMPTY_SEGMENT: MetadataStream = { in: 'emptySegment' };

function readSegment(input: DataInput): MetadataStream {
  const start = input.long('the start of a segment');
  const sizeBytes = input.long('the size of a segment');
  // Whose it is to delete: of no use to a reader.
  input.int32();
  const uri = input.utf();
  return { in: 'segment', uri, start, sizeBytes, logicalId: input.utf() };
}
