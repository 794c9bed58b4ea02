/**
 * Answers requests about the job of this process in Flink's JSON, holds every body to a limit, and answers each error as
 * `{"errors": […]}`. Where requests come in is somebody else's affair (door.ts).
 *
 * A browser on the same machine must not be talked into using it: on loopback only names of this machine are accepted
 * as Host (which stops DNS rebinding), and calls that change something are refused when they come from another origin.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEX_ID } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import type { JobControl, JobView, Serving } from './job-view.ts';
import { Operations } from './operations.ts';
import type { ProductInfo, Reply, Route, RouteRequest } from './reply.ts';
import { readFields } from './request-body.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';
import { match } from './router.ts';

/** What the service is made of. */
export interface RestServiceOptions {
  /** Where it is listened for it. */
  readonly host: string;
  /** The facts now; asked once per request. */
  readonly view: () => Serving;
  readonly control: JobControl;
  readonly product: ProductInfo;
  readonly clock: Clock;
  /** @default 65536 */
  readonly maxBodyBytes?: number;
  /** How long the result of a savepoint or checkpoint can be asked for. @default 300000 */
  readonly keepResultsMs?: number;
  /** Told about errors that are the service's own fault, which the caller sees as 500. */
  readonly onError?: (error: unknown, request: string) => void;
}

/** Answers requests until it is closed. */
export interface RestService {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Resolves true once every result of a savepoint, stop or checkpoint was read, false after `timeoutMs`. */
  resultsRead(timeoutMs: number): Promise<boolean>;
  close(): void;
}

const MAX_BODY_BYTES = 65_536;

/** A service for the job that `view` shows. */
export function restService(options: RestServiceOptions): RestService {
  const operations = new Operations({
    clock: options.clock,
    ...(options.keepResultsMs === undefined ? {} : { keepMs: options.keepResultsMs }),
  });
  const served = { ...options, operations };
  return {
    handle: (request, response) => {
      answer(served, request, response).then(
        (reply) => sendReply(response, reply),
        (error: unknown) => sendReply(response, replyToError(options, request, error)),
      );
    },
    resultsRead: (timeoutMs) => operations.allRead(timeoutMs),
    close: () => operations.close(),
  };
}

interface Served extends RestServiceOptions {
  readonly operations: Operations;
}

async function answer(options: Served, request: IncomingMessage, response: ServerResponse): Promise<Reply> {
  refuseForeignCallers(request, options.host);
  const { method = 'GET', url = '/' } = request;
  const [rawPath = '/', ...rest] = url.split('?');
  const route = routeOf(method, rawPath);
  const fields =
    method === 'GET' ? new Map<string, unknown>() : await readFields(request, options.maxBodyBytes ?? MAX_BODY_BYTES);
  const gone = new AbortController();
  // Also fires once the answer is sent; nobody listens by then.
  response.once('close', () => gone.abort());
  const context: RouteRequest = {
    params: route.params,
    query: new URLSearchParams(rest.join('?')),
    fields,
    now: options.clock.now(),
    control: options.control,
    operations: options.operations,
    product: options.product,
    signal: gone.signal,
  };
  return carryOut(route.row, context, options.view);
}

function routeOf(method: string, rawPath: string): { row: Route; params: Record<string, string> } {
  const found = match(method, rawPath);
  switch (found.found) {
    case 'route':
      return { row: found.route, params: found.params };
    case 'nothing':
      throw new RestError(404, `Not found: ${rawPath}`);
    case 'otherMethods':
      throw new RestError(405, `${method} is not offered for ${rawPath}.`, { Allow: found.allow.join(', ') });
    case 'badEncoding':
      throw new RestError(400, `"${found.part}" in the path is not valid percent-encoding.`);
    default:
      return assertNever(found);
  }
}

function carryOut(route: Route, request: RouteRequest, view: () => Serving): Reply | Promise<Reply> {
  switch (route.scope) {
    case 'process':
      return route.handle(request);
    case 'jobs':
      return route.handle(request, servedJob(view()));
    case 'job':
      return route.handle(request, namedJob(view(), request.params.jobid ?? ''));
    default:
      return assertNever(route);
  }
}

function namedJob(serving: Serving, given: string): JobView {
  const jobId = given.toLowerCase();
  if (!HEX_ID.test(jobId)) throw new RestError(400, `Cannot resolve path parameter (jobid) from value "${given}".`);
  const job = servedJob(serving);
  if (job.jobId !== jobId) {
    throw new RestError(404, [`Job ${jobId} not found`, `Could not find Flink job (${jobId})`]);
  }
  return job;
}

function servedJob(serving: Serving): JobView {
  if (serving.status === 'serving') return serving.job;
  const why = serving.reason === 'starting' ? 'The job is being loaded.' : 'This process does not lead the job.';
  throw new RestError(503, `${why} Try again.`, { 'Retry-After': RETRY_AFTER_S });
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

function refuseForeignCallers(request: IncomingMessage, listensOn: string): void {
  const called = urlOf(`http://${request.headers.host ?? ''}`);
  if (LOOPBACK.has(listensOn) && !LOOPBACK.has(called?.hostname ?? '')) {
    throw new RestError(
      403,
      `Host "${request.headers.host ?? ''}" is not a name of this machine's loopback interface.`,
    );
  }
  const { origin } = request.headers;
  if (request.method !== 'GET' && origin !== undefined && urlOf(origin)?.host !== called?.host) {
    throw new RestError(403, `Calls that change something are refused from origin "${origin}".`);
  }
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function replyToError(options: RestServiceOptions, request: IncomingMessage, error: unknown): Reply {
  if (error instanceof RestError)
    return { status: error.status, body: { errors: error.errors }, headers: error.headers };
  options.onError?.(error, `${request.method ?? 'GET'} ${request.url ?? '/'}`);
  return { status: 500, body: { errors: ['Internal server error. The log of the job process says more.'] } };
}

/** Sends a reply, unless whoever asked is gone. */
export function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=UTF-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(text);
}
