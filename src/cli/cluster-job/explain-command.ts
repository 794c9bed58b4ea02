/** What `flinkjob explain` does: why a job is where it is, or what a reason of a condition means. */
import { explain, isReason, nearest, REASONS } from '../../api/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { EVENT_WORDS, isEventReason } from './explain-event.ts';
import { lookAtJob } from './look-at-job.ts';
import { withClusterJob } from './open-cluster.ts';
import { explainSeen } from './status-report.ts';

export interface ExplainOptions extends ClusterOptions {
  readonly output: OutputFormat;
}

/** @param subject a job, or a reason: names of jobs have no capital letters */
export async function explainSubject(subject: string, options: ExplainOptions, io: CliIo): Promise<number> {
  if (isReason(subject)) return write({ reason: subject, ...explain(subject) }, options.output, io);
  if (isEventReason(subject)) return write({ reason: subject, ...EVENT_WORDS[subject] }, options.output, io);
  if (/^[A-Z]/.test(subject)) {
    const meant = nearest(subject, [...REASONS, ...Object.keys(EVENT_WORDS)]);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    io.stderr.write(`error: ${printable(subject)} is no reason that a FlinkJob tells of, and no name of one.${hint}\n`);
    return EXIT.failed;
  }
  return withClusterJob(subject, options, io, async (where) =>
    write(explainSeen(await lookAtJob(where), systemClock.now()), options.output, io),
  );
}

interface Answer {
  readonly reason: string;
  readonly cause: string;
  readonly remedy: string;
}

function write(answer: Answer, output: OutputFormat, io: CliIo): number {
  const lines = () => [`${answer.reason}: ${printable(answer.cause)}`, printable(answer.remedy)];
  writeResult(answer, lines, output, io);
  return EXIT.ok;
}
