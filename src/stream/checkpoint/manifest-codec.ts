/**
 * The manifest as bytes: UTF-8 JSON whose first byte is `{`, which tells it from the binary `_metadata` of Apache Flink.
 * Reading trusts nothing: size and hash are compared with the handle, then every field is checked. Nothing in the bytes
 * is ever run or used to look up code.
 */
import { createHash } from 'node:crypto';
import { messageOf } from '../../lib/errors.ts';
import { IOException } from '../../lib/java-errors.ts';
import { nestsDeeperThan } from '../../lib/json-nesting.ts';
import type { Storage, WrittenFile } from '../../storage/index.ts';
import { CheckpointError, corruptManifest } from './errors.ts';
import { JsonMismatch } from './json-reader.ts';
import { fullName, manifestPath } from './locations.ts';
import { type CheckpointManifest, MANIFEST_FORMAT, MANIFEST_VERSION } from './manifest.ts';
import { manifestFrom } from './manifest-parser.ts';

/** A larger manifest is refused unread: nothing this program writes comes near. */
export const LARGEST_MANIFEST_BYTES = 256 * 1024 * 1024;

/** Types nest to 64 levels, each of them a few of JSON. */
const MOST_LEVELS = 10_000;

const OPEN_BRACE = 0x7b;
/** First four bytes of the metadata of Apache Flink. */
const FLINK_MAGIC = 0x4960672d;

/** What a handle knows of the manifest. */
export interface ExpectedBytes {
  readonly sha256: string;
  readonly sizeBytes?: number;
}

/** The bytes of a manifest. */
export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  return Buffer.from(JSON.stringify(manifest), 'utf8');
}

/**
 * The manifest in these bytes.
 * @param path for messages
 * @param expected size and hash from the handle; without one (a pointer typed by a person) they are not compared
 * @throws CheckpointError CHECKPOINT_CORRUPT, or CHECKPOINT_FORMAT_UNSUPPORTED for Flink's and for later versions
 */
export function decodeManifest(bytes: Uint8Array, path: string, expected?: ExpectedBytes): CheckpointManifest {
  if (bytes.length > LARGEST_MANIFEST_BYTES) {
    throw corruptManifest(path, `${bytes.length} bytes are more than ${LARGEST_MANIFEST_BYTES}`);
  }
  if (expected !== undefined) checkExpected(bytes, path, expected);
  checkFirstByte(bytes, path);
  const document = parseJson(bytes, path);
  checkVersion(document, path);
  try {
    return manifestFrom(document);
  } catch (error) {
    if (error instanceof JsonMismatch) throw corruptManifest(path, error.message, error);
    throw error;
  }
}

/** Writes the manifest, the last file of a checkpoint. From then on the checkpoint can be restored; nobody knows of it yet. */
export async function writeManifest(
  storage: Pick<Storage, 'write'>,
  directory: string,
  manifest: CheckpointManifest,
): Promise<WrittenFile & { readonly path: string }> {
  const path = manifestPath(directory);
  const { sizeBytes, sha256 } = await storage.write(path, encodeManifest(manifest), { exclusive: true });
  return { path, sizeBytes, sha256 };
}

/** Reads the manifest of a checkpoint or savepoint. @throws CheckpointError as `decodeManifest`; StorageError unchanged */
export async function readManifest(
  storage: Pick<Storage, 'uri' | 'read' | 'stat'>,
  directory: string,
  expected?: ExpectedBytes,
): Promise<CheckpointManifest> {
  const path = manifestPath(directory);
  const where = fullName(storage.uri, path);
  const status = await storage.stat(path);
  if (status === undefined) {
    throw corruptManifest(where, 'the file does not exist; a directory without _metadata is no complete checkpoint');
  }
  if (status.sizeBytes > LARGEST_MANIFEST_BYTES) {
    throw corruptManifest(where, `${status.sizeBytes} bytes are more than ${LARGEST_MANIFEST_BYTES}`);
  }
  const bytes = await storage.read(path);
  if (bytes === undefined) throw corruptManifest(where, 'the file vanished while it was read');
  return decodeManifest(bytes, where, expected);
}

function checkExpected(bytes: Uint8Array, path: string, expected: ExpectedBytes): void {
  if (expected.sizeBytes !== undefined && bytes.length !== expected.sizeBytes) {
    throw corruptManifest(path, `expected ${expected.sizeBytes} bytes, found ${bytes.length}`);
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== expected.sha256) throw corruptManifest(path, `expected sha256 ${expected.sha256}, found ${found}`);
}

function checkFirstByte(bytes: Uint8Array, path: string): void {
  if (bytes[0] === OPEN_BRACE) return;
  const magic = bytes.length >= 4 ? Buffer.from(bytes.subarray(0, 4)).readUInt32BE(0) : undefined;
  if (magic === FLINK_MAGIC) {
    throw new CheckpointError(
      'CHECKPOINT_FORMAT_UNSUPPORTED',
      path,
      `${path} is the metadata of an Apache Flink job. The TypeScript runtime restores its own state only: start this job without it.`,
    );
  }
  const found = magic === undefined ? `${bytes.length} bytes` : `0x${magic.toString(16).padStart(8, '0')}`;
  const cause = new IOException(`Unexpected magic number. Expected "{", found ${found}.`);
  throw corruptManifest(path, cause.message.replace(/\.$/, ''), cause);
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (nestsDeeperThan(text, MOST_LEVELS)) throw new RangeError(`nested more than ${MOST_LEVELS} levels deep`);
    return JSON.parse(text);
  } catch (error) {
    throw corruptManifest(path, `it is no JSON (${messageOf(error)})`, error);
  }
}

/** Before anything else: the fields of a later version may be others. */
function checkVersion(document: unknown, path: string): void {
  const { format, version } = document as { readonly format?: unknown; readonly version?: unknown };
  if (format !== MANIFEST_FORMAT || typeof version !== 'number' || version <= MANIFEST_VERSION) return;
  throw new CheckpointError(
    'CHECKPOINT_FORMAT_UNSUPPORTED',
    path,
    `${path} has format version ${version}; this release reads version ${MANIFEST_VERSION}. Restore it with the release that wrote it, or a later one.`,
  );
}
