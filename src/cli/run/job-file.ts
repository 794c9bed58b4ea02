/** A FlinkJob as a command line names it: read, checked, and its program found. Shared by everything that runs or plans a job. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type FlinkJobSettings, MAX_INPUT_BYTES, parseFlinkJob, resolveFlinkJob } from '../../api/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { JobModule } from '../../stream/index.ts';
import type { CliIo } from '../command.ts';
import type { JobHome } from './job-home.ts';

/** Thrown when a file cannot be read, or holds a job that does not run on this machine. */
export class JobFileError extends FlinkJobError {}

/** The text of one FlinkJob and where it came from. */
export interface JobFile {
  /** As it was named; for messages. */
  readonly name: string;
  readonly text: string;
  /** Relative paths in the job start here. */
  readonly directory: string;
}

/** Reads a file, or standard input for `-`. @throws JobFileError */
export async function readJobFile(file: string, io: CliIo): Promise<JobFile> {
  if (file === '-') return { name: STANDARD_INPUT, text: await readInput(io), directory: io.cwd };
  const path = resolve(io.cwd, file);
  try {
    const text = await readFile(path, 'utf8');
    if (PROGRAM.test(file)) throw programGiven(file);
    return { name: file, text, directory: dirname(path) };
  } catch (cause) {
    if (cause instanceof JobFileError) throw cause;
    const why = PROBLEMS[(cause as NodeJS.ErrnoException).code ?? ''] ?? `${messageOf(cause)}.`;
    throw new JobFileError('JOB_FILE_UNREADABLE', `${file} cannot be read: ${why}`, { cause });
  }
}

/** How a command line names the file. */
export function fileArgument({ name }: Pick<JobFile, 'name'>): string {
  return name === STANDARD_INPUT ? '-' : name;
}

/** Whether the file holds another text by now. False where there is none, or none that can be read. */
export async function hasChangedSince({ name, directory, text }: JobFile): Promise<boolean> {
  if (name === STANDARD_INPUT) return false;
  const now = await readFile(join(directory, basename(name)), 'utf8').catch(() => text);
  return now !== text;
}

/** The job of a file. @throws InvalidFlinkJobError with every violation */
export function settingsOf({ text, name }: JobFile): FlinkJobSettings {
  return resolveFlinkJob(parseFlinkJob(text, name));
}

/** The program of a job that runs on one machine. @throws JobFileError for one that needs a cluster */
export function jobModuleOf({ source, name }: FlinkJobSettings): JobModule {
  switch (source?.kind) {
    case 'module':
      return { kind: 'file', path: source.module };
    case 'inline':
      return { kind: 'inline', source: source.source };
    case 'configMap':
      throw new JobFileError(
        'JOB_SOURCE_NEEDS_CLUSTER',
        `job ${name} takes its source from ConfigMap ${source.name}, which exists only in a cluster. Use spec.typescript.module or inline to run it here.`,
      );
    case undefined:
      throw new JobFileError(
        'JOB_RUNTIME_NEEDS_CLUSTER',
        `job ${name} uses the Apache Flink runtime, which runs only in a cluster. flinkjob run takes jobs with spec.typescript.`,
      );
    default:
      return assertNever(source);
  }
}

/**
 * Where a job on this machine keeps its state: where the command line says, else in the resource's storage if that is
 * local, else in the job's own directory.
 * @throws JobFileError when the command line names no directory of this machine
 */
export function localStorageUri(
  { storageUri }: Pick<FlinkJobSettings, 'storageUri'>,
  home: JobHome,
  given: string | undefined,
): string {
  if (given !== undefined && !given.startsWith('file://')) {
    throw new JobFileError(
      'STORAGE_NOT_LOCAL',
      `--storage ${given} is no directory of this machine: write file:// and an absolute path, such as file:///var/tmp/jobs.`,
    );
  }
  return given ?? (storageUri.startsWith('file://') ? storageUri : home.storageUri);
}

const STANDARD_INPUT = 'standard input';
const PROGRAM = /\.[cm]?[jt]sx?$/;

function programGiven(file: string): JobFileError {
  return new JobFileError(
    'JOB_FILE_IS_PROGRAM',
    `${file} is a program; give the YAML file of the FlinkJob that names it in spec.typescript.module.`,
  );
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file. Check the path.',
  EISDIR: 'it is a directory. Name the file in it.',
  EACCES: 'permission is denied. Make it readable.',
};

async function readInput(io: CliIo): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += chunk.length;
    if (size > MAX_INPUT_BYTES) {
      throw new JobFileError(
        'JOB_FILE_UNREADABLE',
        `standard input is larger than ${MAX_INPUT_BYTES} bytes. A FlinkJob is not; check what is piped in.`,
      );
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}
