/**
 * Talks to the REST API of a job, ours or Apache Flink's. Reads check that an answer has the form that is used;
 * operations are begun with an id of the caller's choice, so that a call whose answer got lost can be repeated.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { CheckpointingStatistics } from './checkpoint-shapes.ts';
import { inWords } from './error-words.ts';
import {
  FlinkOperationFailedError,
  FlinkOperationTimeoutError,
  FlinkResponseError,
  FlinkRestError,
  FlinkUnreachableError,
} from './errors.ts';
import { callJson, type HttpJsonAnswer, type HttpJsonCall, type HttpJsonOptions } from './http-json.ts';
import type { ClusterOverview, JobDetails, JobExceptions, JobsOverview, MetricCollection } from './job-shapes.ts';
import type {
  AsyncOperationResult,
  SavepointFormat,
  SavepointInfo,
  SavepointTriggerRequest,
  StopWithSavepointRequest,
} from './operation-shapes.ts';
import type { StateAnswer } from './state-answer.ts';

/** Options of {@link FlinkClient}. */
export interface FlinkClientOptions extends HttpJsonOptions {
  /** Pauses between polls. @default the system's clock */
  readonly clock?: Clock;
}

/** Options of operations that are polled. */
export interface OperationOptions {
  readonly signal?: AbortSignal;
  /** How long to poll. @default 600000 */
  readonly timeoutMs?: number;
  /** @default 250 */
  readonly pollMs?: number;
  /** 32 hex digits. @default a random one */
  readonly triggerId?: string;
}

/** One question for keyed state. */
export interface StateQuery {
  readonly stateName: string;
  readonly key: string;
  readonly keyKind?: string;
  readonly namespace?: string;
  readonly operatorUid?: string;
}

/**
 * A client for one REST address.
 *
 * Every call throws FlinkUnreachableError when no answer came, FlinkRestError when the server refused, and
 * FlinkResponseError when the answer cannot be used.
 */
export class FlinkClient {
  readonly #base: string;
  readonly #options: FlinkClientOptions;

  /** `base` is `http://host:port`; a path in it is kept. */
  constructor(base: string, options: FlinkClientOptions = {}) {
    this.#base = base.replace(/\/+$/, '');
    this.#options = options;
  }

  overview(signal?: AbortSignal): Promise<ClusterOverview> {
    return this.#get('overview', '/overview', { 'jobs-running': 'number' }, signal);
  }

  jobs(signal?: AbortSignal): Promise<JobsOverview> {
    return this.#get('list of jobs', '/jobs/overview', { jobs: 'array' }, signal);
  }

  job(jobId: string, signal?: AbortSignal): Promise<JobDetails> {
    const shape = { jid: 'string', name: 'string', state: 'string', vertices: 'array' } as const;
    return this.#get(`job ${jobId}`, jobPath(jobId), shape, signal);
  }

  exceptions(jobId: string, signal?: AbortSignal): Promise<JobExceptions> {
    const shape = { exceptionHistory: 'object' } as const;
    return this.#get(`exceptions of job ${jobId}`, `${jobPath(jobId)}/exceptions`, shape, signal);
  }

  /** Numbers of the job: those named, else all names without values. Names that hold a comma cannot be asked for. */
  metrics(jobId: string, names: readonly string[] = [], signal?: AbortSignal): Promise<MetricCollection> {
    const query = names.length === 0 ? '' : `?get=${encodeURIComponent(names.join(','))}`;
    return this.#get(`metrics of job ${jobId}`, `${jobPath(jobId)}/metrics${query}`, {}, signal);
  }

  checkpoints(jobId: string, signal?: AbortSignal): Promise<CheckpointingStatistics> {
    const shape = { counts: 'object', latest: 'object', history: 'array' } as const;
    return this.#get(`checkpoints of job ${jobId}`, `${jobPath(jobId)}/checkpoints`, shape, signal);
  }

  /** Takes a savepoint and answers where it lies. @throws FlinkOperationFailedError, FlinkOperationTimeoutError */
  triggerSavepoint(
    jobId: string,
    request: { readonly targetDirectory?: string; readonly formatType?: SavepointFormat } = {},
    options: OperationOptions = {},
  ): Promise<string> {
    const { targetDirectory, ...rest } = request;
    const body: SavepointTriggerRequest = {
      ...rest,
      ...(targetDirectory === undefined ? {} : { 'target-directory': targetDirectory }),
    };
    return this.#savepoint('savepoint', jobId, 'savepoints', body, options);
  }

  /** Ends the job with a savepoint and answers where it lies; errors as for a savepoint. */
  stopWithSavepoint(
    jobId: string,
    request: Omit<StopWithSavepointRequest, 'triggerId'> = {},
    options: OperationOptions = {},
  ): Promise<string> {
    return this.#savepoint('stop with savepoint', jobId, 'stop', request, options);
  }

  /** Begins a savepoint and waits for nothing; the same id again is the same savepoint. */
  async beginSavepoint(jobId: string, triggerId: string, signal?: AbortSignal): Promise<void> {
    await this.#begin('savepoint', jobId, 'savepoints', { triggerId }, signal);
  }

  /** Begins to end the job with a savepoint and waits for nothing; the same id again is the same stop. */
  async beginStopWithSavepoint(jobId: string, triggerId: string, signal?: AbortSignal): Promise<void> {
    await this.#begin('stop with savepoint', jobId, 'stop', { triggerId }, signal);
  }

  /** What has become of a savepoint or a stop; FlinkRestError with status 404 when the process knows of none. */
  savepoint(jobId: string, triggerId: string, signal?: AbortSignal): Promise<AsyncOperationResult<SavepointInfo>> {
    const path = `${jobPath(jobId)}/savepoints/${triggerId}`;
    return this.#get(`savepoint of job ${jobId}`, path, { status: 'object' }, signal);
  }

  /** Begins to cancel the job. */
  async cancel(jobId: string, signal?: AbortSignal): Promise<void> {
    const what = `cancel of job ${jobId}`;
    await this.#call({ method: 'PATCH', url: `${this.#base}${jobPath(jobId)}?mode=cancel`, what, signal });
  }

  /** What the newest checkpoint asks of a program, as the server says it; null: there is none yet. Ours, not Flink's. */
  async restorePoint(jobId: string, signal?: AbortSignal): Promise<unknown> {
    const path = `${jobPath(jobId)}/checkpoints/restore-point`;
    const answer = await this.#get<{ readonly 'restore-point'?: unknown }>(
      `restore point of job ${jobId}`,
      path,
      {},
      signal,
    );
    return answer['restore-point'] ?? null;
  }

  /** Asks for one value; every situation of the job is an answer, a process that cannot be reached included. */
  async query(jobId: string, query: StateQuery, signal?: AbortSignal): Promise<StateAnswer> {
    const what = `query of state ${query.stateName} of job ${jobId}`;
    const call: HttpJsonCall = { method: 'GET', url: `${this.#base}${statePath(jobId, query)}`, what, signal };
    // The server tries for some seconds itself.
    const answer = await callJson(call, { timeoutMs: 15_000, ...this.#options }).catch((error: unknown) => {
      if (error instanceof FlinkUnreachableError && signal?.aborted !== true) return undefined;
      throw error;
    });
    if (answer === undefined) return { status: 'unavailable', reason: 'unreachable' };
    if (isStateAnswer(answer.body)) return withoutErrors(answer.body);
    if (answer.status === 503) return { status: 'unavailable', reason: 'notReady' };
    throw refusalOf(call, answer);
  }

  async #savepoint(
    operation: string,
    jobId: string,
    path: 'savepoints' | 'stop',
    body: SavepointTriggerRequest | StopWithSavepointRequest,
    options: OperationOptions,
  ): Promise<string> {
    const triggerId = options.triggerId ?? randomUUID().replaceAll('-', '');
    await this.#begin(operation, jobId, path, { ...body, triggerId }, options.signal);
    const info = await this.#poll(operation, jobId, triggerId, options);
    const cause = info['failure-cause'];
    if (info.location === undefined || info.location === null) {
      throw new FlinkOperationFailedError(
        operation,
        jobId,
        cause === undefined ? 'no cause was given' : inWords(cause),
      );
    }
    return info.location;
  }

  async #begin(
    operation: string,
    jobId: string,
    path: 'savepoints' | 'stop',
    body: SavepointTriggerRequest | StopWithSavepointRequest,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const url = `${this.#base}${jobPath(jobId)}/${path}`;
    await this.#callTwice({ method: 'POST', url, what: `${operation} of job ${jobId}`, body, signal });
  }

  async #poll(operation: string, jobId: string, triggerId: string, options: OperationOptions): Promise<SavepointInfo> {
    const { timeoutMs = 600_000, pollMs = 250, signal } = options;
    const clock = this.#options.clock ?? systemClock;
    const deadline = clock.monotonic() + timeoutMs;
    while (true) {
      signal?.throwIfAborted();
      const result = await this.savepoint(jobId, triggerId, signal);
      if (result.status.id === 'COMPLETED' && result.operation !== null) return result.operation;
      if (clock.monotonic() + pollMs > deadline) {
        throw new FlinkOperationTimeoutError(operation, jobId, triggerId, timeoutMs);
      }
      await new Promise<void>((resolve) => clock.setTimer(pollMs, resolve));
    }
  }

  /** The trigger id makes the second call the same operation, should the first have been carried out. */
  async #callTwice(call: HttpJsonCall): Promise<HttpJsonAnswer> {
    try {
      return await this.#call(call);
    } catch (error) {
      if (!(error instanceof FlinkUnreachableError) || call.signal?.aborted === true) throw error;
      return this.#call(call);
    }
  }

  async #get<T>(what: string, path: string, shape: Shape, signal?: AbortSignal): Promise<T> {
    const url = `${this.#base}${path}`;
    const { body } = await this.#call({ method: 'GET', url, what, signal });
    const wrong = misfit(body, shape);
    if (wrong !== undefined) throw new FlinkResponseError(what, url, wrong);
    return body as T;
  }

  async #call(call: HttpJsonCall): Promise<HttpJsonAnswer> {
    const answer = await callJson(call, this.#options);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(call, answer);
    return answer;
  }
}

type Shape = Readonly<Record<string, 'string' | 'number' | 'array' | 'object'>>;

function misfit(body: unknown, shape: Shape): string | undefined {
  if (typeof body !== 'object' || body === null) return 'it is not an object';
  const fields = new Map<string, unknown>(Object.entries(body));
  for (const [name, kind] of Object.entries(shape)) {
    const value = fields.get(name);
    const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    if (found !== kind) return `field "${name}" is ${found}, not ${kind}`;
  }
  return undefined;
}

function refusalOf(call: HttpJsonCall, { status, body }: HttpJsonAnswer): FlinkRestError {
  const errors = typeof body === 'object' && body !== null && 'errors' in body ? body.errors : [];
  const lines = Array.isArray(errors) ? errors.filter((line) => typeof line === 'string') : [];
  return new FlinkRestError(call.what, call.url, status, lines);
}

const ANSWERS: readonly string[] = ['found', 'notFound', 'unknownState', 'badRequest', 'failed', 'unavailable'];

function isStateAnswer(body: unknown): body is StateAnswer {
  if (typeof body !== 'object' || body === null || !('status' in body)) return false;
  return typeof body.status === 'string' && ANSWERS.includes(body.status);
}

/** The server's words beside the answer are for people. */
function withoutErrors(body: StateAnswer & { readonly errors?: unknown }): StateAnswer {
  const { errors: _, ...answer } = body;
  return answer;
}

function jobPath(jobId: string): string {
  return `/jobs/${encodeURIComponent(jobId)}`;
}

function statePath(jobId: string, { stateName, operatorUid, ...rest }: StateQuery): string {
  const operator = operatorUid === undefined ? '' : `/operators/${encodeURIComponent(operatorUid)}`;
  const parameters = new URLSearchParams(Object.entries(rest).filter(([, value]) => value !== undefined));
  return `${jobPath(jobId)}${operator}/state/${encodeURIComponent(stateName)}?${parameters}`;
}
