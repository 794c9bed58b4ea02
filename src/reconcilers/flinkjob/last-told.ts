/**
 * The checkpoint that a job goes down with. Status and Events say where the state of a job lies that does not run, and what
 * the job told of when it was asked last is not it: checkpoints went on. Once the attempt is closed none is completed any more,
 * and the id of the newest stands with the pointers; where it lies the process knows, as long as it is there.
 */
import { checkpointIdOf } from '../../ha/index.ts';
import type { CheckpointTold, FlinkJobFacts, Handles, RestSeen } from './facts.ts';
import type { JobAddress, JobRest } from './job-rest.ts';
import type { JobMemory } from './memory.ts';

/** Asks an attempt that was closed a moment ago for its newest checkpoint, once, if it is another than it told of. Never throws. */
export async function askClosed(
  rest: JobRest,
  address: JobAddress | undefined,
  handles: Handles,
  { memory, signal }: { readonly memory: JobMemory; readonly signal: AbortSignal },
): Promise<void> {
  const { rest: before } = memory;
  if (handles.is !== 'there' || before.is !== 'answered') return;
  const newest = newestIdIn(handles);
  if (address === undefined || newest <= (before.checkpoint?.id ?? -1)) return;
  const last = await rest.checkpoint(address, signal);
  // Of one that could not be pointed to any more nobody restores.
  if (last?.checkpoint.id !== newest) return;
  memory.lastTold = { ...last, jobId: address.jobId };
  memory.newestPoint = last.checkpoint.uri;
}

function newestIdIn({ view }: Extract<Handles, { is: 'there' }>): number {
  return Math.max(-1, ...[...view.snapshot.entries.keys()].map(checkpointIdOf));
}

/** What an answer tells. */
export function checkpointTold(rest: RestSeen, handles: Handles): CheckpointTold | undefined {
  const life = handles.is === 'there' ? handles.view.ledger.life : undefined;
  if (rest.is !== 'answered' || rest.checkpoint === undefined || life === undefined) return undefined;
  return { jobId: life.jobId, checkpoint: rest.checkpoint, failed: rest.failed };
}

/** The savepoint with which the job went down; undefined: it went down without, or is up. */
export function savedWith({ handles }: Pick<FlinkJobFacts, 'handles'>): string | undefined {
  const last = handles.is === 'there' ? handles.view.ledger.attempts.at(-1) : undefined;
  return last?.end?.savepoint;
}

/** Of the life that the state has now. */
export function lastToldOf({
  lastTold,
  handles,
}: Pick<FlinkJobFacts, 'lastTold' | 'handles'>): CheckpointTold | undefined {
  const life = handles.is === 'there' ? handles.view.ledger.life : undefined;
  return life === undefined || life.jobId === lastTold?.jobId ? lastTold : undefined;
}
