/** What is done when ConfigMap `<job>-ha` is not there. Pure. */
import { ledgerAfterLoss, noteHandled } from '../../ha/index.ts';
import type { FlinkJobFacts } from './facts.ts';
import type { Step } from './step.ts';

/**
 * Makes it: for a new job as it comes; for one that had it before, with an epoch above every one that status knows, so that
 * no process of then can write, and attempts that count on. Undefined when it is there. Whether a job whose pointers are gone
 * may go on from what its storage holds is the user's to say: `upgrade.restorePolicy`.
 */
export function handlesStep({ handles, status, desired, now }: FlinkJobFacts): Step | undefined {
  if (handles.is !== 'absent' || desired.is === 'invalid') return undefined;
  const { attempt, jobId, handledTriggers } = status ?? {};
  if (jobId === undefined || attempt === undefined) {
    return {
      do: 'createHandles',
      lowestEpoch: 0,
      ledger: ledgerAfterLoss({ lastAttempt: 0, epoch: 0, at: now }),
      say: [],
    };
  }
  const { restorePolicy } = desired.job.spec.upgrade;
  const { triggers, restoreFrom } = desired.settings;
  const isTold = restoreFrom !== undefined && triggers.restore > (handledTriggers?.restore ?? 0);
  if (restorePolicy !== 'Auto' && !isTold) {
    const reason = restorePolicy === 'Ask' ? 'RestoreDecisionNeeded' : 'HandlesMissing';
    return { do: 'rest', because: { reason } };
  }
  const epoch = attempt.epoch ?? 0;
  const lost = ledgerAfterLoss({ lastAttempt: attempt.number, epoch, at: now });
  return {
    do: 'createHandles',
    lowestEpoch: epoch + 1,
    ledger: noteHandled(lost, handledTriggers ?? {}),
    say: [
      {
        type: 'Warning',
        reason: 'RestoreFallback',
        note: 'The pointers to the state of the job were removed; it goes on from the newest whole checkpoint in its storage.',
      },
    ],
  };
}
