/** What all commands for one local job have in common: find it, say so when it is not there, and turn errors into one line. */
import { resolve } from 'node:path';
import { FlinkJobError } from '../../lib/errors.ts';
import { type CliIo, EXIT } from '../command.ts';
import { fileArgument } from '../run/job-file.ts';
import { findLocalJob } from './find-local-job.ts';
import { type LocalPhase, phaseOfJob } from './job-phase.ts';
import type { LocalJob, LocalJobRecord, RunningLeader } from './local-job.ts';

export interface LocalJobOptions {
  readonly home: string;
}

type Found = Exclude<LocalJob, { readonly is: 'notFound' }>;

/** Does something with a job that exists; else, and for errors that say what to do, exit code 1 and one message. */
export async function withLocalJob(
  name: string,
  { home }: LocalJobOptions,
  io: CliIo,
  work: (job: Found) => Promise<number>,
): Promise<number> {
  try {
    const job = await findLocalJob(name, resolve(io.cwd, home));
    if (job.is !== 'notFound') return await work(job);
    io.stderr.write(`error: ${notFoundText(job)}\n`);
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
  }
  return EXIT.failed;
}

/** As withLocalJob, for what only a running job can do. */
export async function withRunningJob(
  name: string,
  options: LocalJobOptions,
  io: CliIo,
  work: (leader: RunningLeader, record: LocalJobRecord) => Promise<number>,
): Promise<number> {
  return withLocalJob(name, options, io, async (job) => {
    if (job.is === 'running') return work(job.leader, job.record);
    io.stderr.write(`error: ${notRunningText(job.record)}\n`);
    return EXIT.failed;
  });
}

/** That a job is not running, why, and what to do next. */
export function notRunningText(record: LocalJobRecord): string {
  const { title, supervisorPid } = record;
  const { phase, reason } = phaseOfJob(record, undefined);
  const why = reason === undefined ? phase : `${phase}: ${reason}`;
  const next =
    supervisorPid === undefined
      ? howToRun(record, phase)
      : `Try again when it runs; flinkjob status ${title} shows how it goes.`;
  return `job ${title} is not running (${why}). ${next}`;
}

/** A finished job is not resumed: it has nothing left to do. */
function howToRun({ title, lastRun }: LocalJobRecord, phase: LocalPhase): string {
  if (lastRun === undefined) return 'Run it from its file with flinkjob run.';
  if (phase === 'Finished') return `flinkjob run --fresh ${fileArgument(lastRun.file)} runs it from nothing.`;
  return `flinkjob resume ${title} runs it again.`;
}

function notFoundText({ wanted, home, known }: Extract<LocalJob, { readonly is: 'notFound' }>): string {
  const others = known.length === 0 ? 'There are no jobs there.' : `There are: ${known.join(', ')}.`;
  return `there is no job ${wanted} in ${home}. ${others} Run one with flinkjob run, or name another directory with --home.`;
}
