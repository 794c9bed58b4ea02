/**
 * HTTP to one API server: pooled connections, credentials that are replaced while the process runs, and for each call the
 * one fact that decides about lost writes, whether the request was handed to a connection at all.
 *
 * Three pools, so that nobody waits behind somebody else: `requests` (bounded), `lease` (one connection, so that renewals
 * pass by a hundred slow requests) and `watches` (unbounded, since each holds its connection for minutes).
 *
 * When certificates or authorities change, new pools are made and the old ones end with their last call.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
// Of the package's index, loading the rest of it (fetch, caches, mocks, WebSocket) would be a quarter of the operator's start.
import request from 'undici/lib/api/api-request.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Clock } from '../lib/clock.ts';
import { waitFor } from '../lib/waiting.ts';
import type { ClusterConnection, Credentials } from './connection.ts';

/** Which pool carries a call. */
export type Lane = 'requests' | 'lease' | 'watches';

/** One HTTP request. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly lane: Lane;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The head goes first, and the body after so long. @default with it */
  readonly bodyAfterMs?: number;
  /** Abandons the call; a request that still waits for a connection is then never sent. */
  readonly signal: AbortSignal;
  /** Asked in the instant before the request is written to its connection; an error instead of it is not written. */
  readonly lastCheck?: () => Error | undefined;
  /** Told when the request is written. */
  readonly sent?: () => void;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer whose body comes bit by bit. Reading stops the sender while nobody reads. */
export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
  /** Cuts the connection. */
  cut(): void;
}

/** Sizes and times of the pools. */
export interface TransportOptions {
  readonly clock: Clock;
  /** Most connections for ordinary requests. @default 24 */
  readonly connections?: number;
  /** Idle connections are kept this long. @default 60000 */
  readonly keepAliveMs?: number;
  /** Credentials are asked for again after this time. @default 60000 */
  readonly credentialsMs?: number;
}

type Pools = Readonly<Record<Lane, Pool>>;

interface Session {
  readonly credentials: Credentials;
  readonly fingerprint: string;
  readonly pools: Pools;
  readonly readAt: number;
}

export class Transport {
  private readonly connection: ClusterConnection;
  private readonly options: Required<TransportOptions>;
  private session: Session | undefined;
  private refreshing: Promise<Session> | undefined;
  private isClosed = false;
  /** When a lane's connections last brought anything. */
  private readonly lastAnswer: Record<Lane, number> = { requests: 0, lease: 0, watches: 0 };
  /** Path below the server's address, for API servers behind a gateway. */
  private readonly prefix: string;
  private readonly origin: string;

  constructor(connection: ClusterConnection, options: TransportOptions) {
    this.connection = connection;
    this.options = { connections: 24, keepAliveMs: 60_000, credentialsMs: 60_000, ...options };
    const address = new URL(connection.server);
    this.origin = address.origin;
    this.prefix = address.pathname.replace(/\/$/, '');
  }

  /** Sends a request and reads the whole answer. Rejects with the connection's error, or with the signal's reason. */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const { pools, credentials } = await unlessAbandoned(this.current(), call.signal);
    return new Promise((resolve, reject) => {
      const heard = () => {
        this.lastAnswer[call.lane] = this.options.clock.monotonic();
      };
      pools[call.lane].dispatch(
        this.optionsOf(call, credentials),
        new BufferedAnswer(call, { resolve, reject, heard }),
      );
    });
  }

  /**
   * Tells that a call that was sent then got no answer in time. When nothing came back on its lane since, its idle
   * connections may be dead as well (a node that lost its power ends none of them), and the next call gets a new one.
   */
  doubt(lane: Lane, sentAt: number): void {
    const { session } = this;
    if (session === undefined || this.lastAnswer[lane] >= sentAt) return;
    const pools = { ...session.pools, [lane]: this.makePools(session.credentials)[lane] };
    this.session = { ...session, pools };
    void session.pools[lane].close().catch(() => {});
  }

  /** Sends a request and hands on the answer as it comes. */
  async open(call: HttpCall): Promise<HttpStream> {
    const { pools, credentials } = await unlessAbandoned(this.current(), call.signal);
    // Pools get this as a method from the package's index only.
    const options = { ...this.optionsOf(call, credentials), signal: call.signal };
    const answer = await request.call(pools[call.lane], options);
    // Whoever reads sees the error; without a reader it must not end the process.
    answer.body.on('error', () => {});
    return {
      status: answer.statusCode,
      headers: answer.headers,
      chunks: answer.body,
      cut: () => void answer.body.destroy(),
    };
  }

  /**
   * Asks for new credentials, after the server refused those in use. Concurrent calls share one asking. Rejects when it
   * failed, and when the signal fires first.
   */
  async renewCredentials(signal: AbortSignal): Promise<void> {
    await unlessAbandoned(this.refresh(true), signal);
  }

  /** How many connections are open, by lane. */
  get openConnections(): Readonly<Record<Lane, number>> {
    const count = (lane: Lane) => this.session?.pools[lane].stats.connected ?? 0;
    return { requests: count('requests'), lease: count('lease'), watches: count('watches') };
  }

  /** Ends every connection; calls under way fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    const session = this.session;
    this.session = undefined;
    if (session !== undefined) await Promise.all(Object.values(session.pools).map((pool) => pool.destroy()));
  }

  private async current(): Promise<Session> {
    const { session } = this;
    const isFresh =
      session !== undefined && this.options.clock.monotonic() - session.readAt < this.options.credentialsMs;
    return isFresh ? session : this.refresh(false);
  }

  private refresh(fresh: boolean): Promise<Session> {
    this.refreshing ??= this.readCredentials(fresh).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async readCredentials(fresh: boolean): Promise<Session> {
    const credentials = await this.connection.credentials(fresh);
    if (this.isClosed) throw new Error('the client is closed');
    const fingerprint = fingerprintOf(credentials);
    const before = this.session;
    const isSame = before?.fingerprint === fingerprint;
    const pools = isSame ? before.pools : this.makePools(credentials);
    this.session = { credentials, fingerprint, pools, readAt: this.options.clock.monotonic() };
    // Calls under way, watches above all, may end on the connections they have.
    if (before !== undefined && !isSame)
      for (const pool of Object.values(before.pools)) void pool.close().catch(() => {});
    return this.session;
  }

  private makePools(credentials: Credentials): Pools {
    const { ca, cert, key, servername, verifiesServer } = credentials;
    const hasOwnTrust = ca !== undefined || cert !== undefined || key !== undefined;
    const common = {
      allowH2: false,
      keepAliveTimeout: this.options.keepAliveMs,
      // A server's own hint must not keep a connection longer than we are sure of it.
      keepAliveMaxTimeout: this.options.keepAliveMs,
      // Deadlines belong to calls, not to pools.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        // Read once for all connections, each of which would read them by itself.
        ...(hasOwnTrust && {
          secureContext: createSecureContext({
            ...(ca !== undefined && { ca }),
            ...(cert !== undefined && { cert }),
            ...(key !== undefined && { key }),
          }),
        }),
        ...(servername !== undefined && { servername }),
        rejectUnauthorized: verifiesServer,
        keepAlive: true,
        keepAliveInitialDelay: 30_000,
        timeout: 10_000,
      },
    };
    return {
      requests: new Pool(this.origin, { ...common, connections: this.options.connections }),
      lease: new Pool(this.origin, { ...common, connections: 1 }),
      watches: new Pool(this.origin, { ...common, connections: null }),
    };
  }

  /** White space before JSON says nothing; with it the head is sent. */
  private bodyOf({ bodyAfterMs, signal }: HttpCall, body: string): string | Readable {
    if (bodyAfterMs === undefined) return body;
    const { clock } = this.options;
    return Readable.from(
      (async function* () {
        yield ' ';
        await waitFor(clock, bodyAfterMs, signal);
        yield body;
      })(),
      { objectMode: false },
    );
  }

  private optionsOf(call: HttpCall, credentials: Credentials): Dispatcher.DispatchOptions {
    return {
      path: `${this.prefix}${call.path}`,
      method: call.method,
      headers: { ...call.headers, ...credentials.headers },
      ...(call.body !== undefined && { body: this.bodyOf(call, call.body) }),
      // A request is never sent twice behind the caller's back.
      idempotent: false,
    };
  }
}

interface AnswerListener {
  resolve(answer: HttpAnswer): void;
  reject(error: unknown): void;
  /** The server has begun to answer. */
  heard(): void;
}

/** Collects one answer. Settles at once when the call is abandoned, also while it waits for a connection. */
class BufferedAnswer implements Dispatcher.DispatchHandler {
  private readonly call: HttpCall;
  private readonly told: AnswerListener;
  private readonly abandon: () => void;
  private controller: Dispatcher.DispatchController | undefined;
  private readonly chunks: Buffer[] = [];
  private status = 0;
  private headers: IncomingHttpHeaders = {};

  constructor(call: HttpCall, told: AnswerListener) {
    this.call = call;
    this.told = told;
    this.abandon = () => {
      this.controller?.abort(asError(call.signal.reason));
      told.reject(call.signal.reason);
    };
    call.signal.addEventListener('abort', this.abandon, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    const objection = this.call.signal.aborted ? asError(this.call.signal.reason) : this.call.lastCheck?.();
    if (objection === undefined) this.call.sent?.();
    else controller.abort(objection);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.told.heard();
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.call.signal.removeEventListener('abort', this.abandon);
    this.told.resolve({
      status: this.status,
      headers: this.headers,
      body: Buffer.concat(this.chunks).toString('utf8'),
    });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.call.signal.removeEventListener('abort', this.abandon);
    this.told.reject(error);
  }
}

/** What comes of the work, or the signal's reason when it fires first: a plugin may wait for somebody who never comes. */
function unlessAbandoned<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = () => reject(asError(signal.reason));
    if (signal.aborted) abandon();
    signal.addEventListener('abort', abandon, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandon));
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** Changes when a connection made before could not be made now. Headers are sent anew with each request. */
function fingerprintOf({ ca, cert, key, servername, verifiesServer }: Credentials): string {
  const hash = createHash('sha256');
  for (const part of [ca, cert, key, servername, verifiesServer]) hash.update(String(part)).update('\0');
  return hash.digest('hex');
}
