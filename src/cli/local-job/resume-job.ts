/** What `flinkjob resume` does: runs a job again as it was run last, in the foreground. */
import { resolve } from 'node:path';
import { type CliIo, EXIT } from '../command.ts';
import { hasChangedSince } from '../run/job-file.ts';
import { runJobFile } from '../run/run-local-job.ts';
import { type LocalJobOptions, withLocalJob } from './with-local-job.ts';

export interface ResumeOptions extends LocalJobOptions {
  readonly restPort?: string;
}

/** @returns what flinkjob run answers; 1 when there is nothing to run again */
export async function resumeJob(name: string, options: ResumeOptions, io: CliIo): Promise<number> {
  return withLocalJob(name, options, io, async ({ record }) => {
    const { lastRun, title } = record;
    if (lastRun === undefined) {
      io.stderr.write(`error: it is not known how job ${title} was run. Run it from its file with flinkjob run.\n`);
      return EXIT.failed;
    }
    const { file, storage, restPort, restoreFrom } = lastRun;
    const run = {
      home: resolve(io.cwd, options.home),
      fresh: false,
      restPort: options.restPort ?? restPort,
      ...(storage === undefined ? {} : { storage }),
      ...(restoreFrom === undefined ? {} : { restoreFrom }),
    };
    if (await hasChangedSince(file)) {
      const { name: path } = file;
      io.stderr.write(`${title}: ${path} has changed since; flinkjob run ${path} takes it up.\n`);
    }
    return runJobFile(file, run, io);
  });
}
