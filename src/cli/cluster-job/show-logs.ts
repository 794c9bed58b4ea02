/** What `flinkjob logs` does: the output of a job's pods, as it comes. */
import { StringDecoder } from 'node:string_decoder';
import { ApiError, type FlinkJobObject, type HttpStream, PODS } from '../../kube/index.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { MAIN_CONTAINER } from '../../resources/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ClusterJobError, inClusterWords } from './errors.ts';
import { podsOf } from './look-at-job.ts';
import { type ClusterJob, PATIENCE_MS, readJob, withClusterJob } from './open-cluster.ts';
import { type PodReport, podReports } from './pod-report.ts';
import { titleOf } from './progress.ts';

export interface LogsOptions extends ClusterOptions {
  readonly pod?: string;
  readonly previous?: boolean;
  readonly standbys?: boolean;
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: number;
  /** Seconds. */
  readonly since?: number;
}

/** @returns 0 when something could be read; else 1 */
export function showLogs(name: string, options: LogsOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    const job = await readJob(where);
    const notes: string[] = [];
    const pods = podReports(await podsOf(where, notes), job.status?.attempt ?? {});
    const chosen = choosePods(pods, job, options);
    if (chosen.length === 0) return withoutPods(job, options, notes, io);
    const isSeveral = chosen.length > 1;
    const results = await Promise.allSettled(
      chosen.map((pod) => copyLog(where, pod, options, isSeveral ? `[${pod}] ` : '', io)),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length === results.length) throw failures[0];
    for (const failure of failures) {
      if (!(failure instanceof FlinkJobError)) throw failure;
      io.stderr.write(`error: ${printable(failure.message)}\n`);
    }
    return failures.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** Names of the pods that are asked for. Pure. */
export function choosePods(
  pods: readonly PodReport[],
  job: FlinkJobObject,
  { pod, previous, standbys }: Pick<LogsOptions, 'pod' | 'previous' | 'standbys'>,
): string[] {
  // One that is gone from the list may still be asked for; the server says what there is to say.
  if (pod !== undefined) return [pod];
  if (previous === true) return lastThatEnded(pods);
  const current = pods.filter(({ role }) => role !== 'old');
  if (standbys === true) return current.map(({ name }) => name);
  const leader = job.status?.attempt?.leader;
  const main = current.find(({ name }) => name === leader) ?? current[0] ?? pods.at(-1);
  return main === undefined ? [] : [main.name];
}

/** Of the newest attempt that has pods which do not run any more, the one that was made last: it is what ended it. */
function lastThatEnded(pods: readonly PodReport[]): string[] {
  const ended = pods.filter(({ role }) => role === 'old' || role === 'ended');
  const newest = Math.max(...ended.map(({ attempt = 0 }) => attempt));
  const last = ended.filter(({ attempt = 0 }) => attempt === newest).at(-1);
  return last === undefined ? [] : [last.name];
}

/** Pods that are gone took their output along; the last of it stands in status. */
function withoutPods(job: FlinkJobObject, { previous }: LogsOptions, notes: readonly string[], io: CliIo): number {
  const { rootException, phase = 'Pending' } = job.status ?? {};
  const which = previous === true ? 'no pod that has ended' : 'no pods';
  const why = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  if (rootException === undefined) {
    throw new ClusterJobError('CLUSTER_POD_NOT_FOUND', `job ${titleOf(job)} has ${which} now${why}; it is ${phase}`);
  }
  io.stderr.write(`job ${titleOf(job)} has ${which} now${why}; this is what status kept of the last failure:\n`);
  const lines = rootException.replace(/\n*$/, '').split('\n').map(printable);
  io.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.ok;
}

async function copyLog(where: ClusterJob, pod: string, options: LogsOptions, prefix: string, io: CliIo): Promise<void> {
  const stream = await openLog(where, pod, options);
  const stop = (): void => stream.cut();
  where.signal.addEventListener('abort', stop, { once: true });
  const decoder = new StringDecoder('utf8');
  let begun = '';
  const writeLines = (text: string): void => {
    const lines = (begun + text).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) io.stdout.write(`${prefix}${line}\n`);
  };
  try {
    for await (const chunk of stream.chunks) writeLines(decoder.write(chunk));
    writeLines(decoder.end());
    if (begun !== '') io.stdout.write(`${prefix}${begun}\n`);
  } catch (error) {
    if (!where.signal.aborted) throw error;
  } finally {
    where.signal.removeEventListener('abort', stop);
  }
}

async function openLog(where: ClusterJob, pod: string, options: LogsOptions): Promise<HttpStream> {
  const { client, namespace, signal } = where;
  const { follow, timestamps, tail, since } = options;
  const query = { container: MAIN_CONTAINER, follow, timestamps, tailLines: tail, sinceSeconds: since };
  const stream = await client.openPart(PODS, { namespace, name: pod }, 'log', {
    query,
    signal,
    deadlineMs: PATIENCE_MS,
  });
  if (stream.status === 200) return stream;
  throw await refused(stream, where, pod);
}

async function refused(stream: HttpStream, where: ClusterJob, pod: string): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const chunk of stream.chunks) parts.push(chunk);
  const body = Buffer.concat(parts).toString('utf8');
  const said = messageIn(body);
  if (stream.status === 403) {
    const facts = {
      code: 'KUBE_REFUSED',
      call: 'get pods/log',
      why: said,
      outcome: 'notApplied',
      retryable: false,
    } as const;
    return inClusterWords(new ApiError({ ...facts, status: 403 }), where);
  }
  return new ClusterJobError(
    'CLUSTER_POD_NOT_FOUND',
    `the log of pod ${pod} in namespace ${where.namespace} cannot be read (${stream.status}): ${said}. ` +
      `kubectl flinkjob status ${where.name} -n ${where.namespace} shows the pods there are`,
  );
}

function messageIn(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body.trim().slice(0, 300);
  }
}
