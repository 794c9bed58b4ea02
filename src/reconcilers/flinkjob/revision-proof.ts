/** Whether a new revision proves itself, and until when it may. Pure. */
import type { AttemptRecord, Ledger } from '../../ha/index.ts';
import { type FlinkJobFacts, isRunning, livePods } from './facts.ts';
import { forgiven, proved, provedBad } from './ledger-steps.ts';
import { settingsInForce } from './settings-in-force.ts';
import type { Step } from './step.ts';

/** Notes that it has, or that its time is up. */
export function revisionStep(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord): Step | undefined {
  const { revision } = open;
  const known = ledger.revisions?.bad;
  if (known !== undefined && facts.desired.is === 'valid' && facts.desired.revision !== known) {
    return forgiven(ledger, known);
  }
  if (revision === undefined || revision === ledger.revisions?.stable) return undefined;
  const at = provedAt(facts, ledger, open);
  if (facts.now >= at) return proved(ledger, revision);
  // One that runs well is given the time to prove itself, also past its deadline.
  if (at !== Number.POSITIVE_INFINITY) return { do: 'rest', untilMs: at };
  const bad = unprovenRevision(facts, ledger);
  if (bad === undefined) return undefined;
  const until = rollbackAt(facts, ledger, bad);
  return facts.now < until ? { do: 'rest', untilMs: until } : provedBad(ledger, bad, whyBad(facts, ledger, bad, until));
}

const CAUSE_LIMIT = 1_024;

/** What it failed of last; where it did not, what its pods wait for. */
function whyBad({ pods }: FlinkJobFacts, ledger: Ledger, bad: string, until: number): string {
  const late = `it was not stable within ${(until - firstStart(ledger, bad)) / 1_000} s`;
  const attempts = ledger.attempts.filter(({ revision }) => revision === bad);
  const failure = attempts.flatMap(({ failures }) => failures).at(-1);
  if (failure !== undefined) return `${late}, and failed last: ${failure.cause.slice(0, CAUSE_LIMIT)}`;
  const waits = livePods(pods, attempts.at(-1)?.number ?? 0).find(({ trouble }) => trouble !== undefined);
  if (waits?.trouble === undefined) return late;
  const { reason, message } = waits.trouble;
  return `${late}: pod ${waits.name} is in ${reason}${message === '' ? '' : `: ${message.slice(0, CAUSE_LIMIT)}`}`;
}

/** When the revision that runs will have proved itself, if nothing happens; Infinity: it cannot be said yet. */
function provedAt(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord): number {
  const { rest, settings } = facts;
  if (rest.is !== 'answered' || !isRunning(facts, open.number) || rest.runningSince === undefined) {
    return Number.POSITIVE_INFINITY;
  }
  const hasCheckpoints = settingsInForce(facts, ledger)?.checkpoints.intervalMs !== 0;
  return hasCheckpoints && rest.completed === 0 ? Number.POSITIVE_INFINITY : rest.runningSince + settings.stabilityMs;
}

/** The revision of the last attempt, where another one was good before and this one is not known to be. */
export function unprovenRevision(
  { revisions }: Pick<FlinkJobFacts, 'revisions'>,
  { revisions: known = {}, attempts }: Ledger,
): string | undefined {
  const { stable, bad } = known;
  const revision = attempts.at(-1)?.revision;
  // What is not on record any more is nothing to go back to.
  const hasWayBack = stable !== undefined && revisions.has(stable);
  return !hasWayBack || revision === stable || revision === bad ? undefined : revision;
}

/** When a revision that has not proved itself is rolled back. */
export function rollbackAt(facts: FlinkJobFacts, ledger: Ledger, revision: string): number {
  const { settings } = facts;
  const job = settingsInForce(facts, ledger);
  const { intervalMs = 0, timeoutMs = 0 } = job?.checkpoints ?? {};
  const ownMs = job?.upgrade.deadlineMs;
  return firstStart(ledger, revision) + (ownMs ?? Math.max(settings.upgradeDeadlineMs, 2 * intervalMs + timeoutMs));
}

function firstStart({ attempts }: Ledger, revision: string): number {
  let start = attempts.at(-1)?.startedAt ?? 0;
  for (const attempt of [...attempts].reverse()) {
    if (attempt.revision !== revision) break;
    start = attempt.startedAt;
  }
  return start;
}
