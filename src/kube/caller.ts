/**
 * One call to the API server from first try to last: gate, deadline, credentials, retries, and what a failure means.
 *
 *     gate open? ──► connection ──► gate still open? ──► written ──► answer
 *        │no                           │no                  │lost      ├─ 2xx: the object
 *        ▼                             ▼                    ▼          ├─ 401: new credentials, once
 *     not applied                  not applied         reads: again    ├─ 429: after what the server asks for
 *                                                      writes: unknown └─ else: ApiError
 */
import type { Clock } from '../lib/clock.ts';
import { waitFor } from '../lib/waiting.ts';
import type { WriteGate } from '../lib/write-gate.ts';
import { CallEnd } from './deadline.ts';
import { ApiError, answeredWith, KubeConfigError, notAnswered, type Status } from './errors.ts';
import { pauseBeforeNextTry, retryAfterMs } from './retry.ts';
import type { HttpAnswer, HttpCall, HttpStream, Lane, Transport } from './transport.ts';

/** What every call says. */
export interface CallOptions {
  /** Abandons the call. */
  readonly signal: AbortSignal;
  /** Over all tries, waiting for a connection included. @default 30000 */
  readonly deadlineMs?: number;
}

/** A call before it is tried. */
export interface CallPlan {
  /** For messages and metrics: `patch`, `list`, … */
  readonly verb: string;
  /** For metrics: the plural name. */
  readonly resource: string;
  /** For messages: `flights/flights-ha`. */
  readonly subject: string;
  readonly method: HttpCall['method'];
  readonly path: string;
  readonly lane: Lane;
  readonly body?: object;
  /** See `WriteOptions`. */
  readonly bodyAfterMs?: number | undefined;
  readonly contentType?: string;
  /** @default application/json */
  readonly accept?: string | undefined;
  /** Whether the gate is asked. Lease and event traffic is not gated. */
  readonly isGated: boolean;
}

/** One try that ended, for metrics and debug logs; never bodies or headers. */
export interface CallRecord {
  readonly verb: string;
  readonly resource: string;
  /** HTTP status, or undefined when there was no answer. */
  readonly status: number | undefined;
  readonly durationMs: number;
}

/** What a caller is made of. */
export interface CallerParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly userAgent: string;
  readonly observe: (record: CallRecord) => void;
  readonly gate?: WriteGate | undefined;
}

const DEFAULT_DEADLINE_MS = 30_000;

export class Caller {
  readonly parts: CallerParts;

  constructor(parts: CallerParts) {
    this.parts = parts;
  }

  /** The answer's JSON. Throws ApiError. */
  async json<T>(plan: CallPlan, options: CallOptions): Promise<T> {
    const gate = plan.isGated ? this.parts.gate : undefined;
    const leftMs = gate?.remainingMs() ?? Number.POSITIVE_INFINITY;
    if (leftMs <= 0 || gate?.closed.aborted === true) throw refusedByGate(plan);
    const deadlineMs = Math.min(options.deadlineMs ?? DEFAULT_DEADLINE_MS, leftMs);
    const { clock } = this.parts;
    using end = new CallEnd({ clock, signal: options.signal, deadlineMs, gate: gate?.closed });
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.tryOnce<T>(plan, end, gate);
      } catch (error) {
        if (!(await this.mayTryAgain(plan, error, tries, end))) throw error;
      }
    }
  }

  /** Does what has to come before another try, if there is to be one. */
  private async mayTryAgain(plan: CallPlan, error: unknown, tries: number, end: CallEnd): Promise<boolean> {
    if (!(error instanceof ApiError)) return false;
    if (error.isUnauthorized && tries === 1) {
      return this.isRenewed(end.signal);
    }
    const { remainingMs } = end;
    const facts = { error, isWrite: isWrite(plan), tries, remainingMs, random: this.parts.random() };
    const pause = pauseBeforeNextTry(facts);
    if (pause === undefined) return false;
    await waitFor(this.parts.clock, pause, end.signal);
    return !end.signal.aborted;
  }

  /** Whether there are new credentials; false when the call ended before. Throws when there are none to be had. */
  private async isRenewed(signal: AbortSignal): Promise<boolean> {
    try {
      await this.parts.transport.renewCredentials(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  /** An answer that goes on, for a watch; tried once. Throws ApiError unless the status is 200. */
  async stream(plan: CallPlan, options: CallOptions): Promise<HttpStream> {
    const { clock } = this.parts;
    const stream = await this.open(plan, options);
    const { status, headers } = stream;
    if (status === 200) return stream;
    const body = await whole(stream, clock);
    if (status === 401) {
      using renewal = new CallEnd({ clock, signal: options.signal, deadlineMs: DEFAULT_DEADLINE_MS });
      await this.isRenewed(renewal.signal);
    }
    throw this.failure(plan, { status, headers, body });
  }

  /** An answer of any status, as it comes; tried once. Throws ApiError when there is none. */
  async open(plan: CallPlan, options: CallOptions): Promise<HttpStream> {
    const { clock, observe, transport } = this.parts;
    const opening = new CallEnd({
      clock,
      signal: options.signal,
      deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    });
    const started = clock.monotonic();
    let stream: HttpStream;
    try {
      // The deadline is for the opening only: disposed of afterwards, the signal no longer ends the stream.
      stream = await transport.open(this.httpCall(plan, opening.signal));
    } catch (cause) {
      if (cause instanceof KubeConfigError) throw cause;
      observe({ verb: plan.verb, resource: plan.resource, status: undefined, durationMs: clock.monotonic() - started });
      throw notAnswered(callName(plan), cause, { isWrite: false, wasSent: true, why: opening.reason ?? 'failed' });
    } finally {
      opening[Symbol.dispose]();
    }
    observe({
      verb: plan.verb,
      resource: plan.resource,
      status: stream.status,
      durationMs: clock.monotonic() - started,
    });
    return stream;
  }

  private async tryOnce<T>(plan: CallPlan, end: CallEnd, gate: WriteGate | undefined): Promise<T> {
    const { clock, observe, transport } = this.parts;
    const started = clock.monotonic();
    let wasSent = false;
    let isRefusedByGate = false;
    let answer: HttpAnswer | undefined;
    try {
      answer = await transport.send({
        ...this.httpCall(plan, end.signal),
        sent: () => {
          wasSent = true;
        },
        lastCheck: () => {
          isRefusedByGate = gate !== undefined && gate.remainingMs() <= 0;
          return isRefusedByGate ? new Error('the write gate is closed') : undefined;
        },
      });
      if (answer.status < 300) return objectIn<T>(answer.body);
    } catch (cause) {
      if (cause instanceof KubeConfigError) throw cause;
      const why = isRefusedByGate ? 'gate' : (end.reason ?? 'failed');
      if (why === 'deadline' && wasSent) transport.doubt(plan.lane, started);
      throw notAnswered(callName(plan), cause, { isWrite: isWrite(plan), wasSent, why });
    } finally {
      observe({
        verb: plan.verb,
        resource: plan.resource,
        status: answer?.status,
        durationMs: clock.monotonic() - started,
      });
    }
    throw this.failure(plan, answer);
  }

  private httpCall(plan: CallPlan, signal: AbortSignal): HttpCall {
    const { accept = 'application/json' } = plan;
    const headers: Record<string, string> = { accept, 'user-agent': this.parts.userAgent };
    if (plan.body !== undefined) headers['content-type'] = plan.contentType ?? 'application/json';
    const { method, path, lane, body, bodyAfterMs } = plan;
    const call = { method, path, lane, headers, signal };
    if (body === undefined) return call;
    return { ...call, body: JSON.stringify(body), ...(bodyAfterMs !== undefined && { bodyAfterMs }) };
  }

  private failure(plan: CallPlan, { status, headers, body }: HttpAnswer): ApiError {
    const said = statusOf(body);
    const asked = retryAfterMs(String(headers['retry-after'] ?? ''), this.parts.clock.now());
    const inBody = said.details?.retryAfterSeconds;
    const wait = asked ?? (inBody === undefined ? undefined : inBody * 1000);
    return answeredWith(callName(plan), status, said, { isWrite: isWrite(plan), retryAfterMs: wait });
  }
}

function callName({ verb, resource, subject }: CallPlan): string {
  return subject === '' ? `${verb} ${resource}` : `${verb} ${resource} ${subject}`;
}

function isWrite({ method }: CallPlan): boolean {
  return method !== 'GET';
}

function refusedByGate(plan: CallPlan): ApiError {
  return notAnswered(callName(plan), undefined, { isWrite: true, wasSent: false, why: 'gate' });
}

/** A proxy in between, or another server, may answer with something else. Everything but the version has metadata. */
function objectIn<T>(body: string): T {
  const answer = JSON.parse(body) as { metadata?: unknown; gitVersion?: unknown } | null;
  if (answer?.metadata instanceof Object || answer?.gitVersion !== undefined) return answer as T;
  throw new Error('it is no object of Kubernetes');
}

/** A proxy in between may answer with something else than a Status. */
function statusOf(body: string): Status {
  try {
    const parsed = JSON.parse(body) as Status;
    if (typeof parsed === 'object' && parsed !== null && parsed.kind === 'Status') return parsed;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return { message: body.slice(0, 300) };
}

/** The body of an answer that refuses a watch; a server that does not end it is cut off. */
async function whole(stream: HttpStream, clock: Clock): Promise<string> {
  const parts: Buffer[] = [];
  const cancel = clock.setTimer(5_000, () => stream.cut());
  try {
    for await (const chunk of stream.chunks) parts.push(chunk);
  } catch {
    // What came until then is enough for a message.
  } finally {
    cancel();
  }
  return Buffer.concat(parts).toString('utf8');
}
