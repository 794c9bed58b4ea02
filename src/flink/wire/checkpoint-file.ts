/**
 * The files that pointers to checkpoints lead to hold a serialized CompletedCheckpoint: dozens of classes of Flink's, and
 * none of them is needed to restore the same checkpoint by hand. What matters is where its `_metadata` lies, and that is
 * a text of the stream like any other. So the texts are looked through, and no class is read.
 */
import { STREAM_HEADER, TAG } from './java-classes.ts';
import { readModifiedUtf8 } from './modified-utf8.ts';

const METADATA_END = Buffer.from('/_metadata', 'latin1');
/** The tag and the length in front of a text. */
const TEXT_HEAD_BYTES = 3;
/** Bytes made for it can look like a text at every turn; those of Flink do so once by chance, if ever. */
const MOST_WRONG_TEXTS = 64;

/** Whether these bytes begin as every file behind a pointer of Flink's does. */
export function isJavaObjectStream(bytes: Uint8Array): boolean {
  return bytes.length > 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0) === STREAM_HEADER;
}

/** The URI of the `_metadata` that a serialized CompletedCheckpoint names; undefined when it names none. */
export function metadataUriIn(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let wrong = 0;
  for (let at = buffer.indexOf(TAG.string); at >= 0; at = buffer.indexOf(TAG.string, at + 1)) {
    if (at + TEXT_HEAD_BYTES > buffer.length || wrong > MOST_WRONG_TEXTS) return undefined;
    const end = at + TEXT_HEAD_BYTES + buffer.readUInt16BE(at + 1);
    const tail = buffer.subarray(Math.max(at + TEXT_HEAD_BYTES, end - METADATA_END.length), end);
    if (end > buffer.length || !tail.equals(METADATA_END)) continue;
    const text = readModifiedUtf8(buffer.subarray(at + TEXT_HEAD_BYTES, end));
    if (text !== undefined && isPath(text)) return text;
    wrong += 1;
  }
  return undefined;
}

/** A URI, or an absolute path; a length that is there by chance spans control characters. */
function isPath(text: string): boolean {
  return /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/[^\p{Cc}]*$/u.test(text);
}
