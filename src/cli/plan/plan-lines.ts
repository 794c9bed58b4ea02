/** A plan for people: the operators by vertex, the edges, and what would be restored. */
import type { CliIo } from '../command.ts';
import { type Paint, paintFor } from '../output/paint.ts';
import { tableLines } from '../output/table.ts';
import type { EdgePlan, JobPlanReport, OperatorPlan, RestorePlan, VertexPlan } from './job-plan.ts';

/** The lines of a plan. */
export function planLines(plan: JobPlanReport, io: Pick<CliIo, 'isTty' | 'env'>): string[] {
  const numbers = new Map(plan.vertices.map(({ id }, index) => [id, String(index + 1)]));
  const generated = plan.vertices.some(({ operators }) => operators.some(({ uidGenerated }) => uidGenerated));
  return [
    titleOf(plan),
    '',
    ...tableLines(OPERATOR_HEADER, operatorRows(plan, numbers), io),
    ...(generated
      ? [`* made from the operator's place in the program; set one with .uid("…") before there is state`]
      : []),
    ...(plan.edges.length === 0 ? [] : ['', ...tableLines(EDGE_HEADER, edgeRows(plan.edges, numbers), io)]),
    '',
    ...restoreLines(plan.restore, paintFor(io)),
  ];
}

function titleOf({ namespace, name, parallelism, maxParallelism, bounded }: JobPlanReport): string {
  const end = bounded ? 'ends when its input does' : 'never ends by itself';
  return `${namespace}/${name}: parallelism ${parallelism}, max parallelism ${maxParallelism.join(', ')}, ${end}`;
}

const OPERATOR_HEADER = ['VERTEX', 'PARALLELISM', 'MAX', 'UID', 'OPERATOR', 'KEY', 'STATES'];
const EDGE_HEADER = ['FROM', 'TO', 'RECORDS GO'];

function operatorRows({ vertices, restore }: JobPlanReport, numbers: ReadonlyMap<string, string>): string[][] {
  const hasState = restore.from !== 'nothing';
  return vertices.flatMap((vertex) =>
    vertex.operators.map((operator) => [
      numbers.get(vertex.id) ?? '',
      String(vertex.parallelism),
      maximumText(vertex),
      operator.uidGenerated ? `${operator.uid} *` : operator.uid,
      operator.name,
      operator.keyType ?? '-',
      statesText(operator, hasState),
    ]),
  );
}

function maximumText({ maxParallelism, maxParallelismFrom }: VertexPlan): string {
  return maxParallelismFrom === 'configured' ? String(maxParallelism) : `${maxParallelism} (${maxParallelismFrom})`;
}

function statesText({ states }: OperatorPlan, hasState: boolean): string {
  if (states === undefined) return hasState ? 'new' : '?';
  return states.length === 0 ? '-' : states.map(({ name, kind, type }) => `${name}: ${kind} ${type}`).join('; ');
}

function edgeRows(edges: readonly EdgePlan[], numbers: ReadonlyMap<string, string>): string[][] {
  return edges.map(({ from, to, shipStrategy, keyType, sideOutput }) => [
    numbers.get(from) ?? from,
    numbers.get(to) ?? to,
    `${shipStrategy}${keyType === undefined ? '' : ` by ${keyType}`}${sideOutput === undefined ? '' : `, side output ${sideOutput}`}`,
  ]);
}

function restoreLines(restore: RestorePlan, paint: Paint): string[] {
  if (restore.from === 'nothing') return [`Restore: ${restore.reason}`];
  const what = `${restore.from} ${restore.id} in ${restore.location}`;
  const verdict = restore.fits
    ? `Restore: ${what} ${paint('good', 'would be restored')}`
    : `Restore: ${what} ${paint('bad', 'would be refused')}`;
  return [
    verdict,
    ...restore.problems.map((problem) => `  refused: ${problem}`),
    ...restore.added.map((uid) => `  + ${uid} starts empty`),
    ...restore.removed.map(({ uid, hasState }) => `  - ${uid} is not in the job${hasState ? '; it has state' : ''}`),
    ...restore.rescaled.map(({ uid, from, to }) => `  ~ ${uid} goes from parallelism ${from} to ${to}`),
  ];
}
