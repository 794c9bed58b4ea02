/**
 * Serves the job of this process over HTTP in Flink's JSON. Listens on loopback unless told otherwise, holds every
 * request to limits of size and time, and answers each error as `{"errors": […]}`.
 *
 * A browser on the same machine must not be talked into using it: on loopback only names of this machine are accepted
 * as Host (which stops DNS rebinding), and calls that change something are refused when they come from another origin.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HEX_ID } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import type { JobControl, JobView, Serving } from './job-view.ts';
import { Operations } from './operations.ts';
import type { ProductInfo, Reply, Route, RouteRequest } from './reply.ts';
import { readFields } from './request-body.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';
import { match } from './router.ts';

/** Limits of the server. */
export interface RestLimits {
  /** @default 65536 */
  readonly maxBodyBytes: number;
  /** Request line and headers together. @default 16384 */
  readonly maxHeaderBytes: number;
  /** From the first byte of a request to its last. @default 30000 */
  readonly requestTimeoutMs: number;
  /** @default 10000 */
  readonly headersTimeoutMs: number;
  /** How long an idle connection stays open. @default 5000 */
  readonly keepAliveTimeoutMs: number;
  /** @default 256 */
  readonly maxConnections: number;
}

/** What the server is made of. */
export interface RestServerOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** The facts now; asked once per request. */
  readonly view: () => Serving;
  readonly control: JobControl;
  readonly product: ProductInfo;
  readonly clock: Clock;
  readonly limits?: Partial<RestLimits>;
  /** How long the result of a savepoint or checkpoint can be asked for. @default 300000 */
  readonly keepResultsMs?: number;
  /** Told about errors that are the server's own fault, which the caller sees as 500. */
  readonly onError?: (error: unknown, request: string) => void;
}

/** A server that listens. */
export interface RestServer {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Resolves true once every result of a savepoint, stop or checkpoint was read, false after `timeoutMs`. */
  resultsRead(timeoutMs: number): Promise<boolean>;
  /** Takes no new connection, lets requests under way end within `graceMs`, then cuts them. @default 1000 */
  close(graceMs?: number): Promise<void>;
}

const DEFAULT_LIMITS: RestLimits = {
  maxBodyBytes: 65_536,
  maxHeaderBytes: 16_384,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  maxConnections: 256,
};

/** Starts to listen. @throws the system's error when host and port cannot be had (EADDRINUSE, EACCES, ENOTFOUND) */
export async function listenRest(options: RestServerOptions): Promise<RestServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const host = options.host ?? '127.0.0.1';
  const operations = new Operations({
    clock: options.clock,
    ...(options.keepResultsMs === undefined ? {} : { keepMs: options.keepResultsMs }),
  });
  const server = newServer(limits);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    answer({ ...options, limits, operations }, request, response).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, replyToError(options, request, error)),
    );
  };
  server.on('request', serve);
  await listening(server, host, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    resultsRead: (timeoutMs) => operations.allRead(timeoutMs),
    close: (graceMs = 1_000) => closed(server, operations, options.clock, graceMs),
  };
}

function newServer(limits: RestLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.requestTimeoutMs),
  });
  server.maxConnections = limits.maxConnections;
  server.on('clientError', refuseGarbage);
  return server;
}

interface Served extends RestServerOptions {
  readonly limits: RestLimits;
  readonly operations: Operations;
}

async function answer(options: Served, request: IncomingMessage, response: ServerResponse): Promise<Reply> {
  refuseForeignCallers(request, options.host ?? '127.0.0.1');
  const { method = 'GET', url = '/' } = request;
  const [rawPath = '/', ...rest] = url.split('?');
  const route = routeOf(method, rawPath);
  const fields = method === 'GET' ? new Map<string, unknown>() : await readFields(request, options.limits.maxBodyBytes);
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

function replyToError(options: RestServerOptions, request: IncomingMessage, error: unknown): Reply {
  if (error instanceof RestError)
    return { status: error.status, body: { errors: error.errors }, headers: error.headers };
  options.onError?.(error, `${request.method ?? 'GET'} ${request.url ?? '/'}`);
  return { status: 500, body: { errors: ['Internal server error. The log of the job process says more.'] } };
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
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

/** Bytes that are no HTTP request never reach a handler; they are answered on the bare socket. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return;
  const status = GARBAGE[error.code ?? ''] ?? 400;
  const text = JSON.stringify({ errors: [`${STATUS_CODES[status] ?? 'Bad Request'}.`] });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Bad Request'}\r\nContent-Type: application/json; charset=UTF-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

const GARBAGE: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server, operations: Operations, clock: Clock, graceMs: number): Promise<void> {
  operations.close();
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.setTimer(graceMs, () => server.closeAllConnections());
    server.close((error) => {
      cancelTimer();
      if (error === undefined) resolve();
      else reject(error);
    });
    server.closeIdleConnections();
  });
}
