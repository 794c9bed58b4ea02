/** The high-availability data of a Flink cluster as tables. */
import type { HaFinding, HaHandle, HaInspection, HaJob, HaLease } from '../../flink/index.ts';
import type { CliIo } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { tableLines } from '../output/table.ts';
import { bytesText, counted, durationText } from '../output/units.ts';
import { isOwn } from './own-job.ts';

/** The lines for people. */
export function haLines(inspection: HaInspection, io: CliIo): string[] {
  const { leases, leaders, jobs, findings } = inspection;
  return [
    titleLine(inspection),
    ...leases.map(leaseLine),
    ...section(
      ['COMPONENT', 'SESSION', 'ADDRESS'],
      leaders.map(({ component, sessionId, address }) => [component, sessionId, address]),
      io,
    ),
    ...section(['JOB', 'POINTER', 'BYTES', 'STATE', 'FILE'], jobs.flatMap(jobRows), io),
    ...findingLines(findings, io),
  ];
}

/** One row for each finding. */
export function findingLines(findings: readonly HaFinding[], io: CliIo): string[] {
  return section(['SEVERITY', 'FINDING', 'WHERE', 'MEANS'], findings.map(findingRow), io);
}

function titleLine(inspection: HaInspection): string {
  const { clusterId, namespace, flinkVersions, configMaps } = inspection;
  if (clusterId === null) return 'no high-availability data of Apache Flink';
  const where = namespace === null ? '' : ` in namespace ${namespace}`;
  if (isOwn(inspection)) {
    const { epoch, attempt, leader } = inspection.object;
    const last = leader === '' ? 'nobody has led yet' : `led last by ${leader}`;
    return printable(`job ${clusterId}${where}: attempt ${attempt}, epoch ${epoch}, ${last}`);
  }
  const versions = flinkVersions.length === 0 ? 'no known Flink' : `Flink ${flinkVersions.join(', ')}`;
  return printable(`cluster ${clusterId}${where}: ${counted(configMaps.length, 'ConfigMap')}, written by ${versions}`);
}

function leaseLine({ configMap, holderIdentity, leaseDurationMs, renewTime, leaderTransitions }: HaLease): string {
  const holder = holderIdentity === '' ? 'released' : `held by ${holderIdentity}`;
  return printable(
    `lease of ${durationText(leaseDurationMs)} in ${configMap}: ${holder}, renewed ${renewTime}, changed hands ${counted(leaderTransitions, 'time')}`,
  );
}

/** Rows under a header, after an empty line; nothing when there are no rows. */
export function section(header: readonly string[], rows: readonly (readonly string[])[], io: CliIo): string[] {
  if (rows.length === 0) return [];
  return [
    '',
    ...tableLines(
      header,
      rows.map((row) => row.map(printable)),
      io,
    ),
  ];
}

function jobRows({ jobId, executionPlan, checkpoints, counter }: HaJob): string[][] {
  return [
    ...(executionPlan === null ? [] : [handleRow(jobId, executionPlan)]),
    ...checkpoints.map((checkpoint) => handleRow(jobId, checkpoint)),
    [jobId, 'counter', '-', counter === null ? 'absent' : `next is ${counter}`, '-'],
  ];
}

function handleRow(jobId: string, { name, uri, bytes, deleting }: HaHandle): string[] {
  return [jobId, name, bytesText(bytes), deleting ? 'deleting' : 'live', uri ?? '(in the pointer)'];
}

function findingRow({ severity, code, configMap, key, jobId, message }: HaFinding): string[] {
  const where = [configMap, key, jobId].filter((part) => part !== undefined).join(' ');
  return [severity, code, where === '' ? '-' : where, message];
}
