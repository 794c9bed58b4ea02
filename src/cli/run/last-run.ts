/**
 * How a local job was run last, kept in its home so that it can be resumed and looked at without its file: what was given
 * then counts, not what the file says by now.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import type { JobFile } from './job-file.ts';
import { type JobHome, JobHomeError, LAST_RUN, unwritableHome } from './job-home.ts';

/** The file, and what the command line added to it. */
export interface LastRun {
  readonly version: 1;
  readonly file: JobFile;
  /** `--storage`, where it was given. */
  readonly storage?: string;
  readonly restPort: string;
  /** Absolute. */
  readonly restoreFrom?: string;
}

/** Keeps how the job is run now. Whole or not at all. */
export function writeLastRun(home: JobHome, run: LastRun): void {
  const temporary = join(home.directory, `.${LAST_RUN}.${process.pid}`);
  try {
    writeFileSync(temporary, JSON.stringify(run), { flush: true });
    renameSync(temporary, pathOf(home));
  } catch (cause) {
    throw unwritableHome(home.directory, cause);
  }
}

/** How the job was run last; undefined when it never got that far. @throws JobHomeError when the file was damaged */
export function readLastRun(home: JobHome): LastRun | undefined {
  let problem: unknown = 'it was not written by this version of the program';
  try {
    const run = JSON.parse(readFileSync(pathOf(home), 'utf8')) as Partial<LastRun> | null;
    if (run?.version === 1 && typeof run.file?.text === 'string' && typeof run.restPort === 'string') {
      return run as LastRun;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    problem = error;
  }
  throw new JobHomeError(
    'JOB_HOME_UNREADABLE',
    `${pathOf(home)} cannot be read: ${messageOf(problem)}. Run the job from its file with flinkjob run, which writes it anew.`,
  );
}

function pathOf({ directory }: JobHome): string {
  return join(directory, LAST_RUN);
}
