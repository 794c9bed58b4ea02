/**
 * The way of a call over the network: one request, its answer bit by bit. Connections are kept for a moment and used again.
 * Not `fetch`, which takes more than twice the processor time; an operator asks hundreds of jobs, each of them seldom.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as overHttps } from 'node:https';
import { http } from '../lib/http.ts';

/** What is sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the call, its body included. */
  readonly signal: AbortSignal;
}

/** What comes back; redirects are answers like others. Who stops reading ends the call. */
export interface HttpResponse {
  readonly status: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A way to a server. Rejects when no answer begins. */
export type HttpRoute = (request: HttpRequest) => Promise<HttpResponse>;

/** Straight over the network. */
export const straight: HttpRoute = ({ url, body, ...request }) =>
  new Promise((answered, failed) => {
    const send = url.startsWith('https:') ? overHttps : http.request;
    const options: RequestOptions = request;
    const call = send(url, options, (answer: IncomingMessage) => {
      answered({ status: answer.statusCode ?? 0, chunks: answer });
    });
    call.once('error', failed);
    call.end(body);
  });
