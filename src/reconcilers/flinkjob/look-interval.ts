/** How soon a job is asked again how it is. Pure. */
import { openAttemptOf } from '../../ha/index.ts';
import { type FlinkJobFacts, saysRunning } from './facts.ts';

/** A job whose revision has proved itself is asked so much less often: whatever goes wrong with it shows in its pods at once. */
const SETTLED_FACTOR = 3;
const FIRST_CHECKPOINT_MS = 1_000;

/**
 * Milliseconds until the next look: soon while it comes up, and until it has completed a checkpoint; then every `restPollMs`,
 * spread by a tenth either way; once settled, a third as often.
 */
export function untilNextLook(
  facts: Pick<FlinkJobFacts, 'rest' | 'handles' | 'settings' | 'random' | 'now'>,
  attempt: number,
): number {
  const { rest, handles, settings, random, now } = facts;
  const ledger = handles.is === 'there' ? handles.view.ledger : undefined;
  const open = ledger === undefined ? undefined : openAttemptOf(ledger);
  if (!saysRunning({ rest }, attempt)) {
    return Math.min(1_000, Math.max(100, (now - (open?.startedAt ?? now)) / 10));
  }
  const poll = settings.restPollMs * (0.9 + 0.2 * random());
  const hasCompleted = rest.is === 'answered' && rest.completed > 0;
  if (!hasCompleted) return Math.min(poll, FIRST_CHECKPOINT_MS);
  const isSettled = open?.revision !== undefined && open.revision === ledger?.revisions?.stable;
  const isFailing = rest.lastFailure !== undefined && rest.lastFailure.id > (rest.checkpoint?.id ?? -1);
  return isSettled && !isFailing ? poll * SETTLED_FACTOR : poll;
}
