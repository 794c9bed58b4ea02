/** What one checkpoint or savepoint holds, found by id or by place, from its manifest alone. */
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FlinkJobError } from '../../lib/errors.ts';
import { openStorage } from '../../storage/index.ts';
import {
  type DamagedFile,
  damagedFiles,
  describeManifest,
  directoryOfPointer,
  type ManifestDescription,
  readManifest,
  type VerifyDepth,
} from '../../stream/index.ts';
import type { LocalJobRecord } from './local-job.ts';
import { type StoredCheckpoint, storedCheckpoints } from './stored-checkpoints.ts';

/** Thrown when the checkpoint somebody asked for is not there. */
export class CheckpointNotFoundError extends FlinkJobError {}

/** A manifest in words, where it lies, and which of its files are damaged. */
export interface CheckpointDetails extends ManifestDescription {
  readonly location: string;
  /** Whether every byte was compared, or sizes only. */
  readonly verified: VerifyDepth;
  readonly damaged: readonly DamagedFile[];
}

/**
 * `wanted`: a whole number is an id of the job; everything else a URI or path of a checkpoint, also of another job.
 * @throws CheckpointNotFoundError, CheckpointError for a manifest that cannot be read, StorageError
 */
export async function checkpointDetails(
  record: LocalJobRecord,
  wanted: string,
  depth: VerifyDepth,
  cwd: string,
): Promise<CheckpointDetails> {
  const location = /^\d+$/.test(wanted) ? await locationOfId(record, Number(wanted)) : uriOf(wanted, cwd);
  const storage = openStorage(location);
  const manifest = await readManifest(storage, '');
  const damaged = await damagedFiles(storage, '', manifest, depth);
  return { ...describeManifest(manifest), location, verified: depth, damaged };
}

async function locationOfId(record: LocalJobRecord, id: number): Promise<string> {
  const stored = await storedCheckpoints(record);
  const found = stored.find((each) => each.id === id);
  if (found !== undefined && found.directory !== '') return found.location;
  const problem = found === undefined ? 'there is none' : found.problems.join('; ');
  throw new CheckpointNotFoundError(
    'CHECKPOINT_NOT_FOUND',
    `job ${record.title} has no checkpoint or savepoint ${id} that could be read: ${problem}. ${readable(stored)}`,
  );
}

function readable(stored: readonly StoredCheckpoint[]): string {
  const ids = stored.filter(({ id, directory }) => id >= 0 && directory !== '').map(({ id }) => id);
  return ids.length === 0 ? 'It has none at all.' : `There are: ${ids.join(', ')}.`;
}

function uriOf(wanted: string, cwd: string): string {
  const directory = directoryOfPointer(wanted);
  if (directory.includes('://')) return directory;
  return pathToFileURL(isAbsolute(directory) ? directory : resolve(cwd, directory)).href;
}
