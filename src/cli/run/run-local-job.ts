/** What `flinkjob run` does: read the resource, open the job's directory, supervise, show, and end with an exit code. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { FlinkJobSettings } from '../../api/index.ts';
import { FlinkClient, FlinkOperationTimeoutError } from '../../flink/index.ts';
import { livenessOf, openEmbeddedHaServices, readEmbeddedLease } from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import { openStorage } from '../../storage/index.ts';
import { checkJobModule } from '../../stream/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { type JobOrder, orderedBySettings } from '../job-process/job-order.ts';
import type { FromJobProcess } from '../job-process/messages.ts';
import { checkRestPort } from '../job-process/rest-port.ts';
import { fileArgument, type JobFile, jobModuleOf, localStorageUri, readJobFile, settingsOf } from './job-file.ts';
import {
  bornAt,
  hasRunBefore,
  type JobHome,
  type JobPlace,
  makeJobPlace,
  openJobHome,
  readableHome,
  renewJobHome,
} from './job-home.ts';
import { type JobProcessHandle, startJobProcess, terminationLogOf } from './job-process-handle.ts';
import { type LastRun, writeLastRun } from './last-run.ts';
import { RunDisplay } from './run-display.ts';
import { absolutePointer, checkStartPoint } from './start-point.ts';
import { stopSignal } from './stop-signal.ts';
import { lockSupervision } from './supervision-lock.ts';
import { type SupervisionResult, supervise } from './supervisor.ts';

export interface RunOptions {
  readonly home: string;
  readonly fresh: boolean;
  readonly restoreFrom?: string;
  readonly storage?: string;
  readonly restPort: string;
}

/** Sees what happens while a job runs; for demonstrations and tests. */
export interface RunObserver {
  onProcess?(handle: JobProcessHandle): void;
  onMessage?(message: FromJobProcess): void;
}

/** @returns 0 when the job finished or was stopped on request; 10, 11 or 13 when it failed; 1 when it could not be supervised */
export async function runLocalJob(
  file: string,
  options: RunOptions,
  io: CliIo,
  observer: RunObserver = {},
): Promise<number> {
  let job: JobFile;
  try {
    job = await readJobFile(file, io);
  } catch (error) {
    return failure(error, io);
  }
  return runJobFile(job, options, io, observer);
}

/** As runLocalJob, for a job whose file has been read. */
export async function runJobFile(
  file: JobFile,
  options: RunOptions,
  io: CliIo,
  observer: RunObserver = {},
): Promise<number> {
  try {
    return await runJob(file, settingsOf(file), options, io, observer);
  } catch (error) {
    return failure(error, io);
  }
}

/** One message and an exit code for everything that keeps a job from being supervised. */
function failure(error: unknown, io: CliIo): number {
  if (!(error instanceof FlinkJobError)) throw error;
  io.stderr.write(`error: ${error.message}\n`);
  if (error.code === 'JOB_ALREADY_SUPERVISED') return EXIT.failed;
  return error.retryable ? JOB_EXIT.failed : JOB_EXIT.invalid;
}

async function runJob(
  file: JobFile,
  settings: FlinkJobSettings,
  options: RunOptions,
  io: CliIo,
  observer: RunObserver,
): Promise<number> {
  const module = jobModuleOf(settings);
  // Before anything is made or forgotten: nothing of it helps a job without a program.
  checkJobModule(module, file.directory);
  if (settings.clusterOnly.length > 0) {
    io.stderr.write(`${settings.name}: without effect on this machine: ${settings.clusterOnly.join(', ')}\n`);
  }
  const place = makeJobPlace(resolve(io.cwd, options.home), settings.namespace, settings.name);
  const unlock = await lockSupervision(place);
  try {
    if (!(await mayServeStill(place))) await checkRestPort(restOf(options));
    const startPoint = options.restoreFrom ?? settings.restoreFrom;
    if (options.fresh && startPoint !== undefined) await checkStartPoint(absolutePointer(startPoint, io.cwd), place);
    if (options.fresh && hasRunBefore(place)) {
      io.stderr.write(`${settings.name}: ${freshText(options)}\n`);
    }
    const home = options.fresh ? renewJobHome(place) : openJobHome(place);
    const order = orderFor(file, settings, module, home, options, io);
    writeLastRun(home, lastRunOf(file, order, options));
    return await superviseJob(home, order, file, settings, io, observer);
  } finally {
    await unlock();
  }
}

async function superviseJob(
  home: JobHome,
  order: Omit<JobOrder, 'attempt' | 'terminationLog'>,
  file: JobFile,
  settings: FlinkJobSettings,
  io: CliIo,
  observer: RunObserver,
): Promise<number> {
  const services = await openEmbeddedHaServices({
    directory: home.haDirectory,
    storage: openStorage(order.storageUri),
    jobId: home.jobId,
    clock: systemClock,
    identity: `supervisor-${randomUUID()}`,
  });
  const title = titleOf(settings);
  const display = new RunDisplay({ name: settings.name, title }, io, systemClock);
  const stop = stopSignal(process, systemClock);
  let { rest } = order;
  try {
    const result = await supervise({
      services,
      clock: systemClock,
      random: Math.random,
      manifestStrategy: settings.restart,
      checkpointing: true,
      stop: stop.signal,
      kill: stop.kill,
      killAfterMs: Math.min(LONGEST_GRACE_MS, settings.deletion.timeoutMs),
      start: (attempt) => {
        const terminationLog = terminationLogOf(home, attempt);
        const handle = startJobProcess(
          { ...order, rest, attempt, terminationLog },
          {
            onMessage: (message) => {
              display.onMessage(message);
              observer.onMessage?.(message);
            },
            onStderr: (text) => display.onStderr(text),
          },
        );
        // Only before the job runs is a port that cannot be had a mistake of whoever named it.
        rest = { ...rest, orFree: true };
        observer.onProcess?.(handle);
        return handle;
      },
      onEvent: (event) => display.onSupervisorEvent(event),
      endProcess: (handle, gone) => endProcess(handle, gone, settings, display),
    });
    return stop.kill.aborted && result.result === 'stopped'
      ? killed(display)
      : exitCodeOf(result, title, file, display);
  } finally {
    stop.dispose();
    display.close();
    await services.close();
  }
}

function lastRunOf(file: JobFile, { restoreFrom }: Pick<JobOrder, 'restoreFrom'>, options: RunOptions): LastRun {
  const { storage, restPort } = options;
  return {
    version: 1,
    file,
    ...(storage === undefined ? {} : { storage }),
    restPort,
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
  };
}

function orderFor(
  file: JobFile,
  settings: FlinkJobSettings,
  module: JobOrder['program']['module'],
  home: JobHome,
  options: RunOptions,
  io: CliIo,
): Omit<JobOrder, 'attempt' | 'terminationLog'> {
  const restoreFrom = options.restoreFrom ?? settings.restoreFrom;
  return {
    // A module's path is relative to the resource that names it, so a job can be run from any directory.
    ...orderedBySettings(settings, { module, workingDirectory: file.directory, since: bornAt(home) }),
    jobId: home.jobId,
    storageUri: localStorageUri(settings, home, options.storage),
    highAvailability: { backend: 'Embedded', directory: home.haDirectory },
    ...(restoreFrom === undefined ? {} : { restoreFrom: absolutePointer(restoreFrom, io.cwd) }),
    rest: restOf(options),
  };
}

function restOf({ restPort }: Pick<RunOptions, 'restPort'>): JobOrder['rest'] {
  return { host: '127.0.0.1', port: Number(restPort) };
}

/** Whether a process of an earlier run is still on its way out: its port is free before the next one leads. */
async function mayServeStill(place: JobPlace): Promise<boolean> {
  const home = readableHome(place);
  if (home === undefined) return false;
  const lease = await readEmbeddedLease({ directory: home.haDirectory, jobId: home.jobId });
  return lease !== undefined && lease.holder !== '' && livenessOf(lease.process) !== 'dead';
}

/** What `--fresh` cannot forget. */
const OUTPUT_STAYS =
  'Output that the job has written stays: remove it first. A file sink refuses to begin beside it, other sinks would write it twice.';

function freshText({ restoreFrom }: RunOptions): string {
  if (restoreFrom === undefined) return `begins from nothing. ${OUTPUT_STAYS}`;
  return (
    `forgets its checkpoints and begins from ${restoreFrom}. What the job has written since that savepoint was taken ` +
    'will be written again: remove that, and leave what is older.'
  );
}

/** What other commands call the job. */
function titleOf({ namespace, name }: FlinkJobSettings): string {
  return namespace === 'default' ? name : `${namespace}/${name}`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

/**
 * How long a process may take to end once it was asked to, where `deletion.timeout` allows as much: longer than it gives
 * itself for closing functions and connections.
 */
const LONGEST_GRACE_MS = 15_000;

/** Brings the running process down as `deletion.mode` says; after its deadline, or where REST does not answer, by signal. */
async function endProcess(
  handle: JobProcessHandle,
  gone: AbortSignal,
  { deletion }: FlinkJobSettings,
  display: RunDisplay,
): Promise<void> {
  const { url, jobId } = display.serving;
  if (url === undefined || jobId === undefined || deletion.mode === 'Orphan') {
    handle.kill('SIGTERM');
    return;
  }
  const client = new FlinkClient(url);
  const deadline = AbortSignal.timeout(deletion.timeoutMs);
  const signal = AbortSignal.any([gone, deadline]);
  try {
    if (deletion.mode === 'Savepoint') {
      display.say('stopping with a savepoint');
      await client.stopWithSavepoint(jobId, {}, { timeoutMs: deletion.timeoutMs, signal });
    } else {
      display.say('cancelling');
      await client.cancel(jobId, signal);
    }
  } catch (error) {
    // It ended before it could answer; how, its end says.
    if (gone.aborted) return;
    const within = `within ${formatDurationMs(deletion.timeoutMs)} (spec.deletion.timeout)`;
    const isLate = deadline.aborted || error instanceof FlinkOperationTimeoutError;
    const what = deletion.mode === 'Savepoint' ? 'no savepoint came about' : 'no answer came';
    display.say(
      `${isLate ? `${what} ${within}` : messageOf(error)}; stopping without a savepoint, the newest checkpoint stays`,
    );
    handle.kill('SIGTERM');
  }
}

function killed(display: RunDisplay): number {
  display.say('killed; the job goes on from its newest checkpoint when it is run again');
  return EXIT.interrupted;
}

function exitCodeOf(result: SupervisionResult, title: string, file: JobFile, display: RunDisplay): number {
  switch (result.result) {
    case 'finished':
    case 'stoppedWithSavepoint':
      return JOB_EXIT.finished;
    case 'alreadyFinished':
      display.say(
        `job ${title} has finished before, at ${new Date(result.at).toISOString()}. flinkjob run --fresh ${fileArgument(file)} runs it again from nothing. ${OUTPUT_STAYS}`,
      );
      return JOB_EXIT.finished;
    case 'stopped':
      display.say('stopped; the job goes on from its newest checkpoint when it is run again');
      return JOB_EXIT.finished;
    case 'failed':
      display.error(`job ${title} failed: ${withoutStop(result.cause)}. It ${result.plainReason}. Its state is kept.`);
      if (result.exitCode === JOB_EXIT.invalid) return JOB_EXIT.invalid;
      return result.unrecoverable ? JOB_EXIT.suppressRestarts : JOB_EXIT.failed;
    default:
      return assertNever(result);
  }
}
