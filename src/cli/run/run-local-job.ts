/** What `flinkjob run` does: read the resource, open the job's directory, supervise, show, and end with an exit code. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type FlinkJobSettings, parseFlinkJob, resolveFlinkJob } from '../../api/index.ts';
import { FlinkClient } from '../../flink/index.ts';
import { openEmbeddedHaServices } from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import { openStorage } from '../../storage/index.ts';
import type { CliIo } from '../command.ts';
import type { JobOrder } from '../job-process/job-order.ts';
import type { FromJobProcess } from '../job-process/messages.ts';
import { type JobHome, JobHomeError, openJobHome } from './job-home.ts';
import { type JobProcessHandle, startJobProcess } from './job-process-handle.ts';
import { RunDisplay } from './run-display.ts';
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

/** Checkpoint interval of a local job whose resource sets none. */
const DEFAULT_INTERVAL_MS = 10_000;

/** @returns 0 when the job finished or was stopped on request; 10, 11 or 13 when it failed; 1 when it could not be supervised */
export async function runLocalJob(
  file: string,
  options: RunOptions,
  io: CliIo,
  observer: RunObserver = {},
): Promise<number> {
  let settings: FlinkJobSettings;
  try {
    settings = resolveFlinkJob(parseFlinkJob(await readManifest(file, io), file));
  } catch (error) {
    io.stderr.write(`error: ${messageOf(error)}\n`);
    return JOB_EXIT.invalid;
  }
  try {
    return await runJob(file, settings, options, io, observer);
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return error instanceof JobHomeError || !error.retryable ? JOB_EXIT.invalid : JOB_EXIT.failed;
  }
}

async function readManifest(file: string, io: CliIo): Promise<string> {
  if (file !== '-') return readFile(resolve(io.cwd, file), 'utf8');
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

async function runJob(
  file: string,
  settings: FlinkJobSettings,
  options: RunOptions,
  io: CliIo,
  observer: RunObserver,
): Promise<number> {
  const source = jobModuleOf(settings);
  const home = openJobHome(resolve(io.cwd, options.home), settings.namespace, settings.name, options.fresh);
  const unlock = lockSupervision(home);
  const order = orderFor(file, settings, source, home, options, io);
  const services = await openEmbeddedHaServices({
    directory: home.haDirectory,
    storage: openStorage(order.storageUri),
    jobId: home.jobId,
    clock: systemClock,
    identity: `supervisor-${randomUUID()}`,
  });
  const display = new RunDisplay(settings.name, io, systemClock);
  const stop = stopSignal();
  try {
    const result = await supervise({
      services,
      clock: systemClock,
      random: Math.random,
      manifestStrategy: settings.restart,
      checkpointing: true,
      stop: stop.signal,
      start: (attempt) => {
        const terminationLog = join(home.processDirectory, `attempt-${attempt}.json`);
        const handle = startJobProcess(
          { ...order, attempt, terminationLog },
          {
            onMessage: (message) => {
              display.onMessage(message);
              observer.onMessage?.(message);
            },
            onStderr: (text) => display.onStderr(text),
          },
        );
        observer.onProcess?.(handle);
        return handle;
      },
      onEvent: (event) => display.onSupervisorEvent(event),
      endProcess: (handle) => endProcess(handle, settings, display),
    });
    return exitCodeOf(result, settings, display);
  } finally {
    stop.dispose();
    display.close();
    await services.close();
    unlock();
  }
}

function jobModuleOf({ source, name }: FlinkJobSettings): JobOrder['program']['module'] {
  switch (source?.kind) {
    case 'module':
      return { kind: 'file', path: source.module };
    case 'inline':
      return { kind: 'inline', source: source.source };
    case 'configMap':
      throw new JobHomeError(
        'JOB_SOURCE_NEEDS_CLUSTER',
        `job ${name} takes its source from ConfigMap ${source.name}, which exists only in a cluster. Use spec.typescript.module or inline to run it here.`,
      );
    case undefined:
      throw new JobHomeError(
        'JOB_RUNTIME_NEEDS_CLUSTER',
        `job ${name} uses the Apache Flink runtime, which runs only in a cluster. flinkjob run takes jobs with spec.typescript.`,
      );
    default:
      return assertNever(source);
  }
}

function orderFor(
  file: string,
  settings: FlinkJobSettings,
  module: JobOrder['program']['module'],
  home: JobHome,
  options: RunOptions,
  io: CliIo,
): Omit<JobOrder, 'attempt' | 'terminationLog'> {
  const { checkpoints, parallelism, maxParallelism, args, name } = settings;
  const restoreFrom = options.restoreFrom ?? settings.restoreFrom;
  return {
    jobId: home.jobId,
    jobName: name,
    program: {
      module,
      // A module's path is relative to the resource that names it, so a job can be run from any directory.
      workingDirectory: file === '-' ? io.cwd : dirname(resolve(io.cwd, file)),
      args,
      parallelism,
      ...(maxParallelism === undefined ? {} : { maxParallelism }),
    },
    storageUri: storageOf(settings, home, options),
    haDirectory: home.haDirectory,
    checkpoints: { ...checkpoints, intervalMs: checkpoints.intervalMs ?? DEFAULT_INTERVAL_MS },
    ...(restoreFrom === undefined ? {} : { restoreFrom: absolutePointer(restoreFrom, io.cwd) }),
    allowNonRestoredState: settings.upgrade.allowNonRestoredState,
    rest: { host: '127.0.0.1', port: Number(options.restPort) },
  };
}

/** A local run keeps its state on this machine: in the resource's storage where that is local, else in the job's directory. */
function storageOf({ storageUri }: FlinkJobSettings, home: JobHome, { storage }: RunOptions): string {
  return storage ?? (storageUri.startsWith('file://') ? storageUri : home.storageUri);
}

function absolutePointer(pointer: string, cwd: string): string {
  return pointer.includes('://') || isAbsolute(pointer) ? pointer : resolve(cwd, pointer);
}

/** The first SIGINT or SIGTERM asks the job to end as `deletion.mode` says; the second ends everything at once. */
function stopSignal(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** Brings the running process down as `deletion.mode` says; after its deadline, or where REST does not answer, by signal. */
async function endProcess(
  handle: JobProcessHandle,
  { deletion }: FlinkJobSettings,
  display: RunDisplay,
): Promise<void> {
  const { url, jobId } = display.serving;
  if (url === undefined || jobId === undefined || deletion.mode === 'Orphan') {
    handle.kill('SIGTERM');
    return;
  }
  const client = new FlinkClient(url);
  try {
    if (deletion.mode === 'Savepoint') {
      display.say('stopping with a savepoint');
      await client.stopWithSavepoint(jobId, {}, { timeoutMs: deletion.timeoutMs });
    } else {
      display.say('cancelling');
      await client.cancel(jobId);
    }
  } catch (error) {
    display.say(`${messageOf(error)}; stopping without a savepoint, the newest checkpoint stays`);
    handle.kill('SIGTERM');
  }
}

function exitCodeOf(result: SupervisionResult, { name }: FlinkJobSettings, display: RunDisplay): number {
  switch (result.result) {
    case 'finished':
    case 'stoppedWithSavepoint':
      return JOB_EXIT.finished;
    case 'alreadyFinished':
      display.say(`job ${name} has finished before. Run it again from nothing with --fresh.`);
      return JOB_EXIT.finished;
    case 'stopped':
      display.say('stopped; the job goes on from its newest checkpoint when it is run again');
      return JOB_EXIT.finished;
    case 'failed':
      display.error(`job ${name} failed: ${result.cause}. ${result.reason}. Its state is kept.`);
      return result.unrecoverable ? JOB_EXIT.suppressRestarts : JOB_EXIT.failed;
    default:
      return assertNever(result);
  }
}
