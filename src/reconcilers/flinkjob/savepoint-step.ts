/** A savepoint that `triggers.savepoint` asks for. Pure. */
import type { AttemptRecord } from '../../ha/index.ts';
import { derivedId } from '../../lib/derived-id.ts';
import { type FlinkJobFacts, isRunning, type OperationSeen } from './facts.ts';
import type { Step } from './step.ts';

/** A savepoint that fails so often is given up; a higher trigger asks for another one. */
const MOST_TRIES = 5;
const POLL_MS = 250;

/** A savepoint that is asked for, and not answered yet. */
export interface SavepointRequest {
  readonly trigger: number;
  /** Names the savepoint: the same number is the same one, whoever asks. */
  readonly triggerId: string;
  /** When it was first seen; status remembers it. */
  readonly requestedAt: number;
  /** Nothing more comes of it from then on. */
  readonly expiresAt: number;
}

/**
 *     asked for ──► the job runs ──► begun ──► complete: its place is in status, the trigger is answered
 *        │                             └── failed ──► begun again later ──► failed for good: so is the trigger
 *        └────── its time is up, whether the job did not run or it took too long ──► expired: so is the trigger
 */
export function savepointStep(facts: FlinkJobFacts, open: AttemptRecord): Step | undefined {
  const request = savepointRequest(facts);
  if (request === undefined || !isRunning(facts, open.number)) return undefined;
  const { triggerId } = request;
  const operation = operationOf(facts, request);
  if (operation === undefined) return isExpired(facts, request) ? undefined : { do: 'takeSavepoint', triggerId };
  if (isAnswered(facts, request)) return undefined;
  if (operation.state.is === 'inProgress') return { do: 'rest', untilMs: facts.now + POLL_MS };
  return facts.now < operation.notBefore
    ? { do: 'rest', untilMs: operation.notBefore }
    : { do: 'takeSavepoint', triggerId };
}

/** What is asked for; undefined: nothing that was not answered. */
export function savepointRequest({
  desired,
  status,
  object,
  now,
  settings,
}: Pick<FlinkJobFacts, 'desired' | 'status' | 'object' | 'now' | 'settings'>): SavepointRequest | undefined {
  if (desired.is === 'invalid') return undefined;
  const trigger = desired.settings.triggers.savepoint;
  if (trigger <= (status?.handledTriggers?.savepoint ?? 0)) return undefined;
  const known = status?.savepoints?.find((each) => each.trigger === trigger)?.requested;
  const requestedAt = known === undefined ? now : Date.parse(known);
  return {
    trigger,
    triggerId: derivedId(object.uid, 'savepoint', trigger),
    requestedAt,
    expiresAt: requestedAt + settings.savepointDeadlineMs,
  };
}

/** What became of it so far; undefined: it was not begun. */
export function operationOf(
  { operation }: Pick<FlinkJobFacts, 'operation'>,
  { triggerId }: SavepointRequest,
): OperationSeen | undefined {
  return operation?.triggerId === triggerId ? operation : undefined;
}

/** Whether nothing more comes of a request. */
export function isAnswered(facts: Pick<FlinkJobFacts, 'operation' | 'now'>, request: SavepointRequest): boolean {
  const operation = operationOf(facts, request);
  return (operation !== undefined && isSettled(operation)) || isExpired(facts, request);
}

/** Whether its time is up. One that is complete by then is not asked. */
export function isExpired({ now }: Pick<FlinkJobFacts, 'now'>, { expiresAt }: SavepointRequest): boolean {
  return now >= expiresAt;
}

/** Whether nothing more comes of an operation. */
export function isSettled({ state, tries }: OperationSeen): boolean {
  return state.is === 'completed' || (state.is === 'failed' && tries >= MOST_TRIES);
}
