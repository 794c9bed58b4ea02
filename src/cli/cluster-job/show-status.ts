/** What `flinkjob status` does on a cluster: one screen, once or after each change. */
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { followJob } from './follow-job.ts';
import { type JobSeen, lookAtJob, surroundings } from './look-at-job.ts';
import { type ClusterJob, readJob, withClusterJob } from './open-cluster.ts';
import { clusterStatusLines } from './status-lines.ts';
import { statusReport } from './status-report.ts';

export interface ClusterStatusOptions extends ClusterOptions {
  readonly output: OutputFormat;
  readonly watch?: boolean;
}

/** @returns 0 when the job was found, in whatever phase it is; else 1 */
export function showClusterStatus(name: string, options: ClusterStatusOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (job) => {
    if (options.watch === true) return watchStatus(job, options, io);
    write(await lookAtJob(job), options.output, io);
    return EXIT.ok;
  });
}

/** Ages grow while nothing changes. */
const REDRAW_MS = 1_000;

async function watchStatus(job: ClusterJob, { output }: ClusterStatusOptions, io: CliIo): Promise<number> {
  await readJob(job);
  const isScreen = io.isTty && output === 'text';
  let stopRedrawing = (): void => {};
  let isFirst = true;
  try {
    for await (const now of followJob(job)) {
      if (now.job === undefined) {
        io.stderr.write(`FlinkJob ${job.namespace}/${job.name} was deleted\n`);
        break;
      }
      const seen = { ...(await surroundings(job, now.job)), job: now.job, pods: now.pods };
      stopRedrawing();
      if (isScreen) {
        stopRedrawing = redrawn(seen, io);
      } else {
        if (!isFirst) io.stdout.write(output === 'yaml' ? '---\n' : '\n');
        write(seen, output, io);
      }
      isFirst = false;
    }
  } finally {
    stopRedrawing();
  }
  return EXIT.ok;
}

/** Draws now and every second, from the same facts; the result ends it. */
function redrawn(seen: JobSeen, io: CliIo): () => void {
  let cancel = (): void => {};
  const draw = (): void => {
    drawOver(seen, io);
    cancel = systemClock.setTimer(REDRAW_MS, draw);
  };
  draw();
  return () => cancel();
}

/** Over what is there, line by line: a screen that is wiped first flickers. */
function drawOver(seen: JobSeen, io: CliIo): void {
  const now = systemClock.now();
  const lines = clusterStatusLines(statusReport(seen, now), now, io);
  io.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
}

function write(seen: JobSeen, output: OutputFormat, io: CliIo): void {
  const now = systemClock.now();
  const report = statusReport(seen, now);
  writeResult(report, () => clusterStatusLines(report, now, io), output, io);
}
