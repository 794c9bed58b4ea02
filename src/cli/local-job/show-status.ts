/** What `flinkjob status` does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { countersText } from '../output/counters-text.ts';
import { type Paint, paintFor, type Tone } from '../output/paint.ts';
import { tableLines } from '../output/table.ts';
import { bytesText, countText, durationText } from '../output/units.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { LocalPhase } from './job-phase.ts';
import { type JobStatusReport, jobStatus, type VertexReport } from './job-status.ts';
import { type LocalJobOptions, withLocalJob } from './with-local-job.ts';

export interface StatusOptions extends LocalJobOptions {
  readonly output: OutputFormat;
}

/** @returns 0 when the job was found, in whatever phase it is; else 1 */
export async function showStatus(name: string, options: StatusOptions, io: CliIo): Promise<number> {
  return withLocalJob(name, options, io, async (job) => {
    const report = await jobStatus(job, { now: () => systemClock.now(), sleep: (ms) => sleep(ms) });
    writeResult(report, () => statusLines(report, systemClock.now(), io), options.output, io);
    return EXIT.ok;
  });
}

/** One screen for people. */
export function statusLines(report: JobStatusReport, now: number, io: Pick<CliIo, 'isTty' | 'env'>): string[] {
  const paint = paintFor(io);
  const facts = factsOf(report, now, paint);
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, text]) => (io.isTty ? `${label.padEnd(width)}  ${text}` : `${label}\t${text}`));
  return report.vertices === undefined ? lines : [...lines, '', ...vertexLines(report.vertices, io)];
}

function factsOf(report: JobStatusReport, now: number, paint: Paint): [string, string][] {
  const { attempt, process, restarts, checkpoint, lastCheckpoint, maxParallelism, restartStrategy } = report;
  const counters = countersText(report.counters ?? {});
  const facts: [string, string | undefined][] = [
    ['Job', `${report.namespace}/${report.name} (${report.jobId})`],
    ['Phase', paint(toneOf(report.phase), report.phase) + (report.reason === undefined ? '' : `: ${report.reason}`)],
    ['Attempt', attempt && `${attempt.number}, ${attemptText(attempt, now)}`],
    ['Process', process && `${process.pid} at ${process.url}`],
    ['Restarts', restartsText(restarts, now)],
    ['Checkpoint', checkpoint === undefined ? noneText(lastCheckpoint, now) : checkpointText(checkpoint)],
    [
      'Max parallelism',
      maxParallelism.length === 0 ? 'not known before the first checkpoint' : maxParallelism.join(', '),
    ],
    ['Restart strategy', `${restartStrategy.text} (${SOURCES[restartStrategy.source]})`],
    ['Counters', counters === '' ? undefined : counters],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

const SOURCES = {
  manifest: 'from spec.restart',
  code: 'from the code of the job',
  operatorDefault: 'the default of this command',
  builtIn: 'the default',
} as const;

function attemptText({ started, ended }: NonNullable<JobStatusReport['attempt']>, now: number): string {
  if (ended === undefined) return `started ${durationText(now - Date.parse(started))} ago`;
  const cause = ended.how === 'failed' || ended.how === 'crashed' ? `: ${ended.cause}` : '';
  return `${ended.how} ${durationText(now - Date.parse(ended.at))} ago${cause}`;
}

function restartsText({ count, lastCause, nextAt }: JobStatusReport['restarts'], now: number): string {
  const last = lastCause === undefined ? '' : `; the last failure: ${lastCause}`;
  const next = nextAt === undefined ? '' : `; the next attempt in ${durationText(Date.parse(nextAt) - now)}`;
  return `${count}${last}${next}`;
}

/** A job that finished has none left: it needs none. */
function noneText(last: JobStatusReport['lastCheckpoint'], now: number): string {
  if (last === undefined) return 'none';
  const ago = durationText(now - Date.parse(last.taken));
  return `none left; the last was checkpoint ${last.id}, ${ago} ago, ${bytesText(last.bytes)}`;
}

function checkpointText(checkpoint: NonNullable<JobStatusReport['checkpoint']>): string {
  const { id, kind, ageMs, bytes, location } = checkpoint;
  return `${kind} ${id}, ${durationText(ageMs)} ago, ${bytesText(bytes)}, ${location}`;
}

function vertexLines(vertices: readonly VertexReport[], io: Pick<CliIo, 'isTty' | 'env'>): string[] {
  const header = ['VERTEX', 'STATUS', 'PARALLELISM', 'MAX', 'IN', 'IN/S', 'OUT', 'OUT/S'];
  const rows = vertices.map((vertex) => [
    vertex.name,
    vertex.status,
    String(vertex.parallelism),
    String(vertex.maxParallelism),
    countText(vertex.recordsIn),
    countText(vertex.recordsInPerSecond),
    countText(vertex.recordsOut),
    countText(vertex.recordsOutPerSecond),
  ]);
  return tableLines(header, rows, io);
}

function toneOf(phase: LocalPhase): Tone {
  switch (phase) {
    case 'Running':
    case 'Finished':
      return 'good';
    case 'Starting':
    case 'Restarting':
    case 'Suspended':
    case 'Stopped':
      return 'warning';
    case 'Failed':
      return 'bad';
    default:
      return assertNever(phase);
  }
}
