/** Queryable state over HTTP. Flink has no such path; the body of every answer is a StateAnswer, with `errors` beside it. */
import type { StateAnswer, StateUnavailableReason } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { UNKNOWN_KEY_OR_NAMESPACE } from '../queryable/index.ts';
import type { JobView, StateQueryCommand } from './job-view.ts';
import { jsonValue } from './json-value.ts';
import type { Reply, Route, RouteRequest } from './reply.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';

/** The rows of the route table. */
export const STATE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/jobs/:jobid/state/:state', scope: 'job', handle: queryState },
  { method: 'GET', path: '/jobs/:jobid/operators/:uid/state/:state', scope: 'job', handle: queryState },
];

const PARAMETERS = ['key', 'keyKind', 'namespace'];

async function queryState({ params, query, control, signal }: RouteRequest, job: JobView): Promise<Reply> {
  const { state = '', uid } = params;
  checkParameters(query);
  const answer = await control.query(
    {
      stateName: state,
      key: query.get('key') ?? '',
      ...optional('keyKind', query.get('keyKind')),
      ...optional('namespace', query.get('namespace')),
      ...optional('operatorUid', uid ?? null),
    },
    signal,
  );
  return replyTo(answer, job, state);
}

function checkParameters(query: URLSearchParams): void {
  const wrong = [...new Set(query.keys())]
    .filter((name) => !PARAMETERS.includes(name))
    .map((name) => `Unknown query parameter "${name}"; known are ${PARAMETERS.join(', ')}.`);
  if (query.getAll('key').length !== 1) wrong.push('Exactly one query parameter "key" is needed.');
  if (wrong.length > 0) throw new RestError(400, wrong);
}

function optional<K extends keyof StateQueryCommand>(name: K, value: string | null) {
  return value === null ? {} : ({ [name]: value } as { readonly [P in K]: string });
}

function replyTo(answer: StateAnswer, job: JobView, state: string): Reply {
  switch (answer.status) {
    case 'found':
      return { status: 200, body: { ...answer, value: jsonValue(answer.value) } };
    case 'notFound': {
      const { default: fallback, ...rest } = answer;
      const body = fallback === undefined ? rest : { ...rest, default: jsonValue(fallback) };
      return { status: 404, body: { ...body, errors: [UNKNOWN_KEY_OR_NAMESPACE] } };
    }
    case 'unknownState':
      return refusal(404, answer, `No KvStateLocation found for KvState instance with name '${state}'.`);
    case 'badRequest':
      return refusal(400, answer, answer.message);
    case 'failed':
      return refusal(500, answer, `State '${state}' of job ${job.jobId} could not be read: ${answer.cause}`);
    case 'unavailable':
      return {
        ...refusal(503, answer, `State '${state}' of job ${job.jobId} cannot be read now: ${WHY[answer.reason]}`),
        headers: { 'Retry-After': RETRY_AFTER_S },
      };
    default:
      return assertNever(answer);
  }
}

function refusal(status: number, answer: StateAnswer, error: string): Reply {
  return { status, body: { ...answer, errors: [error] } };
}

const WHY: Readonly<Record<StateUnavailableReason, string>> = {
  restarting: 'the job restarts.',
  rescaling: 'the job changes its parallelism.',
  notReady: 'the subtask that owns the key is not ready.',
  unreachable: 'the subtask that owns the key did not answer.',
  notLeader: 'this process does not lead the job.',
  terminated: 'the job has ended.',
};
