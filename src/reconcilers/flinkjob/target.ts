/** Which revision a job is to run, and why an attempt that runs is to be brought down. Pure. */
import { changedFields, classOfChange, specOf } from '../../api/index.ts';
import { type HandledTriggers, type Ledger, openAttemptOf, type StopReason } from '../../ha/index.ts';
import type { FlinkJobFacts, JobObject, RevisionOnRecord } from './facts.ts';

type TargetFacts = Pick<FlinkJobFacts, 'desired' | 'revisions'>;

/**
 * The revision to run: that of the spec, or, while that is invalid, the last one that ran; unless it proved bad, and one that
 * was good is on record.
 */
export function targetRevision(facts: TargetFacts, ledger: Ledger): string | undefined {
  const { desired, revisions } = facts;
  const wanted = desired.is === 'valid' ? desired.revision : ledger.attempts.at(-1)?.revision;
  const { bad, stable } = ledger.revisions ?? {};
  const isBad = wanted === bad && stable !== undefined && revisions.has(stable);
  if (isBad && !isAsked(facts, ledger, 'restart')) return stable;
  return wanted !== undefined && owesSavepoint(facts, ledger, wanted) ? stable : wanted;
}

/**
 * Whether a revision that was good has failed before the savepoint was taken without which the next one must not begin: it is
 * brought up once more, so that one can be. Given up, it will never take one.
 */
function owesSavepoint({ desired, revisions }: TargetFacts, ledger: Ledger, wanted: string): boolean {
  if (desired.is === 'invalid') return false;
  const { mode, fallback } = desired.job.spec.upgrade;
  const { revision: last, end } = ledger.attempts.at(-1) ?? {};
  const hasFailed = (end?.how === 'failed' || end?.how === 'crashed') && ledger.gaveUp === undefined;
  const isGood = last !== undefined && last === ledger.revisions?.stable && last !== wanted;
  if (mode !== 'Savepoint' || fallback || !hasFailed || !isGood || isAsked({ desired }, ledger, 'restore'))
    return false;
  return revisions.has(last) && !isRescale(revisions.get(last), revisions.get(wanted));
}

/** Whether what runs next is what was good before one that was not. */
export function isRollback({ revisions }: Ledger, from: string | undefined, to: string | undefined): boolean {
  return to !== undefined && to === revisions?.stable && from !== undefined && from === revisions.bad;
}

/** Whether a trigger asks for something that was not done yet. */
export function isAsked(
  { desired }: Pick<FlinkJobFacts, 'desired'>,
  ledger: Ledger,
  trigger: keyof HandledTriggers,
): boolean {
  if (desired.is === 'invalid') return false;
  const { triggers, restoreFrom } = desired.settings;
  if (trigger === 'restore' && restoreFrom === undefined) return false;
  return triggers[trigger] > (ledger.handled?.[trigger] ?? 0);
}

/** Names what somebody asked for: every edit of the spec is another one, and so is a FlinkJob made anew. */
export function specVersion({ uid, generation }: Pick<JobObject, 'uid' | 'generation'>): string {
  return `${uid}/${generation}`;
}

/** Whether a job that was given up stays so: nobody has edited its spec since, in whatever field, nor applied it anew. */
export function isGivenUp({ desired, object }: Pick<FlinkJobFacts, 'desired' | 'object'>, { gaveUp }: Ledger): boolean {
  if (gaveUp === undefined) return false;
  return desired.is === 'invalid' || gaveUp.spec === undefined || gaveUp.spec === specVersion(object);
}

/** Why the open attempt is to be brought down; undefined: it is to run. The weightiest counts. */
export function stopReason(facts: FlinkJobFacts, ledger: Ledger): StopReason | undefined {
  const open = openAttemptOf(ledger);
  if (open === undefined) return undefined;
  if (facts.object.deletingSince !== undefined) return 'delete';
  if (open.stopping !== undefined && open.stopping.why === 'suspend') {
    // Asked to run again meanwhile: what was begun is brought to its end all the same.
    return 'suspend';
  }
  if (facts.desired.is === 'valid' && isToBeDown(facts)) return 'suspend';
  if (isAsked(facts, ledger, 'restore')) return 'restore';
  const target = targetRevision(facts, ledger);
  if (target !== undefined && target !== open.revision) {
    return isRollback(ledger, open.revision, target) ? 'rollback' : 'upgrade';
  }
  return isAsked(facts, ledger, 'restart') ? 'restart' : undefined;
}

/** Whether no attempt is to be open. While the spec is invalid, what it said before counts: the phase is the record of that. */
export function isToBeDown({ desired, status }: FlinkJobFacts): boolean {
  return desired.is === 'valid'
    ? desired.settings.state === 'Suspended'
    : status?.phase === 'Suspended' || status?.phase === 'Suspending';
}

/** Whether two revisions differ in nothing but the parallelism. */
export function isRescale(from: RevisionOnRecord | undefined, to: RevisionOnRecord | undefined): boolean {
  if (from === undefined || to === undefined || from.image !== to.image) return false;
  return classOfChange(changedFields(specOf(from.semantic, undefined), specOf(to.semantic, undefined))) === 'Rescale';
}
