/**
 * The pointers in Flink's HA data: where the bytes of a job graph or of a completed checkpoint lie. Kubernetes has them
 * as base64 in the values of ConfigMaps, since Flink 1.15 with a mark for entries that are being deleted; ZooKeeper and
 * older lines have the bare form. Follows Flink's KubernetesStateHandleStore and RetrievableStreamStateHandle.
 */
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkDataError } from './errors.ts';
import {
  BYTE_ARRAY,
  BYTE_STREAM_STATE_HANDLE,
  FILE_STATE_HANDLE,
  FLINK_PATH,
  JAVA_URI,
  MARKER_UIDS,
  type MarkerUid,
  RETRIEVABLE_STREAM_STATE_HANDLE,
  STATE_HANDLE_WITH_DELETE_MARKER,
} from './java-classes.ts';
import { JavaObjectInput } from './java-object-input.ts';
import { JavaObjectOutput } from './java-object-output.ts';

/** Where the bytes are: in a file, or in the handle itself. */
export type FlinkStream =
  | {
      readonly in: 'file';
      /** As `java.net.URI` prints it: the path is percent-encoded. */
      readonly uri: string;
      /** What Flink noted when it wrote the file. Nothing depends on it, so no value of a Java long is refused. */
      readonly sizeBytes: bigint;
    }
  | { readonly in: 'handle'; readonly name: string; readonly data: Uint8Array };

/** The mark of an entry in a ConfigMap. */
export interface DeleteMarker {
  /** Tells Flink 1.15 to 1.18 from 1.19 and later; neither reads the other's. */
  readonly serialVersionUid: MarkerUid;
  /** Whether the entry is being deleted: its file is gone or will be. */
  readonly deleting: boolean;
}

/** One pointer. Without a marker in ZooKeeper, and in ConfigMaps of Flink 1.12 to 1.14. */
export interface FlinkStateHandle {
  readonly marker?: DeleteMarker;
  readonly stream: FlinkStream;
}

/** Two shapes that Flink writes, and the two places for them. */
const OUTER = [STATE_HANDLE_WITH_DELETE_MARKER, RETRIEVABLE_STREAM_STATE_HANDLE];

/**
 * The handle in these bytes. Like Java it does not look at what stands behind the object.
 * @param name what is read, for messages
 * @throws FlinkDataError FLINK_HANDLE_CORRUPT for everything that Flink cannot read either
 */
export function decodeStateHandle(bytes: Uint8Array, name: string): FlinkStateHandle {
  const input = new JavaObjectInput(bytes, { code: 'FLINK_HANDLE_CORRUPT', name });
  const outer = input.object(OUTER);
  if (outer.javaClass === RETRIEVABLE_STREAM_STATE_HANDLE) return { stream: decodeStream(input) };
  const deleting = input.data.boolean();
  input.object([RETRIEVABLE_STREAM_STATE_HANDLE]);
  const uid = String(outer.serialVersionUid);
  const serialVersionUid = MARKER_UIDS.find((known) => known === uid) ?? input.data.fail(`unknown version ${uid}`);
  return { marker: { serialVersionUid, deleting }, stream: decodeStream(input) };
}

/** The bytes that Flink writes for a handle. */
export function encodeStateHandle({ marker, stream }: FlinkStateHandle): Uint8Array {
  const output = new JavaObjectOutput();
  if (marker !== undefined) {
    output.object(STATE_HANDLE_WITH_DELETE_MARKER, BigInt(marker.serialVersionUid));
    output.data.byte(marker.deleting ? 1 : 0);
  }
  output.object(RETRIEVABLE_STREAM_STATE_HANDLE);
  encodeStream(stream, output);
  return output.data.written();
}

/** The handle in a value of a ConfigMap. @throws FlinkDataError FLINK_HANDLE_CORRUPT, also for text that is no base64 */
export function decodeHandleText(text: string, name: string): FlinkStateHandle {
  const unpadded = text.replace(/={1,2}$/, '');
  const padded = unpadded.length !== text.length;
  if (!/^[A-Za-z0-9+/]*$/.test(unpadded) || unpadded.length % 4 === 1 || (padded && text.length % 4 !== 0)) {
    throw new FlinkDataError('FLINK_HANDLE_CORRUPT', name, 'the value is not base64');
  }
  return decodeStateHandle(Buffer.from(text, 'base64'), name);
}

/** The value of a ConfigMap that Flink writes for a handle. */
export function encodeHandleText(handle: FlinkStateHandle): string {
  return Buffer.from(encodeStateHandle(handle)).toString('base64');
}

function decodeStream(input: JavaObjectInput): FlinkStream {
  const { javaClass } = input.object([FILE_STATE_HANDLE, BYTE_STREAM_STATE_HANDLE]);
  if (javaClass === BYTE_STREAM_STATE_HANDLE) {
    const data = input.byteArray('the data of the handle', BYTE_ARRAY);
    return { in: 'handle', name: input.string('the name of the handle'), data };
  }
  const sizeBytes = input.data.int64();
  input.object([FLINK_PATH]);
  input.object([JAVA_URI]);
  const uri = input.string('the URI of the file');
  input.endOfObject(JAVA_URI);
  if (!isJavaUri(uri)) input.data.fail('the URI of the file has characters that no URI has');
  return { in: 'file', uri, sizeBytes };
}

function encodeStream(stream: FlinkStream, output: JavaObjectOutput): void {
  switch (stream.in) {
    case 'file':
      output.object(FILE_STATE_HANDLE);
      output.data.int64(stream.sizeBytes);
      output.object(FLINK_PATH);
      output.object(JAVA_URI);
      output.string(stream.uri);
      output.endOfObject();
      return;
    case 'handle':
      output.object(BYTE_STREAM_STATE_HANDLE);
      output.byteArray(stream.data, BYTE_ARRAY);
      output.string(stream.name);
      return;
    default:
      assertNever(stream);
  }
}

/** Java parses the text again when it reads a URI, and fails on these. */
function isJavaUri(uri: string): boolean {
  return !/[\p{Z}\p{Cc}"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})/u.test(uri);
}
