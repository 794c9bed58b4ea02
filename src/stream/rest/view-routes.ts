/** The routes that only show: process, job, vertices, checkpoints, metrics. */
import { isGloballyTerminal } from '../../flink/index.ts';
import { messageOf } from '../../lib/errors.ts';
import {
  checkpointConfig,
  checkpointingStatistics,
  checkpointStatistics,
  taskCheckpointStatistics,
} from './checkpoint-responses.ts';
import {
  jobAccumulators,
  jobConfig,
  jobDetails,
  jobExceptions,
  jobExecutionResult,
  jobPlan,
  jobSummary,
} from './job-responses.ts';
import type { CheckpointView, JobView, SubtaskView, VertexView } from './job-view.ts';
import { aggregatedMetrics, jobMetrics, metricCollection, subtaskMetrics, vertexMetrics } from './metric-responses.ts';
import { ok, type ProductInfo, type Reply, type Route, type RouteRequest } from './reply.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';
import { subtaskDetails, vertexBackPressure, vertexDetails } from './vertex-responses.ts';

/** The rows of the route table. */
export const VIEW_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/config', scope: 'process', handle: ({ product }) => ok(dashboard(product)) },
  { method: 'GET', path: '/overview', scope: 'jobs', handle: ({ product }, job) => ok(overview(product, job)) },
  {
    method: 'GET',
    path: '/jobs',
    scope: 'jobs',
    handle: (_, job) => ok({ jobs: [{ id: job.jobId, status: job.state }] }),
  },
  {
    method: 'GET',
    path: '/jobs/overview',
    scope: 'jobs',
    handle: ({ now }, job) => ok({ jobs: [jobSummary(job, now)] }),
  },
  ofJob('', (job, { now }) => jobDetails(job, now)),
  ofJob('/status', (job) => ({ status: job.state })),
  ofJob('/plan', jobPlan),
  ofJob('/config', jobConfig),
  ofJob('/accumulators', jobAccumulators),
  ofJob('/execution-result', (job, { now }) => jobExecutionResult(job, now)),
  ofJob('/exceptions', (job, { query }) => jobExceptions(job, wholeNumber(query, 'maxExceptions', 20))),
  ofJob('/metrics', (job, { now, query }) => metricCollection(jobMetrics(job, now), query.get('get'))),
  ofJob('/checkpoints', checkpointingStatistics),
  ofJob('/checkpoints/config', checkpointConfig),
  { method: 'GET', path: '/jobs/:jobid/checkpoints/restore-point', scope: 'job', handle: restorePoint },
  ofJob('/checkpoints/details/:checkpointid', (job, { params }) =>
    checkpointStatistics(checkpointOf(job, params), job.vertices, true),
  ),
  ofJob('/checkpoints/details/:checkpointid/subtasks/:vertexid', (job, { params }) =>
    taskCheckpointStatistics(checkpointOf(job, params), vertexOf(job, params)),
  ),
  ofJob('/vertices/:vertexid', (job, { params, now }) => vertexDetails(vertexOf(job, params), now)),
  ofJob('/vertices/:vertexid/backpressure', (job, { params, now }) => vertexBackPressure(vertexOf(job, params), now)),
  ofJob('/vertices/:vertexid/metrics', (job, { params, query }) =>
    metricCollection(vertexMetrics(vertexOf(job, params)), query.get('get')),
  ),
  ofJob('/vertices/:vertexid/subtasks/metrics', (job, { params, query }) =>
    aggregatedMetrics(vertexOf(job, params), query.get('get'), query.get('agg')),
  ),
  ofJob('/vertices/:vertexid/subtasks/:subtaskindex', (job, { params, now }) => {
    const { subtask, index } = subtaskOf(job, params);
    return subtaskDetails(subtask, index, now);
  }),
  ofJob('/vertices/:vertexid/subtasks/:subtaskindex/metrics', (job, { params, query }) =>
    metricCollection(subtaskMetrics(subtaskOf(job, params).subtask), query.get('get')),
  ),
];

function ofJob(below: string, body: (job: JobView, request: RouteRequest) => unknown): Route {
  return {
    method: 'GET',
    path: `/jobs/:jobid${below}`,
    scope: 'job',
    handle: (request, job) => ok(body(job, request)),
  };
}

/** Flink has no such path. */
async function restorePoint({ control }: RouteRequest): Promise<Reply> {
  const point = await control.restorePoint().catch((error: unknown) => {
    const headers = { 'Retry-After': RETRY_AFTER_S };
    throw new RestError(503, `The newest checkpoint cannot be read: ${messageOf(error)}`, headers);
  });
  return ok({ 'restore-point': point ?? null });
}

function dashboard(product: ProductInfo) {
  return {
    'refresh-interval': 3_000,
    'timezone-name': 'Coordinated Universal Time',
    'timezone-offset': 0,
    'flink-version': product.version,
    'flink-revision': product.revision,
    features: { 'web-submit': false, 'web-cancel': false, 'web-rescale': false, 'web-history': false },
  };
}

function overview(product: ProductInfo, job: JobView) {
  const ended = isGloballyTerminal(job.state);
  return {
    taskmanagers: job.workers,
    'slots-total': job.parallelism,
    'slots-available': ended ? job.parallelism : 0,
    'jobs-running': ended ? 0 : 1,
    'jobs-finished': job.state === 'FINISHED' ? 1 : 0,
    'jobs-cancelled': job.state === 'CANCELED' ? 1 : 0,
    'jobs-failed': job.state === 'FAILED' ? 1 : 0,
    'flink-version': product.version,
    'flink-commit': product.revision,
  };
}

type Params = RouteRequest['params'];

function vertexOf(job: JobView, { vertexid }: Params): VertexView {
  const vertex = job.vertices.find(({ id }) => id === vertexid);
  if (vertex === undefined) throw new RestError(404, `JobVertex ${vertexid} not found`);
  return vertex;
}

function subtaskOf(job: JobView, params: Params): { subtask: SubtaskView; index: number } {
  const { subtaskindex = '' } = params;
  const vertex = vertexOf(job, params);
  if (!DIGITS.test(subtaskindex)) throw badParameter('subtaskindex', subtaskindex);
  const subtask = vertex.subtasks[Number(subtaskindex)];
  if (subtask === undefined) throw new RestError(404, `Invalid subtask index for vertex ${vertex.id}: ${subtaskindex}`);
  return { subtask, index: Number(subtaskindex) };
}

/** Of the history, or one of the newest of each kind, which outlive it. */
function checkpointOf(job: JobView, { checkpointid = '' }: Params): CheckpointView {
  if (!DIGITS.test(checkpointid)) throw badParameter('checkpointid', checkpointid);
  const { history, latest } = job.checkpoints;
  const known = [...history, latest.completed, latest.savepoint, latest.failed];
  const view = known.find((one) => one?.id === Number(checkpointid));
  if (view === undefined)
    throw new RestError(404, `Could not find checkpointing statistics for checkpoint ${checkpointid}.`);
  return view;
}

const DIGITS = /^[0-9]{1,15}$/;

function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name);
  if (value === null) return fallback;
  if (!DIGITS.test(value))
    throw new RestError(400, `Query parameter "${name}" must be a whole number, not "${value}".`);
  return Number(value);
}

function badParameter(name: string, value: string): RestError {
  return new RestError(400, `Cannot resolve path parameter (${name}) from value "${value}".`);
}
