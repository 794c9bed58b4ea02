/** Everything `flinkjob status` says of a job, as one record. Its names are those of the resource's status where it has them. */
import {
  FlinkRestError,
  FlinkUnreachableError,
  type JobDetails,
  type JobVertexSummary,
  type MetricCollection,
} from '../../flink/index.ts';
import { type AttemptEnd, type Ledger, openAttemptOf } from '../../ha/index.ts';
import type { RestartStrategySource } from '../../restart/index.ts';
import { openStorage } from '../../storage/index.ts';
import { readManifest } from '../../stream/index.ts';
import { strategyText } from '../output/strategy-text.ts';
import { type LocalPhase, phaseOfJob } from './job-phase.ts';
import type { LocalJob, LocalJobRecord, RunningLeader } from './local-job.ts';
import { strategyInForce } from './restarts-in-force.ts';
import { newestRetained, type StoredCheckpoint } from './stored-checkpoints.ts';

/** The stable form of `-o json`. Instants are ISO 8601. */
export interface JobStatusReport {
  readonly name: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly phase: LocalPhase;
  readonly reason?: string;
  readonly attempt?: {
    readonly number: number;
    readonly started: string;
    readonly epoch: number;
    readonly ended?: { readonly how: AttemptEndWord; readonly at: string; readonly cause: string };
  };
  readonly process?: { readonly pid: number; readonly url: string };
  readonly restarts: { readonly count: number; readonly lastCause?: string; readonly nextAt?: string };
  readonly checkpoint?: {
    readonly id: number;
    readonly kind: 'checkpoint' | 'savepoint';
    readonly taken: string;
    readonly ageMs: number;
    readonly bytes: number;
    readonly location: string;
  };
  /** The last one of a job that has finished: it is removed with the end. */
  readonly lastCheckpoint?: { readonly id: number; readonly taken: string; readonly bytes: number };
  /** In effect: of the running vertices, else of the newest checkpoint or of the end. Several where operators differ. */
  readonly maxParallelism: readonly number[];
  readonly restartStrategy: { readonly text: string; readonly source: RestartStrategySource };
  readonly vertices?: readonly VertexReport[];
  /** What user functions and windows count in this attempt, by name, summed over vertices; absent while it does not run. */
  readonly counters?: Readonly<Record<string, number>>;
}

/** How an attempt ended. On one machine nothing replaces an attempt but the suspension of its job. */
export type AttemptEndWord = Exclude<AttemptEnd['how'], 'replaced'> | 'suspended';

export interface VertexReport {
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly status: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly recordsInPerSecond: number;
  readonly recordsOutPerSecond: number;
}

/** What the report needs besides the job. */
export interface StatusPorts {
  now(): number;
  /** How long records are counted for the rates. */
  sleep(ms: number): Promise<void>;
}

/** Workers report twice in this time, so that a rate is one of real work. */
const SAMPLE_MS = 1_000;

/** Looks at a job once; at a running one for a second. */
export async function jobStatus(
  job: Exclude<LocalJob, { readonly is: 'notFound' }>,
  ports: StatusPorts,
): Promise<JobStatusReport> {
  const { record } = job;
  const leader = job.is === 'running' ? job.leader : undefined;
  const answer = phaseOfJob(record, leader?.details.state);
  const newest = await newestRetained(record);
  const vertices =
    answer.phase === 'Running' && leader !== undefined ? await sampledVertices(leader, ports) : undefined;
  return {
    name: record.home.name,
    namespace: record.home.namespace,
    jobId: record.home.jobId,
    phase: answer.phase,
    ...present('reason', answer.reason),
    ...present('attempt', attemptOf(record.ledger)),
    ...present('process', leader === undefined ? undefined : { pid: leader.pid, url: leader.url }),
    restarts: {
      count: record.ledger.restarts,
      ...present('lastCause', lastCauseOf(record.ledger)),
      ...present('nextAt', answer.nextAt === undefined ? undefined : iso(answer.nextAt)),
    },
    ...present('checkpoint', checkpointOf(newest, ports.now())),
    ...present('lastCheckpoint', newest === undefined ? lastCheckpointOf(record) : undefined),
    maxParallelism: vertices === undefined ? await storedMaxima(record, newest) : distinct(vertices),
    restartStrategy: strategyOf(record),
    ...present('vertices', vertices),
    ...present('counters', vertices === undefined || leader === undefined ? undefined : await countersOf(leader)),
  };
}

function attemptOf(ledger: Ledger): JobStatusReport['attempt'] {
  const last = ledger.attempts.at(-1);
  if (last === undefined) return undefined;
  const { number, startedAt, epoch, end } = last;
  return {
    number,
    started: iso(startedAt),
    epoch,
    ...present('ended', end === undefined ? undefined : { how: wordFor(end), at: iso(end.at), cause: end.cause }),
  };
}

function wordFor({ how }: AttemptEnd): AttemptEndWord {
  return how === 'replaced' ? 'suspended' : how;
}

/** Of the newest failure, also of the attempt that is failing now. */
function lastCauseOf(ledger: Ledger): string | undefined {
  const reported = openAttemptOf(ledger)?.reported?.cause;
  const failed = ledger.attempts.findLast(({ end }) => end?.how === 'failed' || end?.how === 'crashed');
  return reported ?? failed?.end?.cause;
}

function checkpointOf(newest: StoredCheckpoint | undefined, now: number): JobStatusReport['checkpoint'] {
  if (newest?.time === undefined || newest.bytes === undefined) return undefined;
  const { id, kind, time, bytes, location } = newest;
  return { id, kind, taken: iso(time), ageMs: Math.max(0, now - time), bytes, location };
}

function strategyOf(record: LocalJobRecord): JobStatusReport['restartStrategy'] {
  const { strategy, source } = strategyInForce(record);
  return { text: strategyText(strategy), source };
}

async function sampledVertices({ client, details }: RunningLeader, ports: StatusPorts): Promise<VertexReport[]> {
  const startedAt = ports.now();
  await ports.sleep(SAMPLE_MS);
  // One that ended meanwhile is shown as it was.
  const later = await client.job(details.jid).catch(() => details);
  return vertexReports(details, later, Math.max(1, ports.now() - startedAt) / 1_000);
}

/** A job that ended meanwhile has none to show. */
async function countersOf({ client, details }: RunningLeader): Promise<Readonly<Record<string, number>>> {
  try {
    const prefixes = details.vertices.map(({ name }) => `${name}.`);
    const all = await client.metrics(details.jid);
    const ids = all.map(({ id }) => id).filter((id) => prefixes.some((prefix) => id.startsWith(prefix)));
    return ids.length === 0 ? {} : userCounters(await client.metrics(details.jid, ids), prefixes);
  } catch (error) {
    if (error instanceof FlinkRestError || error instanceof FlinkUnreachableError) return {};
    throw error;
  }
}

/** `<vertex>.<counter>`, summed by counter. */
export function userCounters(metrics: MetricCollection, prefixes: readonly string[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { id, value } of metrics) {
    // One vertex's name may begin with another's.
    const [longest] = prefixes.filter((prefix) => id.startsWith(prefix)).sort((a, b) => b.length - a.length);
    if (longest === undefined) continue;
    const name = id.slice(longest.length);
    sums[name] = (sums[name] ?? 0) + Number(value ?? 0);
  }
  return sums;
}

/** Counts of the later look, and rates over the time between the two. */
export function vertexReports(before: JobDetails, after: JobDetails, seconds: number): VertexReport[] {
  const earlier = new Map(before.vertices.map((vertex) => [vertex.id, vertex]));
  const rate = (vertex: JobVertexSummary, counter: 'read-records' | 'write-records'): number => {
    const was = earlier.get(vertex.id)?.metrics[counter] ?? 0;
    return Math.max(0, Math.round((vertex.metrics[counter] - was) / seconds));
  };
  return after.vertices.map((vertex) => ({
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    status: vertex.status,
    recordsIn: vertex.metrics['read-records'],
    recordsOut: vertex.metrics['write-records'],
    recordsInPerSecond: rate(vertex, 'read-records'),
    recordsOutPerSecond: rate(vertex, 'write-records'),
  }));
}

function lastCheckpointOf({ result }: LocalJobRecord): JobStatusReport['lastCheckpoint'] {
  const last = result?.summary?.checkpoint;
  return last === undefined ? undefined : { id: last.id, taken: iso(last.time), bytes: last.bytes };
}

/** A manifest that cannot be read says nothing here; `flinkjob checkpoints` says why. */
async function storedMaxima(record: LocalJobRecord, newest: StoredCheckpoint | undefined): Promise<readonly number[]> {
  if (newest === undefined) return record.result?.summary?.maxParallelism ?? [];
  const manifest = await readManifest(openStorage(record.storageUri), newest.directory).catch(() => undefined);
  return distinct(manifest?.operators ?? []);
}

function distinct(items: readonly { readonly maxParallelism: number }[]): number[] {
  return [...new Set(items.map(({ maxParallelism }) => maxParallelism))];
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}
