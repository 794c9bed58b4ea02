/** What `savepoint`, `restart`, `suspend` and `resume` do on a cluster: change one field of the resource, wait for the operator. */
import type { FlinkJobObject } from '../../kube/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { progressLine } from '../output/progress-line.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import { awaitProgress } from './await-progress.ts';
import { askTrigger, setState } from './change-spec.ts';
import { ClusterJobError } from './errors.ts';
import { putBackWarning } from './gitops.ts';
import { type ClusterJob, withClusterJob } from './open-cluster.ts';
import {
  type Progress,
  restartProgress,
  savepointProgress,
  standsStill,
  stateProgress,
  titleOf,
  whyOf,
} from './progress.ts';
import type { RequestOptions } from './request-options.ts';
import type { TriggerName } from './status-report.ts';

export interface AskOptions extends RequestOptions {
  readonly output: OutputFormat;
}

/** @returns 0 when the savepoint is complete, or with --no-wait asked for; else 1 */
export function askSavepoint(name: string, options: AskOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    const { number } = await asked(where, 'savepoint', io, (job) => {
      const still = standsStill(job, systemClock.now());
      if (still !== undefined) throw still;
    });
    if (!options.wait) return written({ trigger: number }, `savepoint ${number} is asked for`, options, io);
    const location = await waited(where, (job, now) => savepointProgress(job, number, now), options, io);
    return written({ trigger: number, location }, location, options, io);
  });
}

/** @returns 0 when a new attempt runs, or with --no-wait is asked for; else 1 */
export function askRestart(name: string, options: AskOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    let before = 0;
    const { number } = await asked(where, 'restart', io, (job) => {
      before = job.status?.attempt?.number ?? 0;
      refuseRestart(job);
    });
    if (!options.wait) return written({ trigger: number }, `restart ${number} is asked for`, options, io);
    const attempt = await waited(where, (job, now) => restartProgress(job, number, before, now), options, io);
    return written({ trigger: number, attempt }, `attempt ${attempt} runs`, options, io);
  });
}

/** @returns 0 when the job stands still with its state kept, or with --no-wait is asked to; else 1 */
export function askSuspend(name: string, options: AskOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    await stateSet(where, 'Suspended', io, refuseEnded);
    if (!options.wait) return written({ state: 'Suspended' }, 'suspension is asked for', options, io);
    const result = await waited(where, (job, now) => stateProgress(job, 'Suspended', now), options, io);
    return written(result, result.location ?? result.phase, options, io);
  });
}

/** @returns 0 when the job runs, or with --no-wait is asked to; else 1 */
export function askResume(name: string, options: AskOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    const { job, isChanged } = await stateSet(where, 'Running', io, refuseEnded);
    if (!isChanged && job.status?.phase === 'Failed') {
      throw new ClusterJobError(
        'CLUSTER_REQUEST_FAILED',
        `job ${titleOf(job)} is not suspended, it is Failed. ${whyOf(job, systemClock.now())}`,
      );
    }
    if (!options.wait) return written({ state: 'Running' }, 'resume is asked for', options, io);
    const { phase } = await waited(where, (seen, now) => stateProgress(seen, 'Running', now), options, io);
    return written({ phase }, phase, options, io);
  });
}

async function asked(where: ClusterJob, trigger: TriggerName, io: CliIo, check: (job: FlinkJobObject) => void) {
  let before: FlinkJobObject | undefined;
  const answer = await askTrigger(where, trigger, (found) => {
    before = found;
    check(found);
  });
  warn(before, ['spec', 'triggers', trigger], io);
  return answer;
}

async function stateSet(
  where: ClusterJob,
  state: 'Running' | 'Suspended',
  io: CliIo,
  check: (job: FlinkJobObject) => void,
) {
  let before: FlinkJobObject | undefined;
  const job = await setState(where, state, (found) => {
    before = found;
    check(found);
  });
  warn(before, ['spec', 'state'], io);
  return { job, isChanged: before !== undefined };
}

/** After a change the field is ours; who kept it before is who puts it back. */
function warn(before: FlinkJobObject | undefined, path: readonly string[], io: CliIo): void {
  const warning = putBackWarning(before?.metadata?.managedFields, path);
  if (warning !== undefined) io.stderr.write(`warning: ${warning}\n`);
}

function refuseRestart(job: FlinkJobObject): void {
  const { phase } = job.status ?? {};
  const isGone = job.metadata?.deletionTimestamp !== undefined;
  if (!isGone && phase !== 'Suspended' && phase !== 'Suspending' && phase !== 'Succeeded') return;
  const still = standsStill(job, systemClock.now());
  if (still !== undefined) throw still;
}

function refuseEnded(job: FlinkJobObject): void {
  const isOver = job.metadata?.deletionTimestamp !== undefined || job.status?.phase === 'Succeeded';
  const still = isOver ? standsStill(job, systemClock.now()) : undefined;
  if (still !== undefined) throw still;
}

function waited<R>(
  where: ClusterJob,
  progressOf: (job: FlinkJobObject, now: number) => Progress<R>,
  options: AskOptions,
  io: CliIo,
): Promise<R> {
  const line = progressLine(`${where.namespace}/${where.name}`, io);
  return awaitProgress(where, (job) => progressOf(job, systemClock.now()), { timeoutMs: options.timeout, line });
}

function written(record: object, text: string, { output }: AskOptions, io: CliIo): number {
  writeResult(record, () => [printable(text)], output, io);
  return EXIT.ok;
}
