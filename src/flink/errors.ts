/** What can go wrong when a REST API is called. */
import { FlinkJobError } from '../lib/errors.ts';

/** Thrown when the server answered with an error. Retrying helps for 429 and 503 only. */
export class FlinkRestError extends FlinkJobError {
  readonly status: number;
  readonly url: string;
  /** The server's own words. */
  readonly errors: readonly string[];

  constructor(call: string, url: string, status: number, errors: readonly string[]) {
    const said = errors.length === 0 ? 'it gave no reason' : errors.join('; ');
    super('FLINK_REST_REFUSED', `${call} was answered ${status} by ${url}: ${said}`, {
      retryable: status === 429 || status === 503,
    });
    this.status = status;
    this.url = url;
    this.errors = errors;
  }
}

/** Thrown when no answer came: refused, reset, timed out. For a call that changes something the outcome is unknown. */
export class FlinkUnreachableError extends FlinkJobError {
  readonly url: string;

  constructor(call: string, url: string, reason: string, options: { cause?: unknown } = {}) {
    super('FLINK_REST_UNREACHABLE', `${call} got no answer from ${url}: ${reason}. Is the job running?`, {
      ...options,
      retryable: true,
    });
    this.url = url;
  }
}

/** Thrown when the answer is not what Flink's API sends: not JSON, too large, another shape. */
export class FlinkResponseError extends FlinkJobError {
  readonly url: string;

  constructor(call: string, url: string, reason: string, options: { cause?: unknown } = {}) {
    super('FLINK_REST_MALFORMED', `${call} got an answer from ${url} that cannot be used: ${reason}`, options);
    this.url = url;
  }
}

/** Thrown when an operation was carried out and failed, as a savepoint that could not be written. */
export class FlinkOperationFailedError extends FlinkJobError {
  constructor(operation: string, jobId: string, reason: string) {
    super('FLINK_OPERATION_FAILED', `${operation} of job ${jobId} failed: ${reason}`);
  }
}

/** Thrown when an operation did not end in time; it may still end, and can be polled further by its trigger id. */
export class FlinkOperationTimeoutError extends FlinkJobError {
  readonly triggerId: string;

  constructor(operation: string, jobId: string, triggerId: string, timeoutMs: number) {
    super(
      'FLINK_OPERATION_TIMEOUT',
      `${operation} of job ${jobId} did not end within ${timeoutMs} ms; it goes on under trigger ${triggerId}`,
      { retryable: true },
    );
    this.triggerId = triggerId;
  }
}
