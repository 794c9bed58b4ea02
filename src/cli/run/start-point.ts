/**
 * What the job is to start from is looked at before `--fresh` forgets anything: a pointer that leads nowhere, or to what
 * is about to be forgotten, would cost the job its state.
 */
import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FlinkJobError } from '../../lib/errors.ts';
import { openStorage } from '../../storage/index.ts';
import { damagedFiles, directoryOfPointer, readManifest } from '../../stream/index.ts';
import { type JobPlace, readableHome } from './job-home.ts';

/** Thrown when a job cannot start from where it is to start from. */
export class StartPointError extends FlinkJobError {}

/** A pointer to a savepoint as a URI: paths are relative to `cwd`. */
export function absolutePointer(pointer: string, cwd: string): string {
  return pointer.includes('://') ? pointer : pathToFileURL(resolve(cwd, pointer)).href;
}

/** Reads every byte of what a URI points to. @throws StartPointError when it could not be restored after `--fresh` */
export async function checkStartPoint(uri: string, place: JobPlace): Promise<void> {
  const directory = directoryOfPointer(uri);
  const storage = openStorage(directory);
  const manifest = await readManifest(storage, '');
  const [damaged] = await damagedFiles(storage, '', manifest, 'sha256');
  if (damaged !== undefined)
    throw new StartPointError(
      'START_POINT_DAMAGED',
      `${directory} cannot be started from: ${damaged.path} is damaged (${damaged.problem}). Nothing was forgotten. Put the file back, or start from another one.`,
    );
  const home = readableHome(place);
  if (home !== undefined && isWithin(fileURLToPath(directory), join(place.directory, 'storage', home.jobId)))
    throw new StartPointError(
      'START_POINT_FORGOTTEN',
      `${directory} is one of the checkpoints that --fresh removes. Copy it elsewhere and start from the copy, or leave --fresh out: the job goes on from its newest checkpoint.`,
    );
}

/** Whether a directory that exists lies in another one, wherever links lead. */
function isWithin(inner: string, outer: string): boolean {
  if (!existsSync(outer)) return false;
  const way = relative(realpathSync(outer), realpathSync(inner));
  return !way.startsWith('..') && !isAbsolute(way);
}
