/** What `flinkjob checkpoints` does on a cluster: what the job itself tells, or what stands in status. */
import type { CheckpointingStatistics, CheckpointStatistics } from '../../flink/index.ts';
import type { FlinkJobObject } from '../../kube/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { tableLines } from '../output/table.ts';
import { bytesText, durationText, timeText } from '../output/units.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { leadOf } from './job-leader.ts';
import { type ClusterJob, readJob, withClusterJob } from './open-cluster.ts';
import { inRestWords, restClient } from './rest-proxy.ts';

export interface ClusterCheckpointsOptions extends ClusterOptions {
  readonly output: OutputFormat;
}

/** One checkpoint or savepoint; the stable form of `-o json`. */
export interface CheckpointRow {
  readonly id?: number;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly state: string;
  readonly taken?: string;
  readonly bytes?: number;
  readonly tookMs?: number;
  readonly location?: string;
  readonly cause?: string;
}

/** @returns 0 when the job was found; else 1 */
export function showClusterCheckpoints(name: string, options: ClusterCheckpointsOptions, io: CliIo): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    const job = await readJob(where);
    const live = await liveRows(where, job, io);
    const rows = live ?? recordedRows(job);
    writeResult(rows, () => rowLines(rows, io), options.output, io);
    return EXIT.ok;
  });
}

/** Newest first, as the job tells; undefined where it cannot be asked, which is said. */
async function liveRows(where: ClusterJob, job: FlinkJobObject, io: CliIo): Promise<CheckpointRow[] | undefined> {
  try {
    const { jobId } = leadOf(job, systemClock.now());
    return checkpointRows(await restClient(where).checkpoints(jobId, where.signal));
  } catch (error) {
    const said = inRestWords(error, where);
    if (!(said instanceof FlinkJobError)) throw said;
    io.stderr.write(`shown is what stands in status, up to 10 minutes old: ${printable(said.message)}\n`);
    return undefined;
  }
}

/** The history of the REST API. Pure. */
export function checkpointRows({ history }: CheckpointingStatistics): CheckpointRow[] {
  return [...history].sort((a, b) => b.id - a.id).map(rowOf);
}

function rowOf(statistics: CheckpointStatistics): CheckpointRow {
  const { id, is_savepoint, status, trigger_timestamp, external_path, failure_message } = statistics;
  const isOver = status === 'COMPLETED';
  return {
    id,
    kind: is_savepoint ? 'savepoint' : 'checkpoint',
    state: STATES[status],
    taken: new Date(trigger_timestamp).toISOString(),
    ...(isOver ? { bytes: statistics.state_size, tookMs: statistics.end_to_end_duration } : {}),
    ...(external_path === undefined ? {} : { location: external_path }),
    ...(failure_message === undefined ? {} : { cause: failure_message }),
  };
}

const STATES = { IN_PROGRESS: 'under way', COMPLETED: 'completed', FAILED: 'failed' } as const;

/** What the operator wrote down. Pure. */
export function recordedRows({ status }: FlinkJobObject): CheckpointRow[] {
  const latest = status?.checkpoint?.latest;
  const checkpoint: CheckpointRow[] =
    latest === undefined
      ? []
      : [
          {
            id: latest.id,
            kind: 'checkpoint',
            state: 'completed',
            location: latest.uri,
            ...(latest.completed === undefined ? {} : { taken: latest.completed }),
            ...(latest.bytes === undefined ? {} : { bytes: latest.bytes }),
            ...(latest.tookMs === undefined ? {} : { tookMs: latest.tookMs }),
          },
        ];
  const savepoints = (status?.savepoints ?? []).map(
    ({ state = 'Completed', uri, completed, cause }): CheckpointRow => ({
      kind: 'savepoint',
      state: state.toLowerCase(),
      ...(completed === undefined ? {} : { taken: completed }),
      ...(uri === undefined ? {} : { location: uri }),
      ...(cause === undefined ? {} : { cause }),
    }),
  );
  return [...checkpoint, ...savepoints];
}

function rowLines(rows: readonly CheckpointRow[], io: CliIo): string[] {
  if (rows.length === 0) return ['no checkpoints and no savepoints'];
  const cells = rows.map(({ id, kind, state, taken, bytes, tookMs, location, cause }) => [
    id === undefined ? '-' : String(id),
    kind,
    state,
    taken === undefined ? '-' : timeText(Date.parse(taken)),
    bytes === undefined ? '-' : bytesText(bytes),
    tookMs === undefined ? '-' : durationText(tookMs),
    printable(cause ?? location ?? '-'),
  ]);
  return tableLines(['ID', 'KIND', 'STATE', 'TAKEN', 'BYTES', 'TOOK', 'LOCATION'], cells, io);
}
