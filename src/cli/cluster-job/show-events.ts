/** What `flinkjob events` does: all events of a FlinkJob and of its pods, oldest first. */
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ClusterJobError } from './errors.ts';
import { eventsOf } from './event-report.ts';
import { readJob, withClusterJob } from './open-cluster.ts';
import { eventLines } from './status-lines.ts';

export interface EventsOptions extends ClusterOptions {
  readonly output: OutputFormat;
}

/** @returns 0 when the job was found and its events may be read; else 1 */
export function showEvents(name: string, options: EventsOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    await readJob(where);
    const seen = await eventsOf(where);
    if (!seen.isSeen) {
      throw new ClusterJobError(
        'CLUSTER_FORBIDDEN',
        `${seen.why}. Somebody who may has to grant list on events.events.k8s.io with a Role and a RoleBinding`,
      );
    }
    const none = ['no events; the API server keeps them for an hour unless it is told otherwise'];
    const lines = () => (seen.events.length === 0 ? none : eventLines(seen.events, systemClock.now(), io));
    writeResult(seen.events, lines, options.output, io);
    return EXIT.ok;
  });
}
