/** The record of a job → one screen: first what it does and why, then the facts, then pods and events. Pure. */
import { isReason } from '../../api/index.ts';
import type { CliIo } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { type Paint, paintFor, type Tone } from '../output/paint.ts';
import { tableLines } from '../output/table.ts';
import { bytesText, durationText } from '../output/units.ts';
import type { EventReport } from './event-report.ts';
import type { PodReport } from './pod-report.ts';
import type { CheckpointReport, ClusterStatusReport, ConditionReport } from './status-report.ts';

type Terminal = Pick<CliIo, 'isTty' | 'env'>;

/** What an operator says last is enough; `flinkjob events` has all. */
const LAST_EVENTS = 5;

/** One screen for people. */
export function clusterStatusLines(report: ClusterStatusReport, now: number, io: Terminal): string[] {
  const paint = paintFor(io);
  const facts = [...answer(report, now, paint), ...factsOf(report, now)].filter(isSaid);
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, text]) => {
    const safe = text.split('\n').join(' ');
    return io.isTty ? `${label.padEnd(width)}  ${safe}` : `${label}\t${safe}`;
  });
  return [
    ...lines,
    ...(report.pods.length === 0 ? [] : ['', ...podLines(report.pods, now, io)]),
    ...(report.events.length === 0 ? [] : ['', ...eventLines(report.events.slice(-LAST_EVENTS), now, io)]),
    ...(report.notes.length === 0 ? [] : ['', ...report.notes.map((note) => paint('quiet', `(${printable(note)})`))]),
  ];
}

type Fact = readonly [string, string | undefined];

function isSaid(fact: Fact): fact is readonly [string, string] {
  return fact[1] !== undefined && fact[1] !== '';
}

/** What it does and why, and what mends it. */
function answer(report: ClusterStatusReport, now: number, paint: Paint): Fact[] {
  const { phase, since, explanation } = report;
  const tone = toneOf(report);
  const { cause, remedy, needsSomebody, reason } = explanation;
  return [
    ['Job', `${report.namespace}/${report.name}${report.jobId === undefined ? '' : ` (${printable(report.jobId)})`}`],
    ['Phase', paint(tone, printable(phase)) + (since === undefined ? '' : ` for ${ago(since, now)}`)],
    ['Why', printable(cause)],
    ['To do', needsSomebody || reason === 'Suspended' ? paint('strong', printable(remedy)) : undefined],
    ['Next', report.next && nextText(report.next, now)],
  ];
}

function factsOf(report: ClusterStatusReport, now: number): Fact[] {
  const { attempt, tasks, restarts, checkpoint, savepoints } = report;
  return [
    ...report.conditions.map((condition): Fact => conditionFact(condition, report, now)),
    ['Runs', runsText(report)],
    ['Attempt', attempt && attemptText(attempt, report.phase, now)],
    ['Began from', attempt?.restoredFrom && printable(attempt.restoredFrom)],
    ['Tasks', tasks && `${tasks.running} of ${tasks.total} running`],
    ['Restarts', restarts && restartsText(restarts)],
    ['Checkpoint', checkpointText(checkpoint, report.failedCheckpoints, now)],
    ['Savepoint', savepointText(savepoints, now)],
    ['Revision', printable(revisionText(report) ?? '')],
    ['Upgrade', report.upgrade && `${report.upgrade.step}${sinceText(report.upgrade.started, now)}`],
    [
      'Asked for',
      report.pendingTriggers.map(({ trigger, asked }) => `${trigger} ${asked}, not handled yet`).join('; '),
    ],
    ['Last error', report.lastError && lastErrorText(report.lastError, now)],
    ['Kept by', printable(report.keepers.map(({ tool, manager }) => `${tool} (${manager})`).join(', '))],
  ];
}

/** A condition's own words stay away where Why has them already. */
function conditionFact(condition: ConditionReport, { explanation }: ClusterStatusReport, now: number): Fact {
  const { type, status, reason, message, since } = condition;
  const isTold = reason === explanation.reason && isReason(reason);
  // Ready says the same as the two that say why it is not, and a condition that all is well needs no words.
  const isRepeated = type === 'Reconciling' || type === 'Stalled' || reason === 'Succeeded';
  const words = isTold || isRepeated || message === '' ? '' : `: ${message}`;
  return [printable(type), printable(`${status} for ${ago(since, now)}, ${reason}${words}`)];
}

function runsText({ runtime, image, parallelism, maxParallelism }: ClusterStatusReport): string {
  const most = maxParallelism === undefined ? '' : ` of ${maxParallelism}`;
  const parts = [runtime, image, parallelism === undefined ? undefined : `parallelism ${parallelism}${most}`];
  return printable(parts.filter((part) => part !== undefined && part !== '').join(', '));
}

function attemptText(
  { number, started, leader, epoch }: NonNullable<ClusterStatusReport['attempt']>,
  phase: string,
  now: number,
): string {
  const since = started === undefined ? '' : `, started ${ago(started, now)} ago`;
  const nobody = WITHOUT_ATTEMPT.has(phase) ? ', ended' : ', nobody leads';
  const led = leader === undefined ? nobody : `, led by ${printable(leader)}`;
  return `${number}${since}${led}${epoch === undefined ? '' : `, epoch ${epoch}`}`;
}

/** Phases in which the last attempt is over. */
const WITHOUT_ATTEMPT = new Set(['Suspended', 'Succeeded', 'Failed']);

function nextText({ at, what }: NonNullable<ClusterStatusReport['next']>, now: number): string {
  const left = Math.ceil((Date.parse(at) - now) / 1_000) * 1_000;
  return `in ${durationText(Math.max(0, left))} ${what}`;
}

function restartsText({ count, lastCause }: NonNullable<ClusterStatusReport['restarts']>): string {
  return `${count}${lastCause === undefined ? '' : `; the last: ${printable(lastCause)}`}`;
}

function checkpointText(checkpoint: CheckpointReport | undefined, failed: number | undefined, now: number): string {
  const failures = failed === undefined || failed === 0 ? '' : `; ${failed} failed`;
  if (checkpoint === undefined) return `none yet${failures}`;
  const { id, uri, bytes, tookMs, completed } = checkpoint;
  const parts = [
    String(id),
    completed === undefined ? undefined : `${ago(completed, now)} ago`,
    bytes === undefined ? undefined : bytesText(bytes),
    tookMs === undefined ? undefined : `took ${durationText(tookMs)}`,
    uri && printable(uri),
  ];
  return parts.filter((part) => part !== undefined).join(', ') + failures;
}

/** The newest that is complete, and how far a newer one is. */
function savepointText(savepoints: ClusterStatusReport['savepoints'], now: number): string | undefined {
  const complete = savepoints.filter(({ state = 'Completed' }) => state === 'Completed');
  const [newest] = savepoints;
  const [done] = complete;
  const older = complete.length < 2 ? '' : `; ${complete.length - 1} older`;
  const parts = [
    ...(newest === undefined || newest === done ? [] : [unfinishedText(newest, now)]),
    ...(done === undefined
      ? []
      : [`${[done.completed && `${ago(done.completed, now)} ago`, done.uri].filter(Boolean).join(', ')}${older}`]),
  ];
  return parts.length === 0 ? undefined : printable(parts.join('; before: '));
}

function unfinishedText({ trigger, state, cause, requested }: SavepointReport, now: number): string {
  const isUnderWay = state === 'Requested' || state === 'Triggered';
  const since = isUnderWay && requested !== undefined ? ` for ${ago(requested, now)}` : '';
  const why = cause === undefined ? '' : `: ${cause}`;
  return `${trigger === undefined ? '' : `number ${trigger} is `}${state}${since}${why}`;
}

type SavepointReport = ClusterStatusReport['savepoints'][number];

function revisionText(report: ClusterStatusReport): string | undefined {
  const { revision, desiredRevision, pendingChange, conditions } = report;
  if (revision === undefined) return desiredRevision && `none runs yet, ${desiredRevision} is wanted`;
  if (desiredRevision === undefined || desiredRevision === revision) return revision;
  const isBack = conditions.some(({ type, status }) => type === 'RolledBack' && status === 'True');
  const what = isBack ? 'did not become stable' : pendingChange && (CHANGES[pendingChange] ?? pendingChange);
  return `${revision}; ${desiredRevision} is wanted${what === undefined ? '' : ` (${what})`}`;
}

const CHANGES: Readonly<Record<string, string>> = {
  Hot: 'takes effect without a restart',
  Rescale: 'changes the parallelism',
  Restart: 'needs a restart',
};

function lastErrorText({ code, message, at }: NonNullable<ClusterStatusReport['lastError']>, now: number): string {
  return `${printable(code)}${at === undefined ? '' : `, ${ago(at, now)} ago`}: ${printable(message)}`;
}

function podLines(pods: readonly PodReport[], now: number, io: Terminal): string[] {
  const rows = pods.map(({ name, role, isReady, state, restarts, created, node, detail }) => [
    name,
    role,
    isReady ? 'yes' : 'no',
    printable(state),
    String(restarts),
    created === undefined ? '-' : ago(created, now),
    node ?? '-',
    detail === undefined ? '' : printable(detail),
  ]);
  return tableLines(['POD', 'ROLE', 'READY', 'STATE', 'RESTARTS', 'AGE', 'NODE', 'WHY'], rows, io);
}

/** Events as rows, oldest first. */
export function eventLines(events: readonly EventReport[], now: number, io: Terminal): string[] {
  const rows = events.map(({ at, type, reason, object, note, count }) => [
    `${ago(at, now)} ago`,
    type,
    printable(reason) + (count > 1 ? ` (${count} times)` : ''),
    object,
    printable(note),
  ]);
  return tableLines(['SEEN', 'TYPE', 'EVENT', 'OBJECT', 'MESSAGE'], rows, io);
}

function sinceText(at: string | undefined, now: number): string {
  return at === undefined ? '' : ` for ${ago(at, now)}`;
}

/** Clocks differ: what is not over yet was just now. */
function ago(at: string, now: number): string {
  const passed = now - Date.parse(at);
  return Number.isNaN(passed)
    ? '?'
    : durationText(Math.max(0, Math.floor(passed / 1_000) * 1_000)).replace(/^0ms$/, '0s');
}

function toneOf({ phase, explanation }: ClusterStatusReport): Tone {
  if (phase === 'Failed' || explanation.needsSomebody) return 'bad';
  return phase === 'Running' || phase === 'Succeeded' ? 'good' : 'warning';
}
