/**
 * Where a local job lives: `<home>/<namespace>/<name>/`, made on first use.
 *
 *     job.json      the job's id, stable for the life of its state
 *     ha/           the object of the job (handles, ledger, epoch) and its lease
 *     storage/      checkpoints and savepoints, unless spec.storage names another place
 *     process/      termination records of attempts
 *     last-run.json how the job was run last (last-run.ts)
 *     supervisor/   the process that runs it (supervision-lock.ts)
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { errnoOf } from '../../storage/index.ts';

/** Directory of all local jobs, below the working directory unless told otherwise. */
export const DEFAULT_HOME = '.flinkjob';

/** Name of the file that keeps how the job was run last. */
export const LAST_RUN = 'last-run.json';

/** Thrown when a local job's directory cannot be used. */
export class JobHomeError extends FlinkJobError {}

/** Where a job's directory is, whatever it holds. */
export interface JobPlace {
  readonly directory: string;
  readonly name: string;
  readonly namespace: string;
}

/** One local job's directory. */
export interface JobHome extends JobPlace {
  readonly jobId: string;
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
  return jobHomeIn(homeDirectory(home, namespace, name));
}

function jobHomeIn(directory: string): JobHome | undefined {
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

/** When the job got its id: wall clock, milliseconds. */
export function bornAt({ directory }: JobHome): number {
  return statSync(join(directory, 'job.json')).mtimeMs;
}

/** Where a job's directory is, made when it was not there. Take its supervision before anything in it is changed. */
export function makeJobPlace(home: string, namespace: string, name: string): JobPlace {
  const directory = homeDirectory(home, namespace, name);
  orUnwritable(directory, () => mkdirSync(directory, { recursive: true }));
  return { directory, namespace, name };
}

/** Whether the directory holds a job that got as far as being supervised. */
export function hasRunBefore({ directory }: JobPlace): boolean {
  return existsSync(join(directory, LAST_RUN));
}

/** The job in a directory; a new one on first use. */
export function openJobHome(place: JobPlace): JobHome {
  return jobHomeIn(place.directory) ?? newJobHome(place);
}

/**
 * Begins anew under another id: pointers, ledger and checkpoints of the job go. Savepoints stay, they belong to whoever
 * asked for them, and may be what the job is to start from.
 */
export function renewJobHome(place: JobPlace): JobHome {
  const before = readableHome(place);
  // The pointers first: a crash in between leaves bytes that nobody points to, never pointers to nothing.
  const parts = ['ha', 'process', LAST_RUN, ...(before === undefined ? [] : [join('storage', before.jobId)])];
  for (const part of parts) {
    orUnwritable(place.directory, () => rmSync(join(place.directory, part), { recursive: true, force: true }));
  }
  return newJobHome(place);
}

/** The job in a directory; undefined when there is none, or its record is damaged. */
export function readableHome({ directory }: JobPlace): JobHome | undefined {
  try {
    return jobHomeIn(directory);
  } catch (error) {
    // Its id is lost, and with it which bytes are its own.
    if (error instanceof JobHomeError) return undefined;
    throw error;
  }
}

const FOLDERS = ['ha', 'storage', 'process'];

function newJobHome({ directory, namespace, name }: JobPlace): JobHome {
  const job: StoredJob = { jobId: randomBytes(16).toString('hex'), name, namespace };
  orUnwritable(directory, () => {
    for (const folder of FOLDERS) mkdirSync(join(directory, folder), { recursive: true });
    // Whole or absent: a job whose id was lost would start empty over its own state.
    const temporary = join(directory, `.job.json.${process.pid}`);
    writeFileSync(temporary, JSON.stringify(job), { flush: true });
    renameSync(temporary, join(directory, 'job.json'));
  });
  return homeOf(directory, job);
}

function orUnwritable(directory: string, change: () => void): void {
  try {
    change();
  } catch (cause) {
    throw unwritableHome(directory, cause);
  }
}

/** The error for a directory that takes no files. */
export function unwritableHome(directory: string, cause: unknown): JobHomeError {
  const { reason, remedy } = explain(cause);
  return new JobHomeError(
    'JOB_HOME_UNWRITABLE',
    `the directory ${directory} of the job cannot be written: ${reason}. ${remedy}, or choose another with --home.`,
    { cause },
  );
}

function explain(cause: unknown): { readonly reason: string; readonly remedy: string } {
  switch (errnoOf(cause)) {
    case 'ENOSPC':
      return { reason: 'the disk is full (ENOSPC)', remedy: 'Free space' };
    case 'EACCES':
    case 'EPERM':
      return { reason: `permission denied (${errnoOf(cause)})`, remedy: 'Give this user rights on it' };
    case 'EROFS':
      return { reason: 'the file system is read-only (EROFS)', remedy: 'Mount it for writing' };
    case 'ENOTDIR':
    case 'EEXIST':
      return { reason: `a part of the path is a file (${errnoOf(cause)})`, remedy: 'Move that file away' };
    default:
      return { reason: messageOf(cause), remedy: 'See the cause' };
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
