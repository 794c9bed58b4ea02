/** An answer that is not a success, thrown by handlers and turned into Flink's `{"errors": […]}` by the server. */
import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown to answer a request with a status and words for the caller. */
export class RestError extends FlinkJobError {
  readonly status: number;
  readonly errors: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, errors: string | readonly string[], headers: Readonly<Record<string, string>> = {}) {
    const lines = typeof errors === 'string' ? [errors] : errors;
    super('REST_REQUEST_REFUSED', lines.join('; '), { retryable: status === 503 });
    this.status = status;
    this.errors = lines;
    this.headers = headers;
  }
}

/** Seconds after which a caller told 503 may come again. */
export const RETRY_AFTER_S = '1';
