/** No attempt is open: whether the next one is, when, and with what. Pure. */
import { type AttemptRecord, isJobId, type Ledger, type LedgerView, type StateLife } from '../../ha/index.ts';
import { jobIdBegunWith } from '../../lib/derived-id.ts';
import type { FlinkJobFacts, PodSeen } from './facts.ts';
import { opened, provedBad, waitedAnew } from './ledger-steps.ts';
import { deletionOf } from './pods-step.ts';
import { unprovenRevision } from './revision-proof.ts';
import type { Step } from './step.ts';
import { isAsked, isGivenUp, isRollback, isToBeDown, targetRevision } from './target.ts';
import { tidyEndedStep, tidyStep } from './tidy-step.ts';

const CAUSE_LIMIT = 300;
const REST: Step = { do: 'rest' };

export function betweenAttempts(facts: FlinkJobFacts, view: LedgerView): Step {
  const { ledger } = view;
  const left = facts.pods.filter((pod) => pod.end === undefined && !pod.isDeleting);
  if (left.length > 0) return deletionOf(left, facts.pods);
  const target = targetRevision(facts, ledger);
  // A job that never ran, or whose revision somebody has deleted: there is nothing to go on with.
  if (target === undefined || !facts.revisions.has(target)) return { do: 'rest', because: { reason: 'InvalidSpec' } };
  const bad = unprovenRevision(facts, ledger);
  if (ledger.gaveUp !== undefined && bad === target) return provedBad(ledger, bad, whyGaveUp(ledger));
  return stayDown(facts, view, target) ?? open(facts, view, target);
}

/** What failed, which the reason of the strategy leaves out; the ledger has little room. */
function whyGaveUp({ gaveUp, attempts }: Ledger): string {
  return (attempts.at(-1)?.end?.cause ?? gaveUp?.reason ?? '').slice(0, CAUSE_LIMIT);
}

/** Why no attempt is opened; undefined when one is due. */
function stayDown(facts: FlinkJobFacts, view: LedgerView, target: string): Step | undefined {
  const { ledger } = view;
  const last = ledger.attempts.at(-1);
  const isTriggered = isAsked(facts, ledger, 'restart') || isAsked(facts, ledger, 'restore');
  const isRetried = ledger.gaveUp !== undefined && !isGivenUp(facts, ledger);
  const isWanted = target !== last?.revision || isTriggered || isRetried;
  if (!isWanted && ledger.gaveUp !== undefined) return tidyEndedStep(facts, view) ?? REST;
  if (!isWanted && last?.end?.how === 'finished') return tidyEndedStep(facts, view) ?? finished(facts, last);
  if (isToBeDown(facts)) return tidyStep(facts, ledger) ?? REST;
  return (isWanted ? undefined : itsTurn(facts, ledger, last)) ?? podsLeave(facts);
}

/** After a failure the next attempt waits; after anything else it does not. */
function itsTurn({ now }: FlinkJobFacts, ledger: Ledger, last: AttemptRecord | undefined): Step | undefined {
  const how = last?.end?.how;
  const waiting = how === 'failed' || how === 'crashed' ? last?.failures.at(-1) : undefined;
  if (waiting === undefined || now >= waiting.nextAt) return undefined;
  // A clock that was set back must not stretch the wait beyond the delay that was drawn.
  return now + waiting.delayMs < waiting.nextAt ? waitedAnew(ledger, now) : { do: 'rest', untilMs: waiting.nextAt };
}

/** Pods on their way out can do no harm, the epoch fences them; but two of a job at once are more than it asked for. */
function podsLeave({ pods, now }: FlinkJobFacts): Step | undefined {
  const leaving = pods.filter((pod) => pod.end === undefined && isWorthWaitingFor(pod, now));
  if (leaving.length === 0) return undefined;
  return { do: 'rest', untilMs: Math.min(...leaving.map(({ goneBy = now + 1_000 }) => goneBy)) };
}

/** A pod on a node that answers goes within its grace period; for another one nobody waits. */
function isWorthWaitingFor({ goneBy }: PodSeen, now: number): boolean {
  return goneBy === undefined || now < goneBy;
}

function finished(facts: FlinkJobFacts, last: AttemptRecord): Step {
  const ttl = facts.desired.is === 'valid' ? facts.desired.job.spec.ttlSecondsAfterFinished : undefined;
  if (ttl === undefined) return REST;
  const untilMs = (last.end?.at ?? facts.now) + ttl * 1_000;
  return facts.now >= untilMs ? { do: 'deleteJob' } : { do: 'rest', untilMs };
}

function open(facts: FlinkJobFacts, view: LedgerView, revision: string): Step {
  const { ledger } = view;
  return opened(view, {
    now: facts.now,
    revision,
    life: lifeToBegin(facts, ledger, revision),
    handled: triggersAnswered(facts, ledger),
    forgives: isForgiven(facts, ledger, revision),
    why: whyOpened(facts, ledger, revision),
  });
}

/** What was wrong with a revision is forgotten when it is to be tried again, and when something else is asked for. */
function isForgiven({ desired }: FlinkJobFacts, { revisions }: Ledger, revision: string): boolean {
  const bad = revisions?.bad;
  return bad !== undefined && (revision === bad || (desired.is === 'valid' && desired.revision !== bad));
}

function whyOpened(facts: FlinkJobFacts, ledger: Ledger, revision: string): string {
  const last = ledger.attempts.at(-1);
  if (last === undefined) return 'the first one.';
  if (isAsked(facts, ledger, 'restore')) return 'triggers.restore asked for it.';
  if (isAsked(facts, ledger, 'restart')) return 'triggers.restart asked for it.';
  if (isRollback(ledger, last.revision, revision)) return `revision ${last.revision} is rolled back.`;
  if (revision !== last.revision || ledger.gaveUp !== undefined) return 'the spec has changed.';
  return last.end?.how === 'replaced'
    ? 'the job is to run again.'
    : `attempt ${last.number} ${last.end?.how ?? 'ended'}.`;
}

/** Whatever is asked for by then is answered by the attempt; a savepoint is taken once it runs. */
function triggersAnswered(facts: FlinkJobFacts, ledger: Ledger): { restart?: number; restore?: number } {
  const { desired } = facts;
  if (desired.is === 'invalid') return {};
  const { restart, restore } = desired.settings.triggers;
  return {
    ...(isAsked(facts, ledger, 'restart') ? { restart } : {}),
    ...(restore > (ledger.handled?.restore ?? 0) ? { restore } : {}),
  };
}

/** Another life of the state: the first one, one that is dropped or put back as asked, or a run from the start. */
function lifeToBegin(facts: FlinkJobFacts, ledger: Ledger, revision: string): StateLife | undefined {
  const { desired, status, now, object } = facts;
  if (desired.is === 'invalid') return undefined;
  const { restoreFrom, upgrade } = desired.settings;
  const last = ledger.attempts.at(-1);
  const fresh = { jobId: jobIdBegunWith(object.uid, (last?.number ?? 0) + 1), since: new Date(now).toISOString() };
  const from = restoreFrom === undefined ? {} : { restoreFrom };
  if (last !== undefined && isAsked(facts, ledger, 'restore')) return { ...fresh, ...from };
  if (ledger.life === undefined) {
    // What status remembers is the life of a state whose pointers were lost.
    const { jobId = '', startTime: since = fresh.since, restoredFrom } = status ?? {};
    if (!isJobId(jobId)) return { ...fresh, jobId: jobIdBegunWith(object.uid, 1), ...from };
    return { jobId, since, ...(restoredFrom === undefined ? {} : { restoreFrom: restoredFrom }) };
  }
  const isChanged = last !== undefined && revision !== last.revision;
  const isDropped = isChanged && upgrade.mode === 'Stateless' && !isRollback(ledger, last.revision, revision);
  return last?.end?.how === 'finished' || isDropped ? fresh : undefined;
}
