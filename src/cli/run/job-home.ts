/**
 * Where a local job lives: `<home>/<namespace>/<name>/`, made on first use.
 *
 *     job.json      the job's id, stable for the life of its state
 *     ha/           the object of the job (handles, ledger, epoch) and its lease
 *     storage/      checkpoints and savepoints, unless spec.storage names another place
 *     process/      termination records and logs of attempts
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';

/** Directory of all local jobs, below the working directory unless told otherwise. */
export const DEFAULT_HOME = '.flinkjob';

/** Thrown when a local job's directory cannot be used. */
export class JobHomeError extends FlinkJobError {}

/** One local job's directory. */
export interface JobHome {
  readonly directory: string;
  readonly jobId: string;
  readonly name: string;
  readonly namespace: string;
  readonly haDirectory: string;
  readonly processDirectory: string;
  /** `file://` URI of `storage/`. */
  readonly storageUri: string;
}

interface StoredJob {
  readonly jobId: string;
  readonly name: string;
  readonly namespace: string;
}

/** The directory of a job, whether it exists or not. */
export function homeDirectory(home: string, namespace: string, name: string): string {
  return join(resolve(home), namespace, name);
}

/** Opens the directory of a job that has been run before; undefined when there is none. */
export function findJobHome(home: string, namespace: string, name: string): JobHome | undefined {
  const directory = homeDirectory(home, namespace, name);
  const file = join(directory, 'job.json');
  if (!existsSync(file)) return undefined;
  try {
    return homeOf(directory, JSON.parse(readFileSync(file, 'utf8')) as StoredJob);
  } catch (cause) {
    throw new JobHomeError(
      'JOB_HOME_UNREADABLE',
      `${file} cannot be read: ${messageOf(cause)}. Move ${directory} away to start anew.`,
      { cause },
    );
  }
}

/** Opens the directory of a job, making it on first use. `fresh` removes everything the job has, state included. */
export function openJobHome(home: string, namespace: string, name: string, fresh: boolean): JobHome {
  const directory = homeDirectory(home, namespace, name);
  try {
    if (fresh) rmSync(directory, { recursive: true, force: true });
    const found = findJobHome(home, namespace, name);
    if (found !== undefined) return found;
    const job: StoredJob = { jobId: randomBytes(16).toString('hex'), name, namespace };
    for (const folder of ['ha', 'storage', 'process']) mkdirSync(join(directory, folder), { recursive: true });
    // Whole or absent: a job whose id was lost would start empty over its own state.
    const temporary = join(directory, `.job.json.${process.pid}`);
    writeFileSync(temporary, JSON.stringify(job), { flush: true });
    renameSync(temporary, join(directory, 'job.json'));
    return homeOf(directory, job);
  } catch (cause) {
    if (cause instanceof JobHomeError) throw cause;
    throw new JobHomeError(
      'JOB_HOME_UNWRITABLE',
      `the directory ${directory} cannot be made: ${messageOf(cause)}. Choose another with --home.`,
      { cause },
    );
  }
}

function homeOf(directory: string, job: StoredJob): JobHome {
  return {
    ...job,
    directory,
    haDirectory: join(directory, 'ha'),
    processDirectory: join(directory, 'process'),
    storageUri: pathToFileURL(join(directory, 'storage')).href,
  };
}
