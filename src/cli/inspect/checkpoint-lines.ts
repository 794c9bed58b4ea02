/** A checkpoint or savepoint as a table, one row for each state. */
import type { CliIo } from '../command.ts';
import { tableLines } from '../output/table.ts';
import { bytesText } from '../output/units.ts';
import type { CheckpointRecord, OperatorRecord, StateRecord } from './checkpoint-record.ts';
import { printable } from './printable.ts';

/** More ranges than this are told by the first and the last ones. */
const MOST_RANGES = 4;

/** The lines for people. */
export function checkpointLines(record: CheckpointRecord, io: CliIo): string[] {
  const { operators, location } = record;
  const header = ['UID', 'NAME', 'PARALLELISM', 'MAX', 'KEY GROUPS', 'STATE', 'KIND', 'TYPE', 'BYTES'];
  const incomplete = operators.filter(({ statesIncomplete }) => statesIncomplete !== null);
  return [
    titleLine(record),
    printable(location),
    '',
    ...tableLines(header, operators.flatMap(operatorRows), io),
    ...(incomplete.length === 0 ? [] : ['']),
    ...incomplete.map((operator) =>
      printable(`not all keyed states of ${operator.uid ?? operator.id} are known: ${operator.statesIncomplete}`),
    ),
  ];
}

function titleLine({ format, version, kind, checkpointId, bytes, operators, job }: CheckpointRecord): string {
  const of = job === undefined ? 'Apache Flink' : `job ${job.name} (${job.id}), taken ${job.taken}`;
  const form = format === 'flink' ? `_metadata version ${version}` : `manifest version ${version}`;
  return printable(
    `${kind ?? 'checkpoint or savepoint'} ${checkpointId} of ${of}: ${form}, ${operators.length} operators, ${bytesText(bytes)}`,
  );
}

/** One row for each state; one for an operator without any. */
function operatorRows(operator: OperatorRecord): string[][] {
  const { uid, id, name, parallelism, maxParallelism, finished, keyGroups, states, bytes } = operator;
  const own = [
    uid ?? `(${id})`,
    `${name ?? '-'}${finished ? ' (finished)' : ''}`,
    String(parallelism),
    String(maxParallelism),
    rangesText(keyGroups),
  ];
  const rows = states.length === 0 ? [['-', '-', '-', bytesText(bytes)]] : states.map(stateCells);
  return rows.map((cells) => [...own, ...cells].map(printable));
}

function stateCells({ name, kind, mode, type, keyType, partitions, bytes }: StateRecord): string[] {
  const kindText = mode === null ? kind : `${kind}, ${mode}${partitions === null ? '' : ` × ${partitions}`}`;
  const typeText = keyType === null ? (type ?? '-') : `${type ?? '?'} by ${keyType}`;
  return [name, kindText, typeText, bytes === null ? '-' : bytesText(bytes)];
}

function rangesText(ranges: OperatorRecord['keyGroups']): string {
  if (ranges.length === 0) return '-';
  const texts = ranges.map(([first, last]) => (last < first ? 'none' : `${first}-${last}`));
  if (texts.length <= MOST_RANGES) return texts.join(' ');
  return `${texts.slice(0, 2).join(' ')} … ${texts.at(-1)}`;
}
