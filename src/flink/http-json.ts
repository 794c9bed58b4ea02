/**
 * One HTTP call that answers JSON, held to a time and a size. The other side may be broken or hostile: redirects are not
 * followed, a body is read only up to its limit, and what is not JSON is an error that says so.
 */
import { messageOf } from '../lib/errors.ts';
import { FlinkResponseError, FlinkUnreachableError } from './errors.ts';
import { type HttpRequest, type HttpRoute, straight } from './http-route.ts';

/** Limits and the way out, handed in. */
export interface HttpJsonOptions {
  /** @default straight over the network */
  readonly route?: HttpRoute;
  /** For the whole call, body included. @default 10000 */
  readonly timeoutMs?: number;
  /** @default 10485760 */
  readonly maxBodyBytes?: number;
}

/** One call. */
export interface HttpJsonCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  /** Words for error messages, such as `savepoint of job x`. */
  readonly what: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Status and parsed body; an empty body is undefined. */
export interface HttpJsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** @throws FlinkUnreachableError when no whole answer came in time, FlinkResponseError for one that is not JSON or too large */
export async function callJson(call: HttpJsonCall, options: HttpJsonOptions = {}): Promise<HttpJsonAnswer> {
  const { timeoutMs = 10_000, maxBodyBytes = 10 * 1024 * 1024, route = straight } = options;
  // A timer that is cancelled: one that fires after the answer has come would make an error for nobody.
  const end = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    end.abort(new Error('too late'));
  }, timeoutMs);
  const giveUp = (): void => end.abort(call.signal?.reason);
  if (call.signal?.aborted === true) giveUp();
  call.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const { status, chunks } = await route(requestOf(call, end.signal));
    return { status, body: parse(call, status, await readText(call, chunks, maxBodyBytes)) };
  } catch (error) {
    if (error instanceof FlinkResponseError) throw error;
    const reason = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    throw new FlinkUnreachableError(call.what, call.url, reason, { cause: error });
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', giveUp);
  }
}

function requestOf({ method, url, body }: HttpJsonCall, signal: AbortSignal): HttpRequest {
  const headers = { accept: 'application/json' };
  if (body === undefined) return { method, url, headers, signal };
  const text = JSON.stringify(body);
  const described = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
  return { method, url, headers: { ...headers, ...described }, body: text, signal };
}

async function readText(call: HttpJsonCall, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop ends the call.
    if (size > maxBytes) throw new FlinkResponseError(call.what, call.url, `it is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(call: HttpJsonCall, status: number, text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FlinkResponseError(call.what, call.url, `status ${status}, not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A name with several addresses fails with one error for each. */
function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
}
