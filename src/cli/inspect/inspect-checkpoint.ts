/** What `flinkjob checkpoint inspect` does. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  describeFlinkMetadata,
  FlinkDataError,
  type FlinkMetadata,
  type HeadOfStream,
  isFlinkMetadata,
  type MetadataStream,
  readFlinkMetadata,
  streamWithNames,
} from '../../flink/index.ts';
import { errnoOf, openStorage, type Storage } from '../../storage/index.ts';
import { directoryOfPointer, MANIFEST_NAME, readManifest } from '../../stream/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { writeResult } from '../output/write-result.ts';
import { checkpointLines } from './checkpoint-lines.ts';
import { type CheckpointRecord, recordOfFlink, recordOfManifest } from './checkpoint-record.ts';

export interface InspectCheckpointOptions {
  readonly output: 'table' | 'json' | 'yaml';
}

/** Larger ones are refused unread. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Enough for the names of hundreds of keyed states. */
const HEAD_BYTES = 64 * 1024;
/** No more files are looked into: that many heads are held at once. */
const MOST_HEADS = 1_000;

/** @returns 0 */
export async function inspectCheckpoint(
  pointer: string,
  { output }: InspectCheckpointOptions,
  io: CliIo,
): Promise<number> {
  const record = await recordAt(await placeOf(pointer, io.cwd));
  writeResult(record, () => checkpointLines(record, io), output === 'table' ? 'text' : output, io);
  return EXIT.ok;
}

/** A file of a storage. */
interface Place {
  readonly storage: Storage;
  readonly name: string;
  readonly location: string;
}

/** A local file is taken as it is, whatever its name; of a directory, the `_metadata` in it. */
async function placeOf(pointer: string, cwd: string): Promise<Place> {
  const isUri = /^[a-z][a-z0-9+.-]+:/i.test(pointer);
  if (isUri && !/^file:/i.test(pointer)) return placeIn(directoryOfPointer(pointer), MANIFEST_NAME);
  const path = isUri ? fileURLToPath(pointer) : resolve(cwd, pointer);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
      throw error;
    },
  );
  return isFile
    ? placeIn(pathToFileURL(dirname(path)).href, basename(path))
    : placeIn(pathToFileURL(path).href, MANIFEST_NAME);
}

function placeIn(directory: string, name: string): Place {
  return { storage: openStorage(directory), name, location: `${directory.replace(/\/$/, '')}/${name}` };
}

async function recordAt({ storage, name, location }: Place): Promise<CheckpointRecord> {
  const status = await storage.stat(name);
  if (status !== undefined && status.sizeBytes > MOST_BYTES) {
    throw new FlinkDataError(
      'FLINK_METADATA_CORRUPT',
      location,
      `${status.sizeBytes} bytes are more than ${MOST_BYTES}`,
    );
  }
  const bytes = status === undefined ? undefined : await storage.read(name);
  if (bytes === undefined || (!isFlinkMetadata(bytes) && name === MANIFEST_NAME)) {
    return recordOfManifest(await readManifest(storage, ''), location);
  }
  const metadata = readFlinkMetadata(bytes, location);
  return recordOfFlink(describeFlinkMetadata(metadata, await headsBeside(storage, metadata)), location);
}

/** Beginnings of the state files that lie beside the `_metadata`, one for each operator. Files elsewhere are left alone. */
async function headsBeside(storage: Storage, { operators }: FlinkMetadata): Promise<HeadOfStream> {
  const heads = new Map<MetadataStream, Uint8Array>();
  const read = new Map<string, Uint8Array | undefined>();
  for (const { subtasks } of operators) {
    const stream = subtasks
      .flatMap(({ managedKeyed }) => (managedKeyed === undefined ? [] : [streamWithNames(managedKeyed)]))
      .find((each) => each !== undefined);
    const name = stream === undefined ? undefined : nameBeside(stream);
    if (name !== undefined && !read.has(name) && read.size < MOST_HEADS) {
      read.set(name, await storage.read(name, { length: HEAD_BYTES }));
    }
    const head = name === undefined ? undefined : read.get(name);
    if (stream !== undefined && head !== undefined) heads.set(stream, head);
  }
  return (stream) => heads.get(stream);
}

/** State files lie in the directory of their `_metadata`, or the checkpoint was moved and they still do. */
function nameBeside(stream: MetadataStream): string | undefined {
  const path = stream.in === 'file' ? stream.uri : stream.in === 'relativeFile' ? stream.path : '';
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^[\w-][\w.-]*$/.test(name) ? name : undefined;
}
