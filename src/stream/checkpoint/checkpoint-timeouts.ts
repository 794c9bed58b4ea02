/** How long checkpoints and savepoints may take, and what follows when one took longer. Pure. */
import { formatDurationMs } from '../../lib/durations.ts';
import { type CheckpointRequest, isSavepoint } from './checkpoint-requests.ts';
import type { CompleteCheckpointSettings } from './coordinator-settings.ts';
import type { CheckpointFailureReason } from './failure-reasons.ts';

type Kind = Pick<CheckpointRequest, 'kind'>;

/** Milliseconds from the trigger to the answer of the last subtask. */
export function timeoutOf({ kind }: Kind, { timeoutMs, savepointTimeoutMs }: CompleteCheckpointSettings): number {
  return isSavepoint(kind) ? savepointTimeoutMs : timeoutMs;
}

/** That the time is up, and where more can be given. */
export function tookTooLong(request: Kind, settings: CompleteCheckpointSettings): string {
  const field = isSavepoint(request.kind) ? 'spec.savepoints.timeout' : 'spec.checkpoints.timeout';
  return `It took longer than ${formatDurationMs(timeoutOf(request, settings))}, which ${field} allows.`;
}

/**
 * Whether the job can go on without the savepoint that it was to stop with. Subtasks that have captured for it wait for
 * its commit. Of one that merely took too long they can be told to go on; where a subtask failed, as in Flink, or sources
 * have ended for a drain, only a restart sets them going again.
 */
export function canGoOnWithout({ kind }: Kind, reason: CheckpointFailureReason): boolean {
  return reason === 'CHECKPOINT_EXPIRED' && kind !== 'stop-with-savepoint-drain';
}
