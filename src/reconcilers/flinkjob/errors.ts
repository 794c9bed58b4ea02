/** What keeps a reconcile from going on. */
import type { Reason } from '../../api/index.ts';
import { FlinkJobError } from '../../lib/errors.ts';

/** A step failed; it is tried again. */
export class ReconcileError extends FlinkJobError {
  /** What conditions call it. */
  readonly reason: Reason;

  /** @param reason by default that it is tried again */
  constructor(
    code: 'LEDGER_REFUSED' | 'LEDGER_UNKNOWN' | 'LEFTOVER_REMOVED' | 'JOB_REPLACED',
    message: string,
    cause: unknown,
    reason: Reason = 'ProgressingWithRetry',
  ) {
    super(code, message, { cause, retryable: true });
    this.reason = reason;
  }
}

/** An object that the job needs is there, and belongs to something else. */
export class NameConflictError extends FlinkJobError {
  readonly reason: Reason = 'NameConflict';

  constructor(kind: string, key: string) {
    super(
      'NAME_CONFLICT',
      `${kind} ${key} exists already and does not belong to this FlinkJob; rename the job, or remove that object`,
      { retryable: true },
    );
  }
}
