/**
 * One HTTP call that answers JSON, held to a time and a size. The other side may be broken or hostile: redirects are not
 * followed, a body is read only up to its limit, and what is not JSON is an error that says so.
 */
import { messageOf } from '../lib/errors.ts';
import { FlinkResponseError, FlinkUnreachableError } from './errors.ts';

/** Limits and the way out, handed in. */
export interface HttpJsonOptions {
  /** @default the global fetch */
  readonly fetch?: typeof fetch;
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
  const { timeoutMs = 10_000, maxBodyBytes = 10 * 1024 * 1024 } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]);
  try {
    const response = await (options.fetch ?? fetch)(call.url, {
      method: call.method,
      signal,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    return {
      status: response.status,
      body: parse(call, response.status, await readText(call, response, maxBodyBytes)),
    };
  } catch (error) {
    if (error instanceof FlinkResponseError) throw error;
    const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    throw new FlinkUnreachableError(call.what, call.url, reason, { cause: error });
  }
}

async function readText(call: HttpJsonCall, response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the rest of the body.
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

/** What fetch says is "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : messageOf(cause);
}
