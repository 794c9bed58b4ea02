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

/** Home, and everything below it. */
const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

async function watchStatus(job: ClusterJob, { output }: ClusterStatusOptions, io: CliIo): Promise<number> {
  await readJob(job);
  let screens = 0;
  for await (const now of followJob(job)) {
    if (now.job === undefined) {
      io.stderr.write(`FlinkJob ${job.namespace}/${job.name} was deleted\n`);
      break;
    }
    const around = await surroundings(job, now.job);
    if (io.isTty && output === 'text') io.stdout.write(CLEAR);
    else if (screens > 0) io.stdout.write(output === 'yaml' ? '---\n' : '\n');
    write({ ...around, job: now.job, pods: now.pods }, output, io);
    screens += 1;
  }
  return EXIT.ok;
}

function write(seen: JobSeen, output: OutputFormat, io: CliIo): void {
  const now = systemClock.now();
  const report = statusReport(seen, now);
  writeResult(report, () => clusterStatusLines(report, now, io), output, io);
}
