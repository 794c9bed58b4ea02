/** Which revision a job is to run, and why an attempt that runs is to be brought down. Pure. */
import { changedFields, classOfChange, specOf } from '../../api/index.ts';
import { type HandledTriggers, type Ledger, openAttemptOf, type StopReason } from '../../ha/index.ts';
import type { FlinkJobFacts, RevisionOnRecord } from './facts.ts';

/** The revision to run: that of the spec, unless it proved bad; while the spec is invalid, the one before. */
export function targetRevision(facts: Pick<FlinkJobFacts, 'desired'>, ledger: Ledger): string | undefined {
  const { desired } = facts;
  if (desired.is === 'invalid') return ledger.attempts.at(-1)?.revision;
  const { bad, stable } = ledger.revisions ?? {};
  return desired.revision === bad && stable !== undefined && !isAsked(facts, ledger, 'restart')
    ? stable
    : desired.revision;
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

/** Why the open attempt is to be brought down; undefined: it is to run. The weightiest counts. */
export function stopReason(facts: FlinkJobFacts, ledger: Ledger): StopReason | undefined {
  const open = openAttemptOf(ledger);
  if (open === undefined) return undefined;
  if (facts.object.deletingSince !== undefined) return 'delete';
  if (open.stopping !== undefined && open.stopping.why === 'suspend') {
    // Asked to run again meanwhile: what was begun is brought to its end all the same.
    return 'suspend';
  }
  if (facts.desired.is === 'valid' && facts.desired.settings.state === 'Suspended') return 'suspend';
  if (isAsked(facts, ledger, 'restore')) return 'restore';
  const target = targetRevision(facts, ledger);
  if (target !== undefined && target !== open.revision) {
    return target === ledger.revisions?.stable && open.revision === ledger.revisions?.bad ? 'rollback' : 'upgrade';
  }
  return isAsked(facts, ledger, 'restart') ? 'restart' : undefined;
}

/** Whether two revisions differ in nothing but the parallelism. */
export function isRescale(from: RevisionOnRecord | undefined, to: RevisionOnRecord | undefined): boolean {
  if (from === undefined || to === undefined || from.image !== to.image) return false;
  return classOfChange(changedFields(specOf(from.semantic, undefined), specOf(to.semantic, undefined))) === 'Rescale';
}

/** Trigger values that are answered by bringing an attempt down for this reason. */
export function answeredBy(facts: FlinkJobFacts, ledger: Ledger, why: StopReason | undefined): HandledTriggers {
  const { desired } = facts;
  const isAnswer = why === 'restart' || why === 'upgrade';
  return isAnswer && desired.is === 'valid' && isAsked(facts, ledger, 'restart')
    ? { restart: desired.settings.triggers.restart }
    : {};
}
