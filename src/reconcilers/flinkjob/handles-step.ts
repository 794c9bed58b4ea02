/** What is done when ConfigMap `<job>-ha` is not there. Pure. */
import { type Ledger, ledgerAfterLoss, noteHandled } from '../../ha/index.ts';
import type { FlinkJobFacts } from './facts.ts';
import type { Step } from './step.ts';

/**
 * Makes it: for a new job as it comes; for one that had it before, with an epoch above every one that status knows, so that
 * no process of then can write, and attempts that count on. Undefined when it is there. Whether a job whose pointers are gone
 * may go on from what its storage holds is the user's to say: `upgrade.restorePolicy`.
 */
export function handlesStep(facts: FlinkJobFacts): Step | undefined {
  const { handles, status, desired, now } = facts;
  if (desired.is === 'invalid') return undefined;
  if (handles.is === 'there') return countOn(facts, handles.view.ledger);
  const { attempt, jobId, handledTriggers } = status ?? {};
  if (jobId === undefined || attempt === undefined) {
    // Pods of a job that nobody has reported on yet say how far it came.
    const lastAttempt = Math.max(0, ...facts.pods.map((pod) => pod.attempt));
    const ledger = ledgerAfterLoss({ lastAttempt, epoch: 0, at: now });
    return { do: 'createHandles', lowestEpoch: 0, ledger, say: [] };
  }
  const { restorePolicy } = desired.job.spec.upgrade;
  const { triggers, restoreFrom } = desired.settings;
  const isTold = restoreFrom !== undefined && triggers.restore > (handledTriggers?.restore ?? 0);
  if (restorePolicy !== 'Auto' && !isTold) {
    const reason = restorePolicy === 'Ask' ? 'RestoreDecisionNeeded' : 'HandlesMissing';
    return { do: 'rest', because: { reason } };
  }
  return {
    do: 'createHandles',
    lowestEpoch: (attempt.epoch ?? 0) + 1,
    ledger: afterLoss(facts),
    say: [
      {
        type: 'Warning',
        reason: 'RestoreFallback',
        note: 'The pointers to the state of the job were removed; it goes on from the newest whole checkpoint in its storage.',
      },
    ],
  };
}

/** Made anew and left empty: whoever made it went down before attempts were told where to count on from. */
function countOn(facts: FlinkJobFacts, ledger: Ledger): Step | undefined {
  const { attempt, jobId } = facts.status ?? {};
  if (ledger.attempts.length > 0 || attempt === undefined || jobId === undefined) return undefined;
  return { do: 'writeLedger', why: `attempts count on from ${attempt.number}`, ledger: afterLoss(facts), say: [] };
}

function afterLoss({ status, now }: FlinkJobFacts): Ledger {
  const { number = 0, epoch = 0 } = status?.attempt ?? {};
  return noteHandled(ledgerAfterLoss({ lastAttempt: number, epoch, at: now }), status?.handledTriggers ?? {});
}
