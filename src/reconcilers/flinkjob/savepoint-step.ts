/** A savepoint that `triggers.savepoint` asks for. Pure. */
import type { AttemptRecord } from '../../ha/index.ts';
import { derivedId } from './derived-id.ts';
import { type FlinkJobFacts, isRunning, type OperationSeen } from './facts.ts';
import type { Step } from './step.ts';

/** A savepoint that fails so often is given up; a higher trigger asks for another one. */
const MOST_TRIES = 5;
const POLL_MS = 250;

/**
 *     asked for ──► the job runs ──► begun ──► complete: its place is in status, the trigger is answered
 *                                      └── failed ──► begun again later ──► failed for good: so is the trigger
 */
export function savepointStep(facts: FlinkJobFacts, open: AttemptRecord): Step | undefined {
  const triggerId = savepointTrigger(facts);
  if (triggerId === undefined || !isRunning(facts, open.number)) return undefined;
  const operation = facts.operation?.triggerId === triggerId ? facts.operation : undefined;
  if (operation === undefined) return { do: 'takeSavepoint', triggerId };
  if (isSettled(operation)) return undefined;
  if (operation.state.is === 'inProgress') return { do: 'rest', untilMs: facts.now + POLL_MS };
  return facts.now < operation.notBefore
    ? { do: 'rest', untilMs: operation.notBefore }
    : { do: 'takeSavepoint', triggerId };
}

/** Whether nothing more comes of an operation. */
export function isSettled({ state, tries }: OperationSeen): boolean {
  return state.is === 'completed' || (state.is === 'failed' && tries >= MOST_TRIES);
}

/** Names the savepoint that is asked for; undefined when none is. The same number is the same savepoint. */
export function savepointTrigger({
  desired,
  status,
  object,
}: Pick<FlinkJobFacts, 'desired' | 'status' | 'object'>): string | undefined {
  if (desired.is === 'invalid') return undefined;
  const asked = desired.settings.triggers.savepoint;
  if (asked <= (status?.handledTriggers?.savepoint ?? 0)) return undefined;
  return derivedId(object.uid, 'savepoint', asked);
}
