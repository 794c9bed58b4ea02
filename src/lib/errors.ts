/**
 * The root of every error this product throws on purpose. The message says what failed, on which object, why, and what
 * to do next; `code` is listed in docs/errors.md, and a test holds the two together.
 */
export class FlinkJobError extends Error {
  readonly code: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errors of a cause chain, outermost first; a cycle ends it. */
export function causeChain(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let next = error; next !== undefined && !chain.includes(next); next = (next as { cause?: unknown }).cause) {
    chain.push(next);
    if (next === null || typeof next !== 'object') break;
  }
  return chain;
}
