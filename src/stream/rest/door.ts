/**
 * Where requests to the process of a job come in: a listening HTTP server that holds each to limits of size and time, and
 * hands it to whoever answers now. Who that is changes when the process begins or ceases to lead.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { http } from '../../lib/http.ts';
import type { Reply } from './reply.ts';
import { RETRY_AFTER_S } from './rest-error.ts';
import { sendReply } from './service.ts';

/** Limits of a door. */
export interface DoorLimits {
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

/** Answers one request. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface DoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly limits?: Partial<DoorLimits>;
  /** Answers while nobody is attached. @default 503 */
  readonly otherwise?: RequestHandler;
}

/** What a service attaches itself to. */
export interface RestDoor {
  readonly host: string;
  /** What others reach it by: `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Hands every request to this handler from now on, until what this returns is called. */
  attach(handler: RequestHandler): () => void;
}

/** A door that listens. */
export interface OpenDoor extends RestDoor {
  readonly port: number;
  /** Takes no new connection, lets requests under way end within `graceMs`, then cuts them. @default 1000 */
  close(graceMs?: number): Promise<void>;
}

const DEFAULT_LIMITS: DoorLimits = {
  maxHeaderBytes: 16_384,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  maxConnections: 256,
};

/** Starts to listen. @throws the system's error when host and port cannot be had (EADDRINUSE, EACCES, ENOTFOUND) */
export async function openDoor(options: DoorOptions): Promise<OpenDoor> {
  const { host, clock, otherwise = nobodyThere } = options;
  const server = newServer({ ...DEFAULT_LIMITS, ...options.limits });
  let current = otherwise;
  server.on('request', (request, response) => current(request, response));
  await listening(server, host, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    url: httpUrl(host, port),
    attach(handler) {
      current = handler;
      return () => {
        if (current === handler) current = otherwise;
      };
    },
    close: (graceMs = 1_000) => closed(server, clock, graceMs),
  };
}

/** What is answered while no process of the job leads. */
export const NOBODY_LEADS: Reply = {
  status: 503,
  body: { errors: ['No process leads the job for the moment. Try again.'] },
  headers: { 'Retry-After': RETRY_AFTER_S },
};

function nobodyThere(_request: IncomingMessage, response: ServerResponse): void {
  sendReply(response, NOBODY_LEADS);
}

/** `http://host:port`, without a slash at the end. */
export function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function newServer(limits: DoorLimits): Server {
  const server = http.createServer({
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

/** Bytes that are no HTTP request never reach a handler; they are answered on the bare socket. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return;
  const status = GARBAGE[error.code ?? ''] ?? 400;
  const text = JSON.stringify({ errors: [`${http.STATUS_CODES[status] ?? 'Bad Request'}.`] });
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Bad Request'}\r\nContent-Type: application/json; charset=UTF-8\r\n` +
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

function closed(server: Server, clock: Clock, graceMs: number): Promise<void> {
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
