/** What is done when ConfigMap `<job>-ha` is not there, or is older than what it is known to have been. Pure. */
import {
  emptyLedgerView,
  type HandledTriggers,
  type Ledger,
  ledgerAfterLoss,
  noteHandled,
  openAttemptOf,
} from '../../ha/index.ts';
import { betweenAttempts } from './between-attempts.ts';
import type { FlinkJobFacts } from './facts.ts';
import type { Hold, Saying, Step } from './step.ts';

/**
 * Makes it: for a new job as it comes; for one that had it before, with an epoch above every one that is known, so that no
 * process of then can write, and attempts that count on. One that was put back from an older copy is begun anew in the same
 * way: what it points to is not the newest there is. Undefined when it is there as it should be. Whether a job whose pointers
 * are gone may go on from what its storage holds is the user's to say: `upgrade.restorePolicy`.
 */
export function handlesStep(facts: FlinkJobFacts): Step | undefined {
  const { handles, status, desired } = facts;
  if (desired.is === 'invalid' || handles.is === 'there') return undefined;
  const isNew = handles.is === 'absent' && (status?.jobId === undefined || status.attempt === undefined);
  if (isNew) return made(facts, []);
  const hold = holdFor(facts);
  if (hold !== undefined) return { do: 'rest', because: hold };
  return handles.is === 'old' ? startedOver(facts, [PUT_BACK]) : made(facts, [REMOVED]);
}

/** Made whole, in one write: an attempt that is due at once is open in it from the first. */
function made(facts: FlinkJobFacts, say: readonly Saying[]): Step {
  const view = emptyLedgerView(lowestEpoch(facts), afterLoss(facts));
  const { ledger, epoch } = view;
  const next = betweenAttempts({ ...facts, handles: { is: 'there', view } }, view);
  if (next.do !== 'writeLedger') return { do: 'createHandles', epoch, ledger, say };
  const isOpened = openAttemptOf(next.ledger) !== undefined;
  const sayings = [...say, ...next.say];
  return { do: 'createHandles', epoch: isOpened ? view.nextEpoch : epoch, ledger: next.ledger, say: sayings };
}

/** In place of an object that is older than it was: no attempt is open, its epoch is above all known, its pointers are gone. */
export function startedOver(facts: FlinkJobFacts, say: readonly Saying[]): Step {
  const ledger = afterLoss(facts);
  const number = ledger.attempts.at(-1)?.number ?? 0;
  const why = `attempts count on from ${number}`;
  return { do: 'writeLedger', why, ledger, above: facts.past.epoch, say };
}

const REMOVED: Saying = {
  type: 'Warning',
  reason: 'RestoreFallback',
  note: 'The pointers to the state of the job were removed; it goes on from the newest whole checkpoint in its storage.',
};

const PUT_BACK: Saying = {
  type: 'Warning',
  reason: 'RestoreFallback',
  note: 'The pointers to the state of the job were put back from an older copy; it goes on from the newest whole checkpoint in its storage, not from what they point to.',
};

function holdFor({ desired, status }: FlinkJobFacts): Hold | undefined {
  if (desired.is === 'invalid') return undefined;
  const { restorePolicy } = desired.job.spec.upgrade;
  const { triggers, restoreFrom } = desired.settings;
  const isTold = restoreFrom !== undefined && triggers.restore > (status?.handledTriggers?.restore ?? 0);
  if (restorePolicy === 'Auto' || isTold) return undefined;
  return { reason: restorePolicy === 'Ask' ? 'RestoreDecisionNeeded' : 'HandlesMissing' };
}

function lowestEpoch({ past, status }: FlinkJobFacts): number {
  return past.epoch === 0 && status?.attempt === undefined ? 0 : past.epoch + 1;
}

/** Its attempts count on from all that is known: of status, of pods that nobody has reported on yet, of an older copy. */
function afterLoss({ status, now, past, handles }: FlinkJobFacts): Ledger {
  const old = handles.is === 'old' ? handles.view.ledger : undefined;
  const restarts = Math.max(status?.restarts?.count ?? 0, old?.restarts ?? 0);
  const lastAttempt = Math.max(past.attempt, old?.attempts.at(-1)?.number ?? 0);
  const ledger = ledgerAfterLoss({ lastAttempt, epoch: past.epoch, at: now, restarts });
  const handled = higherOf(status?.handledTriggers, old?.handled);
  return Object.keys(handled).length === 0 ? ledger : noteHandled(ledger, handled);
}

function higherOf(one: HandledTriggers = {}, other: HandledTriggers = {}): HandledTriggers {
  const names = ['savepoint', 'restart', 'restore'] as const;
  const known = names.filter((name) => one[name] !== undefined || other[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, Math.max(one[name] ?? 0, other[name] ?? 0)]));
}
