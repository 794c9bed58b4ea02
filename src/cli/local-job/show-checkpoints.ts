/** What `flinkjob checkpoints` does: the list, or one of them in detail. */
import { isAutomaticSavepoint } from '../../lib/savepoint-names.ts';
import { type CliIo, EXIT } from '../command.ts';
import { tableLines } from '../output/table.ts';
import { bytesText, timeText } from '../output/units.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import { type CheckpointDetails, checkpointDetails } from './checkpoint-details.ts';
import type { LocalJobRecord } from './local-job.ts';
import { type StoredCheckpoint, storedCheckpoints } from './stored-checkpoints.ts';
import { type LocalJobOptions, withLocalJob } from './with-local-job.ts';

export interface CheckpointsOptions extends LocalJobOptions {
  readonly output: OutputFormat;
  readonly show?: string;
  readonly verify: boolean;
}

/** @returns 0; 1 when what was asked for is not there or damaged */
export async function showCheckpoints(name: string, options: CheckpointsOptions, io: CliIo): Promise<number> {
  return withLocalJob(name, options, io, ({ record }) =>
    options.show === undefined ? showList(record, options, io) : showOne(record, options.show, options, io),
  );
}

async function showList(record: LocalJobRecord, options: CheckpointsOptions, io: CliIo): Promise<number> {
  const stored = await storedCheckpoints(record, options.verify ? 'sha256' : 'size');
  writeResult(stored.map(listed), () => listLines(stored, io), options.output, io);
  for (const { id, location, problems } of stored) {
    for (const problem of problems) {
      io.stderr.write(`damaged: ${id < 0 ? '' : `checkpoint ${id} in `}${location}: ${problem}\n`);
    }
  }
  return stored.some(({ problems }) => problems.length > 0) ? EXIT.failed : EXIT.ok;
}

/** The stable form of `-o json`. */
function listed({ id, kind, retained, time, bytes, location, problems }: StoredCheckpoint): unknown {
  return {
    ...(id < 0 ? {} : { id }),
    kind,
    retained,
    ...(time === undefined ? {} : { taken: new Date(time).toISOString() }),
    ...(bytes === undefined ? {} : { bytes }),
    location,
    problems,
  };
}

function listLines(stored: readonly StoredCheckpoint[], io: CliIo): string[] {
  if (stored.length === 0) return ['no checkpoints and no savepoints'];
  const rows = stored.map(({ id, kind, retained, time, bytes, location, problems }) => [
    id < 0 ? '-' : String(id),
    kind,
    retainedText(kind, retained, location),
    time === undefined ? '-' : timeText(time),
    bytes === undefined ? '-' : bytesText(bytes),
    problems.length === 0 ? 'ok' : 'damaged',
    location,
  ]);
  return tableLines(['ID', 'KIND', 'RETAINED', 'TAKEN', 'BYTES', 'HEALTH', 'LOCATION'], rows, io);
}

/** A savepoint belongs to whoever asked for it: a job removes those that it took by itself, and no other. */
function retainedText(kind: StoredCheckpoint['kind'], retained: boolean, location: string): string {
  if (retained) return 'yes';
  if (kind !== 'savepoint') return 'no';
  return isAutomaticSavepoint(location) ? 'auto' : 'yours';
}

async function showOne(
  record: LocalJobRecord,
  wanted: string,
  { verify, output }: CheckpointsOptions,
  io: CliIo,
): Promise<number> {
  const details = await checkpointDetails(record, wanted, verify ? 'sha256' : 'size', io.cwd);
  writeResult(details, () => detailLines(details, io), output, io);
  for (const { path, problem } of details.damaged) {
    io.stderr.write(
      `damaged: ${details.location}/${path}: ${problem}. Restore from another checkpoint or savepoint.\n`,
    );
  }
  return details.damaged.length === 0 ? EXIT.ok : EXIT.failed;
}

function detailLines(details: CheckpointDetails, io: CliIo): string[] {
  const { kind, checkpointId, jobName, jobId, timestamp, files, bytes, location, verified, operators } = details;
  const looked = verified === 'sha256' ? 'every byte was compared' : 'sizes were compared; --verify reads every byte';
  return [
    `${kind} ${checkpointId} of job ${jobName} (${jobId})`,
    `taken ${timeText(timestamp)}, ${files} files, ${bytesText(bytes)}; ${looked}`,
    location,
    '',
    ...tableLines(
      ['UID', 'NAME', 'PARALLELISM', 'MAX', 'STATE', 'KIND', 'TYPE', 'KEY', 'BYTES'],
      operators.flatMap(operatorRows),
      io,
    ),
  ];
}

type Operator = CheckpointDetails['operators'][number];

/** One row for each state; one for an operator without any. */
function operatorRows(operator: Operator): string[][] {
  const { uid, name, parallelism, maxParallelism, finished } = operator;
  const own = [uid, finished ? `${name} (finished)` : name, String(parallelism), String(maxParallelism)];
  const states = [
    ...operator.keyed.map((state) => [
      state.name,
      state.namespace === 'void' ? state.kind : `${state.kind} per ${state.namespace}`,
      state.type,
      state.keyType,
      bytesText(state.bytes),
    ]),
    ...operator.operatorState.map((state) => [state.name, state.mode, state.type, '-', bytesText(state.bytes)]),
    ...rawRow('keyed', operator.rawKeyedBytes),
    ...rawRow('operator', operator.rawOperatorBytes),
  ];
  return states.length === 0 ? [[...own, '-', '-', '-', '-', '-']] : states.map((state) => [...own, ...state]);
}

function rawRow(of: string, bytes: number): string[][] {
  return bytes === 0 ? [] : [['(raw)', of, '-', '-', bytesText(bytes)]];
}
