/** What status says of savepoints that triggers ask for. Pure. */
import type { FlinkJobStatus } from '../../api/index.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import { type FlinkJobFacts, isRunning } from './facts.ts';
import { isAnswered, isExpired, operationOf, type SavepointRequest, savepointRequest } from './savepoint-step.ts';

type Savepoint = NonNullable<FlinkJobStatus['savepoints']>[number];

const SAVEPOINTS_KEPT = 32;
const CAUSE_LIMIT = 2_048;

/** Those on record, newest first, with how far the one is that is asked for. */
export function savepointsOf(facts: FlinkJobFacts): FlinkJobStatus['savepoints'] {
  const known = facts.status?.savepoints;
  // Nobody takes one of a job that goes; and a spec that is not valid asks for nothing, nor takes anything back.
  if (facts.object.deletingSince !== undefined || facts.desired.is === 'invalid') return known;
  const request = savepointRequest(facts);
  const others = known?.filter((each) => each.trigger !== request?.trigger && !isPending(each));
  if (request === undefined) return others;
  const { trigger, requestedAt } = request;
  const entry: Savepoint = { trigger, requested: time(requestedAt), ...progress(facts, request) };
  return [entry, ...(others ?? [])].slice(0, SAVEPOINTS_KEPT);
}

/** What was asked for by a number that is not asked for any more: nobody takes it. */
function isPending({ state }: Savepoint): boolean {
  return state === 'Requested' || state === 'Triggered';
}

/** The highest trigger that was answered. */
export function savepointHandled(facts: FlinkJobFacts): number | undefined {
  const request = savepointRequest(facts);
  const isDone = request !== undefined && isAnswered(facts, request);
  return isDone ? request.trigger : facts.status?.handledTriggers?.savepoint;
}

/** When status will say of a savepoint that its time is up; Infinity: none is asked for. */
export function savepointExpiresAt(facts: FlinkJobFacts): number {
  const request = savepointRequest(facts);
  return request === undefined || isAnswered(facts, request) ? Number.POSITIVE_INFINITY : request.expiresAt;
}

function progress(facts: FlinkJobFacts, request: SavepointRequest): Savepoint {
  const { state } = operationOf(facts, request) ?? {};
  if (state?.is === 'completed') return { state: 'Completed', uri: state.location, completed: time(facts.now) };
  if (isExpired(facts, request)) return { state: 'Expired', cause: whyExpired(facts, request).slice(0, CAUSE_LIMIT) };
  if (state?.is === 'failed') return { state: 'Failed', cause: state.cause.slice(0, CAUSE_LIMIT) };
  // Of one whose answer was lost it is not known whether it was begun.
  return { state: state === undefined ? 'Requested' : 'Triggered' };
}

function whyExpired(facts: FlinkJobFacts, request: SavepointRequest): string {
  const within = `within ${formatDurationMs(facts.settings.savepointDeadlineMs)}`;
  const { state } = operationOf(facts, request) ?? {};
  if (state?.is === 'failed') return `it was not complete ${within}, and failed last: ${state.cause}`;
  if (state?.is === 'inProgress') return `it was not complete ${within}`;
  const { handles } = facts;
  const number = handles.is === 'there' ? (handles.view.ledger.attempts.at(-1)?.number ?? 0) : 0;
  return isRunning(facts, number) ? `the job did not answer ${within}` : `the job did not run ${within}`;
}

function time(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, 'Z');
}
