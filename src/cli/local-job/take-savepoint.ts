/** What `flinkjob savepoint` and `flinkjob suspend` do: ask the running process and say where the savepoint lies. */
import { isAbsolute } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { OperationOptions } from '../../flink/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import { supervisorOf } from '../run/supervision-lock.ts';
import { phaseOfJob } from './job-phase.ts';
import type { LocalJobRecord, RunningLeader } from './local-job.ts';
import { newestRetained } from './stored-checkpoints.ts';
import { type LocalJobOptions, notRunningText, withLocalJob, withRunningJob } from './with-local-job.ts';

export interface SavepointOptions extends LocalJobOptions {
  readonly output: OutputFormat;
  readonly target?: string;
}

export interface SuspendOptions extends SavepointOptions {
  readonly drain: boolean;
}

const POLL_MS = 100;
/** Beyond `spec.savepoints.timeout`, after which the job itself gives up and says so. */
const ANSWER_GRACE_MS = 30_000;
/** The job has ended by then; its supervisor only writes that down. */
const SUPERVISOR_ENDS_WITHIN_MS = 15_000;

/** @returns 0 when the savepoint is complete; 1 when it failed or the job does not run */
export async function takeSavepoint(name: string, options: SavepointOptions, io: CliIo): Promise<number> {
  return withRunningJob(name, options, io, async ({ client, details }, record) => {
    const targetDirectory = targetOf(options.target, record);
    const request = targetDirectory === undefined ? {} : { targetDirectory };
    return written(await client.triggerSavepoint(details.jid, request, patience(record)), options, io);
  });
}

const DRAINED =
  'event time was ended before the savepoint, so its windows and timers have fired; a job that goes on from it takes later records for late ones.';

/**
 * Stops a job with a savepoint; `flinkjob resume` goes on from it.
 * @returns 0 when the job stands still with its savepoint, also when it did before; else 1
 */
export async function suspendJob(name: string, options: SuspendOptions, io: CliIo): Promise<number> {
  return withLocalJob(name, options, io, async (job) => {
    if (job.is === 'running') {
      const location = await stopWithSavepoint(job.leader, job.record, options);
      if (options.drain) io.stderr.write(`${job.record.title}: ${DRAINED}\n`);
      return written(location, options, io);
    }
    const before = await savepointOfSuspended(job.record);
    if (before !== undefined) return written(before, options, io);
    io.stderr.write(`error: ${notRunningText(job.record)}\n`);
    return EXIT.failed;
  });
}

async function stopWithSavepoint(
  { client, details }: RunningLeader,
  record: LocalJobRecord,
  { drain, target }: SuspendOptions,
): Promise<string> {
  const targetDirectory = targetOf(target, record);
  const request = { drain, ...(targetDirectory === undefined ? {} : { targetDirectory }) };
  const location = await client.stopWithSavepoint(details.jid, request, patience(record));
  // Suspended is what the ledger says once the supervisor has ended; until then a resume would be refused.
  const deadline = performance.now() + SUPERVISOR_ENDS_WITHIN_MS;
  while ((await supervisorOf(record.home)) !== undefined && performance.now() < deadline) await sleep(POLL_MS);
  return location;
}

/** The job knows when its savepoint takes too long; what is read of a running job has settings. */
function patience({ settings }: LocalJobRecord): OperationOptions {
  const timeoutMs = settings?.savepoints.timeoutMs;
  return { pollMs: POLL_MS, ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_GRACE_MS }) };
}

/** Where the savepoint lies of a job that is suspended already; asking again changes nothing. */
async function savepointOfSuspended(record: LocalJobRecord): Promise<string | undefined> {
  const { phase } = phaseOfJob(record, undefined);
  return phase === 'Suspended' ? (await newestRetained(record))?.location : undefined;
}

function written(location: string, { output }: SavepointOptions, io: CliIo): number {
  writeResult({ location }, () => [location], output, io);
  return EXIT.ok;
}

/** A name without a scheme starts in the storage of the job, for that is where savepoints lie. */
function targetOf(target: string | undefined, { storageUri }: LocalJobRecord): string | undefined {
  if (target === undefined || target.includes('://')) return target;
  return isAbsolute(target) ? pathToFileURL(target).href : `${storageUri.replace(/\/+$/, '')}/${target}`;
}
